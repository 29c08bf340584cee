"""What was heard of a run, as DataFrames: a row for each ingestion, or for each event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from incrsim import events
from incrsim.frames import INSTANT, MAYBE_WHOLE, TEXT, WHOLE, Types, typed
from incrsim.guards import Verdict
from incrsim.ingestion import Counts, Ingestion, Status
from incrsim.ingestion_frame import COUNTS, OUTCOMES, TIMES, VERDICT, counts_values, verdict_values
from incrsim.simulation.simulator import Happening
from incrsim.simulation.world.happenings import Operated, WorldEvent

if TYPE_CHECKING:
    import pandas as pd

_TYPES: Types = {
    "ingestion": WHOLE,
    "outcome": OUTCOMES,
    **TIMES,
    "claims": WHOLE,
    "failures": WHOLE,
    "pages": WHOLE,
    **COUNTS,
    **VERDICT,
    "refused_by": TEXT,
}


@dataclass(slots=True)
class Row:
    """One ingestion, put together from what was heard of it."""

    ingestion: int
    began: datetime
    ended: datetime | None = None
    outcome: str | None = None
    claims: int = 0
    failures: int = 0
    pages: int = 0
    counts: Counts = field(default_factory=Counts)
    verdict: Verdict | None = None

    def values(self) -> dict[str, Any]:
        """By the columns' names."""
        plain = {name: getattr(self, name) for name in ("ingestion", "outcome", "began", "ended")}
        took = None if self.ended is None else self.ended - self.began
        seen = {name: getattr(self, name) for name in ("claims", "failures", "pages")}
        return {**plain, "took": took, **seen, **counts_values(self.counts), **verdict_values(self.verdict)}


def rows(heard: Iterable[events.Event]) -> list[Row]:
    """A row for each ingestion that was claimed, in order."""
    found: dict[int, Row] = {}
    for event in heard:
        if isinstance(event, events.Claimed):
            found.setdefault(event.ingestion, Row(event.ingestion, event.at)).claims += 1
        row = found.get(event.ingestion)
        if row is not None:
            _note(row, event)
    return list(found.values())


def _note(row: Row, event: events.Event) -> None:
    match event:
        case events.PageCommitted():
            row.pages, row.counts = event.page, event.total
        case events.Failed():
            row.failures += 1
        case events.SweepCommitted(verdict=verdict):
            row.counts, row.ended, row.outcome, row.verdict = event.counts, event.at, verdict.word, verdict
        case events.IngestionEnded(record=record) | events.FullApplied(record=record):
            _end(row, record)


def _end(row: Row, record: Ingestion) -> None:
    row.counts, row.pages, row.ended, row.verdict = record.counts, record.pages, record.completed_at, record.verdict
    row.outcome = None if record.outcome is None else str(record.outcome)


def to_frame(heard: Iterable[events.Event]) -> pd.DataFrame:
    """A row for each ingestion; what is not always there may be missing.

    Raises:
        MissingExtra: when pandas is not installed.
    """
    return typed((row.values() for row in rows(heard)), _TYPES)


# --- events -----------------------------------------------------------------------------------------------------------

_EVENTS: Types = {
    "at": INSTANT,
    "event": "category",
    "provider": "category",
    "replica": MAYBE_WHOLE,
    "ingestion": MAYBE_WHOLE,
    "page": MAYBE_WHOLE,
    "entities": MAYBE_WHOLE,
    "status": tuple(map(str, Status)),
    "due": INSTANT,
    "what": TEXT,
}


def events_frame(happenings: Iterable[tuple[int, Happening | WorldEvent]]) -> pd.DataFrame:
    """A row for each thing that happened, whoever did it.

    Args:
        happenings: each with the replica's number; negative ones stand for operators and the world.

    Raises:
        MissingExtra: when pandas is not installed.
    """
    return typed((_event(replica, each) for replica, each in happenings), _EVENTS)


def _event(replica: int, happening: Happening | WorldEvent) -> dict[str, Any]:
    status = getattr(happening, "status", None)
    return {
        "at": happening.at,
        "event": type(happening).__name__,
        "provider": getattr(happening, "provider", None),
        "replica": None if replica < 0 else replica,
        "ingestion": getattr(happening, "ingestion", None),
        "page": getattr(happening, "page", None),
        "entities": _entities(happening),
        "status": None if status is None else str(status),
        "due": getattr(happening, "due_at", getattr(happening, "until", None)),
        "what": _what(happening),
    }


def _entities(happening: Happening | WorldEvent) -> int | None:
    if isinstance(happening, events.PageCommitted):
        return happening.counts.returned
    found: int | None = getattr(happening, "entities", getattr(happening, "count", None))
    return found


def _what(happening: Happening | WorldEvent) -> str | None:
    """What there is to say of it beside that."""
    match happening:
        case events.Failed(failure=failure):
            return f"{failure.error}: {failure.message}"
        case events.SweepCommitted(verdict=verdict):
            return str(verdict)
        case events.PageCommitted() | events.DeltaApplied():
            return str(happening.counts)
        case events.IngestionEnded(record=record) | events.FullApplied(record=record):
            return str(record.outcome)
        case Operated(operator=operator, outcome=outcome):
            return f"{operator}: {outcome}"
    told = (getattr(happening, name, None) for name in ("holder", "reason", "kind", "verb", "outcome", "error"))
    return next((str(each) for each in told if each is not None), None)
