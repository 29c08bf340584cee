"""What operators' calls return: frozen values that know their JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from incrsim.glance import brief, many, until
from incrsim.guards import Verdict
from incrsim.html import Html, card, facts, label, records, table
from incrsim.ingestion import Counts, Failure, Ingestion, NextAction, Outcome, Status, ingestions
from incrsim.operators_health import Known, Reason, reasons
from incrsim.plain import plain
from incrsim.store.operating import Approved, Gone, Operated, Serving
from incrsim.store.outbox import SinkState

Item_co = TypeVar("Item_co", covariant=True)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item_co]):
    """One page of a list that may be long.

    Args:
        items: in order.
        next: what `after` must be for the next page; `None` when this is the last one.
    """

    items: tuple[Item_co, ...]
    next: str | int | None

    @classmethod
    def of(cls, rows: Sequence[Row], limit: int, key: Callable[[Row], str | int]) -> Listing[Row]:
        """The first `limit` of these rows; one more says that there is a next page."""
        items = tuple(rows[:limit])
        return Listing(items, key(items[-1]) if len(rows) > limit else None)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"items": [plain(item) for item in self.items], "next": self.next}

    def __repr__(self) -> str:
        more = "" if self.next is None else f", and more after {self.next!r}"
        return brief(self, f"of {len(self.items):,}{more}: {', '.join(map(str, self.items[:3]))}")

    def _repr_html_(self) -> str:
        """For notebooks."""
        more = "" if self.next is None else f"there are more: after={self.next!r}"
        if all(isinstance(each, ProviderStatus) for each in self.items):
            return statuses(cast("tuple[ProviderStatus, ...]", self.items), more)
        if all(isinstance(each, Ingestion) for each in self.items):
            return ingestions(cast("tuple[Ingestion, ...]", self.items), more)
        return records(self.items, more)


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """Where a provider is.

    Args:
        provider: its name.
        status: of the ingestion that is not complete.
        paused: whether an operator paused it: nothing begins until it is resumed.
        next_action: what happens next.
        next_action_at: when that is due; now or earlier means as soon as somebody serves it.
        ingestion: its number.
        pages: how many pages it has committed.
        counts: what they did.
        attempts: failures in a row.
        last_error: of it, or before its first page the one that ended the ingestion before.
        last_outcome: how the last complete ingestion ended.
        last_verdict: of the last sweep.
        approved: whether an operator approved what that refused.
        working: who holds the lease, if anybody works on it.
        working_until: until when, unless it is renewed.
        serving: the replicas that serve it.
        reasons: why it is unhealthy; empty when it is not.
        now: the store's time when this was read.
    """

    provider: str
    status: Status
    paused: bool
    next_action: NextAction
    next_action_at: datetime | None
    ingestion: int
    pages: int
    counts: Counts
    attempts: int
    last_error: Failure | None
    last_outcome: Outcome | None
    last_verdict: Verdict | None
    approved: bool
    working: str | None
    working_until: datetime | None
    serving: tuple[Serving, ...]
    reasons: tuple[Reason, ...]
    now: datetime

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; a verdict also as the sentence that people read."""
        values: dict[str, Any] = plain(self)
        if self.last_verdict is not None:
            values["last_verdict"] |= {"refused": self.last_verdict.refused, "sentence": str(self.last_verdict)}
        return values

    @property
    def next_step(self) -> str:
        """What comes next, and when, in words."""
        if self.paused:
            return "nothing until it is resumed"
        if self.working is not None:
            return f"{self.working} works on it"
        does = "rest ends" if self.next_action is NextAction.REST else self.next_action
        return f"{does} {until(self.next_action_at, self.now)}".strip()

    def __str__(self) -> str:
        """One line for terminals."""
        paused = " (paused)" if self.paused else ""
        troubles = "".join(f"; {reason.trouble}: {reason.sentence}" for reason in self.reasons)
        progress = f"ingestion {self.ingestion}, {many(self.pages, 'page')}, {self.counts}"
        return f"{self.provider}: {self.status}{paused}, {progress}; next: {self.next_step}{troubles}"

    def __repr__(self) -> str:
        return brief(self, str(self))

    def _repr_html_(self) -> str:
        """For notebooks."""
        error = self.last_error
        known = {
            "next": self.next_step,
            "ingestion": f"{self.ingestion:,}",
            "pages": f"{self.pages:,} committed",
            "entities": str(self.counts),
            "last sweep": str(self.last_verdict) if self.last_verdict else None,
            "approved": label("approved") if self.approved else None,
            "last error": f"{error.error}: {error.message}" if error else None,
            "failures in a row": self.attempts or None,
            "served by": ", ".join(each.holder for each in self.serving),
            "look at": "\n".join(f"{reason.trouble}: {reason.sentence}" for reason in self.reasons),
            "as of": self.now,
        }
        return card(self.provider, facts(known), of="paused" if self.paused else self.status)

    def _cells(self) -> tuple[object, ...]:
        verdict = self.last_verdict
        return (
            self.provider,
            label("paused") if self.paused else self.status,
            self.next_step,
            self.ingestion,
            self.pages,
            self.counts.returned,
            None if verdict is None else label(verdict.word),
            Html(" ".join(label(reason.trouble) for reason in self.reasons)) or label("healthy"),
        )


_HEAD = ("provider", "status", "next", "ingestion", "pages", "entities", "last sweep", "health")


def statuses(known: Sequence[ProviderStatus], more: str = "") -> Html:
    """A table of providers, for notebooks.

    Args:
        known: the providers.
        more: what stands below it.
    """
    return table(_HEAD, (each._cells() for each in known), more)  # noqa: SLF001  # of this module


def status_of(known: Known) -> ProviderStatus:
    """A provider's status, from all that is known of it."""
    state, ingestion = known.state, known.state.ingestion
    working = state.lease.holder if state.lease is not None and known.working_until is not None else None
    return ProviderStatus(
        provider=state.name,
        status=ingestion.status,
        paused=state.paused,
        next_action=ingestion.next_action,
        next_action_at=ingestion.due_at,
        ingestion=ingestion.number,
        pages=ingestion.pages,
        counts=ingestion.counts,
        attempts=ingestion.attempts,
        last_error=known.last_error,
        last_outcome=None if known.previous is None else known.previous.outcome,
        last_verdict=state.last_verdict,
        approved=state.approved,
        working=working,
        working_until=known.working_until,
        serving=known.serving,
        reasons=reasons(known),
        now=state.now,
    )


@dataclass(frozen=True, slots=True)
class Done:
    """What an operator's call did (C-35).

    Args:
        call: which one: `trigger`, `approve`, …
        provider: to whom; `None` for all, and for a sink.
        message: one sentence, with counts.
        details: the same for programs.
    """

    call: str
    provider: str | None
    message: str
    details: Operated | Approved | Gone | SinkState

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        values: dict[str, Any] = plain(self)
        return values

    def __str__(self) -> str:
        """The sentence."""
        return self.message

    def __repr__(self) -> str:
        return brief(self, f"{self.call}: {self.message}")
