"""`python -m tests.soak [SECONDS]`: a soak on a Postgres of its own."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from incrsim.store.embedded import start
from incrsim.store.postgres import PostgresStore
from tests.conftest import SERVER_SETTINGS
from tests.soak.soaking import soak


def main() -> int:
    """Soak, say what was seen, and return the exit code."""
    seconds = float(sys.argv[1]) if sys.argv[1:] else 60.0
    with tempfile.TemporaryDirectory(prefix="incrsim-soak-") as name:
        directory = Path(name)
        directory.chmod(0o711)  # when we are root, the server runs as somebody else
        with start(directory / "data", settings=SERVER_SETTINGS) as server:
            PostgresStore.open(server.url).close()
            soaked = soak(server.url, directory, seconds)
    print(soaked)
    return 1 if soaked.findings else 0


sys.exit(main())
