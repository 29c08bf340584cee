"""A small HTTP server on loopback, which is gone without a trace when it is closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from socketserver import TCPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from incrsim.simulation.served.wires import Request

_LOOPBACK = "127.0.0.1"
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers.

    Args:
        status: of HTTP.
        body: JSON.
        headers: beside those that describe the body.
        is_cut: whether the connection ends in the middle of the body.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False


class LoopbackServer(ThreadingHTTPServer):
    """Serves on a free port until it is closed.

    Args:
        reply: answers a request.
        now: the time that answers carry.
    """

    daemon_threads = True

    def __init__(self, reply: Callable[[Request], Reply], now: Callable[[], datetime]) -> None:
        super().__init__((_LOOPBACK, 0), _Handler)
        self.reply = reply
        self.now = now
        self.address = f"http://{_LOOPBACK}:{self.server_port}"
        self._connections: list[tuple[Thread, socket]] = []
        self._thread = Thread(target=self.serve_forever, args=[_POLL_SECONDS], name="incrsim source", daemon=True)
        self._thread.start()

    def server_bind(self) -> None:
        """Take a port. `HTTPServer` would ask a name server for its own name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]  # typeshed has bytes there as well

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection on a thread of its own: a client may keep several open."""
        thread = Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        self._connections = [each for each in self._connections if each[0].is_alive()]
        self._connections.append((thread, request))
        thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's trouble."""

    def close(self) -> None:
        """End all connections; no thread of the server is left."""
        self.shutdown()
        self.server_close()
        self._thread.join()
        for thread, connection in self._connections:
            with suppress(OSError):  # closed already
                connection.shutdown(SHUT_RDWR)
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: LoopbackServer
    protocol_version = "HTTP/1.1"
    # One packet an answer: between two of them a client's delayed acknowledgement may take 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer."""
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        self._send(self.server.reply(Request(self.server.address, self.command, url.path, query, body)))

    do_POST = do_GET  # noqa: N815 -- likewise

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(reply.body)), **reply.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) // 2] if reply.is_cut else reply.body)
        self.close_connection |= reply.is_cut

    def version_string(self) -> str:
        """What the server calls itself: the same on every machine."""
        return "incrsim"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The time by the source's clock: what a client computes with when it is told to retry after some seconds."""
        return format_datetime(self.server.now(), usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- called so by `http.server`
        """Say nothing."""
