"""The outbox on a real server: who waits for whom, what stays in the tables, and what it costs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

import pytest

from incrsim.clock import VirtualClock
from incrsim.errors import StoreError, StoreUnavailable
from incrsim.sinks import Courier, Mutation
from incrsim.sinks.courier import BATCH
from incrsim.store import postgres_outbox
from incrsim.store.outbox import Delivery
from incrsim.store.postgres import PostgresStore
from incrsim.store.postgres_rows import PostgresTransaction
from tests.conftest import execute
from tests.contract.driver import Driver
from tests.contract.samples import good, ref
from tests.contract.sinks import names_of, told, waiting
from tests.mirror import Mirror, catalog_of
from tests.postgres.conftest import Opener
from tests.postgres.test_concurrency import PATIENCE, after, wait_for_lock, working_on
from tests.postgres.test_listening import pooled
from tests.postgres.test_sql import cost, peak
from tests.postgres.test_store_errors import ask

pytestmark = pytest.mark.postgres

ROWS = "SELECT count(*) FROM incrsim.outbox"
COUNTERS = "SELECT coalesce(sum(outbox), 0)::bigint FROM incrsim.provider"

MANY_CHANGES = (
    (
        "INSERT INTO incrsim.entity (written_in, added_in, provider_id, digest, ref, body) "
        "SELECT 1, 1, 1, decode(md5(n::text), 'hex'), 'component:default/of-{changes}-' || n, "
        "json_build_object('metadata', "
        "json_build_object('annotations', json_build_object('a', repeat('x', 600))))::text "
        "FROM generate_series(1, {changes}) n"
    ),
    (
        "INSERT INTO incrsim.outbox (provider_id, sequence, ingestion, removed, ref) "
        "SELECT 1, outbox + n, 1, false, 'component:default/of-{changes}-' || n "
        "FROM incrsim.provider, generate_series(1, {changes}) n"
    ),
    "UPDATE incrsim.provider SET outbox = outbox + {changes}",
)
"""A page that is far too large, without waiting for it."""


@pytest.fixture
def p(store: PostgresStore, clock: VirtualClock) -> Driver:
    """A provider."""
    return Driver(store, clock, "p")


@pytest.fixture
def q(open_store: Opener, clock: VirtualClock) -> Driver:
    """Another provider, in another session."""
    return Driver(open_store(), clock, "q", "r2")


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Runs what must happen at the same time."""
    with ThreadPoolExecutor() as pool:
        yield pool


# --- registering while others write -----------------------------------------------------------------------------------


@pytest.mark.rule("C-12")
def test_a_page_that_is_under_way_is_not_missed(
    store: PostgresStore, p: Driver, q: Driver, threads: ThreadPoolExecutor, database_url: str
) -> None:
    """A sink that is registered in the middle of a page waits for its commit, and is given what it wrote."""
    p.claim()
    registered: list[Future[None]] = []

    def register(tx: PostgresTransaction) -> None:
        registered.append(threads.submit(q.store.register_sink, "s"))
        wait_for_lock(database_url)

    after(store, "compare", register)
    p.page(good("a"))
    registered[0].result(PATIENCE)
    assert ask(database_url, ROWS) == 0, "the page saw no sink"
    assert [names_of(each) for each in waiting(store, provider="p")] == ["a"]


@pytest.mark.rule("C-12")
def test_a_page_that_begins_meanwhile_sees_the_sink(
    store: PostgresStore, p: Driver, q: Driver, threads: ThreadPoolExecutor, database_url: str
) -> None:
    """A page that comes while a sink is being registered waits, and then writes its rows."""
    p.claim()
    assert isinstance(q.store, PostgresStore)
    with q.store._no_writer() as connection:
        page = threads.submit(p.page, good("a"))
        wait_for_lock(database_url)
        connection.execute("INSERT INTO sink (name, registered_at) VALUES ('s', now())")
    page.result(PATIENCE)
    assert told(store) == [("p", 1, 1, "a", "")]


