"""An oracle is silent as long as every rule holds, whatever happens to the engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incrsim import events
from incrsim.clock import EPOCH
from incrsim.errors import CursorExpired, FatalError, RateLimited
from incrsim.lifecycle import Operator
from incrsim.provider import Problem
from incrsim.simulation import faults
from incrsim.simulation.dice import Fault
from incrsim.simulation.moment import Moment
from incrsim.simulation.scenario import Change, OperatorCall, Rival, Scenario, SourceSpec, Webhook
from incrsim.simulation.simulating import run_scenario
from tests.simulation.judged import Judged, ref

NAMES = "abcdefgh"


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture) -> None:
    """The engine tells of each failure, and there are many."""
    caplog.set_level("CRITICAL", "incrsim")


# --- one thing after the other ----------------------------------------------------------------------------------------


def test_changes_of_a_source_are_followed() -> None:
    """Entities that are new, changed and gone, over several cycles and with two replicas."""
    world = Judged(NAMES, replicas=2)
    world.cycles()
    world.changed(a=None, b=2, z=1)
    world.cycles(3)
    world.ended()


def test_guards_and_approvals() -> None:
    """A sweep is refused, and let through at once or by the next one."""
    world = Judged(NAMES, reject_removals_above_percentage=20)
    world.cycles()
    world.changed(a=None, b=None, c=None)
    world.cycles()
    world.approve()
    world.approve()
    world.changed(d=None, e=None)
    world.cycles()
    world.until(events.PageCommitted)
    world.approve()
    world.ended()


def test_grace() -> None:
    """What vanishes stays for two more cycles, unless it comes back."""
    world = Judged(NAMES, removal_grace_cycles=2)
    world.cycles()
    world.changed(a=None, b=None)
    world.cycles(2)
    world.changed(b=1)
    world.cycles(3)
    world.ended()


def test_failures_wait_and_are_given_up() -> None:
    """Errors of every family, at the waits of the list and past its end."""
    world = Judged(NAMES, backoff=["1m", "5m"])
    later = EPOCH + timedelta(hours=1)
    world.source.raising = [
        ConnectionError(), None, ValueError(), ConnectionError(), ConnectionError(), CursorExpired(), None,
        CursorExpired(), RateLimited(later), None, FatalError(), RateLimited(later + timedelta(days=9)),
        RateLimited(EPOCH),
    ]  # fmt: skip
    world.cycles(2)
    world.ended()


def test_invalid_entities_are_set_aside() -> None:
    """A typo deletes nothing, is recorded once, and too many of them end the ingestion."""
    world = Judged(NAMES, max_invalid_percentage=20)
    world.cycles()
    world.changed(a=0)
    world.cycles(2)
    world.changed(b=0)
    world.until(events.IngestionEnded)
    world.changed(a=2, b=2)
    world.source.twice = {"c"}
    world.cycles()
    world.source.problems = [Problem("unreadable"), Problem("odd", ref=ref("d"))]
    world.changed(d=None)
    world.cycles()
    world.source.problems = []
    world.ended()


def test_a_page_may_fail_for_one_invalid_entity() -> None:
    """With `on_invalid_entity="fail"` nothing of the page is kept."""
    world = Judged(NAMES, on_invalid_entity="fail", backoff=["1m"])
    world.changed(e=0)
    world.until(events.Failed)
    world.changed(e=1)
    world.ended()


def test_two_providers_keep_apart() -> None:
    """Claims are lost, and won with a location key."""
    first = Judged("abcd")
    second = Judged("cdef", beside=first, name="second")
    first.source.keys = {"c": "key"}
    first.cycles()
    second.source.keys = {"c": "key", "d": "another"}
    second.cycles()
    first.cycles()
    first.changed(d=None)
    first.cycles()
    second.cycles(2)
    first.oracle.ended()


def test_events_at_any_time() -> None:
    """Before the first page, between a fetch and its commit, while resting."""
    world = Judged(NAMES)
    world.until(events.Claimed)
    world.told({"x": 1}, ["a"])
    world.until(events.PageFetched)
    world.told({"y": 1, "b": 9}, ["c"])
    world.until(events.PageCommitted)
    world.told({"a": 5}, ["b"])
    world.cycles()
    world.told({"y": 2, "bad": 0}, ["h", "none"])
    world.cycles()
    world.ended()


def test_operators_at_any_time() -> None:
    """Each call in each status that a cycle goes through."""
    for operator in Operator:
        world = Judged(NAMES, backoff=["1m"], burst_length="2s")
        for event in (events.Claimed, events.PageCommitted, events.BurstEnded, events.Failed, events.SweepCommitted):
            world.source.raising = [ConnectionError()] if event is events.Failed else []
            world.until(event)
            world.operate(operator)
            world.operate(Operator.RESUME)
        world.ended()


def test_retire_and_full_mutations() -> None:
    """All goes with the right count; a full mutation is an ingestion of its own."""
    world = Judged(NAMES, reject_removals_above_count=2)
    world.cycles()
    world.full(dict.fromkeys("abcdefgx", 2))
    world.full({"a": 1})
    world.approve()
    world.cycles()
    world.outside.retire(world.source.name, len(world.source.items))
    world.ended()


# --- everything at once -----------------------------------------------------------------------------------------------


def scenario(seed: int, **changed: object) -> Scenario:
    """A small one in which everything happens."""
    verbs = ("add", "remove", "change", "bring_back")
    calls = ("approve", "start", "trigger", "cancel", "delete marks", "full", "delete", "pause", "resume", "retire")
    given: dict[str, object] = {
        "seed": seed,
        "days": 6,
        "replicas": 1 + seed % 3,
        "source": SourceSpec(entities=20, page_size=6),
        "options": {
            "burst_length": "2s",
            "removal_grace_cycles": seed % 2,
            "reject_removals_above_percentage": (None, 10, 50)[seed % 3],
        },
        "changes": tuple(
            Change(at=Moment(1 + index, 3 * index), verb=verbs[(seed + index) % 4], count=1 + index)
            for index in range(6)
        ),
        "operators": tuple(
            OperatorCall(at=Moment(1 + index, 2 * index), operator=calls[(seed + 3 * index) % 10]) for index in range(4)
        ),
        "webhooks": tuple(Webhook(at=Moment(index, 5 * index), added=1, changed=1, removed=1) for index in (1, 2, 4)),
        "rival": Rival(entities=5) if seed % 2 else None,
    }
    return Scenario(**{**given, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_silent_in_good_weather(seed: int) -> None:
    """Operators, events and changes at any moment break no rule."""
    run = run_scenario(scenario(seed))
    assert run.ok, str(run)
    assert run.cycles > 1


@pytest.mark.parametrize("seed", range(4))
def test_silent_in_rough_weather(seed: int) -> None:
    """Nor does anything that does not lie."""
    kinds = tuple(Fault(kind.name, rate=kind.rate) for kind in faults.KINDS.values() if not kind.lies)
    run = run_scenario(scenario(seed, faults=kinds))
    assert run.ok, str(run)
    assert run.effects
