"""Between rows of the database and the records of `lifecycle`, `guards` and the store's contract."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import orjson

from incrsim.guards import Census, Guard, Verdict
from incrsim.ingestion import Consequence, Counts, Failure, Ingestion, Outcome, Status
from incrsim.store.contract import Lease, ProviderState
from incrsim.store.rows import ProviderRow

_NOT_HELD = re.compile("[\0\ud800-\udfff]")
COUNTS = tuple(each.name for each in fields(Counts))
_PLAIN = (
    "number",
    "due_at",
    "scheduled_at",
    "attempts",
    "sweep_due",
    "expired_before",
    "cursor",
    "pages",
    "started_at",
    "completed_at",
)


def ingestion_row(ingestion: Ingestion) -> dict[str, Any]:
    """An ingestion as parameters of `save_ingestion`."""
    return {
        **{name: getattr(ingestion, name) for name in _PLAIN},
        **{name: getattr(ingestion.counts, name) for name in COUNTS},
        "status": ingestion.status.value,
        "outcome": None if ingestion.outcome is None else ingestion.outcome.value,
        "last_error": None
        if ingestion.last_error is None
        else json.dumps(asdict(ingestion.last_error), default=_instant),
        "verdict": verdict_text(ingestion.verdict),
    }


def read_ingestion(row: Mapping[str, Any]) -> Ingestion:
    """An ingestion from a row of its table."""
    return Ingestion(
        **{name: row[name] for name in _PLAIN},
        counts=Counts(**{name: row[name] for name in COUNTS}),
        status=Status(row["status"]),
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        last_error=None if row["last_error"] is None else _failure(row["last_error"]),
        verdict=None if row["verdict"] is None else _verdict(row["verdict"]),
    )


def read_lease(provider: str, row: Mapping[str, Any]) -> Lease | None:
    """A lease from a row that was joined with its table; `None` when nobody holds one."""
    if row["fence"] is None:
        return None
    return Lease(provider, row["holder"], row["fence"], row["length"], row["expires_at"])


def read_state(row: Mapping[str, Any], now: datetime) -> ProviderState:
    """A provider as it is now, from a row of the query `state`."""
    return ProviderState(
        name=row["name"],
        fence=row["last_fence"],
        ingestion=read_ingestion(row),
        lease=read_lease(row["name"], row),
        now=now,
        paused=row["paused"],
        last_verdict=None if row["last_verdict"] is None else _verdict(row["last_verdict"]),
        approved=row["approved"],
    )


def read_provider(row: Mapping[str, Any]) -> ProviderRow:
    """A provider's row from its table."""
    return ProviderRow(
        name=row["name"],
        fence=row["fence"],
        last_verdict=row["last_verdict"],
        paused=row["paused"],
        verdict=None if row["verdict"] is None else _verdict(row["verdict"]),
        approved=row["approved"],
        deltas=row["deltas"],
    )


def can_hold(text: str) -> bool:
    """Whether Postgres takes a text: not one with NUL or a lone surrogate, so that nothing is stored under such a name
    or ref.
    """
    return part_held(text) == text


def part_held(text: str) -> str:
    """The part of a text before its first character that Postgres does not take."""
    found = _NOT_HELD.search(text)
    return text if found is None else text[: found.start()]


def verdict_text(verdict: Verdict | None) -> str | None:
    """A verdict as JSON text."""
    return None if verdict is None else json.dumps(asdict(verdict), default=_instant)


def counts_text(counts: Counts) -> str:
    """Counts as JSON text, for a mark."""
    return orjson.dumps(counts).decode()


def _failure(kept: dict[str, Any]) -> Failure:
    until = kept["until"]
    return Failure(
        **{
            **kept,
            "consequence": Consequence(kept["consequence"]),
            "until": None if until is None else datetime.fromisoformat(until),
        }
    )


def _verdict(kept: dict[str, Any]) -> Verdict:
    return Verdict(
        **{
            **kept,
            "decided_at": datetime.fromisoformat(kept["decided_at"]),
            "census": Census(**kept["census"]),
            "refused_by": tuple(Guard(guard) for guard in kept["refused_by"]),
        }
    )


def _instant(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form here")
