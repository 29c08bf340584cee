"""Events and full mutations on a real server: what they cost, and who waits for whom."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from incrsim.clock import VirtualClock
from incrsim.entity import Entity
from incrsim.mutations import _spooled  # how callers' entities travel
from incrsim.store import full, transactions
from incrsim.store.postgres import PostgresStore
from incrsim.store.postgres_errors import Conflict
from incrsim.store.postgres_rows import PostgresTransaction
from tests.contract.driver import Driver, drafts
from tests.contract.samples import good, ref
from tests.postgres.test_sql import peak
from tests.postgres.test_store_errors import ask


@pytest.fixture
def p(store: PostgresStore, clock: VirtualClock) -> Driver:
    """A provider."""
    return Driver(store, clock, "p")


def replaced(p: Driver, entities: int) -> int:
    """Peak memory of a full mutation that loads so many entities, and of one that removes them again."""

    def made() -> Iterator[Entity]:
        return (good(f"e{number}") for number in range(entities))

    def apply(given: Iterator[Entity]) -> None:
        with _spooled(given) as pages:
            p.store.apply_full(p.lease_for_full(), pages, p.options)

    loaded = peak(lambda: apply(made()))
    assert p.store.count(p.name) == entities
    removed = peak(lambda: apply(iter(())))
    assert p.store.count(p.name) == 0
    return max(loaded, removed)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_memory_of_a_full_mutation_is_flat(store: PostgresStore, clock: VirtualClock) -> None:
    """A hundred thousand entities take no more memory than ten thousand."""
    replaced(Driver(store, clock, "warm"), 1_000)
    small, large = replaced(Driver(store, clock, "small"), 10_000), replaced(Driver(store, clock, "large"), 100_000)
    assert large < small + 1_000_000, (small, large)


def test_nobody_sees_half_of_a_full_mutation(store: PostgresStore, p: Driver) -> None:
    """While its transaction is under way readers see what was before, also the provider's lease, which is renewed."""
    p.cycle(good("a"), good("b"))
    seen: list[list[str]] = []
    lease = p.lease_for_full()

    def watched() -> Iterator[object]:
        for draft in drafts([[good("c")], [good("d")]]):
            seen.append(p.names())
            assert store.state("p").lease == lease
            yield draft

    store.apply_full(lease, watched(), p.options)  # type: ignore[arg-type]  # drafts, one after the other
    assert seen == [["a", "b"], ["a", "b"]]
    assert p.names() == ["c", "d"]


def test_an_event_waits_for_a_full_mutation(store: PostgresStore, clock: VirtualClock, p: Driver) -> None:
    """An event that comes meanwhile is applied after it, and wins."""
    other = Driver(store, clock, "p", "r2")
    thread = threading.Thread(target=lambda: other.delta(good("a", "event")), daemon=True)

    def slow() -> Iterator[object]:
        thread.start()
        yield from drafts([[good("a", "full")]])

    store.apply_full(p.lease_for_full(), slow(), p.options)  # type: ignore[arg-type]  # drafts, one after the other
    thread.join(10)
    assert b'"event"' in p.bodies()[ref("a")]


def test_a_full_mutation_is_run_again(store: PostgresStore, p: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a conflict with another provider it is run again from its first page."""
    tried: list[int] = []
    sweep = transactions.sweep

    def conflicting(*arguments: object) -> object:
        tried.append(1)
        if len(tried) == 1:
            raise Conflict("a row was taken over")
        return sweep(*arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(full, "sweep", conflicting)
    p.cycle(good("a"))
    with _spooled([good("b"), good("c")]) as pages:
        assert store.apply_full(p.lease_for_full(), pages, p.options).ingestion.counts.added == 2
    assert (len(tried), p.names()) == (2, ["b", "c"])


@pytest.mark.rule("C-29")
def test_refs_of_events_go_with_the_lease(p: Driver, database_url: str) -> None:
    """What is recorded against pages in flight goes when the burst ends, and nothing is recorded without one."""
    p.delta(good("a"))
    recorded = "SELECT count(*) FROM incrsim.delta_ref"
    assert ask(database_url, recorded) == 0
    p.begin()
    p.delta(good("a"), removed=["b"])
    assert ask(database_url, recorded) == 2
    p.page(good("c"), done=True)
    p.sweep()
    assert ask(database_url, recorded) == 0


@pytest.mark.rule("C-11", "C-29")
def test_pages_without_events_ask_for_none(p: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a page that an event came before is compared with events: all others cost what they cost before."""
    asked: list[int] = []
    look = PostgresTransaction.later_deltas

    def counted(self: PostgresTransaction, refs: list[str], after: int) -> set[str]:
        asked.append(after)
        return look(self, refs, after)

    monkeypatch.setattr(PostgresTransaction, "later_deltas", counted)
    p.delta(good("z"))
    p.begin()
    p.page(good("a"))
    p.delta(good("b"))
    p.page(good("b"), fetched_after=1)
    p.page(good("c"), done=True)
    assert asked == [1]


def test_an_event_locks_in_the_order_of_refs(store: PostgresStore, clock: VirtualClock) -> None:
    """Two providers whose events take each other's entities over never wait for each other in a circle (C-40)."""
    one, two = Driver(store, clock, "p"), Driver(store, clock, "q")
    shared = [good(f"e{number}", key="k") for number in range(50)]
    failed: list[BaseException] = []

    def take_over(driver: Driver, entities: list[Entity]) -> None:
        try:
            for note in range(10):
                driver.delta(*(replace_note(each, f"{driver.name}{note}") for each in entities))
        except BaseException as error:  # noqa: BLE001  # told below
            failed.append(error)

    threads = [
        threading.Thread(target=take_over, args=(driver, entities), daemon=True)
        for driver, entities in ((one, shared), (two, shared[::-1]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert sorted([*one.names(), *two.names()]) == sorted(f"e{number}" for number in range(50))


def replace_note(entity: Entity, note: str) -> Entity:
    """The same entity with another body."""
    body = entity.body
    body["metadata"]["description"] = note
    return Entity(body, location_key=entity.location_key)
