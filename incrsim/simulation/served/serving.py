"""A source behind a real HTTP API on loopback, for providers that are to run unmodified, in simulation and live.

Everything that may happen to the source's answers is decided by its weather, here as in `FakeSource.next`, and shown as
HTTP has it: 503, 429 with `Retry-After` and `X-RateLimit-Reset`, 410, or a body that ends in the middle.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

from incrsim.clock import SystemClock
from incrsim.errors import shortened
from incrsim.simulation.served.http import LoopbackServer, Reply
from incrsim.simulation.served.wires import WIRES, BadRequest, Question, Request, Totals, Wire
from incrsim.simulation.weather import AskedSource, Cut, RateLimit, SourcePage, SourceTrouble, TokenExpired


class ServedSource(AskedSource, Protocol):
    """A source that can be served.

    Attributes:
        addresses: where it is served now, by the way of paging.
    """

    addresses: dict[str, str]

    def ask(self, cursor: Any, dialect: str, size: int | None = None) -> SourcePage:
        """What it answers in the weather that there is."""

    def answer(self, cursor: Any, dialect: str, size: int | None = None) -> SourcePage:
        """What it would answer in calm weather."""


@contextmanager
def serve(source: ServedSource, paging: str) -> Iterator[str]:
    """Serve a source until the context is left.

    Args:
        source: which one.
        paging: the way of its pages, one of `WIRES`.

    Yields:
        The API's address, without a path.

    Raises:
        ValueError: there is no such way, or the source is served in it already.
        Exception: what the source's weather raised though it is no `SourceTrouble`; clients have seen a 500.
    """
    if paging not in WIRES:
        raise ValueError(f"serve({paging!r}): write one of {', '.join(WIRES)}")
    if paging in source.addresses:
        raise ValueError(f"serve({paging!r}): it is served already, at {source.addresses[paging]}")
    desk = _Desk(source, WIRES[paging])
    server = LoopbackServer(desk.reply, desk.now)
    source.addresses[paging] = server.address
    try:
        yield server.address
    finally:
        del source.addresses[paging]
        server.close()
    if desk.failure is not None:
        raise desk.failure


def masked(value: Any, addresses: Mapping[str, str]) -> Any:
    """A JSON value in which each address of a served source is replaced by one that is the same in every run (C-41).

    Args:
        value: such as a cursor, or a text.
        addresses: of the source.
    """
    hosts = {urlsplit(address).netloc: _mask(paging) for paging, address in addresses.items()}
    return _replaced(value, hosts)


def unmasked(value: Any, addresses: Mapping[str, str]) -> Any:
    """The value that `masked` was given, for the addresses that the source has now.

    Args:
        value: what `masked` returned, in this run or an earlier one.
        addresses: of the source.
    """
    hosts = {_mask(paging): urlsplit(address).netloc for paging, address in addresses.items()}
    return _replaced(value, hosts)


class _Desk:
    """Answers requests.

    Args:
        source: whom they are for.
        wire: how they are written.
    """

    def __init__(self, source: ServedSource, wire: Wire) -> None:
        self.failure: Exception | None = None
        self._source = source
        self._wire = wire
        self._lock = Lock()

    def now(self) -> datetime:
        """By the source's clock, so that a limit that resets in virtual time is told in virtual time."""
        return (self._source.clock or SystemClock()).now()

    def reply(self, request: Request) -> Reply:
        """Answer a request; one after the other, as the source is not made for threads."""
        if request.path != self._wire.path:
            return _error(404, f"there is only {self._wire.path}")
        if request.method != self._wire.method:
            return _error(405, f"write {self._wire.method}", {"Allow": self._wire.method})
        with self._lock:
            try:
                return self._reply(request, self._wire.question(request))
            except BadRequest as wrong:
                return _error(400, str(wrong))
            except Exception as error:  # noqa: BLE001 -- whatever it is belongs to who serves, not to this thread
                self.failure = self.failure or error
                return _error(500, f"the source's weather failed: {shortened(error)}")

    def _reply(self, request: Request, question: Question) -> Reply:
        asked = (question.cursor, self._wire.dialect, question.size)
        try:
            return self._shown(self._source.ask(*asked), request, question)
        except Cut:
            return self._shown(self._source.answer(*asked), request, question, is_cut=True)
        except TokenExpired:
            return _error(410, "the cursor has expired")
        except RateLimit as limit:
            return self._limited(limit)
        except SourceTrouble as trouble:
            return _error(503, shortened(trouble))

    def _shown(self, page: SourcePage, request: Request, question: Question, *, is_cut: bool = False) -> Reply:
        size = min(question.size or self._source.page_size, self._source.page_size)
        shown = self._wire.shown(page, request, Totals(size, len(self._source)))
        return Reply(200, orjson.dumps(shown.body), shown.headers, is_cut)

    def _limited(self, limit: RateLimit) -> Reply:
        # Rounded up: a client that waits as long as it is told finds the limit reset.
        wait = max(timedelta(0), limit.until - self.now())
        headers = {
            "Retry-After": str(ceil(wait.total_seconds())),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(ceil(limit.until.timestamp())),
        }
        return _error(429, str(limit), headers)


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, orjson.dumps({"error": message}), headers or {})


def _mask(paging: str) -> str:
    return f"{paging}.source.simulated"


def _replaced(value: Any, hosts: Mapping[str, str]) -> Any:
    if not hosts:
        return value
    # Not where a longer port or name begins alike.
    pattern = re.compile("|".join(rf"\b{re.escape(host)}\b" for host in hosts))
    return _walked(value, partial(pattern.sub, lambda found: hosts[found.group()]))


def _walked(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_walked(item, change) for item in value]
    if isinstance(value, dict):
        return {change(key): _walked(item, change) for key, item in value.items()}
    return value
