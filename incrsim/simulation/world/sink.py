"""Another system that is kept equal to the catalog (C-12), and is down at times."""

from __future__ import annotations

from datetime import datetime

from incrsim.clock import VirtualClock
from incrsim.sinks.mutation import Mutation


class Mirror:
    """A sink that holds what it was told.

    Args:
        clock: of the run.

    Attributes:
        entities: ref → provider and body of each entity.
        largest: the most changes that it was told of at once.
        down_until: it takes nothing in before that.
    """

    name = "mirror"

    def __init__(self, clock: VirtualClock) -> None:
        self.entities: dict[str, tuple[str, bytes]] = {}
        self.largest = 0
        self.down_until: datetime = clock.now()
        self._clock = clock

    def apply_mutation(self, mutation: Mutation) -> None:
        """Take in what has changed.

        Raises:
            ConnectionError: when it is down.
        """
        if self._clock.now() < self.down_until:
            raise ConnectionError("the sink is down (simulated)")
        self.largest = max(self.largest, mutation.size)
        stands_for = mutation.resync
        gone = [*mutation.removed, *(ref for ref in self.entities if stands_for is not None and ref in stands_for)]
        for ref in gone:
            if self.entities.get(ref, ("",))[0] == mutation.provider:
                del self.entities[ref]
        for each in mutation.added:
            self.entities[each.ref] = (mutation.provider, each.text)
