"""What came of a campaign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import import_module
from statistics import median
from typing import TYPE_CHECKING, Any

from incrsim.frames import REAL, TEXT, TRUTH, WHOLE, Types, typed
from incrsim.glance import brief
from incrsim.html import card, facts
from incrsim.simulation.campaign.coverage import CONTRADICTED, IMPOSSIBLE, UNCOVERED, Coverage, Pair
from incrsim.simulation.campaign.row import Row
from incrsim.simulation.faults import KINDS
from incrsim.simulation.reduction.result import Reduced

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COLUMNS: Types = {
    "seed": WHOLE,
    "verdict": "category",
    "entities": WHOLE,
    "pages": WHOLE,
    "dialect": "category",
    "replicas": WHOLE,
    "claimed": WHOLE,
    "cycles": WHOLE,
    "steps": WHOLE,
    "lies": TRUTH,
    "lost": WHOLE,
    "faults": WHOLE,
    "kinds": WHOLE,
    "seconds": REAL,
    "digest": TEXT,
}

SHOWN = 5
"""How many of a long list a text shows."""


@dataclass(frozen=True)
class CampaignResult:
    """What came of a campaign.

    Args:
        rows: one for each scenario, by seed.
        planned: the kinds of faults that could happen.
        seconds: how long it took to run those that were run now.
        reduced: violations, made small.
        again: the command that runs a scenario of it once more, without the seed.
    """

    rows: Sequence[Row]
    planned: frozenset[str]
    seconds: float
    reduced: Sequence[Reduced] = ()
    again: str = "incrsim simulate"

    @property
    def ok(self) -> bool:
        """Whether every rule held in every run, and what is said to be impossible never happened."""
        return not self.violations and not self.contradictions

    @property
    def violations(self) -> list[Row]:
        """The runs in which a rule did not hold."""
        return [row for row in self.rows if row.finding is not None]

    @cached_property
    def faults(self) -> Counter[str]:
        """How often each kind of fault took effect; also those that never did."""
        counted = Counter(dict.fromkeys((name for name in KINDS if name in self.planned), 0))
        for row in self.rows:
            counted.update(row.faults)
        return counted

    @cached_property
    def coverage(self) -> Coverage:
        """Which faults took effect in which statuses."""
        return Coverage(self.rows, self.planned)

    @property
    def uncovered(self) -> tuple[Pair, ...]:
        """The faults that never took effect in a status, and could have."""
        return self.coverage.of(UNCOVERED)

    @property
    def contradictions(self) -> tuple[Pair, ...]:
        """The faults that took effect in a status in which they are said to be impossible."""
        return self.coverage.of(CONTRADICTED)

    # --- how large it was ---------------------------------------------------------------------------------------------

    @property
    def median_entities(self) -> float:
        """Of a scenario's source, at first."""
        return median(row.entities for row in self.rows) if self.rows else 0

    @property
    def median_cycles(self) -> float:
        """Of a scenario."""
        return median(row.cycles for row in self.rows) if self.rows else 0

    @property
    def share_of_both(self) -> float:
        """In how many of the scenarios with several replicas two of them claimed, at least, from 0 to 1."""
        several = [row for row in self.rows if row.replicas > 1]
        return sum(row.claimed > 1 for row in several) / len(several) if several else 0.0

    # --- shown --------------------------------------------------------------------------------------------------------

    def to_frame(self) -> pd.DataFrame:
        """A row for each scenario, and a column for each kind of fault that took effect.

        Raises:
            MissingExtra: when pandas is not installed.
        """
        kinds = sorted(self.faults)
        return typed((_values(row, kinds) for row in self.rows), {**COLUMNS, **dict.fromkeys(kinds, WHOLE)})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how often each kind of fault took effect in each status.

        Args:
            ax: matplotlib's axes to draw into; new ones unless given.

        Raises:
            MissingExtra: when matplotlib is not installed.
        """
        counts = {(pair.status, pair.fault): pair.times for pair in self.coverage}
        impossible = {(pair.status, pair.fault) for pair in self.coverage.of(IMPOSSIBLE)}
        drawn: Axes = import_module("incrsim.notebook.plots").campaign(counts, impossible, ax)  # above this module
        return drawn

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "scenarios": len(self.rows),
            "violations": [self._violation(row) for row in self.violations],
            "faults": dict(self.faults),
            "uncovered": list(map(str, self.uncovered)),
            "seconds": round(self.seconds, 3),
            "ok": self.ok,
            "impossible": {str(pair): pair.impossible for pair in self.coverage.of(IMPOSSIBLE)},
            "contradictions": list(map(str, self.contradictions)),
            "median_entities": self.median_entities,
            "median_cycles": self.median_cycles,
            "share_of_both": round(self.share_of_both, 4),
        }

    def _violation(self, row: Row) -> dict[str, Any]:
        reduced = next((each.scenario.to_dict() for each in self.reduced if each.seed == row.seed), None)
        found = {} if row.finding is None else asdict(row.finding)
        return {"seed": row.seed, **found, "again": f"{self.again} --seed {row.seed}", "reduced": reduced}

    def headline(self) -> str:
        """One sentence that says whether all is well."""
        count = len(self.rows)
        scenarios = f"{count:,} scenario{'s' if count != 1 else ''}"
        if self.violations:
            return f"a rule does not hold in {len(self.violations):,} of {scenarios}"
        if self.contradictions:
            return f"every rule held in {scenarios}, and {self.contradictions[0]} is not impossible"
        return f"every rule held in {scenarios}"

    def sentences(self) -> list[tuple[str, str]]:
        """What is to be said of it, each with what it is about."""
        never = [kind for kind, times in self.faults.items() if not times]
        seen = len(self.faults) - len(never)
        rare = min((times for times in self.faults.values() if times), default=0)
        claimed = f"two replicas claimed in {self.share_of_both:.1%} of those with several"
        told = [
            ("scenarios", f"{len(self.rows):,} in {self.seconds:,.1f} s"),
            ("sizes", f"median {self.median_entities:,.0f} entities, {self.median_cycles:,.0f} cycles; {claimed}"),
            (
                "faults",
                f"{self.faults.total():,} of {seen} kinds, each {rare:,} times or more",
            ),
            ("never", _listed(never)),
            ("lost", self._losses()),
            ("coverage", f"of {len(self.coverage):,} pairs of fault and status: {self.coverage}"),
            ("uncovered", _listed(_by_fault(self.uncovered))),
            ("contradicted", _listed([f"{pair} ({pair.impossible})" for pair in self.contradictions])),
            ("violated", _listed([f"{rule} in {n:,}" for rule, n in self._rules().items()])),
        ]
        return [(about, text) for about, text in told if text]

    def _losses(self) -> str:
        lost = [row.lost for row in self.rows if row.lost]
        return (
            f"{sum(lost):,} entities in {len(lost):,} scenarios in which pages drift, or the source lies"
            if lost
            else ""
        )

    def _rules(self) -> Counter[str]:
        return Counter(row.verdict for row in self.violations)

    def __str__(self) -> str:
        """A table for terminals."""
        return "\n".join([*(f"{about:<13}{text}" for about, text in self.sentences()), self.headline()])

    def __repr__(self) -> str:
        return brief(self, self.headline())

    def _repr_html_(self) -> str:
        """For notebooks."""
        return card("Campaign", self.headline(), facts(dict(self.sentences())), of="ok" if self.ok else "violated")


def _listed(names: Sequence[str]) -> str:
    more = f" … and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return "; ".join(names[:SHOWN]) + more


def _by_fault(pairs: Iterable[Pair]) -> list[str]:
    statuses: dict[str, list[str]] = {}
    for pair in pairs:
        statuses.setdefault(pair.fault, []).append(pair.status)
    return [f"{fault} while {', '.join(where)}" for fault, where in statuses.items()]


def _values(row: Row, kinds: Sequence[str]) -> tuple[Any, ...]:
    shown = {**{name: getattr(row, name, None) for name in COLUMNS}, "faults": sum(row.faults.values())}
    shown["kinds"] = len(row.faults)
    return (*(shown[name] for name in COLUMNS), *(row.faults.get(kind, 0) for kind in kinds))
