"""`python -m incrsim` is the program `incrsim`."""

from incrsim.cli import main

if __name__ == "__main__":
    main()
