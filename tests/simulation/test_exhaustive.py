"""All histories of a small world; the search finds what is broken; and its replicas do what the engine does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING

import pytest

from incrsim.simulation.exhaustive import OPTIONS, exhaust
from incrsim.simulation.exhaustive.model import Model
from incrsim.simulation.exhaustive.replica import Replica
from incrsim.store.memory import MemoryStore
from incrsim.testing.mutants import MUTANTS
from tests.simulation import broken_stores as broken
from tests.simulation.side_by_side import SideBySide

if TYPE_CHECKING:
    from collections.abc import Callable

    from _pytest.mark import ParameterSet

    from incrsim.options import ProviderOptions

WALKS = 200

AT_LIMIT = replace(OPTIONS, reject_removals_above_percentage=Fraction(25))
"""The one of four that vanishes is exactly as many as may."""

ABOVE_LIMIT = replace(OPTIONS, reject_removals_above_percentage=Fraction(24))


@dataclass(frozen=True)
class Case:
    """A broken store.

    Args:
        store: it.
        rule: the rule that it breaks.
        calls: how many calls from outside it takes to see that.
        failures: how many failures.
        options: under which it shows.
    """

    store: type[MemoryStore]
    rule: str
    calls: int = 0
    failures: int = 0
    options: ProviderOptions = OPTIONS


CAUGHT = (
    Case(MUTANTS["asks-no-fence"].store, "C-37"),
    Case(broken.TakesPageTwice, "C-38"),
    Case(broken.WritesAllTheSame, "C-37"),
    Case(MUTANTS["forgets-cursor"].store, "C-10"),
    Case(broken.ForgetsPage, "C-10", failures=1),
    Case(MUTANTS["sweeps-what-is-marked"].store, "C-20"),
    Case(MUTANTS["sweeps-what-others-own"].store, "C-20"),
    Case(MUTANTS["sweeps-nothing"].store, "C-21"),
    Case(broken.ForgetsSweep, "C-27"),
    Case(MUTANTS["refuses-at-the-limit"].store, "C-23", options=AT_LIMIT),
    Case(broken.ApprovesNothing, "C-26", calls=1, options=ABOVE_LIMIT),
    Case(MUTANTS["overlaps-ticks"].store, "C-37"),
    Case(MUTANTS["reuses-fence"].store, "C-37"),
    Case(MUTANTS["forgets-pause"].store, "C-33", calls=1),
    Case(MUTANTS["skips-first-wait"].store, "C-17", failures=1),
    Case(MUTANTS["fails-and-keeps-lease"].store, "C-37", failures=1),
    Case(broken.StartKeepsOldOpen, "C-15", calls=1),
    Case(MUTANTS["cancels-behind-the-burst"].store, "C-33", calls=1),
    Case(MUTANTS["cancels-for-a-day-of-the-clock"].store, "C-33", calls=1),
    Case(MUTANTS["bears-fence-again"].store, "C-34", calls=1),
    Case(MUTANTS["deletes-entities-too"].store, "C-34", calls=1),
    Case(broken.RetiresUncounted, "C-34", calls=1),
    Case(MUTANTS["undoes-events"].store, "C-29", calls=1),
    Case(MUTANTS["marks-no-event"].store, "C-20", calls=1),
)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_history(covered: Callable[[str], None]) -> None:
    """Whatever two replicas do in any order, with any one call from outside and any one failure, every rule holds."""
    found = exhaust()
    assert found.ok, str(found)
    covered(str(found).partition("\n")[0])


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_every_history_under_a_guard(covered: Callable[[str], None]) -> None:
    """The same where a guard refuses what is above its limit, an operator may approve it, and nothing goes wrong."""
    found = exhaust(options=ABOVE_LIMIT, failures=0)
    assert found.ok, str(found)
    covered(str(found).partition("\n")[0])


@pytest.mark.slow
def test_every_history_with_two_failures(covered: Callable[[str], None]) -> None:
    """The same with any two failures, the second of which may use up the attempts, and nobody who calls."""
    found = exhaust(calls=0, failures=2)
    assert found.ok, str(found)
    covered(str(found).partition("\n")[0])


def _marked(case: Case) -> ParameterSet:
    late = case.options is ABOVE_LIMIT or case.store is MUTANTS["marks-no-event"].store
    return pytest.param(case, id=case.store.__name__, marks=[pytest.mark.slow] if late else [])


@pytest.mark.parametrize("case", [_marked(case) for case in CAUGHT])
def test_broken_store_is_caught(case: Case) -> None:
    """The search names the rule that a broken store breaks, and tells a shortest history that does it."""
    found = exhaust(case.store(), options=case.options, calls=case.calls, failures=case.failures)
    assert not found.ok
    assert case.rule in {each.rule for each in found.violations}, str(found)
    assert found.violations[0].story[0].startswith("1. ")


@pytest.mark.slow
def test_replicas_do_what_the_engine_does(covered: Callable[[str], None], caplog: pytest.LogCaptureFixture) -> None:
    """Random histories on the model and under the shipping engine lead to the same rows, step by step."""
    caplog.set_level("CRITICAL", "incrsim")
    model, random = Model(MemoryStore(), OPTIONS), Random(4)
    walked = [SideBySide(model, random).walk() for _ in range(WALKS)]
    moves, calls, failures, ended = (
        sum(getattr(each, name) for each in walked) for name in ("moves", "calls", "failures", "ended")
    )
    assert ended > WALKS / 3
    covered(
        f"{WALKS} random histories of {moves:,} moves, {calls:,} calls from outside and {failures:,} failures, "
        f"{ended} of them to the end"
    )


@pytest.mark.parametrize("limits", [{"calls": 4}, {"failures": -1}])
def test_limits_are_checked(limits: dict[str, int]) -> None:
    """More calls or failures than can be counted are refused at once."""
    with pytest.raises(ValueError, match="a history may have 0 to 3 of them"):
        exhaust(**limits)  # type: ignore[arg-type]  # keywords from a table


def test_drift_is_noticed(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A machine that goes on where the engine ends its burst comes to another place, and that is seen."""
    caplog.set_level("CRITICAL", "incrsim")
    monkeypatch.setattr(Replica, "leaves", property(lambda replica: replica.sweeping))
    model, random = Model(MemoryStore(), OPTIONS), Random(4)
    walks = (SideBySide(model, random).walk() for _ in range(WALKS))
    with pytest.raises(AssertionError, match="the engine"):
        list(walks)
