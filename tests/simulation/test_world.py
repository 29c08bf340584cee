"""A scenario runs from end to end, and everybody sees all of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from incrsim import events
from incrsim.simulation.compare import compare
from incrsim.simulation.scenario import Rival, Scenario, SourceSpec
from incrsim.simulation.simulating import run_scenario
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    from incrsim.clock import VirtualClock
    from incrsim.simulation.world import World

TINY = Scenario(seed=3, days=5, replicas=2, source=SourceSpec(entities=50, page_size=10), rival=Rival())


class Looker:
    """An observer that notes what it is told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.told: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        def note(*_: Any) -> None:
            self.told[name] += 1

        return note

    def ended(self) -> None:
        """The catalog must be what both sources hold."""
        self.told["ended"] += 1
        world = self.world
        compared = compare(world.store, world.name, world.source.snapshot())
        assert compared.ok, str(compared)
        assert world.store.count("rival") == Rival().entities


def test_a_scenario_runs_to_its_end() -> None:
    """Both replicas work, the rival is served beside them, and the observer hears of every step."""
    lookers: list[Looker] = []

    def observe(world: World) -> Looker:
        lookers.append(Looker(world))
        return lookers[0]

    run = run_scenario(TINY, observe=observe)
    assert run.ok
    assert run.cycles >= TINY.days
    told = lookers[0].told
    assert told["asks"] == told["answered"] > told["returned"] > 40
    assert told["happened"] == run.steps
    assert (told["quiet"], told["ended"], told["redeployed"]) == (1, 1, 2)
    holders = {event.holder for event in run.events() if isinstance(event, events.Claimed)}
    assert holders == {"replica-0.1", "replica-1.1"}


def test_same_scenario_same_digest() -> None:
    """A run is a function of its scenario."""
    assert run_scenario(TINY).digest == run_scenario(TINY).digest


def test_store_is_given_the_worlds_clock() -> None:
    """Whoever opens the store gets the clock that everybody goes by."""
    clocks: list[VirtualClock] = []

    def store(clock: VirtualClock) -> MemoryStore:
        clocks.append(clock)
        return MemoryStore(clock)

    run_scenario(TINY, store=store)
    assert (clocks[0].now() - clocks[0]._start).days >= TINY.days
