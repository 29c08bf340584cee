"""What is wrong with a provider, read off what is known of it; pure (C-31)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from incrsim.durations import format_duration, parse_duration
from incrsim.glance import brief
from incrsim.guards import FEWEST_INVALID
from incrsim.html import card, table
from incrsim.ingestion import Consequence, Failure, Ingestion, Outcome
from incrsim.options import ProviderOptions
from incrsim.plain import plain
from incrsim.store.contract import ProviderState
from incrsim.store.operating import Serving
from incrsim.store.outbox import SinkState

OVERDUE_AFTER = timedelta(seconds=60)
"""So long after its due time and a lease's length a provider that nobody works on is overdue (C-31)."""

SINK_BEHIND = 10_000
"""A sink that has more outbox rows before it is behind (C-31)."""

SINK_FAILING = timedelta(seconds=60)
"""A sink that has failed for longer is behind, however little waits for it (C-31)."""


class Trouble(StrEnum):
    """What can be wrong."""

    FAILING = "failing"
    REFUSED = "guard refused"
    OVERDUE = "overdue"
    UNSERVED = "unserved"
    STUCK = "stuck"
    QUARANTINE = "quarantine"
    SINK_BEHIND = "sink behind"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody should look.

    Args:
        trouble: in a word.
        sentence: for people, with numbers.
    """

    trouble: Trouble
    sentence: str


@dataclass(frozen=True, slots=True)
class Unhealthy:
    """A provider, or a sink, that somebody should look at.

    Args:
        provider: its name; `None` for a sink.
        sink: the sink's name; `None` for a provider.
        reasons: one or more.
    """

    provider: str | None
    sink: str | None
    reasons: tuple[Reason, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        values: dict[str, Any] = plain(self)
        return values

    def __str__(self) -> str:
        """One line for terminals."""
        who = self.provider if self.sink is None else f"sink {self.sink}"
        return f"{who}: " + "; ".join(f"{reason.trouble}: {reason.sentence}" for reason in self.reasons)

    def __repr__(self) -> str:
        return brief(self, str(self))


class Health(list[Unhealthy]):
    """Whom somebody should look at; nobody when all are well."""

    def __str__(self) -> str:
        """For terminals: a line for each."""
        return "\n".join(map(str, self)) or "all are healthy"

    def __repr__(self) -> str:
        return brief(self, "; ".join(map(str, self)) or "all are healthy")

    def _repr_html_(self) -> str:
        """For notebooks."""
        if not self:
            return card("Health", of="healthy")
        rows = (
            (each.provider or f"sink {each.sink}", reason.trouble, reason.sentence)
            for each in self
            for reason in each.reasons
        )
        return card("Health: look at", table(["who", "trouble", "why"], rows))


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a provider at one instant.

    Args:
        state: where it is.
        previous: its last complete ingestion, if it is readable.
        serving: who serves it, as far as replicas announced it.
        here: its options in this process, if that serves it.
    """

    state: ProviderState
    previous: Ingestion | None
    serving: tuple[Serving, ...]
    here: ProviderOptions | None

    @property
    def options(self) -> Mapping[str, Any]:
        """Its options where it is served; the defaults where it is not."""
        if self.here is None and self.serving:
            # A replica of an older version may know fewer.
            return ProviderOptions().describe() | self.serving[-1].options
        return (self.here or ProviderOptions()).describe()

    @property
    def last_error(self) -> Failure | None:
        """The open ingestion's; before its first page also the one that ended the ingestion before."""
        ingestion = self.state.ingestion
        if ingestion.last_error is None and ingestion.pages == 0 and self.previous is not None:
            return self.previous.last_error
        return ingestion.last_error

    @property
    def failing(self) -> Failure | None:
        """The last error, if no page was committed since; a source that asked to wait does not count."""
        ingestion, previous = self.state.ingestion, self.previous
        if ingestion.attempts > 0:
            return ingestion.last_error
        if ingestion.pages == 0 and previous is not None and _ended_by_error(previous):
            return previous.last_error
        return None

    @property
    def working_until(self) -> datetime | None:
        """Until when somebody's lease lasts, if somebody works on it."""
        lease = self.state.lease
        return lease.expires_at if lease is not None and lease.expires_at > self.state.now else None


