"""A replica of the exhaustive model: a small machine that can be copied, with the steps of `Engine.tick` in its order.

It stands still where `tick` yields an event, so that anything may happen there. What it has in hand is what `tick`
keeps in its variables.
"""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple

SPENT = timedelta(0)


class Stand(IntEnum):
    """After which event of `tick` it stands."""

    IDLE = 0
    CLAIMED = 1
    ENTERED = 2
    FETCHED = 3
    COMMITTED = 4
    LEFT = 5


class Replica(NamedTuple):
    """A replica; two that are equal go on alike.

    Args:
        stand: where it stands.
        behind: whether its lease was overtaken since; by how much does not matter, for a store only asks whether a
            fence is the present one.
        sweeping: whether the last page is committed, as far as it knows.
        pages: how many pages it knows to be committed.
        deltas: how many deltas there had been when it heard of them last.
        paused: whether its last commit said that the provider is paused.
        left: how much of its burst is left.
        edition: of the source, when it fetched the page in hand.
    """

    stand: Stand = Stand.IDLE
    behind: bool = False
    sweeping: bool = False
    pages: int = 0
    deltas: int = 0
    paused: bool = False
    left: timedelta = SPENT
    edition: int = 0

    @property
    def leaves(self) -> bool:
        """Whether its burst is over at this page boundary."""
        return self.sweeping or self.paused or self.left <= SPENT

    @classmethod
    def claimed(cls, sweeping: bool, pages: int, deltas: int) -> Replica:  # noqa: FBT001 -- as it was told
        """It has the lease."""
        return cls(Stand.CLAIMED, sweeping=sweeping, pages=pages, deltas=deltas)

    def entered(self, length: timedelta) -> Replica:
        """Its burst has begun, and lasts so long."""
        return self._replace(stand=Stand.ENTERED, left=length)

    def fetched(self, edition: int) -> Replica:
        """It has a page in hand."""
        return self._replace(stand=Stand.FETCHED, edition=edition)

    def committed(self, sweeping: bool, pages: int, deltas: int, paused: bool) -> Replica:  # noqa: FBT001 -- as it was told
        """The page is in the store."""
        return Replica(Stand.COMMITTED, self.behind, sweeping, pages, deltas, paused, self.left)

    def left_context(self) -> Replica:
        """Its burst is over; how long it was plays no part any more."""
        return self._replace(stand=Stand.LEFT, left=SPENT)

    def later(self, by: timedelta) -> Replica:
        """The same after some time."""
        return self._replace(left=max(self.left - by, SPENT)) if self.left > SPENT else self

    def overtaken(self) -> Replica:
        """Somebody else took over, or an operator did."""
        return self if self.stand is Stand.IDLE else self._replace(behind=True)


IDLE = Replica()
