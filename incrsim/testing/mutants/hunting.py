"""The hunt for mutants: scenario after scenario, in an order that is the same for all of them, until the oracle names
the rule.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from incrsim.simulation.campaign.workers import silence
from incrsim.simulation.moment import Moment
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Change, Scenario, SourceSpec
from incrsim.simulation.simulating import run_scenario
from incrsim.simulation.violation import Finding
from incrsim.testing.mutants.mutant import Mutant

SEEDS = range(1, 2001)
"""Within so many scenarios each mutant is to be caught; the n-th one has the seed n."""

WEATHER = ("rough", "hostile", "rough", "gentle")
"""Of one scenario after the other."""

SMALL = 24
"""Entities of every second four of them; the others are as large as drawn."""

LARGE_EVERY = 25
"""So often comes a scenario that is calm, and too large for one statement or one message."""


def scenario_of(seed: int) -> Scenario:
    """The scenario of a seed."""
    if seed % LARGE_EVERY == 0:
        return _large(seed)
    turn, place = divmod(seed - 1, len(WEATHER))
    return Scenario.draw(seed, WEATHER[place], entities=None if turn % 2 else SMALL)


def _large(seed: int) -> Scenario:
    source = SourceSpec(entities=10_500, page_size=5_000)
    vanishes = Change(at=Moment(2, 0), verb="remove", percent=100)
    return Scenario(seed=seed, days=1.5, source=source, changes=(vanishes,), sink=True)


@dataclass(frozen=True, slots=True)
class Hunted:
    """What came of the hunt for a mutant.

    Args:
        name: of the mutant.
        rules: of which the oracle was to name one.
        by: what the oracle found, if it caught the mutant.
        scenarios: how many were run; the last one's seed, where seeds count from 1.
        seconds: real ones.
    """

    name: str
    rules: tuple[str, ...]
    by: Finding | None
    scenarios: int
    seconds: float

    @property
    def caught(self) -> bool:
        """Whether the oracle has named the mutant's rule."""
        return self.by is not None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "name": self.name,
            "rule": ", ".join(self.rules),
            "caught": self.caught,
            "by": None if self.by is None else self.by.rule,
            "scenarios": self.scenarios,
            "seconds": round(self.seconds, 3),
        }


def hunt(mutant: Mutant, seeds: Iterable[int] = SEEDS) -> Hunted:
    """Run scenarios with a mutant until the oracle names its rule; another rule, or an error, does not count.

    Args:
        mutant: which.
        seeds: of the scenarios.
    """
    began = time.perf_counter()
    scenarios = 0
    finding = None
    with silence():
        for seed in seeds:
            scenarios += 1
            finding = _caught(mutant, scenario_of(seed))
            if finding is not None:
                break
    return Hunted(mutant.name, mutant.rules, finding, scenarios, time.perf_counter() - began)


def _caught(mutant: Mutant, scenario: Scenario) -> Finding | None:
    try:
        run = mutant.run(scenario)
    except Exception:  # noqa: BLE001 -- what raises is not caught: nobody has named a rule
        return None
    return next((each for each in run.findings if each.rule in mutant.rules), None)


def clean(seeds: Sequence[int]) -> list[Run]:
    """The runs of the engine as it is, over the same scenarios, in which a rule did not hold: there must be none."""
    with silence():
        runs = (run_scenario(scenario_of(seed)) for seed in seeds)
        return [run for run in runs if not run.ok]