def reasons(known: Known) -> tuple[Reason, ...]:
    """Why somebody should look at a provider; none when it is healthy."""
    return tuple(
        reason for find in (_failing, _refused, _overdue, _unserved, _stuck, _quarantine) for reason in find(known)
    )


def sink_reasons(sink: SinkState, now: datetime) -> tuple[Reason, ...]:
    """Why somebody should look at a sink; none when it is healthy."""
    waits = f"{sink.behind:,} changes wait for it"
    if sink.failing_since is not None and now - sink.failing_since > SINK_FAILING:
        since = format_duration(_whole_seconds(now - sink.failing_since))
        return (Reason(Trouble.SINK_BEHIND, f"it has failed for {since}: {sink.last_error}; {waits}"),)
    if sink.behind > SINK_BEHIND:
        return (Reason(Trouble.SINK_BEHIND, f"{waits}, more than {SINK_BEHIND:,}"),)
    return ()


def _failing(known: Known) -> Iterator[Reason]:
    failure = known.failing
    if failure is not None:
        attempts = known.state.ingestion.attempts
        tried = f"failed {attempts} times in a row" if attempts > 1 else "failed"
        yield Reason(Trouble.FAILING, f"{tried}: {failure.error}: {failure.message}")


def _refused(known: Known) -> Iterator[Reason]:
    verdict = known.state.last_verdict
    if verdict is not None and verdict.refused and not known.state.approved:
        yield Reason(
            Trouble.REFUSED,
            f"verdict {verdict.id}: {verdict}; look at its stale refs, then approve it or mend the source",
        )


def _overdue(known: Known) -> Iterator[Reason]:
    state, due_at = known.state, known.state.ingestion.due_at
    if state.paused or due_at is None or known.working_until is not None:
        return
    # Read alone: it need not fit the other options' defaults.
    lease_length = parse_duration(known.options["lease_length"], "lease_length")
    if state.now - due_at > lease_length + OVERDUE_AFTER:
        late = format_duration(_whole_seconds(state.now - due_at))
        yield Reason(Trouble.OVERDUE, f"its next action was due {late} ago, and nobody works on it")


def _unserved(known: Known) -> Iterator[Reason]:
    if not known.serving and known.here is None and not known.state.paused:
        yield Reason(Trouble.UNSERVED, "no replica serves it; start a worker with it, pause it, or retire it")


def _stuck(known: Known) -> Iterator[Reason]:
    holders = ", ".join(each.holder for each in known.serving if each.stuck)
    if holders:
        yield Reason(
            Trouble.STUCK, f"its code hangs past page_timeout on {holders}; no burst begins there until it ends"
        )


def _quarantine(known: Known) -> Iterator[Reason]:
    ingestion = known.state.ingestion
    counted = ingestion if ingestion.pages or known.previous is None else known.previous
    limit = ProviderOptions.of(max_invalid_percentage=known.options["max_invalid_percentage"]).max_invalid_percentage
    invalid, returned = counted.counts.invalid, counted.counts.returned
    if invalid >= FEWEST_INVALID and 200 * invalid > limit * returned:
        yield Reason(
            Trouble.QUARANTINE,
            f"{invalid:,} of {returned:,} entities are invalid, over half of what max_invalid_percentage allows; "
            "look at its problems",
        )


def _ended_by_error(ingestion: Ingestion) -> bool:
    failure = ingestion.last_error
    if failure is None or ingestion.outcome not in (Outcome.CANCELED, Outcome.FAILED):
        return False
    at_once = failure.consequence in (Consequence.FATAL, Consequence.CURSOR_EXPIRED)
    return ingestion.outcome is Outcome.FAILED or ingestion.attempts > 0 or at_once


def _whole_seconds(duration: timedelta) -> timedelta:
    return timedelta(seconds=duration // timedelta(seconds=1))
