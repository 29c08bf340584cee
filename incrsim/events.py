"""Everything that happens is a value on one stream per engine; progress bars, logs, plots and traces subscribe
(architecture, decision 6).

The events of a tick are also its steps: the engine is a generator of them, and whatever may go wrong between two of
them can be tried there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from incrsim.guards import Verdict
from incrsim.ingestion import Counts, Failure, Ingestion, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a provider.

    Args:
        at: when, in UTC.
        provider: its name.
        ingestion: the number of the ingestion.
    """

    at: datetime
    provider: str
    ingestion: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(Event):
    """This replica holds the lease now.

    Args:
        holder: the replica.
        fence: grows with every claim (C-37).
        status: `bursting` or `sweeping`.
        page: the sequence number of the next page, from 1.
    """

    holder: str
    fence: int
    status: Status
    page: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextEntered(Event):
    """The provider's `around` yielded its context: a burst began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFetched(Event):
    """The provider returned a page; nothing is kept of it yet.

    Args:
        page: its sequence number, from 1.
        entities: how many entities it holds.
        seconds: how long the provider took; kept out of comparisons and traces, since no two runs take the same time
            (C-41).
    """

    page: int
    entities: int
    seconds: float = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCommitted(Event):
    """Mark, cursor and entities of a page are in the store, all of them (C-10).

    Args:
        page: its sequence number.
        counts: what this page did.
        total: what the ingestion did so far.
        done: whether it was the source's last page.
    """

    page: int
    counts: Counts
    total: Counts
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextLeft(Event):
    """The provider's `around` was left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstEnded(Event):
    """The burst was spent; the lease is given back, and the next burst begins at `due_at`."""

    pages: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkBlocked(Event):
    """A sink has not taken in what earlier pages changed, so the next one is not asked for yet (C-12).

    Args:
        sink: its name.
        message: why.
    """

    sink: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Event):
    """A burst or sweep failed, and that is recorded (C-18).

    Args:
        failure: what went wrong.
        status: what the ingestion is now.
        attempts: failures in a row.
        due_at: when the provider is tried again.
    """

    failure: Failure
    status: Status
    attempts: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaken(Event):
    """Another replica or an operator took over; what this one was about to write was refused (C-37)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepCommitted(Event):
    """The sweep is done or was refused, and the provider rests.

    Args:
        verdict: the decision, with its numbers.
        counts: what the whole ingestion did.
        due_at: when the rest ends.
    """

    verdict: Verdict
    counts: Counts
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestionEnded(Event):
    """The ingestion is complete without having been swept; a new one is due at `due_at`.

    Args:
        record: the complete ingestion.
        due_at: when the next one may begin.
    """

    record: Ingestion
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaApplied(Event):
    """An event of the source, or a direct delta, is in the catalog (C-29, C-30).

    Args:
        counts: what it did, invalid and lost ones included.
        topic: of the event; `None` for a direct delta.
    """

    counts: Counts
    topic: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FullApplied(Event):
    """A full mutation is in the catalog (C-30).

    Args:
        record: the complete ingestion that it was, with its verdict.
        counts: what it did, without what events did before in that ingestion.
        due_at: when the next ingestion is due.
    """

    record: Ingestion
    counts: Counts
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Event):
    """Nothing can be done for this provider before `until`.

    Args:
        until: when to look again.
        reason: a status, or that another replica holds the lease.
        holder: that replica.
    """

    until: datetime
    reason: str
    holder: str | None = None


Subscriber = Callable[[Event], None]


class EventStream:
    """Hands every event to every subscriber, on the thread where it happened."""

    def __init__(self) -> None:
        self._subscribers: tuple[Subscriber, ...] = ()
        self._lock = threading.Lock()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with every event from now on; the function that comes back ends that."""
        with self._lock:
            self._subscribers = (*self._subscribers, subscriber)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Hand an event to all who asked for it."""
        for subscriber in self._subscribers:
            subscriber(event)
