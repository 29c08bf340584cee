"""What is planned, and when it is due: moments are counted in cycles and steps, waits in virtual time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Generic, TypeVar

from incrsim.simulation.moment import Moment

Planned = TypeVar("Planned")


class Timeline(Generic[Planned]):
    """Gives what is planned at its moment.

    Args:
        planned: each with its moment; equal moments keep this order.
    """

    def __init__(self, planned: Iterable[tuple[Moment, Planned]]) -> None:
        self._ahead = sorted(planned, key=lambda each: (each[0].cycle, each[0].step))[::-1]
        self._armed: list[tuple[datetime, int, Planned]] = []
        self._count = 0
        self.cycle = 1
        self.step = 0

    def arrived_in(self, cycle: int) -> None:
        """The provider's ingestion of that number was seen."""
        if cycle > self.cycle:
            self.cycle, self.step = cycle, 0

    def due(self, now: datetime) -> Iterator[Planned]:
        """What is due, in order; each only once."""
        while self._ahead and self._reached(self._ahead[-1][0]):
            self._arm(now)
        while self._armed and self._armed[0][0] <= now:
            yield heappop(self._armed)[2]

    def add(self, at: datetime, planned: Planned) -> None:
        """One more, due at an instant."""
        self._count += 1
        heappush(self._armed, (at, self._count, planned))

    @property
    def next_instant(self) -> datetime | None:
        """When the next one is due of those whose steps have come, and that wait for the clock."""
        return self._armed[0][0] if self._armed else None

    def hasten(self, now: datetime) -> bool:
        """No step will come until something happens: the next one's steps need not come. Says whether there is one."""
        if not self._ahead:
            return False
        self._arm(now)
        return True

    def _reached(self, moment: Moment) -> bool:
        return (moment.cycle, moment.step) <= (self.cycle, self.step)

    def _arm(self, now: datetime) -> None:
        moment, planned = self._ahead.pop()
        self.add(now + timedelta(seconds=moment.wait), planned)
