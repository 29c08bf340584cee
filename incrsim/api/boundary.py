"""What a request goes through before it is looked at: the Host header, the size of its body, its path (C-36)."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from incrsim.api.problem import Problem, answer

LARGEST_BODY = 10_000_000
"""Bytes that a request's body may have."""


class Boundary:
    """Refuses what is not meant for us or too large, before anything else looks at it.

    A web page that makes its name point here (DNS rebinding) sends that name as Host, and is refused.

    Args:
        app: what is behind it.
        names: what a Host header may name, lower-cased.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _name(headers.get("host", "")) not in self._names:
            told = "this name is not served here; call it by a loopback name, or add the name to the allowed hosts"
            await answer(421, told)(scope, receive, send)
            return
        if _length(headers) > LARGEST_BODY:
            await answer(413, _TOO_LARGE)(scope, receive, send)
            return
        # Segments are decoded after routing, so that a provider's name may hold a slash (C-1).
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        await self._app({**scope, "path": path}, _counted(receive), send)


_TOO_LARGE = f"the body has more than {LARGEST_BODY:,} bytes; send less"


def _name(host: str) -> str:
    """A Host header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _length(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() else 0


def _counted(receive: Receive) -> Receive:
    """A body that comes in chunks has no length in front of it."""
    received = 0

    async def counting() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > LARGEST_BODY:
            raise Problem(413, _TOO_LARGE)
        return message

    return counting


class _Segment(Convertor[str]):
    """A piece of a path, as it was before it was encoded; what is not UTF-8 names nothing."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value, errors="replace")

    def to_string(self, value: str) -> str:
        raise NotImplementedError  # no route is ever asked for its URL


register_url_convertor("segment", _Segment())
