"""A month of a live source, in seconds."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from incrsim.clock import EPOCH, VirtualClock
from incrsim.simulation import FakeSource, Simulation, compare
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

DAYS = 30


@pytest.mark.slow
def test_catalog_follows_its_source_for_a_month(covered: Callable[[str], None]) -> None:
    """With daily changes, and two replicas, catalog and source are the same after each cycle."""
    clock = VirtualClock()
    source = FakeSource(entities=2_000, page_size=100)
    run = Simulation(source, store=MemoryStore(clock), clock=clock, replicas=2)
    random = Random(30)
    for day in range(1, DAYS + 1):
        assert run.run_cycle() == day
        compared = compare(run.store, source.name, source.snapshot())
        assert compared.ok, f"day {day}: {compared}"
        source.remove(percent=random.randrange(5))
        source.change(percent=random.randrange(5))
        source.add(random.randrange(50))
        source.bring_back(percent=random.randrange(50))
    assert (clock.now() - EPOCH).days == DAYS - 1
    covered(f"{DAYS} days, {run.trace.length} steps, {len(source)} entities in the end")


def test_nothing_more_to_do_is_idle() -> None:
    """A run until idle ends when the provider rests, without moving the clock past it."""
    clock = VirtualClock()
    source = FakeSource(entities=10, page_size=3)
    run = Simulation(source, store=MemoryStore(clock), clock=clock, replicas=2)
    run.run_until_idle()
    assert clock.now() == EPOCH
    assert run.rested == 1
    assert compare(run.store, source.name, source.snapshot()).ok


def test_dead_replica_is_replaced_under_another_name() -> None:
    """After a crash the next incarnation waits for the lease of the one before it, and then goes on."""
    clock = VirtualClock()
    source = FakeSource(entities=10, page_size=3)
    run = Simulation(source, store=MemoryStore(clock), clock=clock)
    for _ in range(4):
        run.step()
    lease = run.store.state(source.name).lease
    assert lease is not None
    assert lease.holder == "replica-0.1"
    run.crash()
    assert run.replicas[0].incarnation == 2
    assert run.run_cycle() == 1
    assert clock.now() >= lease.expires_at
    assert compare(run.store, source.name, source.snapshot()).ok


def test_schedule_is_played_move_by_move() -> None:
    """A schedule names replicas and jumps of the clock; a jump with nothing ahead changes nothing."""
    clock = VirtualClock()
    source = FakeSource(entities=4, page_size=4)
    run = Simulation(source, store=MemoryStore(clock), clock=clock, replicas=2)
    run.play([0, 1, "advance", 1])
    state = run.store.state(source.name)
    assert state.lease is not None
    assert state.lease.holder == "replica-1.1"
    assert clock.now() == EPOCH + run.options.lease_length
