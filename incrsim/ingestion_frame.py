"""Ingestions as rows of a DataFrame: the same columns for live apps and simulations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from incrsim.frames import DURATION, INSTANT, MAYBE_REAL, MAYBE_WHOLE, TEXT, WHOLE, Types, typed
from incrsim.guards import Verdict
from incrsim.ingestion import Counts, Ingestion, Outcome, Status

if TYPE_CHECKING:
    import pandas as pd

COUNTS = {each.name: WHOLE for each in fields(Counts)}
_CENSUS = ("marked", "stale", "removable", "base", "approved")
VERDICT = {**dict.fromkeys(_CENSUS, MAYBE_WHOLE), "limit_percentage": MAYBE_REAL, "limit_count": MAYBE_WHOLE}
OUTCOMES = tuple(map(str, Outcome))
TIMES = {"began": INSTANT, "ended": INSTANT, "took": DURATION}
_TYPES: Types = {
    "provider": TEXT,
    "ingestion": WHOLE,
    "status": tuple(map(str, Status)),
    "outcome": OUTCOMES,
    **TIMES,
    "pages": WHOLE,
    **COUNTS,
    **VERDICT,
    "refused_by": TEXT,
    "error": TEXT,
}


def history_frame(records: Iterable[tuple[str, Ingestion]]) -> pd.DataFrame:
    """A row for each ingestion.

    Args:
        records: each with its provider's name.

    Raises:
        MissingExtra: when pandas is not installed.
    """
    return typed((_row(provider, record) for provider, record in records), _TYPES)


def _row(provider: str, record: Ingestion) -> dict[str, Any]:
    verdict, failure = record.verdict, record.last_error
    began, ended = record.started_at, record.completed_at if verdict is None else verdict.decided_at
    return {
        "provider": provider,
        "ingestion": record.number,
        "status": str(record.status),
        "outcome": None if record.outcome is None else str(record.outcome),
        "began": began,
        "ended": ended,
        "took": None if began is None or ended is None else ended - began,
        "pages": record.pages,
        **counts_values(record.counts),
        **verdict_values(verdict),
        "error": None if failure is None else f"{failure.error}: {failure.message}",
    }


def counts_values(counts: Counts) -> dict[str, int]:
    """The columns of `COUNTS`."""
    return {name: getattr(counts, name) for name in COUNTS}


def verdict_values(verdict: Verdict | None) -> dict[str, Any]:
    """The columns of `VERDICT`, and `refused_by`; without a verdict they are missing."""
    if verdict is None:
        return {**dict.fromkeys(VERDICT), "refused_by": None}
    percentage = verdict.limit_percentage
    return {
        **{name: getattr(verdict.census, name) for name in _CENSUS},
        "limit_percentage": None if percentage is None else float(percentage),
        "limit_count": verdict.limit_count,
        "refused_by": ", ".join(verdict.refused_by),
    }
