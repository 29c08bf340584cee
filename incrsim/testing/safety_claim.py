"""What is said to be never lost, and who judges that."""

from __future__ import annotations

from dataclasses import dataclass

from incrsim.simulation.faults import lying
from incrsim.simulation.oracle import Oracle
from incrsim.simulation.world.world import World


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether it is a violation when an entity is removed that the source held all along (C-20), or only counted.

    Args:
        lossless: whether it is one; unless given, it is where pages do not drift, or where a grace makes up for it, as
            long as the source does not lie.
    """

    lossless: bool | None = None

    def judging(self, world: World) -> Oracle:
        """Who judges a world."""
        return Oracle(world.store, world.clock, line=lambda: world.trace.length, protects=self._protects(world))

    def _protects(self, world: World) -> bool:
        if self.lossless is not None:
            return self.lossless
        has_grace = world.scenario.provider_options().removal_grace_cycles > 0
        return world.protects or (has_grace and not lying(world.scenario.faults))
