"""What is said to be never lost, and who judges that."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from incrsim.simulation.faults import lying
from incrsim.simulation.oracle import Oracle
from incrsim.simulation.world import World

_log = logging.getLogger("incrsim")


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


@contextmanager
def unlogged() -> Iterator[None]:
    """What goes wrong on purpose is not logged: there is much of it."""
    level = _log.level
    _log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        _log.setLevel(level)
