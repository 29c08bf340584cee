"""Events that come at any step of a cycle, applied by somebody who dies or loses the store: the catalog ends up equal
to the source (C-29).
"""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import pytest

from incrsim.clock import VirtualClock
from incrsim.errors import StoreError
from incrsim.mutations import draft_delta
from incrsim.options import ProviderOptions
from incrsim.provider_events import Delta
from incrsim.simulation import Crash, CrashPoint, FakeSource, Fuse, Moment, Simulation, compare, crashing_store
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from incrsim.entity import Entity
    from incrsim.simulation.simulator import Happening
    from incrsim.store import Store

OPTIONS = ProviderOptions.of(burst_length="1us")  # a page a burst: events come between bursts too


def entities(source: FakeSource) -> dict[str, Entity]:
    """What the source holds."""
    return dict(source.snapshot())


class Webhooks:
    """Lets the source change at one step of a cycle, and tells the store of it until it is sure that it was heard.

    Args:
        source: the source.
        store: where to apply events; it may crash.
        step: at which happening of the cycle.
    """

    def __init__(self, source: FakeSource, store: Store, step: int) -> None:
        self._source = source
        self._store = store
        self._step = step
        self._steps = count(1)
        self.has_told = False

    def __call__(self, replica: int, happening: Happening) -> None:
        """Something happened to a replica."""
        if next(self._steps) != self._step:
            return
        before = entities(self._source)
        self._source.remove(count=2)
        self._source.change(count=2)
        self._source.add(1)
        now = entities(self._source)
        added = [each for ref, each in now.items() if before.get(ref) != each]
        delta = draft_delta(Delta(added, [ref for ref in before if ref not in now]))
        while not self.has_told:
            try:
                self._store.apply_delta(self._source.name, delta, OPTIONS)
            except (StoreError, Crash):
                continue  # whoever sends webhooks sends them again, also to a process that was started anew
            self.has_told = True


def tell_at(world: tuple[Store, VirtualClock], name: str, step: int, moment: Moment | None, *, dies: bool) -> bool:
    """A cycle with an event at one step of it, after which the replica may die; says whether there was such a step."""
    store, clock = world
    point = None if moment is None else CrashPoint("apply_delta", 1, moment)
    fuse = Fuse(point)
    source = FakeSource(entities=8, page_size=4, name=name, namespace=name)
    run = Simulation(source, store=store, clock=clock, options=OPTIONS)
    run.run_cycle()
    webhooks = Webhooks(source, crashing_store(store, fuse), step)
    run.watch(webhooks)
    if dies:
        run.watch(partial(_die, run, step, count(1)))
    run.run_cycle()
    if webhooks.has_told:
        assert fuse.blown == (point is not None)
        compared = compare(store, name, source.snapshot())
        assert compared.ok, f"event at step {step}, {moment}: {compared}"
    return webhooks.has_told


def _die(run: Simulation, step: int, steps: Iterator[int], replica: int, _: Happening) -> None:
    if next(steps) == step:
        run.crash(replica)


def at_every_step(world: Callable[[], tuple[Store, VirtualClock]], moments: tuple[Moment | None, ...]) -> int:
    """Tell of an event at every step, in every way."""
    told, names = 0, count(1)
    for dies in (False, True):
        for moment in moments:
            step = 1
            while tell_at(world(), f"p{next(names)}", step, moment, dies=dies):
                told += 1
                step += 1
    return told


def in_memory() -> tuple[Store, VirtualClock]:
    """A fresh store."""
    clock = VirtualClock()
    return MemoryStore(clock), clock


@pytest.mark.rule("C-29")
def test_events_at_any_step(caplog: pytest.LogCaptureFixture) -> None:
    """Wherever an event comes, and whatever befalls who applies it or the replica, catalog and source end up equal."""
    caplog.set_level("CRITICAL", "incrsim")
    assert at_every_step(in_memory, (None, Moment.DIES_INSIDE)) > 25


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_events_at_any_step_on_postgres(
    postgres_world: tuple[Store, VirtualClock], covered: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    """The same on Postgres, with everything that can go wrong."""
    caplog.set_level("CRITICAL", "incrsim")
    told = at_every_step(lambda: postgres_world, (None, *Moment))
    covered(f"{told} events, at every step of a cycle, each moment of a crash, and before the replica's death")
