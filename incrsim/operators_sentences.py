"""What an operator's call did, as one sentence with counts (C-35)."""

from __future__ import annotations

from datetime import datetime

from incrsim.glance import entities, many
from incrsim.ingestion import Ingestion
from incrsim.lifecycle import Effect
from incrsim.plain import instant
from incrsim.store.operating import Approved, Gone, Operated
from incrsim.store.outbox import SinkState


def operated_sentence(provider: str, operated: Operated) -> str:
    """What `trigger`, `start`, `cancel`, `pause`, `resume`, `delete` or `delete marks` did."""
    return f"{provider}: {_effect(operated)}"


def approved_sentence(provider: str, approved: Approved) -> str:
    """What `approve` did."""
    verdict = f"{provider}: verdict {approved.verdict.id} is approved"
    kept = f"{entities(approved.kept)} kept (gone, another provider's, or marked or added since)"
    if approved.waiting:
        return f"{verdict}: the next sweep may remove {entities(approved.waiting)} of its refs; {kept}"
    return f"{verdict}: {entities(approved.removed)} removed; {kept}"


def retired_sentence(provider: str, gone: Gone) -> str:
    """What `retire` did."""
    return (
        f"{provider}: {entities(gone.entities)} removed, and {_records(gone)}; "
        "should it still be served, it begins again in 24 hours"
    )


def cleaned_sentence(providers: int, gone: Gone) -> str:
    """What `cleanup` did."""
    return f"{many(providers, 'provider')} deleted: {_records(gone)}; entities stay; new ingestions begin in 24 hours"


def resynced_sentence(sink: str) -> str:
    """What `resync` did."""
    return f"{sink}: it is given everything again, by the processes that deliver to it"


def detached_sentence(sink: SinkState) -> str:
    """What `detach` did."""
    return f"{sink.name}: forgotten, and {many(sink.behind, 'change')} that waited for it"


def _effect(operated: Operated) -> str:
    before, current = operated.before, operated.decision.current
    match operated.effect:
        case Effect.DUE_NOW:
            return f"ingestion {before.number}, which is {before.status}, is due now{_though_paused(operated)}"
        case Effect.END_REST:
            return f"the rest of ingestion {before.number} ends; {_next(current)}{_though_paused(operated)}"
        case Effect.NOTHING:
            return (
                f"ingestion {before.number} is {before.status} ({many(before.pages, 'page')} committed): "
                "there is nothing to hurry"
            )
        case Effect.RESTART_NOW | Effect.RESTART_LATER:
            return (
                f"ingestion {before.number}, which was {before.status}, is over; "
                f"{many(operated.gone.marks, 'mark')} removed; {_next(current)}{_though_paused(operated)}"
            )
        case Effect.PURGE:
            return f"{_records(operated.gone)}; its entities stay; {_next(current)}{_though_paused(operated)}"
        case Effect.SET_PAUSED:
            return f"paused: nothing begins until it is resumed; ingestion {before.number} is {before.status}"
        case Effect.CLEAR_PAUSED:
            return f"resumed: ingestion {before.number}, which is {before.status}, goes on"


def _next(ingestion: Ingestion) -> str:
    return f"ingestion {ingestion.number} is due {_instant(ingestion.due_at)}"


def _though_paused(operated: Operated) -> str:
    return "; it is paused, so nothing begins until it is resumed" if operated.paused else ""


def _records(gone: Gone) -> str:
    ingestions, marks = many(gone.ingestions, "ingestion"), many(gone.marks, "mark")
    return f"{ingestions}, {marks} and {many(gone.problems, 'problem')} removed"


def _instant(at: datetime | None) -> str:
    return "now" if at is None else f"at {instant(at)}"
