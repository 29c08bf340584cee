"""The server: one handler for all dialects, and what goes wrong on the way.

Faults, by number of request from 1:

| kind | what the client sees |
|---|---|
| `answer` | `status`, `headers`, `body` as given |
| `cut` | half of the true answer, then the connection is closed |
| `drop` | the connection is closed without an answer |
| `broken` | half of the true answer, as if it were whole |
| `hang` | nothing, until the client gives up |
| `drip` | the true answer, so slowly that it never ends |
| `add` | the true answer, with `headers` |
"""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.providers.server import github, json_apis, kubernetes
from tests.providers.server.world import Reply, Request, World

CONTROL = "/__control"


class Server(ThreadingHTTPServer):
    """Serves one world on loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.world = World()
        self.lock = threading.Lock()
        self.renewed = threading.Event()

    def control(self, given: dict[str, Any] | None) -> dict[str, Any]:
        """Change the world as a test says, and tell what was asked of it."""
        with self.lock:
            if given and given.pop("reset", False):
                self.world = World()
                self.renewed.set()
                self.renewed = threading.Event()
            self.world.change(given or {})
            return {"log": self.world.log, "now": self.world.now}

    def reply(self, request: Request) -> tuple[Reply, dict[str, Any]]:
        """The answer to a request, and its fault."""
        with self.lock:
            world = self.world
            authorized = not world.token or request.headers.get("authorization") == f"Bearer {world.token}"
            entry: dict[str, Any] = {"method": request.method, "path": request.path, "query": request.query}
            world.log.append(entry)
            fault = world.faults.get(str(len(world.log)), {})
            if fault.get("kind") == "answer":
                reply = Reply(fault["status"], fault.get("body", ""), fault.get("headers", {}))
            else:
                reply = self._true(request, authorized=authorized)
                reply.headers |= world.limits() | fault.get("headers", {})
            reply.headers["Date"] = world.date(world.now)
            entry |= {"host": request.headers["host"], "authorized": authorized, "status": reply.status}
            return reply, fault

    def _true(self, request: Request, *, authorized: bool) -> Reply:
        world = self.world
        if request.path == "/graphql":
            # docs.github.com, "Getting started with the REST API", "Bad credentials".
            return (
                github.graphql(world, request)
                if authorized
                else Reply(401, {"message": "Bad credentials", "status": "401"})
            )
        if request.path.startswith(("/api/", "/apis/")):
            if not authorized:
                return kubernetes.status(401, "Unauthorized", "Unauthorized")
            if request.path in world.denied:
                message = (
                    f'{request.path} is forbidden: User "system:serviceaccount:default:default" cannot list resource'
                )
                return kubernetes.status(403, "Forbidden", message)
            return kubernetes.listing(world, request)
        if not authorized:
            return Reply(401, {"error": "no valid token"}, {"WWW-Authenticate": "Bearer"})
        if request.path in world.denied:
            return Reply(403, {"error": "not with this token"})
        if not world.spend():
            return Reply(429, {"error": "too many requests"}, self._wait())
        route = json_apis.ROUTES.get(request.path)
        return route(world, request) if route else Reply(404, {"error": "no such path"})

    def _wait(self) -> dict[str, str]:
        """RFC 6585, 4, and RFC 9110, 10.2.3."""
        wait = int(self.world.resets_at - self.world.now)
        forms = {"seconds": str(wait), "date": self.world.date(self.world.resets_at)}
        return {"Retry-After": forms[self.world.retry_after]} if self.world.retry_after in forms else {}


class Handler(BaseHTTPRequestHandler):
    """Reads a request, and writes its answer or a part of it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the client's acknowledgment
    server: Server

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the base class
        """Say nothing: a test asks the control route."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if parts.path == CONTROL:
            self._write(Reply(200, self.server.control(json.loads(body) if body else None)))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        origin = f"http://{headers['host']}"
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        reply, fault = self.server.reply(Request(self.command, parts.path, query, headers, body, origin))
        with contextlib.suppress(ConnectionError):  # a client may have had enough
            self._write(reply, fault.get("kind", ""))

    def _write(self, reply: Reply, kind: str = "") -> None:
        content = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
        self.close_connection = kind in ("cut", "drop", "hang", "drip")
        if kind == "hang":
            self.server.renewed.wait(5)
        if kind in ("drop", "hang"):
            return
        half = content[: len(content) // 2]
        whole = half if kind == "broken" else content
        self.send_response_only(reply.status)
        for name, value in ({"Content-Type": "application/json"} | reply.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        if kind == "drip":
            self._drip(content)
        else:
            self.wfile.write(half if kind == "cut" else whole)

    def _drip(self, content: bytes) -> None:
        for at in range(len(content)):
            self.wfile.write(content[at : at + 1])
            if self.server.renewed.wait(0.02):
                return
