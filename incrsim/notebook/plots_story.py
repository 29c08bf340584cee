"""What a run's happenings tell: who did what from when to when, and how many entities there were; no pictures yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from incrsim import events
from incrsim.clock import EPOCH
from incrsim.ingestion import Counts, Status
from incrsim.lifecycle import Operator
from incrsim.simulation.run import Run
from incrsim.simulation.simulator import Died, StoreFailed
from incrsim.simulation.world.happenings import Operated, ReplicaFroze, SourceChanged

REFUSED = "refused"
"""The status of a rest after a sweep that a guard refused."""

PAUSED, FROZEN = "paused", "frozen"
HELD = "held"
"""Somebody's lease has not expired, and nobody works: its holder died, or does not know that it has it."""

IDLE = ""

RESTS = (Status.RESTING, REFUSED)
_WAITS = (Status.SCHEDULED, Status.INTERSTITIAL, Status.BACKING_OFF, Status.RESTING, PAUSED)

_BEGIN_ANEW = {
    Operator.START,
    Operator.CANCEL,
    Operator.DELETE,
    Operator.DELETE_MARKS,
    "cleanup",
    "retire",
}
"""The operators' calls behind which another ingestion is open."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a status did not change.

    Args:
        status: which one.
        start: seconds since the run began.
        end: likewise.
    """

    status: str
    start: float
    end: float

    @property
    def length(self) -> float:
        """In seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Story:
    """A run; times are seconds since it began.

    Args:
        provider: the provider's name.
        end: of the run.
        statuses: of the provider, without a gap.
        work: of each replica: its bursts and sweeps, and when it was frozen.
        deaths: of each replica: when its process died.
        claims: when each ingestion was claimed first.
        catalog: how many entities the provider had in the catalog, since when.
        source: how many the source had, since when.
    """

    provider: str
    end: float
    statuses: tuple[Span, ...]
    work: Mapping[int, tuple[Span, ...]]
    deaths: Mapping[int, tuple[float, ...]]
    claims: tuple[float, ...]
    catalog: tuple[tuple[float, int], ...]
    source: tuple[tuple[float, int], ...]


def story(run: Run) -> Story:
    """What happened in a run.

    Args:
        run: of `simulate`.
    """
    teller = _Teller(run)
    for number, happening in run.happenings:
        teller.hear(number, happening)
    return teller.told()


@dataclass(slots=True)
class _Strip:
    """Statuses that follow each other."""

    status: str
    since: float = 0.0
    spans: list[Span] = field(default_factory=list)

    def change(self, status: str, at: float) -> None:
        if status != self.status:
            self.end(at)
            self.status, self.since = status, at

    def end(self, at: float) -> None:
        if self.status != IDLE and at > self.since:
            self.spans.append(Span(self.status, self.since, at))


class _Teller:
    def __init__(self, run: Run) -> None:
        replicas = range(run.scenario.replicas)
        self._run = run
        self._now = 0.0
        self._provider = _Strip(str(Status.SCHEDULED))
        self._replicas = {number: _Strip(IDLE) for number in replicas}
        self._frozen: dict[int, list[Span]] = {number: [] for number in replicas}
        self._deaths: dict[int, list[float]] = {number: [] for number in replicas}
        self._claims: dict[int, float] = {}
        self._size = _Size()
        self._source = [(0.0, run.scenario.source.entities)]

    def told(self) -> Story:
        for strip in (self._provider, *self._replicas.values()):
            strip.end(self._now)
        return Story(
            provider=self._run.provider,
            end=self._now,
            statuses=tuple(self._provider.spans),
            work={number: (*strip.spans, *self._frozen[number]) for number, strip in self._replicas.items()},
            deaths={number: tuple(times) for number, times in self._deaths.items()},
            claims=tuple(self._claims.values()),
            catalog=tuple(self._size.curve),
            source=tuple(self._source),
        )

    def hear(self, number: int, happening: Any) -> None:
        if getattr(happening, "provider", self._run.provider) != self._run.provider:
            return
        self._now = max(self._now, _seconds(happening.at))
        match happening:
            case Died() if number in self._deaths:
                self._deaths[number].append(self._now)
                self._loses(number)
            case StoreFailed():
                self._loses(number)
            case events.Overtaken():
                self._works(number, IDLE)
            case ReplicaFroze(number=frozen, until=until) if frozen in self._frozen:
                self._frozen[frozen].append(Span(FROZEN, self._now, _seconds(until)))
            case SourceChanged(holds=holds):
                self._source.append((self._now, holds))
            case Operated(operator=operator, outcome="done"):
                self._operated(operator)
            case events.Event():
                self._event(number, happening)
                self._size.hear(self._now, happening)

    def _event(self, number: int, event: events.Event) -> None:
        match event:
            case events.Claimed(status=status):
                self._claims.setdefault(event.ingestion, self._now)
                self._is(status)
                self._works(number, status)
            case events.PageCommitted(done=True):
                self._is(Status.SWEEPING)
                self._works(number, Status.SWEEPING)
            case events.BurstEnded():
                self._gives_back(number, Status.INTERSTITIAL)
            case events.Failed(status=status):
                self._gives_back(number, Status.SCHEDULED if status is Status.COMPLETE else status)
            case events.SweepCommitted(verdict=verdict):
                self._gives_back(number, REFUSED if verdict.refused else Status.RESTING)
            case events.Waiting(reason=reason):
                self._waits(reason)
            case events.IngestionEnded() | events.FullApplied():
                self._gives_back(number, Status.SCHEDULED)

    def _loses(self, number: int) -> None:
        """Whatever lease it had, it works under it no longer."""
        if number in self._replicas and self._replicas[number].status != IDLE:
            self._gives_back(number, HELD)

    def _waits(self, reason: str) -> None:
        """What nobody told of, since the answer was lost or the process died."""
        rests = reason == Status.RESTING and self._provider.status in RESTS
        if reason in _WAITS and not rests:
            self._is(reason)
        if reason == HELD and all(strip.status == IDLE for strip in self._replicas.values()):
            self._is(HELD)

    def _operated(self, operator: str) -> None:
        if operator in _BEGIN_ANEW or (operator == Operator.TRIGGER and self._provider.status in RESTS):
            self._is(Status.SCHEDULED)
        if operator == "retire":
            self._size.set(self._now, 0)

    def _gives_back(self, number: int, status: str) -> None:
        self._is(status)
        self._works(number, IDLE)

    def _is(self, status: str) -> None:
        self._provider.change(str(status), self._now)

    def _works(self, number: int, status: str) -> None:
        if number in self._replicas:
            self._replicas[number].change(str(status), self._now)


class _Size:
    """How many entities a provider has in the catalog, as far as events tell; each sweep has counted them."""

    def __init__(self) -> None:
        self.curve: list[tuple[float, int]] = [(0.0, 0)]
        self._ingestion = 0
        self._base = 0

    def set(self, at: float, size: int) -> None:
        self.curve.append((at, size))

    def hear(self, at: float, event: events.Event) -> None:
        if event.ingestion != self._ingestion:
            self._ingestion, self._base = event.ingestion, self.curve[-1][1]
        match event:
            case events.PageCommitted(total=total):
                self.set(at, self._base + _grown(total))  # also what a page did whose answer was lost
            case events.DeltaApplied(counts=counts) | events.FullApplied(counts=counts):
                self.set(at, self.curve[-1][1] + _grown(counts))
            case events.SweepCommitted(verdict=verdict):
                self.set(at, verdict.census.marked + verdict.census.stale - verdict.removed)


def _grown(counts: Counts) -> int:
    return counts.added - counts.removed


def _seconds(at: datetime) -> float:
    return (at - EPOCH).total_seconds()
