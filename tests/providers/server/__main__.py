"""`python -m tests.providers.server`: prints its port, and serves until its standard input ends."""

import sys
import threading

from tests.providers.server.serving import Server

if __name__ == "__main__":
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()  # ends with the process that started us, however that ends
