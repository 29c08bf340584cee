"""Draws scenarios until a rule does not hold in one of them, and makes that one small."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed as seeded, settings, strategies as st

from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.violation import Finding, Violation

_log = logging.getLogger("incrsim")


@dataclass(frozen=True, slots=True)
class Prey:
    """A scenario in which a rule does not hold, as small as could be found.

    Args:
        scenario: which one.
        finding: what does not hold.
    """

    scenario: Scenario
    finding: Finding


def hunt(
    scenarios: st.SearchStrategy[Scenario], run: Callable[[Scenario], Run], *, examples: int, seed: int = 0
) -> Prey | None:
    """Draw scenarios and run them; the first one that fails is made small, while the same rule fails.

    Args:
        scenarios: what is drawn.
        run: runs one, always in the same way.
        examples: how many are drawn at most.
        seed: others for another one.
    """
    smallest: list[Prey] = []

    @settings(
        max_examples=examples,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        deadline=None,
        database=None,
        derandomize=False,
        report_multiple_bugs=False,
    )
    @seeded(seed)
    @given(scenarios)
    def check(scenario: Scenario) -> None:
        for finding in run(scenario).findings:
            if not smallest or finding.rule == smallest[0].finding.rule:
                smallest[:] = [Prey(scenario, finding)]  # the last one that Hypothesis tries is the smallest
                raise Violation(finding)

    try:
        with unlogged():
            check()
    except Violation:
        return smallest[0]
    return None


@contextmanager
def unlogged() -> Iterator[None]:
    """What goes wrong on purpose is not logged: there is much of it."""
    level = _log.level
    _log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        _log.setLevel(level)
