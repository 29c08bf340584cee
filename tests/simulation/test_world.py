"""A scenario runs from end to end, and everybody sees all of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import incrsim
from incrsim import events
from incrsim.errors import CallerError, InvalidOptions
from incrsim.simulation.compare import compare
from incrsim.simulation.scenario import Rival, Scenario, SourceSpec
from incrsim.simulation.simulating import run_scenario
from incrsim.simulation.source import FakeSource
from incrsim.store.memory import MemoryStore
from incrsim.store.memory_bodiless import BodilessStore
from tests.simulation.http_services import Services

if TYPE_CHECKING:
    from incrsim.clock import VirtualClock
    from incrsim.simulation.world.world import World

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
    holders = {event.holder for event in run.heard() if isinstance(event, events.Claimed)}
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


def test_simulate_leaves_the_source_alone() -> None:
    """`incrsim.simulate` lets a copy of a source live; equal calls give equal traces."""
    source = FakeSource(entities=60, page_size=20, dialect="token", name="services")
    first, second = (incrsim.simulate(source, faults="rough", days=3, replicas=2, seed=7) for _ in range(2))
    assert first.ok
    assert first.digest == second.digest
    assert (first.provider, len(source), source.changes) == ("services", 60, 0)
    assert str(first).startswith("services, seed 7: ")


def test_simulate_takes_a_scenario_as_it_is() -> None:
    """A scenario says everything itself; what is wished for beside it is refused."""
    lines: list[bytes] = []
    assert incrsim.simulate(TINY, trace=lines.append).digest == run_scenario(TINY).digest
    assert len(lines) > 100
    with pytest.raises(CallerError, match="days"):
        incrsim.simulate(TINY, days=3)


def test_only_a_source_that_can_be_changed_is_simulated() -> None:
    """A provider of a real source is refused, with what to write."""

    class Shop(incrsim.IncrementalEntityProvider):
        name = "shop"

    with pytest.raises(CallerError, match=r"^simulate\(Shop\): .*write simulate\(source, provider=…\).*incrsim\.check"):
        incrsim.simulate(Shop(), faults="rough")  # type: ignore[arg-type]  # what is refused is tried


def test_options_are_the_providers() -> None:
    """What is given to `simulate` beside its own is an option of the provider."""
    run = incrsim.simulate(FakeSource(entities=9, page_size=3), days=1, burst_length="1s", max_pages=5)
    assert run.scenario.options == {"burst_length": "1s", "max_pages": 5}
    with pytest.raises(InvalidOptions, match="unknown option 'busrt_length'; write burst_length"):
        incrsim.simulate(FakeSource(entities=9), busrt_length="1s")


def test_a_provider_over_http() -> None:
    """A provider runs unmodified against a source that is served, and its addresses show nowhere in the trace."""
    digests = set()
    for _ in range(2):
        source = FakeSource(entities=20, page_size=7, name="services")
        lines: list[bytes] = []
        with source.serve("link") as url:
            run = incrsim.simulate(source, provider=Services(url), days=2, seed=4, trace=lines.append)
        assert run.ok
        assert run.cycles >= 3
        assert not any(url.rpartition(":")[2].encode() in line for line in lines)
        digests.add(run.digest)
    assert len(digests) == 1


def test_a_row_for_each_ingestion() -> None:
    """A run as a DataFrame: typed columns, one row per ingestion of the provider."""
    table = run_scenario(TINY).to_frame()
    assert list(table["ingestion"]) == list(range(1, len(table) + 1))
    assert str(table["began"].dtype) == "datetime64[us, UTC]"
    assert str(table["removable"].dtype) == "Int64"
    assert table["outcome"].iloc[0] == "swept"
    assert (table["added"].iloc[0], table["unchanged"].iloc[1]) == (50, 50)


def test_bodies_may_be_left_out() -> None:
    """On a store without bodies everything goes as on one that has them."""
    assert run_scenario(TINY, store=BodilessStore).digest == run_scenario(TINY).digest
