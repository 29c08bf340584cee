"""Whose turn it is: which replica takes the next step, and how far the clock goes when nobody can take one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from incrsim.clock import VirtualClock
from incrsim.simulation.dice import Dice
from incrsim.simulation.faults import INTERLEAVED
from incrsim.simulation.simulator import Replica, Simulation

FOR_SOMEBODY = datetime.max.replace(tzinfo=UTC)
"""A replica that waits until then waits for somebody to wake it: its provider is paused."""


@dataclass(slots=True, eq=False)
class Lane:
    """A replica as the schedule sees it.

    Args:
        run: the simulation that it belongs to.
        index: its place there.
        replica: itself.
        frozen_until: it does nothing before that.
    """

    run: Simulation
    index: int
    replica: Replica
    frozen_until: datetime | None = None

    @property
    def number(self) -> int:
        """Which replica it is, from 0, counted over all providers."""
        return self.replica.number

    @property
    def ready_at(self) -> datetime | None:
        """When it takes its next step at the earliest; `None` for at once."""
        waits = self.replica.waits_until
        if self.frozen_until is None:
            return waits
        return self.frozen_until if waits is None else max(waits, self.frozen_until)


class Schedule:
    """Gives replicas their turns. One goes on until it waits; now and then the dice let another one in between.

    Args:
        runs: the simulations that share a store.
        clock: theirs.
        seed: decides who is first where several could be.
        dice: of the run.
    """

    def __init__(self, runs: Iterable[Simulation], clock: VirtualClock, seed: int, dice: Dice) -> None:
        self.lanes = [Lane(run, index, each) for run in runs for index, each in enumerate(run.replicas)]
        self._clock = clock
        self._random = Random(f"{seed} schedule")
        self._dice = dice
        self._last = self.lanes[0]

    def next(self) -> Lane | None:
        """Who takes the next step; `None` when all wait."""
        now, last = self._clock.now(), self._last
        ready = [lane for lane in self.lanes if (at := lane.ready_at) is None or at <= now]
        if not ready:
            return None
        if len(ready) == 1:
            self._last = ready[0]
        elif not (last.replica.in_tick and last in ready):
            self._last = self._one_of(ready)
        elif self._dice.strikes(INTERLEAVED):
            self._last = self._one_of([lane for lane in ready if lane is not last])
        self._last.frozen_until = None
        return self._last

    def _one_of(self, lanes: list[Lane]) -> Lane:
        return lanes[int(self._random.random() * len(lanes))]

    @property
    def next_instant(self) -> datetime:
        """When the first of those that wait takes its next step."""
        return min(at for lane in self.lanes if (at := lane.ready_at) is not None)

    def waits_for_somebody(self, provider: str) -> bool:
        """Whether no replica takes a step for a provider until it is woken."""
        return all(lane.replica.waits_until == FOR_SOMEBODY for lane in self.lanes if lane.run.name == provider)

    def wake(self, provider: str, at: datetime) -> None:
        """Whoever waits for a provider looks again then, as a live replica that hears of a change does."""
        for lane in self.lanes:
            waits = lane.replica.waits_until
            if lane.run.name == provider and waits is not None and waits > at:
                lane.replica.waits_until = at

    def thaw(self) -> None:
        """Nobody is frozen any more."""
        for lane in self.lanes:
            lane.frozen_until = None
