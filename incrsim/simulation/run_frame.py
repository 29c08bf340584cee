"""A row for each ingestion of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING

from incrsim import events
from incrsim.frames import frame, load_pandas
from incrsim.ingestion import Counts, Ingestion

if TYPE_CHECKING:
    import pandas as pd

_COUNTS = tuple(each.name for each in fields(Counts))
_CENSUS = ("marked", "stale", "removable", "base", "approved")
COLUMNS = (
    "ingestion",
    "began",
    "ended",
    "outcome",
    "claims",
    "failures",
    "pages",
    *_COUNTS,
    *_CENSUS,
    "refused_by",
)


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
    census: tuple[int | None, ...] = (None,) * len(_CENSUS)
    refused_by: str = ""

    def values(self) -> tuple[object, ...]:
        """In the order of the columns."""
        counts = tuple(getattr(self.counts, name) for name in _COUNTS)
        first = (self.ingestion, self.began, self.ended, self.outcome, self.claims, self.failures, self.pages)
        return (*first, *counts, *self.census, self.refused_by)


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
            row.counts, row.ended, row.outcome = event.counts, event.at, verdict.word
            row.census = tuple(getattr(verdict.census, name) for name in _CENSUS)
            row.refused_by = ", ".join(verdict.refused_by)
        case events.IngestionEnded(record=record) | events.FullApplied(record=record):
            _end(row, record)


def _end(row: Row, record: Ingestion) -> None:
    row.counts, row.pages, row.ended = record.counts, record.pages, record.completed_at
    row.outcome = None if record.outcome is None else str(record.outcome)


def to_frame(heard: Iterable[events.Event]) -> pd.DataFrame:
    """The rows as a DataFrame; numbers that there are not always are nullable integers.

    Raises:
        MissingExtra: when pandas is not installed.
    """
    pandas = load_pandas()
    table = frame((row.values() for row in rows(heard)), COLUMNS)
    whole = ("ingestion", "claims", "failures", "pages", *_COUNTS)
    types = {**dict.fromkeys(whole, "int64"), **dict.fromkeys(_CENSUS, "Int64")}
    types |= {"outcome": pandas.CategoricalDtype(["swept", "refused", "canceled", "failed"])}
    types |= dict.fromkeys(("began", "ended"), "datetime64[us, UTC]")
    return table.astype(types)
