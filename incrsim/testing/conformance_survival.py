"""What comes of a burst that ends in the middle."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import Any

from incrsim.errors import StoreUnavailable
from incrsim.host import BurstSession
from incrsim.preview_values import Preview
from incrsim.testing.conformance_seen import Seen, failed, passed, raised
from incrsim.testing.conformance_subject import Held, Subject, places

_CLOSED = ("closed", "is_closed")
"""What files, connections and clients call it when they are closed."""


def survives(subject: Subject) -> Seen:
    """A burst that ends with an error of the engine's after its first page, and another one."""
    difference = subject.compared(lambda reading: _interrupted(subject, reading))
    goes_on = f"page {min(2, len(subject.reading.pages))}"
    return passed(f"left, and the next burst went on with {goes_on}") if difference is None else failed(difference)


def _interrupted(subject: Subject, reading: Preview) -> str | None:
    """One instance throughout, since in one process it is one."""
    provider = _Watched(subject.fresh())
    place = places(reading)[:2][-1]
    try:
        _end_badly(subject.begin(provider))
        badly = provider.closed()
        with subject.burst(provider) as session:
            differs = Held.by(session.fetch(place.cursor)).differs_from(Held.by(place.page))
    except Exception as error:  # noqa: BLE001  # a provider may raise anything
        differs = raised(error)
    else:
        if provider.closed() and not badly:
            return "its context was closed after a burst that went well, and not after one that ended with an error"
    return None if differs is None else f"page {place.page.number}, in the burst after one with an error, {differs}"


def _end_badly(session: BurstSession) -> None:
    """A burst of one page; what goes wrong when its context is left comes out."""
    try:
        session.enter()
        session.fetch(None)
    except BaseException as error:
        with suppress(Exception):
            session.leave(error)
        raise
    session.leave(StoreUnavailable("the database went away, as far as this check is concerned"))


class _Watched:
    """A provider whose context can be looked at."""

    def __init__(self, provider: Any) -> None:
        self.name = provider.name
        self.around = provider.around
        self.next = self._next_async if inspect.iscoroutinefunction(provider.next) else self._next
        self._provider = provider
        self._context: Any = None

    def closed(self) -> bool:
        """Whether the last context says that it is closed."""
        return any(getattr(self._context, word, False) is True for word in _CLOSED)

    def _next(self, context: Any, cursor: Any = None) -> Any:
        self._context = context
        return self._provider.next(context, cursor)

    async def _next_async(self, context: Any, cursor: Any = None) -> Any:
        self._context = context
        return await self._provider.next(context, cursor)
