"""An ingestion as a record: where it is, what it did, what went wrong; no decisions (those are in `lifecycle`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from operator import add, attrgetter

from incrsim.glance import brief, many
from incrsim.guards import Verdict
from incrsim.html import Html, card, facts, table


class Status(StrEnum):
    """Where an ingestion is."""

    SCHEDULED = "scheduled"
    BURSTING = "bursting"
    INTERSTITIAL = "interstitial"
    BACKING_OFF = "backing off"
    SWEEPING = "sweeping"
    RESTING = "resting"
    COMPLETE = "complete"


class NextAction(StrEnum):
    """What happens to an ingestion when it is due."""

    INGEST = "ingest"
    SWEEP = "sweep"
    REST = "rest"
    NONE = "none"


class Outcome(StrEnum):
    """How a complete ingestion ended."""

    SWEPT = "swept"
    REFUSED = "refused"
    CANCELED = "canceled"
    FAILED = "failed"


class Consequence(StrEnum):
    """What follows from a failure, read off the error's class (C-17)."""

    RETRY = "retry"
    RATE_LIMITED = "rate limited"
    CURSOR_EXPIRED = "cursor expired"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, as it is kept on the ingestion (C-18): no traceback, escaped, at most 16 kB, secrets redacted.

    Args:
        error: the class of the error.
        message: its text.
        page: the sequence number of the page that was asked for, from 1; `None` when none was.
        cursor: that page's cursor as JSON text.
        consequence: what follows from it.
        until: for `RATE_LIMITED`, when the source asked to go on.
    """

    error: str
    message: str
    page: int | None = None
    cursor: str | None = None
    consequence: Consequence = Consequence.RETRY
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What an ingestion did so far, in entities.

    Args:
        returned: entities that its pages returned, invalid ones and repetitions included.
        valid: the valid ones of these, repetitions included: what the empty guard asks for (C-22).
        added: new in the catalog, or taken over from another provider.
        updated: owned before, with another body.
        unchanged: owned before, with the same body.
        removed: removed by its sweep, by events during it, or later when its refused sweep was approved.
        invalid: distinct entities that were quarantined.
        lost: claims to refs that another provider owns.
        unreadable: problems without a ref; any refuses the sweep.
    """

    returned: int = 0
    valid: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    invalid: int = 0
    lost: int = 0
    unreadable: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Field by field."""
        return Counts(*map(add, _each_of(self), _each_of(other)))

    def __str__(self) -> str:
        """What there was, in words: `200 returned, 3 added`."""
        counted = ((getattr(self, each.name), each.name) for each in fields(self) if each.name != "valid")
        return ", ".join(f"{count:,} {name}" for count, name in counted if count) or "nothing"


_each_of: Callable[[Counts], tuple[int, ...]] = attrgetter(*Counts.__slots__)


@dataclass(frozen=True, slots=True)
class Ingestion:
    """One cycle of a provider: first page to sweep, then rest.

    Args:
        number: counts the provider's ingestions from 1, also through purges.
        status: where it is.
        due_at: when the next action may happen; `None` once complete.
        attempts: failures in a row since the last committed page or sweep.
        sweep_due: whether the done page was committed, so that only the sweep is left.
        expired_before: whether a cursor expired since the last sweep (C-17).
        cursor: where the next page begins, as JSON text; `None` for the first page.
        pages: how many pages were committed.
        counts: what they did.
        scheduled_at: when it was planned.
        started_at: when it was first claimed.
        completed_at: when it became complete.
        outcome: how it ended, known from the sweep on.
        last_error: the last failure of it, if any.
        verdict: the sweep's decision, if there was one.
    """

    number: int
    status: Status
    due_at: datetime | None
    scheduled_at: datetime
    attempts: int = 0
    sweep_due: bool = False
    expired_before: bool = False
    cursor: str | None = None
    pages: int = 0
    counts: Counts = Counts()
    started_at: datetime | None = None
    completed_at: datetime | None = None
    outcome: Outcome | None = None
    last_error: Failure | None = None
    verdict: Verdict | None = None

    @property
    def next_action(self) -> NextAction:
        """What happens when it is due."""
        if self.status is Status.COMPLETE:
            return NextAction.NONE
        if self.status is Status.RESTING:
            return NextAction.REST
        return NextAction.SWEEP if self.sweep_due else NextAction.INGEST

    def __str__(self) -> str:
        """One line for terminals."""
        ended = f" ({self.outcome})" if self.outcome and self.outcome != str(self.status) else ""
        return f"ingestion {self.number}: {self.status}{ended}, {many(self.pages, 'page')}, {self.counts}"

    def __repr__(self) -> str:
        return brief(self, str(self).removeprefix("ingestion "))

    def _repr_html_(self) -> str:
        """For notebooks."""
        failure = self.last_error
        known = {
            "outcome": self.outcome,
            "pages": f"{self.pages:,} committed",
            "entities": str(self.counts),
            "verdict": str(self.verdict) if self.verdict else None,
            "last error": f"{failure.error}: {failure.message}" if failure else None,
            "failures in a row": self.attempts or None,
            "scheduled": self.scheduled_at,
            "began": self.started_at,
            "ended": self.completed_at,
            f"{self.next_action} due": self.due_at,
        }
        return card(f"Ingestion {self.number}", facts(known), of=self.status)

    def story(self) -> str:
        """One sentence that tells how it came here, for errors and logs."""
        parts = [f"ingestion {self.number}: scheduled {self.scheduled_at.isoformat()}"]
        if self.started_at is not None:
            parts.append(f"started {self.started_at.isoformat()}")
        parts.append(f"{self.pages} pages committed, {self.counts.returned} entities returned")
        if self.last_error is not None:
            parts.append(f"last error {self.last_error.error}: {self.last_error.message} (attempt {self.attempts})")
        if self.verdict is not None:
            parts.append(str(self.verdict))
        parts.append(f"now {self.status}" + (f" ({self.outcome})" if self.outcome else ""))
        return "; ".join(parts)


_HEAD = ("no.", "status", "outcome", "pages", "entities", "began", "ended", "why")


def ingestions(records: Iterable[Ingestion], more: str = "") -> Html:
    """A table of ingestions, for notebooks.

    Args:
        records: the ingestions.
        more: what stands below it.
    """
    return table(_HEAD, map(_cells, records), more)


def _cells(record: Ingestion) -> tuple[object, ...]:
    failure, verdict = record.last_error, record.verdict
    why = f"{failure.error}: {failure.message}" if failure and verdict is None else str(verdict or "")
    times = (record.started_at, record.completed_at if verdict is None else verdict.decided_at)
    return (record.number, record.status, record.outcome, record.pages, str(record.counts), *times, why)
