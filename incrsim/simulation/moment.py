"""When something that a scenario plans happens: counted in cycles and steps, so that the middle of a burst is as easy
to name as the third day of a rest.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """An instant of a simulation.

    Args:
        cycle: the number of an ingestion of the scenario's provider, from 1.
        step: before which step it is, counted over all replicas since that ingestion was first seen; 0 is before
            anything else of it. A cycle that ends before it has so many steps leaves it to the beginning of the next.
        wait: seconds of virtual time after that.
    """

    cycle: int
    step: int = 0
    wait: float = 0.0

    def __post_init__(self) -> None:
        if self.cycle < 1 or self.step < 0 or self.wait < 0:
            raise ValueError(f"{self}: cycles count from 1, steps and seconds from 0")
