"""One provider's tick, as steps: claim, read a burst of pages, sweep (architecture, decision 2).

`tick` is a generator of events: between two of them anything may happen, a crash included, and none is yielded with a
transaction open. Whoever drives it decides when the next step is taken: a live worker at once, a simulation in the
order of its schedule, or never.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from incrsim import events
from incrsim.clock import Clock
from incrsim.cursor import canonical_cursor, read_cursor
from incrsim.draft import draft_page
from incrsim.errors import CursorExpired, FatalError, Fenced, RateLimited, StoreError
from incrsim.errors_text import escaped, text_of
from incrsim.host import BurstSession, Host
from incrsim.ingestion import Consequence, Failure, Ingestion, Status
from incrsim.lifecycle import Decision
from incrsim.logs import about
from incrsim.options import ProviderOptions
from incrsim.provider import Page
from incrsim.sinks.courier import Delivering, NoSinks
from incrsim.store import Store
from incrsim.store.contract import Granted, Held, Lease, NotDue, Paused

log = logging.getLogger("incrsim.engine")

PAUSED_WAIT = 1.0
"""Seconds after which a paused provider is looked at again, should nobody say that it was resumed (C-33)."""

SINK_WAIT = timedelta(seconds=5)
"""How long a burst waits at least after one that a failing sink has ended (C-12)."""

STUCK_WAIT = 1.0
"""Seconds after which a provider with a stuck thread is looked at again (C-16)."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What a tick needs.

    Args:
        provider: the provider, checked.
        options: its options.
        store: where it is kept.
        clock: for burst lengths and the instants of events.
        host: where its code runs.
        holder: the name of this replica.
        stopping: asked at each page boundary; the burst ends early when it says yes.
        sinks: told before each page what the ones before it have changed.
    """

    provider: Any
    options: ProviderOptions
    store: Store
    clock: Clock
    host: Host
    holder: str
    stopping: Callable[[], bool] = lambda: False
    sinks: Delivering = field(default_factory=NoSinks)
    name: str = field(init=False)
    """The provider's name when it was added: what its entities are owned by, whatever it calls itself later (C-1)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.provider.name)

    def tick(self) -> Generator[events.Event, None, None]:
        """Do what is due for the provider, one step at a time.

        Raises:
            StoreError: when the store cannot be used; the lease then expires by itself (C-18).
        """
        if self.host.is_stuck(self.name):
            yield self._waiting_for_stuck_thread()
            return
        claim = self.store.claim(self.name, self.holder, self.options)
        match claim:
            case NotDue(ingestion):
                until = ingestion.due_at or self.clock.now()
                yield events.Waiting(**self._at(ingestion), until=until, reason=ingestion.status)
            case Held(holder, until):
                state = self.store.state(self.name)
                yield events.Waiting(**self._at(state.ingestion), until=until, reason="held", holder=holder)
            case Paused(ingestion):
                until = self.clock.now() + timedelta(seconds=PAUSED_WAIT)
                yield events.Waiting(**self._at(ingestion), until=until, reason="paused")
            case Granted(lease, ingestion, deltas):
                yield self._claimed(lease, ingestion)
                yield from self._work(_Work(lease, ingestion, deltas))

    def _work(self, work: _Work) -> Iterator[events.Event]:
        try:
            if work.ingestion.status is Status.BURSTING:
                yield from self._burst(work)
            if work.ingestion.status is Status.SWEEPING and not work.paused:
                yield from self._sweep(work)
        except Fenced as error:
            log.warning("%s: %s", self.name, error, extra=self._about(work))
            yield events.Overtaken(**self._at(work.ingestion))
        except Exception as error:  # noqa: BLE001  # a provider may raise anything; what follows is read off the class (C-17)
            yield from self._record(work, error)

    # --- a burst ------------------------------------------------------------------------------------------------------

    def _burst(self, work: _Work) -> Iterator[events.Event]:
        yield from self._deliver(work)
        if not work.blocked:
            yield from self._read(work)
        if work.ingestion.status is Status.BURSTING or (work.paused and work.ingestion.status is Status.SWEEPING):
            ended = self.store.end_burst(work.lease, self._interval_after(work))
            work.ingestion = ended
            due_at = ended.due_at or self.clock.now()
            yield events.BurstEnded(**self._at(ended), pages=ended.pages, due_at=due_at)

    def _read(self, work: _Work) -> Iterator[events.Event]:
        session = self.host.begin(self.provider, self.options.page_timeout.total_seconds())
        begun = self.clock.monotonic()
        try:
            session.enter()
            yield events.ContextEntered(**self._at(work.ingestion))
            yield from self._pages(work, session, begun)
        except BaseException as error:  # also when the driver drops the generator: the context is left whatever happens
            self._leave_quietly(session, error, work)
            raise
        session.leave()
        yield events.ContextLeft(**self._at(work.ingestion))

    def _pages(self, work: _Work, session: BurstSession, begun: float) -> Iterator[events.Event]:
        length = self.options.burst_length.total_seconds()
        while not work.blocked:
            page = yield from self._fetch(work, session)
            yield from self._commit(work, page)
            spent = self.clock.monotonic() - begun >= length
            if work.ingestion.status is not Status.BURSTING or spent or work.paused or self.stopping():
                return
            yield from self._deliver(work)

    def _deliver(self, work: _Work) -> Iterator[events.Event]:
        """Let sinks catch up before a page is asked for; one that fails ends the burst, without an attempt (C-12)."""
        report = self.sinks.deliver(self.name, seconds=self.options.burst_length.total_seconds())
        work.blocked = bool(report.failed)
        for sink, error in report.failed.items():
            yield events.SinkBlocked(**self._at(work.ingestion), sink=sink, message=error)

    def _interval_after(self, work: _Work) -> ProviderOptions:
        if not work.blocked:
            return self.options
        return replace(self.options, burst_interval=max(self.options.burst_interval, SINK_WAIT))

    def _fetch(self, work: _Work, session: BurstSession) -> Generator[events.Event, None, Page]:
        sequence = work.ingestion.pages + 1
        cursor = work.ingestion.cursor
        work.asked_for = (sequence, cursor)
        begun = self.clock.monotonic()
        page = session.fetch(None if cursor is None else read_cursor(cursor))
        seconds = self.clock.monotonic() - begun
        yield events.PageFetched(
            **self._at(work.ingestion), page=sequence, entities=len(list(page.entities)), seconds=seconds
        )
        return page

    def _commit(self, work: _Work, page: Page) -> Iterator[events.Event]:
        sequence = work.ingestion.pages + 1
        number = work.ingestion.number
        cursor = None if page.done else canonical_cursor(page.cursor)
        draft = draft_page(page, sequence, cursor, work.deltas)
        committed = self.store.commit_page(work.lease, draft, self.options)
        work.lease, work.ingestion, work.asked_for = committed.lease, committed.decision.ingestion, None
        work.deltas, work.paused = committed.deltas, committed.paused
        yield events.PageCommitted(
            at=self.clock.now(),
            provider=self.name,
            ingestion=number,
            page=sequence,
            counts=committed.counts,
            total=work.ingestion.counts,
            done=page.done,
        )
        yield from self._ended(committed.decision)

    def _leave_quietly(self, session: BurstSession, error: BaseException, work: _Work) -> None:
        """Leave the context after an error; what goes wrong on the way out is logged, the first error is the one that
        counts.
        """
        try:
            session.leave(error)
        except Exception:
            log.exception("%s: leaving its context failed too", self.name, extra=self._about(work))

    # --- a sweep ------------------------------------------------------------------------------------------------------

    def _sweep(self, work: _Work) -> Iterator[events.Event]:
        work.asked_for = None
        work.ingestion = self.store.commit_sweep(work.lease, self.options)
        verdict = work.ingestion.verdict
        if verdict is not None:
            yield events.SweepCommitted(
                **self._at(work.ingestion), verdict=verdict, counts=work.ingestion.counts, due_at=work.ingestion.due_at
            )

    # --- failures -----------------------------------------------------------------------------------------------------

    def _record(self, work: _Work, error: Exception) -> Iterator[events.Event]:
        failure = self._failure(work, error)
        log.error("%s: %s", self.name, failure.message, exc_info=error, extra=self._about(work))
        try:
            decision = self.store.record_failure(work.lease, failure, self.options)
        except Fenced:
            yield events.Overtaken(**self._at(work.ingestion))
            return
        except StoreError as unrecorded:
            # Nobody knows of the failure: the lease expires, and whoever claims next goes on from the last committed
            # page.
            raise unrecorded from error
        ingestion = decision.ingestion
        yield events.Failed(
            **self._at(ingestion),
            failure=ingestion.last_error or failure,
            status=ingestion.status,
            attempts=ingestion.attempts,
            due_at=decision.current.due_at,
        )
        yield from self._ended(decision)

    def _failure(self, work: _Work, error: Exception) -> Failure:
        page, cursor = work.asked_for or (None, None)
        kind = type(error)
        known = kind.__module__ in ("builtins", "incrsim.errors")
        return Failure(
            error=kind.__qualname__ if known else f"{kind.__module__}.{kind.__qualname__}",
            message=escaped(self._redacted(text_of(error))),
            page=page,
            cursor=None if cursor is None else escaped(self._redacted(cursor)),
            consequence=consequence_of(error),
            until=error.until if isinstance(error, RateLimited) else None,
        )

    def _redacted(self, text: str) -> str:
        if self.options.redact is None:
            return text
        try:
            return _checked(self.options.redact(text))
        except Exception:
            log.exception("%s: the redact hook failed", self.name, extra=about(self.name))
            return "(withheld, since the redact hook failed)"

    # --- events -------------------------------------------------------------------------------------------------------

    def _about(self, work: _Work) -> dict[str, Any]:
        page = None if work.asked_for is None else work.asked_for[0]
        return about(self.name, work.ingestion.number, page)

    def _at(self, ingestion: Ingestion) -> dict[str, Any]:
        return {"at": self.clock.now(), "provider": self.name, "ingestion": ingestion.number}

    def _claimed(self, lease: Lease, ingestion: Ingestion) -> events.Claimed:
        return events.Claimed(
            **self._at(ingestion),
            holder=lease.holder,
            fence=lease.fence,
            status=ingestion.status,
            page=ingestion.pages + 1,
        )

    def _ended(self, decision: Decision) -> Iterator[events.Event]:
        if decision.successor is not None:
            yield events.IngestionEnded(
                **self._at(decision.ingestion), record=decision.ingestion, due_at=decision.successor.due_at
            )

    def _waiting_for_stuck_thread(self) -> events.Waiting:
        state = self.store.state(self.name)
        until = self.clock.now() + timedelta(seconds=STUCK_WAIT)
        return events.Waiting(**self._at(state.ingestion), until=until, reason="stuck")


@dataclass(slots=True)
class _Work:
    """What is known of the ingestion while it is worked on; the store has the truth."""

    lease: Lease
    ingestion: Ingestion
    deltas: int
    paused: bool = False
    blocked: bool = False
    asked_for: tuple[int, str | None] | None = None


def consequence_of(error: BaseException) -> Consequence:
    """What follows from an error, read off its class and never off its text (C-17)."""
    match error:
        case RateLimited():
            return Consequence.RATE_LIMITED
        case CursorExpired():
            return Consequence.CURSOR_EXPIRED
        case FatalError():
            return Consequence.FATAL
    return Consequence.RETRY


def _checked(redacted: object) -> str:
    if isinstance(redacted, str):
        return redacted
    raise TypeError(f"the redact hook returned {type(redacted).__name__}; it must return the text without secrets")
