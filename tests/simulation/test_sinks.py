"""Whatever happens to a catalog and to the sinks that follow it: once all is quiet they hold the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from incrsim.clock import VirtualClock
from incrsim.ingestion import Status
from incrsim.sinks import Courier, Mutation, courier
from incrsim.store import Store
from incrsim.store.memory import MemoryStore
from incrsim.store.mutating import DeltaDraft
from incrsim.store.outbox import DELIVERY_LEASE
from tests.contract.driver import Driver
from tests.contract.emptied import emptied
from tests.contract.samples import good, ref
from tests.mirror import Mirror, catalog_of

names = st.lists(st.sampled_from("abcdef"), max_size=4, unique=True)
notes = st.sampled_from(["", "other"])
providers = st.sampled_from("pq")
sinks = st.sampled_from("st")


class Following(RuleBasedStateMachine):
    """Two providers that take entities from each other, two sinks; `open_store` is the hole to fill."""

    open_store: Callable[[VirtualClock], Store]

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.store = type(self).open_store(self.clock)
        self.drivers = {name: Driver(self.store, self.clock, name) for name in "pq"}
        self.mirrors = {name: Mirror(name) for name in "st"}
        self.replicas = 0
        self.restart()

    @rule()
    def restart(self) -> None:
        """The replica that delivers dies, and another one begins."""
        self.replicas += 1
        self.courier = Courier(self.store, f"r{self.replicas}", self.clock)
        for mirror in self.mirrors.values():
            mirror.heard.clear()
            self.courier.attach(mirror)

    @rule(provider=providers, found=names, note=notes)
    def cycle(self, provider: str, found: list[str], note: str) -> None:
        """A whole ingestion, or the rest of one that is open; what the other provider has it takes over."""
        driver = self.drivers[provider]
        driver.begin()
        if driver.now_at.status is Status.BURSTING:
            driver.page(*(good(name, note, key="k") for name in found), done=True)
        driver.sweep()

    @rule(provider=providers, found=names, note=notes)
    def page(self, provider: str, found: list[str], note: str) -> None:
        """A page whose burst is left as it is."""
        driver = self.drivers[provider]
        driver.begin()
        if driver.now_at.status is Status.BURSTING:
            driver.page(*(good(name, note, key="k") for name in found), cursor=driver.now_at.pages)

    @rule(provider=providers, found=names, gone=names, note=notes)
    def event(self, provider: str, found: list[str], gone: list[str], note: str) -> None:
        """Something happens at the source, whatever the provider is doing."""
        removed = tuple(ref(name) for name in gone if name not in found)
        delta = DeltaDraft(tuple(good(name, note, key="k") for name in found), removed)
        self.store.apply_delta(provider, delta, self.drivers[provider].options)

    @rule(provider=providers)
    def retire(self, provider: str) -> None:
        """An operator removes a provider's entities."""
        self.store.retire(provider, self.store.count(provider))

    @rule(provider=st.sampled_from(["p", "q", None]), seconds=st.sampled_from([0.0, 1.0]))
    def deliver(self, provider: str | None, seconds: float) -> None:
        """Some of what waits, or all of it."""
        self.courier.deliver(provider, seconds=seconds)

    @rule(sink=sinks)
    def fail(self, sink: str) -> None:
        """A sink fails from now on, or works again."""
        mirror = self.mirrors[sink]
        mirror.failing = "" if mirror.failing else "down"
        self.clock.wait(courier.RETRY_WAIT)

    @rule(sink=sinks)
    def die(self, sink: str) -> None:
        """A replica dies after a sink has taken something in, and before it could say so."""
        if self.store.lease_sink(sink, "died"):
            delivery = self.store.next_delivery(sink, limit=2)
            assert delivery is not None
            if not self.mirrors[sink].failing:
                self.mirrors[sink].apply_mutation(Mutation.of(delivery))
        self.mirrors[sink].heard.clear()

    @rule(sink=sinks)
    def resync(self, sink: str) -> None:
        """A sink has lost what it held."""
        self.mirrors[sink].kept.clear()
        self.store.resync(sink)

    @rule(sink=sinks, found=names)
    def come_back(self, sink: str, found: list[str]) -> None:
        """A sink is removed and comes back later, holding what it held."""
        self.courier.detach(sink)
        self.store.remove_sink(sink)
        self.cycle("p", found, "meanwhile")
        self.mirrors[sink].heard.clear()
        self.courier.attach(self.mirrors[sink])

    def teardown(self) -> None:
        """All is quiet: sinks work, and everybody who died is given up."""
        for mirror in self.mirrors.values():
            mirror.failing = ""
        self.clock.advance(DELIVERY_LEASE)
        assert self.courier.deliver().failed == {}
        for mirror in self.mirrors.values():
            assert mirror.kept == catalog_of(self.store), f"{mirror.name} holds something else than the catalog"
        assert [state.behind for state in self.store.sinks()] == [0, 0]


def follow(open_store: Callable[[VirtualClock], Store], examples: int) -> None:
    """Try many histories."""
    machine = type("Following", (Following,), {"open_store": staticmethod(open_store)})
    look = settings(max_examples=examples, stateful_step_count=20, phases=[Phase.explicit, Phase.generate])
    run_state_machine_as_test(machine, settings=look)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "BATCH", 2)


@pytest.mark.slow
@pytest.mark.rule("C-12")
def test_sinks_follow_a_catalog_in_memory() -> None:
    """Through pages, sweeps, take-overs, failures, crashes, resyncs and absences."""
    follow(MemoryStore, 150)


@pytest.fixture
def opener(database_url: str) -> Iterator[Callable[[VirtualClock], Store]]:
    """Empties one database again and again."""
    from incrsim.store.postgres import PostgresStore

    opened: list[PostgresStore] = []

    def open_(clock: VirtualClock) -> Store:
        for store in opened:
            store.close()
        opened[:] = [PostgresStore.open(emptied(database_url), clock)]
        return opened[0]

    yield open_
    for store in opened:
        store.close()


@pytest.mark.slow
def test_sinks_follow_a_catalog_in_postgres(opener: Callable[[VirtualClock], Store]) -> None:
    """The same."""
    follow(opener, 15)
