"""A violating scenario that was made small, as a file to keep and as Python to paste into a test."""

from __future__ import annotations

from dataclasses import dataclass

from incrsim.glance import brief
from incrsim.html import card, verbatim
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.violation import Finding


@dataclass(frozen=True, slots=True)
class Reduced:
    """What is left of a violating scenario.

    Args:
        before: what it was.
        scenario: what it is now.
        finding: what does not hold in it.
        runs: how many runs it took to find out.
    """

    before: Scenario
    scenario: Scenario
    finding: Finding
    runs: int

    @property
    def seed(self) -> int:
        """Of both scenarios."""
        return self.before.seed

    @property
    def name(self) -> str:
        """Of a file."""
        return f"{self.finding.rule.lower()}-seed-{self.seed}"

    def to_toml(self) -> str:
        """A scenario's file that begins with what does not hold."""
        return f"{self._comment()}\n\n{self.scenario.to_toml()}"

    def __repr__(self) -> str:
        return brief(self, f"{self.name}, after {self.runs:,} runs: {str(self.finding).partition(chr(10))[0]}")

    def _repr_html_(self) -> str:
        """For notebooks."""
        return card(f"{self.name}, after {self.runs:,} runs", verbatim(str(self)), of="violated")

    def __str__(self) -> str:
        """Lines to paste into a test, which fails as long as the rule does not hold; then what happened."""
        lines = [
            "from incrsim.simulation import Scenario, simulate",
            "",
            f'scenario = Scenario.from_toml(r"""{self.scenario.to_toml()}""")',
            "run = simulate(scenario)",
            "assert run.ok, run",
            self._comment(),
        ]
        return "\n".join(lines)

    def _comment(self) -> str:
        return "\n".join(f"# {line}".rstrip() for line in str(self.finding).splitlines())
