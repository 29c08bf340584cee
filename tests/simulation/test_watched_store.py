"""Steps of a store go wrong: whoever asked dies or does not hear of it, and an observer is told which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from incrsim.engine import Engine
from incrsim.errors import StoreUnavailable, WrongCount
from incrsim.host import InlineHost
from incrsim.lifecycle import Operator
from incrsim.mutations import apply_full
from incrsim.simulation import faults
from incrsim.simulation.crash import STORE_STEPS, Crash, Moment
from incrsim.simulation.dice import Fault
from incrsim.simulation.faults import KINDS, of_step
from incrsim.simulation.observation import OPERATOR, Outcome
from incrsim.simulation.simulator import StoreFailed
from incrsim.simulation.violation import Finding, Violation
from incrsim.simulation.watched_store import SLOW_FOR
from incrsim.store.contract import Lease
from incrsim.store.mutating import DeltaDraft
from incrsim.store.page import PageDraft
from tests.simulation.faulty_world import OPTIONS, FaultyWorld

if TYPE_CHECKING:
    from incrsim.clock import VirtualClock
    from incrsim.store import Store

pytestmark = pytest.mark.usefixtures("quiet_logs")

OUTCOMES = {
    Moment.DIES_BEFORE: Outcome.DIED,
    Moment.DIES_INSIDE: Outcome.DIED,
    Moment.DIES_AFTER: Outcome.DIED,
    Moment.ANSWER_LOST: Outcome.LOST,
}
AFTER = (Moment.DIES_INSIDE, Moment.DIES_AFTER, Moment.ANSWER_LOST)
"""Moments that come after the store has looked at what it is asked for."""


def leased(world: FaultyWorld) -> Lease:
    """The lease of somebody who is about to apply a full mutation."""
    lease = world.store.lease_for_full("fake", "caller", OPTIONS)
    assert isinstance(lease, Lease)
    return lease


def refused_verdict(world: FaultyWorld) -> int:
    """The id of the last verdict, which refused something."""
    verdict = world.store.state("fake").last_verdict
    assert verdict is not None
    assert verdict.refused
    return verdict.id


BY_OTHERS: dict[str, Callable[[FaultyWorld], tuple[Any, ...]]] = {
    "operate": lambda _: ("fake", Operator.START),
    "approve": lambda world: ("fake", refused_verdict(world)),
    "retire": lambda world: ("fake", world.store.count("fake")),
    "apply_delta": lambda _: ("fake", DeltaDraft([], ["component:fake/service-000000003"]), OPTIONS),
    "lease_for_full": lambda _: ("fake", "caller", OPTIONS),
    "apply_full": lambda world: (leased(world), [PageDraft(1, [], None, done=True, returned=0)], OPTIONS),
    "give_back": lambda world: (leased(world),),
}
"""The steps that no replica takes, each with what to pass."""


def replica_step(moment: Moment, step: str, world: Callable[..., FaultyWorld] = FaultyWorld) -> None:
    """One step of a replica goes wrong, and only that; afterwards the catalog equals the source."""
    kind, number = of_step(moment, step), 1 if step == "register" else 2
    failures = Fault(faults.NEXT_RAISES, occurrences=(2, 9))
    faulty = world([failures, Fault(kind, occurrences=(number,))]).cycles(3)
    assert (kind, number) in faulty.dice.effects
    outcomes = faulty.heard.outcomes(step)
    assert outcomes[number - 1] is OUTCOMES[moment]
    assert set(outcomes[: number - 1] + outcomes[number:]) <= {Outcome.DONE, Outcome.REFUSED}
    faulty.come_to_rest()


@pytest.mark.parametrize("moment", OUTCOMES)
@pytest.mark.parametrize("step", sorted(STORE_STEPS - BY_OTHERS.keys()))
def test_a_replicas_step_goes_wrong(moment: Moment, step: str) -> None:
    """Whoever asked for a step dies or does not hear of it; an observer is told which."""
    if of_step(moment, step) in KINDS:
        replica_step(moment, step)


@pytest.mark.parametrize("moment", OUTCOMES)
@pytest.mark.parametrize("step", BY_OTHERS)
def test_another_ones_step_goes_wrong(moment: Moment, step: str) -> None:
    """An operator's or a caller's step is done or not, as the moment says, whatever whoever asked for it gets to
    know.
    """
    nothing_goes = replace(OPTIONS, reject_removals_above_percentage=Fraction(0))
    world = FaultyWorld([Fault(of_step(moment, step), occurrences=(1,))], options=nothing_goes).cycles(2)
    take, arguments = getattr(world.watched(OPERATOR), step), BY_OTHERS[step](world)
    before = world.store.state("fake"), world.store.count()
    with pytest.raises((Crash, StoreUnavailable)):
        take(*arguments)
    assert world.heard.outcomes(step) == [OUTCOMES[moment]]
    assert world.heard.asked[-1].replica == OPERATOR
    done = moment in (Moment.DIES_AFTER, Moment.ANSWER_LOST)
    assert ((world.store.state("fake"), world.store.count()) != before) is done


def test_a_sweep_fails_and_is_repeated() -> None:
    """Nothing of it is kept, the failure is recorded, and the sweep comes again after its wait."""
    world = FaultyWorld([Fault(faults.SWEEP_FAILS, occurrences=(1, 2))]).cycles(2)
    assert world.dice.effects == [(faults.SWEEP_FAILS, 1), (faults.SWEEP_FAILS, 2)]
    assert world.heard.outcomes("commit_sweep")[:3] == [Outcome.FAILED, Outcome.FAILED, Outcome.DONE]
    assert world.heard.outcomes("record_failure") == [Outcome.DONE, Outcome.DONE]
    assert world.store.history("fake")[0].last_error is not None
    world.come_to_rest()


def test_the_dead_do_nothing() -> None:
    """What Python still runs of a process that died reaches no store: its lease expires by itself."""
    world = FaultyWorld([Fault(of_step(Moment.DIES_BEFORE, "apply_full"), occurrences=(1,))]).cycles(1)
    engine = Engine(
        provider=world.source,
        options=OPTIONS,
        store=world.watched(OPERATOR),
        clock=world.clock,
        host=InlineHost(world.clock),
        holder="caller",
    )
    with pytest.raises(Crash):
        apply_full(engine, [], lambda _: None)
    assert world.heard.outcomes("apply_full") == [Outcome.DIED]
    assert not world.heard.outcomes("give_back")
    assert world.store.state("fake").lease is not None


def test_a_refused_step_is_no_fault() -> None:
    """What the store refuses anyway cannot go wrong: the strike is not in the book."""
    faulty = [Fault(of_step(moment, "retire"), occurrences=(number,)) for number, moment in enumerate(AFTER, 1)]
    world = FaultyWorld(faulty).cycles(1)
    for _ in faulty:
        with pytest.raises(WrongCount):
            world.watched(OPERATOR).retire("fake", 1)
    assert set(world.heard.outcomes("retire")) == {Outcome.REFUSED}
    assert not world.dice.effects


def test_the_store_is_down_for_all() -> None:
    """While the store is down nobody reaches it, reading neither; the replica tries again until it is back."""
    world = FaultyWorld([Fault(faults.STORE_DOWN, occurrences=(5,))])
    while not world.dice.effects:
        world.run.step()
    down_until = world.troubles.down_until
    assert down_until is not None
    assert world.clock.now() < down_until
    for replica in (0, 1, OPERATOR):
        with pytest.raises(StoreUnavailable):
            world.watched(replica).state("fake")
    with pytest.raises(StoreUnavailable):
        world.watched(OPERATOR).operate("fake", Operator.START)
    assert world.watched(OPERATOR).describe() == "memory"
    world.run.run_cycle()
    assert world.clock.now() >= down_until
    assert list(world.of(StoreFailed))
    assert Outcome.FAILED in world.heard.outcomes("operate")
    world.come_to_rest()


def test_a_slow_store() -> None:
    """A step waits for its store before it begins: the observer sees it at the instant at which it is taken."""
    world = FaultyWorld([Fault(faults.STORE_SLOW, rate=1.0)])
    begun = world.clock.now()
    world.cycles(1)
    assert world.clock.now() - begun > 6 * SLOW_FOR[0]
    assert {kind for kind, _ in world.dice.effects} == {faults.STORE_SLOW}
    world.come_to_rest()


@pytest.mark.slow
def test_on_postgres(postgres_world: tuple[Store, VirtualClock]) -> None:
    """Steps go wrong on Postgres as they do in memory: the same trace, the same answers, nothing lost."""
    store, clock = postgres_world
    for moment, step in [(Moment.DIES_INSIDE, "commit_page"), (Moment.ANSWER_LOST, "commit_sweep")]:
        replica_step(moment, step, partial(FaultyWorld, store=store, clock=clock, name=step.replace("_", "-")))


def test_a_violation_stops_the_run() -> None:
    """What an observer finds is heard by whoever drives the run: the engine does not take it for a failure of the
    provider.
    """
    world = FaultyWorld()
    found = Violation(Finding("C-10", "fake", 1, "a page", "none"))
    world.heard.objection = found
    with pytest.raises(Violation) as raised:
        world.cycles(1)
    assert raised.value is found
    assert world.heard.asked[-1].step == "commit_page"
    with pytest.raises(Violation):
        world.watched(OPERATOR).apply_delta("fake", DeltaDraft([], []), OPTIONS)
