"""Makes a violating scenario small: what is left of it is what it takes for the same rule to fail.

A scenario is plain data, and a run a function of it; so parts of it are left out, one half, one quarter, one piece at a
time (delta debugging), and stay out where the rule still fails without them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from incrsim.errors import CallerError
from incrsim.simulation.campaign.row import unexpected
from incrsim.simulation.reduction.passes import PASSES
from incrsim.simulation.reduction.result import Reduced
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.simulating import run_scenario
from incrsim.simulation.violation import Finding

RUNS = 500
"""A reduction ends after so many runs, however far it is."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run that was made while reducing.

    Args:
        number: how many there were, with this one.
        scenario: the smallest one that violates the rule so far.
    """

    number: int
    scenario: Scenario


def reduce(
    scenario: Scenario,
    finding: Finding | None = None,
    *,
    run: Callable[[Scenario], Run] = run_scenario,
    runs: int = RUNS,
    tell: Callable[[Attempt], object] = lambda _: None,
) -> Reduced:
    """Make a violating scenario small.

    Args:
        scenario: in which a rule does not hold.
        finding: which one; found by a run unless given.
        run: runs a scenario, always in the same way.
        runs: how many runs it may take.
        tell: hears of each run.

    Raises:
        CallerError: when every rule holds in the scenario.
    """
    first = finding or _tried(run, scenario)[0]
    if first is None:
        raise CallerError("reduce(scenario): every rule holds in it, so there is nothing to be found in a smaller one")
    search = Search(scenario, first, run, runs, tell)
    with suppress(_Enough):
        search.settle()
    return Reduced(scenario, search.scenario, search.finding, search.runs)


class _Enough(Exception):  # noqa: N818 -- no error
    """There were as many runs as there may be."""


class Search:
    """The smallest violating scenario so far, and how it gets smaller.

    Args:
        scenario: to begin with.
        finding: what does not hold in it.
        run: runs a scenario.
        limit: how many runs there may be.
        tell: hears of each.

    Attributes:
        scenario: the smallest one so far.
        finding: what does not hold in it.
        effects: the faults that took effect in it, each with its opportunity; `None` before the first run.
        runs: how many there were.
    """

    def __init__(
        self,
        scenario: Scenario,
        finding: Finding,
        run: Callable[[Scenario], Run],
        limit: int,
        tell: Callable[[Attempt], object],
    ) -> None:
        self.scenario = scenario
        self.finding = finding
        self.effects: tuple[tuple[str, int], ...] | None = None
        self.runs = 0
        self._rule = finding.rule
        self._run = run
        self._limit = limit
        self._tell = tell
        self._known: set[str] = set()

    def settle(self) -> None:
        """Go through all passes until none of them finds anything more to leave out."""
        before = None
        while before != self.scenario:
            before = self.scenario
            for each in PASSES:
                each(self)

    def still_fails(self, **fields: Any) -> bool:
        """Whether the rule fails with other fields, too: then they stay so."""
        try:
            candidate = replace(self.scenario, **fields)
        except CallerError:
            return False
        if candidate == self.scenario and self.effects is not None:
            return True
        text = candidate.to_json()
        if text in self._known:
            return False
        self._known.add(text)
        return self._tries(candidate)

    def _tries(self, candidate: Scenario) -> bool:
        if self.runs >= self._limit:
            raise _Enough
        self.runs += 1
        finding, effects = _tried(self._run, candidate)
        fails = finding is not None and finding.rule == self._rule
        if finding is not None and fails:
            self.scenario, self.finding, self.effects = candidate, finding, effects
        self._tell(Attempt(self.runs, self.scenario))
        return fails


def _tried(run: Callable[[Scenario], Run], scenario: Scenario) -> tuple[Finding | None, tuple[tuple[str, int], ...]]:
    try:
        done = run(scenario)
    except Exception as error:  # noqa: BLE001 -- an error that nobody expected is reduced like a rule that fails
        return unexpected(scenario, error), ()
    return next(iter(done.findings), None), done.effects
