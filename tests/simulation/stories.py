"""Stories of small worlds in which every step is judged: one thing after the other, each for some rules."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from incrsim import events
from incrsim.clock import EPOCH
from incrsim.errors import (
    CursorExpired,
    FatalError,
    InvalidTransition,
    ProviderBusy,
    RateLimited,
    SupersededVerdict,
    WrongCount,
)
from incrsim.lifecycle import Operator
from incrsim.provider import Problem
from incrsim.simulation import faults
from incrsim.simulation.crash import Moment as CrashMoment
from incrsim.simulation.dice import Fault
from incrsim.simulation.moment import Moment
from incrsim.simulation.scenario import Change, Rival, Scenario, SourceSpec
from incrsim.simulation.simulating import run_scenario
from incrsim.simulation.violation import Violation
from incrsim.store import transactions as sweeps
from tests.simulation.judged import Judged, ref

NAMES = "abcdefgh"
DIES_INSIDE = CrashMoment.DIES_INSIDE


def changes_of_a_source_are_followed() -> None:
    """Entities that are new, changed and gone, over several cycles and with two replicas."""
    world = Judged(NAMES, replicas=2)
    world.cycles()
    world.changed(a=None, b=2, z=1)
    world.cycles(3)
    world.ended()


def guards_and_approvals() -> None:
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


def grace() -> None:
    """What vanishes stays for two more cycles, unless it comes back."""
    world = Judged(NAMES, removal_grace_cycles=2)
    world.cycles()
    world.changed(a=None, b=None)
    world.cycles(2)
    world.changed(b=1)
    world.cycles(3)
    world.ended()


def failures_wait_and_are_given_up() -> None:
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


def invalid_entities_are_set_aside() -> None:
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
    world.source.problems = [Problem("odd", ref=ref("d"))]
    world.changed(d=None)
    world.cycles()
    world.source.problems = [Problem("unreadable")]
    world.changed(e=None)
    world.cycles()
    world.source.problems = []
    world.ended()


def a_page_may_fail_for_one_invalid_entity() -> None:
    """With `on_invalid_entity="fail"` nothing of the page is kept."""
    world = Judged(NAMES, on_invalid_entity="fail", backoff=["1m"])
    world.changed(e=0)
    world.until(events.Failed)
    world.changed(e=1)
    world.ended()


def two_providers_keep_apart() -> None:
    """Claims are lost, and won with a location key."""
    first = Judged("abcde")
    second = Judged("cdefg", beside=first, name="second")
    first.source.keys = {"c": "key"}
    first.cycles()
    second.source.keys = {"c": "key", "d": "another"}
    second.cycles()
    second.told({"a": 9, "d": 9}, ["b"])
    first.source.keys = {"c": "key", "a": "its own"}
    first.cycles()
    first.changed(d=None)
    first.cycles()
    second.cycles(2)
    first.delivered()
    first.oracle.ended()


def events_at_any_time() -> None:
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


def operators_at_any_time() -> None:
    """Each call in each status that a cycle goes through."""
    for operator in Operator:
        world = Judged(NAMES, backoff=["1m"], burst_length="2s")
        for event in (events.Claimed, events.PageCommitted, events.BurstEnded, events.Failed, events.SweepCommitted):
            world.source.raising = [ConnectionError()] if event is events.Failed else []
            world.until(event)
            world.operate(operator)
            world.operate(Operator.RESUME)
        world.ended()


def retire_and_full_mutations() -> None:
    """All goes with the right count; a full mutation is an ingestion of its own."""
    world = Judged(NAMES, reject_removals_above_count=2)
    other = Judged("mn", beside=world, name="other")
    other.cycles()
    world.cycles()
    world.full(dict.fromkeys("abcdefgx", 2))
    world.full({"a": 1})
    world.approve()
    world.cycles()
    world.outside.retire(world.source.name, len(world.source.items))
    world.ended()


def guards_at_their_limits() -> None:
    """Exactly the limit passes and one more is refused; what is new does not dilute it; 0 is a limit, too."""
    cases: tuple[tuple[dict[str, Any], bool], ...] = (
        ({"reject_removals_above_percentage": 25}, False),
        ({"reject_removals_above_percentage": 24}, True),
        ({"reject_removals_above_percentage": 0}, True),
        ({"reject_removals_above_count": 2}, False),
        ({"reject_removals_above_count": 1}, True),
        ({"reject_removals_above_count": 0}, True),
        ({"reject_removals_above_count": 1, "removal_grace_cycles": 1}, False),
    )
    for limits, refused in cases:
        world = Judged(NAMES, **limits)
        world.cycles()
        world.changed(a=None, b=None, x=1, y=1, z=1)
        world.cycles()
        verdict = world.verdict
        assert verdict.refused is refused, f"{limits}: {verdict}"
        world.cycles()
        if world.verdict.refused:
            world.approve()
        world.ended()


def an_empty_source() -> None:
    """An event does not fool the empty guard, and nothing is emptied where nothing is stale."""
    world = Judged("", reject_empty_source_collections=True)
    world.cycles()
    world.changed(a=1, b=1)
    world.cycles()
    world.changed(a=None, b=None)
    world.until(events.PageFetched)
    world.told({"c": 1})
    world.cycles()
    assert world.verdict.refused
    world.approve()
    world.changed(d=1)
    world.ended()


def grace_is_reset() -> None:
    """A mark of a canceled ingestion resets it, a refused sweep does not spend it, and what came back begins anew."""
    world = Judged(NAMES, removal_grace_cycles=1, reject_removals_above_count=1)
    world.cycles()
    world.changed(a=None, b=None)
    world.cycles()
    world.changed(a=1)
    world.until(events.PageCommitted)
    world.operate(Operator.START)
    world.changed(a=None, c=None, d=None)
    world.cycles(2)
    world.told({"c": 1}, ["d"])
    world.changed(d=1)
    world.cycles()
    world.changed(d=None)
    world.cycles(2)


def cursors_and_lengths() -> None:
    """A cursor that comes again is fatal, and so is a page past `max_pages`; the last allowed one is fine."""
    world = Judged(NAMES, max_pages=3, backoff=["1m"], faults=[Fault(faults.CURSOR_LOOP, occurrences=(2,))])
    world.cycles()
    world.changed(x=1, y=1)
    world.until(events.IngestionEnded)
    world.changed(x=None, y=None)
    world.ended()


def a_long_history() -> None:
    """The last twenty ingestions can be read."""
    world = Judged("a", rest_length="1h")
    world.cycles(24)
    world.ended()


def cut_short_anywhere() -> None:
    """A process dies around and inside every step, or does not hear of it."""
    for moment in faults.STEP_MOMENTS:
        for step in ("claim", "commit_page", "commit_sweep", "end_burst", "register"):
            if moment is DIES_INSIDE and step == "register":
                continue
            world = Judged(NAMES, faults=[Fault(faults.of_step(moment, step), occurrences=(1, 3))], burst_length="2s")
            world.cycles()
            world.changed(a=None, b=2)
            world.cycles(2)
            world.ended()


def a_sweep_that_fails() -> None:
    """It is tried again at the waits of the list, and then at the last one, and never given up."""
    world = Judged(NAMES, backoff=["1m", "5m"])
    world.cycles()
    world.changed(a=None, b=None)
    world.store.failing_sweeps = 4
    world.cycles()
    world.ended()


def approvals_while_pages_are_read() -> None:
    """What was marked or told since stays; what was approved counts in no guard."""
    world = Judged(NAMES, reject_removals_above_percentage=20)
    world.cycles()
    world.changed(a=None, b=None, c=None, d=None)
    world.cycles()
    world.told({"d": 3})
    world.changed(a=1)
    world.until(events.PageCommitted)
    world.approve()
    world.changed(e=None)
    world.cycles()
    world.changed(a=None, f=None)
    world.cycles()
    world.told({"f": 7})
    world.approve()
    world.ended()


def a_paused_replica() -> None:
    """A replica sleeps past its lease with a page in hand, and its commit is refused."""
    world = Judged(NAMES, replicas=2)
    world.until(events.PageFetched)
    sleeper = world.run.replicas[0] if world.run.replicas[0].in_tick else world.run.replicas[1]
    world.clock.advance(timedelta(minutes=5))
    world.run.step(1 - sleeper.number)
    world.run.step(1 - sleeper.number)
    world.run.step(sleeper.number)
    world.cycles()
    world.until(events.PageFetched)
    world.clock.advance(timedelta(minutes=5))  # nobody has taken over: it may commit
    world.cycles()
    world.ended()


def a_sink() -> None:
    """Another system gets every change, and is down at times."""
    for seed in range(4):
        run = run_scenario(
            Scenario(
                seed=seed,
                days=4,
                source=SourceSpec(entities=12, page_size=4),
                sink=True,
                faults=(Fault(faults.SINK_DOWN, 0.1), Fault(faults.of_event("removes", "after"), 0.1)),
                changes=tuple(Change(at=Moment(cycle), verb="remove", count=2) for cycle in (2, 3)),
                rival=Rival(entities=3),
            )
        )
        if run.findings:
            raise Violation(run.findings[0])


def many_at_once() -> None:
    """A sweep of more than one statement."""
    size = vars(sweeps)["SWEEP_CHUNK"]
    vars(sweeps)["SWEEP_CHUNK"] = 3
    try:
        world = Judged(NAMES)
        world.cycles()
        world.changed(a=None, b=None, c=None, d=None, e=None)
        world.ended()
    finally:
        vars(sweeps)["SWEEP_CHUNK"] = size


def the_same_again() -> None:
    """A page comes twice in an ingestion: what is new, changed or invalid counts once, and is told once."""
    repeated = Fault(faults.REPEATED_PAGE, occurrences=(2, 5, 8))
    world = Judged(NAMES, faults=[repeated], max_invalid_percentage=25)
    world.cycles()
    world.changed(a=2, b=0, c=0, x=1)
    world.cycles(2)
    world.changed(b=1, c=1)
    world.ended()


def as_many_invalid_as_may_be() -> None:
    """One alone is never too much; exactly the limit is not, either."""
    world = Judged(NAMES, max_invalid_percentage=0)
    world.changed(a=0)
    world.cycles(2)
    world = Judged(NAMES, max_invalid_percentage=25)
    world.changed(a=0, h=0)
    world.cycles(2)
    world.changed(a=1, h=1)
    world.ended()


def refused_with_grace() -> None:
    """What is within its grace is not among the refs of a verdict."""
    world = Judged(NAMES, removal_grace_cycles=1, reject_removals_above_count=0)
    world.cycles()
    world.changed(a=None, b=None)
    world.cycles()
    world.changed(c=None)
    world.cycles()
    assert len(world.store.stale("written")) == 2
    world.approve()
    world.cycles()
    world.operate(Operator.START)
    world.cycles(2)


def emptied_without_a_guard() -> None:
    """Then it is emptied."""
    world = Judged(NAMES)
    world.cycles()
    world.changed(**dict.fromkeys(NAMES))
    world.ended()


def pauses() -> None:
    """A burst ends at its next page, a sweep waits, nothing is claimed."""
    world = Judged(NAMES, replicas=2, burst_length="1m")
    world.until(events.PageFetched)
    world.operate(Operator.PAUSE)
    world.until(events.BurstEnded)
    world.until(events.Waiting)
    world.clock.advance(timedelta(days=2))
    world.until(events.Waiting)
    world.operate(Operator.RESUME)
    world.until(events.PageCommitted)
    world.until(events.PageFetched)
    world.operate(Operator.PAUSE)
    world.until(events.BurstEnded)
    world.until(events.Waiting)
    world.operate(Operator.RESUME)
    world.ended()


def calls_that_are_refused() -> None:
    """A wrong count, a verdict that is none, an ingestion that is under way."""
    world = Judged(NAMES, burst_length="2s")
    world.changed(a=0)
    world.cycles()
    with suppress(WrongCount):
        world.outside.retire("written", 3)
    with suppress(SupersededVerdict):
        world.approve()
    world.until(events.PageCommitted)
    with suppress(ProviderBusy):
        world.full({"a": 1})
    world.until(events.BurstEnded)
    with suppress(InvalidTransition):
        world.full({"a": 1})
    world.operate(Operator.DELETE)
    world.ended()


STORIES = {
    story.__name__: story
    for story in (
        changes_of_a_source_are_followed,
        guards_and_approvals,
        grace,
        failures_wait_and_are_given_up,
        invalid_entities_are_set_aside,
        a_page_may_fail_for_one_invalid_entity,
        two_providers_keep_apart,
        events_at_any_time,
        operators_at_any_time,
        retire_and_full_mutations,
        guards_at_their_limits,
        an_empty_source,
        grace_is_reset,
        cursors_and_lengths,
        a_long_history,
        cut_short_anywhere,
        a_sweep_that_fails,
        approvals_while_pages_are_read,
        a_paused_replica,
        a_sink,
        many_at_once,
        the_same_again,
        as_many_invalid_as_may_be,
        refused_with_grace,
        emptied_without_a_guard,
        pauses,
        calls_that_are_refused,
    )
}
