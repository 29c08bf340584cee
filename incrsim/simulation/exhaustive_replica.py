"""A replica of the exhaustive model: a small machine that can be copied, with the steps of `Engine.tick` in its order.

Where `tick` yields an event the machine stands still, so that anything may happen there. What it has in hand is what
`tick` keeps in its variables: how many pages it knows of, a fetched page, whether its lease was overtaken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
        behind: whether its lease was overtaken since; by how much does not matter, for the store only asks whether a
            fence is the present one.
        sweeping: whether the last page is committed, as far as it knows.
        pages: how many pages it knows to be committed.
        deltas: how many deltas there had been when its next page's fetch may begin.
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

    def later(self, by: timedelta) -> Replica:
        """The same after some time."""
        return self._replace(left=max(self.left - by, SPENT)) if self.left > SPENT else self


IDLE = Replica()
