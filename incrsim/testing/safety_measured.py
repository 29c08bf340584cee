"""What was seen of a provider in many scenarios."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from incrsim.glance import many
from incrsim.simulation.run import Run


@dataclass(slots=True)
class Measured:
    """What happened in many scenarios in which every rule held.

    Args:
        scenarios: how many.
        cycles: how many ingestions came to rest in them.
        steps: that replicas took.
        faults: how often each kind took effect.
        lost: how many entities were swept that the source held all along: its pages drift, or it lied.
        unsafe: in how many scenarios that happened.
    """

    scenarios: int = 0
    cycles: int = 0
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    unsafe: int = 0

    def add(self, run: Run) -> None:
        """Count one more."""
        lost = sum(run.losses.values())
        self.scenarios += 1
        self.cycles += run.cycles
        self.steps += run.steps
        self.faults += run.faults
        self.lost += lost
        self.unsafe += lost > 0

    def __str__(self) -> str:
        """A sentence for terminals."""
        told = f"{many(self.scenarios, 'scenario')}, {many(self.cycles, 'cycle')}, {many(self.steps, 'step')}"
        faults = f"{many(self.faults.total(), 'fault')} of {many(len(self.faults), 'kind')}"
        if not self.lost:
            return f"{told}, {faults}: nothing was lost"
        return f"{told}, {faults}: {self.lost:,} lost in {many(self.unsafe, 'scenario')}"
