"""Engines that drive sound stores wrongly, each made out of a sound one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from math import inf
from typing import Any

from incrsim import events
from incrsim.engine import Engine
from incrsim.host import BurstSession
from incrsim.ingestion import Consequence, Failure
from incrsim.provider import Page
from incrsim.testing.mutants.mutant import breaks


class _Wrapped:
    """Does what another object does, but for what a subclass says.

    Args:
        other: the other one.
    """

    def __init__(self, other: Any) -> None:
        self._other = other

    def __getattr__(self, name: str) -> Any:
        return getattr(self._other, name)


# --- bursts -----------------------------------------------------------------------------------------------------------


class _StandsStill(_Wrapped):
    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return 0.0


@breaks("C-16")
def never_ends_a_burst(engine: Engine) -> Engine:
    """A burst goes on to the end of the source, whatever `burst_length` says."""
    clock: Any = _StandsStill(engine.clock)
    return replace(engine, clock=clock)


@breaks("C-16")
def ends_bursts_at_once(engine: Engine) -> Engine:
    """A burst reads one page, however long it may last."""
    return replace(engine, stopping=lambda: True)


class _Patient(_Wrapped):
    def begin(self, provider: Any, timeout: float) -> BurstSession:
        """See `Host.begin`."""
        session: BurstSession = self._other.begin(provider, inf)
        return session


@breaks("C-16")
def waits_without_limit(engine: Engine) -> Engine:
    """`page_timeout` is not kept: what a provider returns after it is committed."""
    host: Any = _Patient(engine.host)
    return replace(engine, host=host)


class _Swallows(_Wrapped):
    def next(self, context: Any, cursor: Any = None) -> Page:
        """The other one's page, or a last one."""
        try:
            page: Page = self._other.next(context, cursor)
        except Exception:  # noqa: BLE001 -- the flaw
            return Page(done=True)
        return page


@breaks("C-16")
def takes_errors_for_the_end(engine: Engine) -> Engine:
    """A provider's error is taken for a last, empty page, which it never returned."""
    return replace(engine, provider=_Swallows(engine.provider))


class _Forgetful(_Wrapped):
    def __init__(self, other: Any) -> None:
        super().__init__(other)
        self._first = True

    def around(self) -> AbstractContextManager[Any]:
        """The other one's context."""
        self._first = True
        manager: AbstractContextManager[Any] = self._other.around()
        return manager

    def next(self, context: Any, cursor: Any = None) -> Page:
        """The other one's page; in each burst the first one first."""
        first, self._first = self._first, False
        page: Page = self._other.next(context, None if first else cursor)
        return page


@breaks("C-10")
def begins_each_burst_anew(engine: Engine) -> Engine:
    """Each burst asks for the first page again, and not for the one behind the last committed one."""
    return replace(engine, provider=_Forgetful(engine.provider))


# --- failures ---------------------------------------------------------------------------------------------------------


@breaks("C-17")
class RetriesTheFatal(Engine):
    """An error that no retry can mend is retried."""

    def _failure(self, work: Any, error: Exception) -> Failure:
        failure = super()._failure(work, error)
        fatal = failure.consequence is Consequence.FATAL
        return replace(failure, consequence=Consequence.RETRY) if fatal else failure


@breaks("C-17")
class ReadsErrorsByTheirText(Engine):
    """What an error does is read off its text: whatever speaks of a connection starts over."""

    def _failure(self, work: Any, error: Exception) -> Failure:
        failure = super()._failure(work, error)
        starts_over = "connection" in failure.message
        return replace(failure, consequence=Consequence.CURSOR_EXPIRED) if starts_over else failure


@breaks("C-18")
class BlamesTheNextPage(Engine):
    """A failure names the page after the one that was asked for."""

    def _failure(self, work: Any, error: Exception) -> Failure:
        failure = super()._failure(work, error)
        return replace(failure, page=None if failure.page is None else failure.page + 1)


# --- leases -----------------------------------------------------------------------------------------------------------


@breaks("C-10", "C-37")
class TakesOverWhateverIsThere(Engine):
    """Before it commits a page, a replica takes the fence that is there, whoever's it is."""

    def _commit(self, work: Any, page: Page) -> Iterator[events.Event]:
        work.lease = replace(work.lease, fence=self.store.state(self.name).fence)
        yield from super()._commit(work, page)


@breaks("C-10", "C-16")
class CommitsTheSamePageAgain(Engine):
    """A page is committed a second time, as the one after it."""

    def _commit(self, work: Any, page: Page) -> Iterator[events.Event]:
        yield from super()._commit(work, page)
        if not page.done:
            yield from super()._commit(work, page)
