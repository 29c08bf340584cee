"""What was seen of a provider in many scenarios."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from incrsim.glance import brief, many
from incrsim.html import SHOWN, card, facts
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

    def __repr__(self) -> str:
        return brief(self, str(self))

    def _repr_html_(self) -> str:
        """For notebooks."""
        strikes = [f"{kind} {count:,}" for kind, count in self.faults.most_common(SHOWN)]
        known = {
            "scenarios": self.scenarios,
            "cycles": self.cycles,
            "steps": self.steps,
            "faults": self.faults.total(),
            "the most frequent": ", ".join(strikes),
            "lost": f"{self.lost:,} entities in {many(self.unsafe, 'scenario')}" if self.lost else "nothing was lost",
        }
        return card("Sweep safety", facts(known), of="lossy" if self.lost else "ok")

    def __str__(self) -> str:
        """A sentence for terminals."""
        told = f"{many(self.scenarios, 'scenario')}, {many(self.cycles, 'cycle')}, {many(self.steps, 'step')}"
        faults = f"{many(self.faults.total(), 'fault')} of {many(len(self.faults), 'kind')}"
        if not self.lost:
            return f"{told}, {faults}: nothing was lost"
        return f"{told}, {faults}: {self.lost:,} lost in {many(self.unsafe, 'scenario')}"