def test_a_provider_that_is_added_meanwhile_is_not_missed(
    store: PostgresStore, clock: VirtualClock, open_store: Opener, threads: ThreadPoolExecutor, database_url: str
) -> None:
    """A provider whose row nobody sees yet when a sink is registered tells it from its first page on."""
    other = open_store()
    with store.connection() as connection:
        connection.execute("INSERT INTO provider (name) VALUES ('new')")
        registered = threads.submit(other.register_sink, "s")
        registered.result(PATIENCE)
        connection.commit()
    Driver(store, clock, "new").cycle(good("a"))
    assert told(store) == [("new", 1, 1, "a", "")]


def test_others_are_let_through_while_one_takes_long(
    store: PostgresStore,
    p: Driver,
    q: Driver,
    threads: ThreadPoolExecutor,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Behind a sweep that takes long a registration tries again and again, and pages of others go on meanwhile."""
    monkeypatch.setattr(postgres_outbox, "LOCK_WAIT", "20ms")
    q.claim()
    with working_on(store, "p"):
        registered = threads.submit(store.register_sink, "s")
        wait_for_lock(database_url)
        q.page(good("a"), done=True)
        assert not registered.done()
    registered.result(PATIENCE)
    assert [each.name for each in store.sinks()] == ["s"]


def test_a_transaction_that_never_ends_is_reported(
    store: PostgresStore, p: Driver, q: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the end whoever registers is told what to look for."""
    monkeypatch.setattr(postgres_outbox, "LOCK_WAIT", "1ms")
    monkeypatch.setattr(postgres_outbox, "LOCK_TRIES", 2)
    with working_on(store, "p"), pytest.raises(StoreUnavailable, match="idle in transaction"):
        q.store.register_sink("s")
    assert store.sinks() == []


def test_behind_a_pooler_a_registration_tries_again_too(
    store: PostgresStore, p: Driver, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second try finds the tables, although our settings have ended with the transaction of the first."""
    monkeypatch.setattr(postgres_outbox, "LOCK_WAIT", "1ms")
    monkeypatch.setattr(postgres_outbox, "LOCK_TRIES", 2)
    # The tests' role is called as our schema is, and would find it without any setting.
    with closing(PostgresStore.open(f"{pooled(database_url)}&options=-csearch_path%3Dpublic")) as other:
        with working_on(store, "p"), pytest.raises(StoreUnavailable, match="idle in transaction"):
            other.register_sink("s")
        other.register_sink("s")
    assert [each.name for each in store.sinks()] == ["s"]


# --- what stays in the tables -----------------------------------------------------------------------------------------


def test_without_a_sink_nothing_is_written(p: Driver, database_url: str) -> None:
    """Neither rows nor numbers."""
    p.cycle(good("a"), good("b"))
    p.cycle(good("b", "changed"))
    assert (ask(database_url, ROWS), ask(database_url, COUNTERS)) == (0, 0)


@pytest.mark.rule("C-12")
def test_rows_that_every_sink_has_go(store: PostgresStore, p: Driver, database_url: str) -> None:
    """The slowest sink decides; one that is removed is waited for no longer."""
    for name in "st":
        store.register_sink(name)
        told(store, name)
    p.cycle(*(good(f"e{number}") for number in range(4)))
    told(store, "s")
    assert ask(database_url, ROWS) == 4
    next_of_t = store.next_delivery("t", limit=3)
    assert next_of_t is not None
    store.delivered(next_of_t)
    assert ask(database_url, ROWS) == 1
    store.remove_sink("t")
    assert ask(database_url, ROWS) == 0
    p.cycle()
    store.remove_sink("s")
    assert (ask(database_url, ROWS), ask(database_url, "SELECT count(*) FROM incrsim.sink_position")) == (0, 0)


def test_two_sinks_that_confirm_at_once_leave_nothing(
    store: PostgresStore, p: Driver, open_store: Opener, threads: ThreadPoolExecutor
) -> None:
    """Whoever confirms last sees what all have."""
    other = open_store()
    for name in "st":
        store.register_sink(name)
        told(store, name)
    p.begin()
    for number in range(20):
        p.page(good(f"e{number}"))
        found = [one.next_delivery(name) for one, name in ((store, "s"), (other, "t"))]
        both = threading.Barrier(2)

        def confirm(one: PostgresStore, delivery: Delivery | None, both: threading.Barrier = both) -> None:
            assert delivery is not None
            both.wait(PATIENCE)
            one.delivered(delivery)

        for done in [threads.submit(confirm, *each) for each in zip((store, other), found, strict=True)]:
            done.result(PATIENCE)
        with store.connection() as connection:
            assert connection.execute(ROWS.encode()).fetchone() == (0,)


@pytest.mark.rule("C-12")
def test_a_sweep_that_fails_tells_nothing(p: Driver, store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows go with it; when it is done again they have the numbers that were free."""
    monkeypatch.setattr("incrsim.store.transactions.SWEEP_CHUNK", 2)
    store.register_sink("s")
    told(store)
    p.cycle(*(good(f"e{number}") for number in range(5)))
    told(store)
    p.begin()
    p.page(done=True)

    def fail(*_: object) -> None:
        raise StoreError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr(PostgresTransaction, "end_removal", fail)
        with pytest.raises(StoreError, match="in the middle"):
            p.sweep()
    assert told(store) == []
    p.sweep()
    assert told(store) == [("p", 2, 10, "", "e0 e1 e2 e3 e4")]


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_a_page_with_a_sink_costs_as_many_round_trips_as_one_without(store: PostgresStore, p: Driver) -> None:
    """However large it is: its rows leave together with the commit."""
    p.begin()
    costs: list[int] = []
    for size in (1, 3, 300, 1, 3, 300):
        if len(costs) == 3:
            store.register_sink("s")
        page = [good(f"of-{len(costs)}-{number}") for number in range(size)]
        costs.append(cost(store, lambda page=page: p.page(*page)).round_trips)  # type: ignore[misc]  # mypy infers no lambda with a default
    # A long COPY may hear something meanwhile, without waiting for it; what is prepared for the first time waits once.
    assert max(costs[4:]) <= min(costs[1:3]) + 1, costs
    assert store.sinks()[0].behind == 304


@pytest.mark.slow
@pytest.mark.rule("C-13")
def test_memory_does_not_grow_with_what_waits(
    store: PostgresStore, clock: VirtualClock, p: Driver, database_url: str
) -> None:
    """A sink that is 100 000 changes behind is told of them in the memory that 2 000 take, in a resync as well."""
    counter = _Counter()
    courier = Courier(store, "r1", clock)
    courier.attach(counter)
    courier.deliver()

    def catch_up(changes: int) -> int:
        for statement in MANY_CHANGES:
            execute(database_url, statement.format(changes=changes))
        return peak(courier.deliver)

    catch_up(1000)
    small, large = catch_up(2000), catch_up(100_000)
    room = 150_000
    assert large < small + room, (small, large)
    store.resync("s")
    assert peak(lambda: [courier.deliver(seconds=0) for _ in range(20)]) < small + room
    assert counter.told == 1000 + 2000 + 100_000 + 20 * BATCH
    assert ask(database_url, ROWS) == 0


class _Counter:
    """Keeps nothing but a number."""

    name = "s"
    told = 0

    def apply_mutation(self, mutation: Mutation) -> None:
        self.told += mutation.size


def test_two_replicas_deliver_to_one_system(
    store: PostgresStore, clock: VirtualClock, open_store: Opener, threads: ThreadPoolExecutor, p: Driver, q: Driver
) -> None:
    """Whoever delivers, at the end the system has what the catalog has, each provider's changes in their order."""
    mirror = Mirror()
    couriers = [Courier(each, f"r{number}", clock) for number, each in enumerate((store, open_store()))]
    for courier in couriers:
        courier.attach(mirror)
    p.begin()
    q.begin()
    for number in range(10):
        p.page(good(f"p{number}"), good("shared", f"p{number}", key="k"))
        q.page(good(f"q{number}"), good("shared", f"q{number}", key="k"))
        for done in [threads.submit(courier.deliver) for courier in couriers]:
            assert done.result(PATIENCE).failed == {}
    for courier in couriers:
        courier.deliver()
    assert mirror.kept == catalog_of(store)
    assert mirror.kept[ref("shared")][0] == "q"
