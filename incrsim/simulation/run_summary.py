"""What came of many runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from incrsim.simulation.run import Run


@dataclass(slots=True)
class Summary:
    """Counts runs.

    Args:
        scenarios: how many.
        violations: a row for each run in which a rule did not hold.
        faults: how often each kind of fault took effect.
        planned: the kinds of faults that could have.
        seconds: real ones.
    """

    scenarios: int = 0
    violations: list[dict[str, Any]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    planned: set[str] = field(default_factory=set)
    seconds: float = 0.0

    def add(self, run: Run) -> None:
        """One more."""
        self.scenarios += 1
        self.violations += [{"seed": run.scenario.seed, **asdict(finding)} for finding in run.findings]
        self.faults += run.faults
        self.planned |= {fault.kind for fault in run.scenario.faults}
        self.seconds += run.seconds

    @property
    def ok(self) -> bool:
        """Whether every rule held in every run."""
        return not self.violations

    @property
    def uncovered(self) -> list[str]:
        """The kinds of faults that could have happened, and never took effect."""
        return sorted(self.planned - set(self.faults))

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "scenarios": self.scenarios,
            "violations": self.violations,
            "faults": dict(sorted(self.faults.items())),
            "uncovered": self.uncovered,
            "seconds": round(self.seconds, 3),
            "ok": self.ok,
        }

    def __str__(self) -> str:
        """A sentence or two for terminals."""
        told = (
            f"{self.scenarios:,} scenarios in {self.seconds:,.1f} s; {self.faults.total():,} faults of "
            f"{len(self.faults):,} kinds took effect"
        )
        if self.uncovered:
            told += f", and never: {', '.join(self.uncovered)}"
        violated = f"violated in {len(self.violations):,} of them" if self.violations else "no rule was violated"
        return f"{told}; {violated}"
