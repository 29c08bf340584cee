"""Reduction: what is left of a violating scenario is what it takes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import incrsim.simulation
from incrsim.errors import CallerError
from incrsim.simulation.dice import Fault
from incrsim.simulation.moment import Moment
from incrsim.simulation.reduction.passes import fewest, least
from incrsim.simulation.reduction.reducing import Attempt, reduce
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Change, OperatorCall, Rival, Scenario, SourceSpec
from incrsim.simulation.simulating import run_scenario
from incrsim.simulation.violation import Finding, Violation
from incrsim.simulation.world.happenings import FaultStruck, Operated
from incrsim.simulation.world.outfit import Blind
from incrsim.simulation.world.world import World

LARGE = Scenario(
    seed=5,
    days=6,
    replicas=3,
    source=SourceSpec(entities=90, page_size=10, dialect="offset", seconds=0.5),
    options={"burst_length": "10s", "removal_grace_cycles": 2},
    changes=tuple(Change(at=Moment(cycle, 3), verb="remove", count=2) for cycle in (1, 2, 3)),
    operators=tuple(
        OperatorCall(at=Moment(cycle, 2), operator=call) for cycle in (2, 4) for call in ("start", "cancel")
    ),
    faults=(Fault("slow store", 0.05), Fault("error from next", 0.1), Fault("replica dies", 0.01)),
    rival=Rival(),
    sink=True,
)


class Fussy(Blind):
    """Finds fault with a `cancel` that comes after an error of the provider."""

    def __init__(self, world: World) -> None:
        self.world = world

    def happened(self, replica: int, happening: object) -> None:
        heard = [each for _, each in self.world.happenings]
        struck = [each for each in heard if isinstance(each, FaultStruck) and each.kind == "error from next"]
        canceled = [each for each in heard if isinstance(each, Operated) and each.operator == "cancel"]
        if struck and canceled and canceled[-1].at > struck[0].at:
            raise Violation(Finding("C-33", "main", len(heard), "no cancel", "one", ("it failed", "it was canceled")))


def fussy_run(scenario: Scenario) -> Run:
    """A run in which that is a rule."""
    return run_scenario(scenario, observe=Fussy)


@pytest.mark.slow
def test_what_is_left_is_what_it_takes() -> None:
    """Of a large scenario only the fault, the call, and what they need are left."""
    heard: list[Attempt] = []
    reduced = reduce(LARGE, run=fussy_run, tell=heard.append)
    left = reduced.scenario
    assert [call.operator for call in left.operators] == ["cancel"]
    assert [(fault.kind, len(fault.occurrences)) for fault in left.faults] == [("error from next", 1)]
    assert (left.replicas, left.rival, left.sink, left.changes, left.options) == (1, None, False, (), {})
    assert left.days <= 2
    assert left.source.entities <= 5
    assert fussy_run(left).findings[0].rule == reduced.finding.rule == "C-33"
    assert [each.number for each in heard] == list(range(1, reduced.runs + 1))
    assert reduce(LARGE, run=fussy_run) == reduced


def test_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reduction takes no more runs than it may; what it has found by then is pasted into a test, and fails there."""
    reduced = reduce(LARGE, run=fussy_run, runs=3)
    assert reduced.runs == 3
    assert all(fault.occurrences for fault in reduced.scenario.faults)
    code = str(reduced)
    assert code.endswith("# C-33 does not hold for 'main' since step" + code.partition("since step")[2])
    assert code.splitlines()[-2:] == ["#   it failed", "#   it was canceled"]
    monkeypatch.setattr(incrsim.simulation, "simulate", fussy_run)
    with pytest.raises(AssertionError, match="C-33 does not hold"):
        exec(code, {})
    monkeypatch.undo()
    exec(code, {})
    assert Scenario.from_toml(reduced.to_toml()) == reduced.scenario


def test_an_error_that_nobody_expected_is_reduced() -> None:
    """A run that breaks off is reduced to the same class of error."""

    def breaks(scenario: Scenario) -> Run:
        if scenario.sink:
            raise ZeroDivisionError(f"in {scenario.days} days")
        raise KeyError("another one")

    reduced = reduce(LARGE, run=breaks)
    assert reduced.finding.rule == "ZeroDivisionError"
    assert (reduced.scenario.sink, reduced.scenario.days, reduced.scenario.faults) == (True, 0, ())


def test_nothing_to_reduce() -> None:
    """A scenario in which all is well is refused."""
    with pytest.raises(CallerError, match="every rule holds in it"):
        reduce(Scenario(days=1, source=SourceSpec(entities=4)))


@pytest.mark.parametrize("needed", [{3}, {0, 9}, {2, 3, 4}, set(range(10)), set()])
def test_fewest(needed: set[int]) -> None:
    """Delta debugging finds exactly what is needed, in its order, in few attempts."""
    attempts: list[Sequence[int]] = []

    def fails(items: Sequence[int]) -> bool:
        attempts.append(items)
        return needed <= set(items)

    assert list(fewest(range(10), fails)) == sorted(needed)
    assert len(attempts) < 40


@pytest.mark.parametrize("bound", [0, 1, 7, 99, 100])
def test_least(bound: int) -> None:
    """The least number is found by halving."""
    assert least(0, 100, lambda number: number >= bound) == bound
