"""Several sessions at once, on a real server: who waits, who goes first, who is cut off; nothing is ever half done."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors

from incrsim.clock import VirtualClock
from incrsim.errors import Fenced, StoreError, StoreUnavailable
from incrsim.lifecycle import Operator, first
from incrsim.options import ProviderOptions
from incrsim.store import postgres
from incrsim.store.contract import Granted, Held, Lease
from incrsim.store.postgres import PostgresStore
from incrsim.store.postgres_rows import PostgresTransaction
from tests.conftest import execute
from tests.contract.driver import Driver
from tests.contract.samples import good, ref
from tests.postgres.conftest import Opener, OwnServer
from tests.postgres.test_store_errors import ask

pytestmark = pytest.mark.postgres

PATIENCE = 30
"""Seconds after which a test that hangs fails; none that passes comes near."""


@pytest.fixture
def p(store: PostgresStore, clock: VirtualClock) -> Driver:
    """The provider of most tests."""
    return Driver(store, clock, "p")


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Runs what must happen at the same time."""
    with ThreadPoolExecutor() as pool:
        yield pool


@contextmanager
def working_on(store: PostgresStore, provider: str) -> Iterator[PostgresTransaction]:
    """A session in the middle of a transaction on a provider; rolled back, unless it was ended before."""
    with store.connection() as connection:
        yield store._begin(connection, provider, None)


def wait_for_lock(url: str, sessions: int = 1) -> None:
    """Return once so many sessions of the database wait for a lock of ours."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    for _ in range(500):  # some seconds; a test that passes needs a fraction of one
        if ask(url, waiting) >= sessions:
            return
    pytest.fail(f"{sessions} sessions should wait for a lock, and do not")


def after(store: PostgresStore, step: str, disturb: Callable[[PostgresTransaction], object]) -> list[int]:
    """Let something happen after the first call of a transaction's method; gives the list of calls."""
    calls: list[int] = []
    begin = store._begin

    def beginning(connection: psycopg.Connection[Any], provider: str, lock_wait: str | None) -> PostgresTransaction:
        tx = begin(connection, provider, lock_wait)
        real = getattr(tx, step)

        def disturbed(*arguments: Any) -> Any:
            calls.append(1)
            result = real(*arguments)
            if len(calls) == 1:
                disturb(tx)
            return result

        setattr(tx, step, disturbed)
        return tx

    store._begin = beginning  # type: ignore[method-assign]  # in its place for this test
    return calls


def insert(tx: PostgresTransaction, name: str) -> None:
    """An entity that the transaction has written and not committed."""
    tx._connection.execute(
        "INSERT INTO entity (written_in, added_in, provider_id, digest, ref, body) "
        "VALUES (1, 1, %s, '\\x00112233445566778899aabbccddeeff', %s, '{}')",
        (tx._id, ref(name)),
    )


# --- one provider, several sessions -----------------------------------------------------------------------------------


@pytest.mark.rule("C-15")
def test_the_database_refuses_a_second_open_ingestion(p: Driver, database_url: str) -> None:
    """Whatever a program believes, a provider cannot have two ingestions that are not complete."""
    with pytest.raises(errors.UniqueViolation, match="ingestion_one_open"):
        execute(
            database_url,
            "INSERT INTO incrsim.ingestion (provider_id, number, status, due_at, scheduled_at) "
            "SELECT provider_id, number + 1, status, due_at, scheduled_at FROM incrsim.ingestion",
        )


@pytest.mark.rule("C-15")
def test_a_step_that_opens_a_second_ingestion_keeps_nothing(store: PostgresStore, p: Driver) -> None:
    """A step that forgets to complete the open ingestion fails as a whole."""
    begun = p.claim().ingestion

    def forgetful(tx: PostgresTransaction) -> None:
        tx.save_lease(None)
        tx.save_ingestion(first(begun.number + 1, tx.now))

    with pytest.raises(StoreError, match="ingestion_one_open"):
        store._transact("p", forgetful)
    assert store.state("p").ingestion == begun
    assert store.state("p").lease == p.lease


def test_all_register_at_once(open_store: Opener, threads: ThreadPoolExecutor) -> None:
    """However many replicas register a provider at once, it has one row and one ingestion."""
    stores = [open_store() for _ in range(4)]
    for done in [threads.submit(store.register, "p") for store in stores]:
        done.result(PATIENCE)
    assert stores[0].providers() == ["p"]
    assert stores[0].state("p").ingestion.number == 1


@pytest.mark.rule("C-37")
def test_of_all_that_claim_at_once_one_is_granted(
    open_store: Opener,
    clock: VirtualClock,
    database_url: str,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Claims that wait for the same row are decided one after the other."""
    monkeypatch.setattr(postgres, "CLAIM_LOCK_WAIT", "60s")
    drivers = [Driver(open_store(), clock, "p", f"r{number}") for number in range(4)]
    with working_on(open_store(), "p"):
        claims = [threads.submit(each.try_claim) for each in drivers]
        wait_for_lock(database_url, len(drivers))
    answers = [claim.result(PATIENCE) for claim in claims]
    granted = [answer for answer in answers if isinstance(answer, Granted)]
    assert len(granted) == 1
    assert [answer.holder for answer in answers if isinstance(answer, Held)] == [granted[0].lease.holder] * 3


def test_a_store_is_shared_by_threads(store: PostgresStore, clock: VirtualClock, threads: ThreadPoolExecutor) -> None:
    """One store serves several providers from several threads at once."""

    def cycle(name: str) -> list[str]:
        driver = Driver(store, clock, name)
        driver.claim()
        for number in range(5):
            driver.page(*(good(f"{name}-{number}-{i}") for i in range(20)), done=number == 4)
        driver.sweep()
        return driver.names()

    names = [f"p{number}" for number in range(6)]
    for name, found in zip(names, threads.map(cycle, names, timeout=PATIENCE), strict=True):
        assert found == sorted(f"{name}-{number}-{i}" for number in range(5) for i in range(20))


@pytest.mark.rule("C-40")
def test_a_second_session_waits_for_the_first(
    open_store: Opener, p: Driver, database_url: str, threads: ThreadPoolExecutor
) -> None:
    """What two sessions do to the same provider happens one after the other, each on what the other left."""
    p.claim()
    with working_on(open_store(), "p") as tx:
        page = threads.submit(p.page, good("a"))
        wait_for_lock(database_url)
        tx.save_provider(tx.provider.__class__("p", tx.provider.fence + 1, 0))
        tx.commit()
    with pytest.raises(Fenced, match="the fence is 2 now"):
        page.result(PATIENCE)


@pytest.mark.rule("C-37")
def test_a_fence_overtaken_between_fetch_and_commit_keeps_nothing(
    open_store: Opener, p: Driver, clock: VirtualClock, store: PostgresStore
) -> None:
    """A page of a replica that was overtaken while it fetched is refused, and nothing of it is kept."""
    p.claim()
    p.page(good("a"))
    other = Driver(open_store(), clock, "p", "r2")
    clock.advance(p.lease.length)
    other.claim()
    before = (store.state("p"), store.marks("p"), list(store.entities()))
    with pytest.raises(Fenced):
        p.page(good("a", "changed"), good("b"), problems=["odd"])
    assert (store.state("p"), store.marks("p"), list(store.entities())) == before
    assert store.problems("p") == []


@pytest.mark.rule("C-37")
def test_an_operator_overtakes_a_running_burst(open_store: Opener, p: Driver) -> None:
    """An operator in another session moves the fence, and the burst's next page is refused."""
    p.claim()
    open_store().operate("p", Operator.START)
    with pytest.raises(Fenced):
        p.page(good("a"))
    assert p.names() == []


# --- a locked row -----------------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims look at who holds the row after 20 ms instead of half a second."""
    monkeypatch.setattr(postgres, "CLAIM_LOCK_WAIT", "20ms")


@pytest.mark.rule("C-40")
@pytest.mark.usefixtures("impatient")
def test_a_row_locked_under_a_valid_lease_is_held(open_store: Opener, p: Driver, clock: VirtualClock) -> None:
    """Who holds lease and row is left alone: a claimer is told so, and goes away."""
    other = Driver(open_store(), clock, "p", "r2")
    p.claim()
    with working_on(p.store, "p") as tx:  # type: ignore[arg-type]  # this store is one in Postgres
        assert other.try_claim() == Held("r1", p.lease.expires_at)
        tx.commit()  # its session is alive


@pytest.mark.rule("C-40")
@pytest.mark.usefixtures("impatient")
def test_a_row_locked_past_its_lease_is_freed(open_store: Opener, p: Driver, clock: VirtualClock) -> None:
    """Whoever keeps the row although the lease has expired loses the session, and what it did in it."""
    other = Driver(open_store(), clock, "p", "r2")
    p.claim()
    frozen = open_store()
    with pytest.raises(StoreUnavailable), working_on(frozen, "p") as tx:  # noqa: PT012 -- which of them fails is the test
        insert(tx, "half-done")
        clock.advance(p.lease.length)
        answer = other.try_claim()
        assert isinstance(answer, Granted)
        assert answer.lease.fence == p.lease.fence + 1
        tx.commit()
    assert p.names() == []
    assert frozen.providers() == ["p"]


@pytest.mark.rule("C-40")
@pytest.mark.usefixtures("impatient")
def test_only_sessions_of_that_provider_are_ended(open_store: Opener, p: Driver, clock: VirtualClock) -> None:
    """Another provider's session goes on, although its lease has expired as well."""
    q = Driver(open_store(), clock, "q")
    other = Driver(open_store(), clock, "p", "r2")
    p.claim()
    q.claim()
    with working_on(open_store(), "p"), working_on(open_store(), "q") as bystander:
        clock.advance(p.lease.length)
        assert isinstance(other.try_claim(), Granted)
        bystander.commit()


@pytest.mark.rule("C-34")
@pytest.mark.usefixtures("impatient")
def test_retiring_outlasts_the_lease_of_a_burst(
    open_store: Opener, p: Driver, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes to remove everything, no claimer ends the session that does."""
    monkeypatch.setattr("incrsim.store.operations.SWEEP_CHUNK", 10)
    p.cycle(*(good(f"e{i}") for i in range(30)))
    p.begin()
    other, answers = Driver(open_store(), clock, "p", "r2"), []
    real = PostgresTransaction._one

    def look(tx: PostgresTransaction, name: str, **parameters: Any) -> Any:
        if name == "remove_owned_chunk":
            clock.advance(p.lease.length * 0.6)
            answers.append(other.try_claim())
        return real(tx, name, **parameters)

    monkeypatch.setattr(PostgresTransaction, "_one", look)
    assert open_store().retire("p", 30).entities == 30
    assert [type(each) for each in answers] == [Held] * 4


@pytest.mark.usefixtures("impatient")
def test_a_row_locked_without_any_lease_is_held_by_a_session(
    open_store: Opener, p: Driver, clock: VirtualClock
) -> None:
    """An operator's call in another session is no replica: a claimer comes back later."""
    other = Driver(open_store(), clock, "p", "r2")
    with working_on(p.store, "p") as tx:  # type: ignore[arg-type]  # this store is one in Postgres
        assert other.try_claim() == Held("another session", clock.now())
        tx.commit()


# --- leases while a sweep runs ----------------------------------------------------------------------------------------


def ready_to_sweep(p: Driver) -> Driver:
    """An ingestion that has seen nothing of what there was."""
    p.cycle(*(good(f"e{i}") for i in range(30)))
    p.begin()
    p.page(done=True)
    return p


@pytest.mark.rule("C-27")
def test_a_renewal_is_seen_before_the_sweep_commits(
    open_store: Opener, p: Driver, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each chunk others see a renewed lease, and not a single removal."""
    monkeypatch.setattr("incrsim.store.transactions.SWEEP_CHUNK", 10)
    ready_to_sweep(p)
    watcher = open_store()
    seen = []
    real = PostgresTransaction.renew_lease

    def renew(tx: PostgresTransaction, lease: Any) -> None:
        clock.advance(timedelta(seconds=1))
        real(tx, lease)
        held = watcher.state("p").lease
        assert held is not None
        seen.append((held.expires_at - clock.now(), watcher.count("p")))

    monkeypatch.setattr(PostgresTransaction, "renew_lease", renew)
    p.sweep()
    assert seen == [(p.lease.length, 30)] * 3
    assert watcher.count("p") == 0
    assert watcher.state("p").lease is None


@pytest.mark.rule("C-27")
def test_a_failing_sweep_keeps_every_entity(p: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that fails after its first chunk has removed nothing, and can be repeated."""
    monkeypatch.setattr("incrsim.store.transactions.SWEEP_CHUNK", 10)
    ready_to_sweep(p)
    with monkeypatch.context() as patch:
        patch.setattr(PostgresTransaction, "end_removal", _fail)
        with pytest.raises(StoreError, match="in the middle"):
            p.sweep()
    assert len(p.names()) == 30
    assert p.store.stale("p") == []
    assert p.sweep().counts.removed == 30
    assert p.names() == []


def _fail(*_: Any) -> None:
    raise StoreError("in the middle")


@pytest.mark.rule("C-27")
def test_the_heart_beats_while_one_statement_takes_long(database_url: str) -> None:
    """On the database's clock a lease is renewed by another thread while a sweep is busy, until the sweep ends."""
    with closing(PostgresStore.open(database_url)) as store:
        store.register("p")
        granted = store.claim("p", "r1", ProviderOptions())
        assert isinstance(granted, Granted)
        lease = replace(granted.lease, length=timedelta(milliseconds=30))
        renewed = threading.Event()
        real = store._renew

        def renew(lease: Lease) -> None:
            real(lease)
            renewed.set()

        store._renew = renew  # type: ignore[method-assign]  # in its place for this test
        with store._heartbeat(lease), working_on(store, "p"):
            assert renewed.wait(5)
        assert not [each for each in threading.enumerate() if each.name == "incrsim lease of p"]
        state = store.state("p")
        assert state.lease is not None
        assert state.lease.expires_at > lease.expires_at


def test_renewing_and_ending_do_not_wait_for_each_other(
    p: Driver,
    database_url: str,
    threads: ThreadPoolExecutor,
    store: PostgresStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A renewal that comes while the sweep gives its lease back waits for the end, and brings no lease back to life."""
    ready_to_sweep(p)
    renewals: list[Future[None]] = []

    def late(tx: PostgresTransaction) -> None:
        renewals.append(threads.submit(store._renew, p.lease))
        wait_for_lock(database_url)

    after(store, "flush", late)
    commit = PostgresTransaction.commit
    monkeypatch.setattr(PostgresTransaction, "commit", lambda tx: (tx.flush(), commit(tx)))
    p.sweep()
    renewals[0].result(PATIENCE)
    assert store.state("p").lease is None


# --- two providers ----------------------------------------------------------------------------------------------------


@pytest.fixture
def q(open_store: Opener, clock: VirtualClock) -> Driver:
    """Another provider, in another session."""
    return Driver(open_store(), clock, "q", "r2")


@pytest.mark.rule("C-40")
def test_two_providers_bring_the_same_refs_at_once(
    store: PostgresStore, p: Driver, q: Driver, database_url: str
) -> None:
    """Who commits first owns the refs; the other's page is run again and records lost claims."""
    p.claim()
    q.claim()
    calls = after(store, "compare", lambda tx: q.page(good("a"), good("c")))
    counts = p.page(good("a"), good("b"), good("c")).counts
    assert len(calls) == 2
    assert (counts.added, counts.lost) == (1, 2)
    assert (p.names(), q.names()) == (["b"], ["a", "c"])
    assert [problem.ref for problem in store.problems("p")] == [ref("a"), ref("c")]


@pytest.mark.rule("C-40")
def test_an_entity_is_taken_over_while_its_owner_changes_it(store: PostgresStore, p: Driver, q: Driver) -> None:
    """The owner's page is run again, finds that it lost the entity, and takes it back with the same key."""
    p.claim()
    q.claim()
    p.page(good("a", key="k"))
    calls = after(store, "compare", lambda tx: q.page(good("a", "of q", key="k")))
    assert p.page(good("a", "of p", key="k")).counts.added == 1
    assert len(calls) == 2
    assert (p.names(), q.names()) == (["a"], [])
    assert b"of p" in p.bodies()[ref("a")]


@pytest.mark.rule("C-40")
def test_an_entity_changes_while_it_is_taken_over(store: PostgresStore, p: Driver, q: Driver) -> None:
    """A take-over that finds the key changed meanwhile is run again, and is a lost claim then."""
    p.claim()
    q.claim()
    q.page(good("a", key="k"))
    calls = after(store, "compare", lambda tx: q.page(good("a", key="other")))
    assert p.page(good("a", key="k")).counts.lost == 1
    assert len(calls) == 2
    assert (p.names(), q.names()) == ([], ["a"])


@pytest.mark.rule("C-40")
def test_an_entity_is_removed_while_it_is_taken_over(store: PostgresStore, p: Driver, q: Driver) -> None:
    """A take-over whose entity has just been swept away is run again, and adds it."""
    q.cycle(good("a", key="k"))
    p.claim()
    q.begin()
    q.page(done=True)
    after(store, "compare", lambda tx: q.sweep())
    assert p.page(good("a", key="k")).counts.added == 1
    assert (p.names(), q.names()) == (["a"], [])


@pytest.mark.rule("C-40")
def test_refs_are_written_in_their_order(p: Driver, database_url: str) -> None:
    """Whatever the order on the page, rows are written sorted by ref, so that two pages wait and never deadlock."""
    p.claim()
    p.page(good("c"), good("a"), good("b"))
    assert ask(database_url, "SELECT string_agg(right(ref, 1), '' ORDER BY id) FROM incrsim.entity") == "abc"


@pytest.mark.rule("C-40")
@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_serialisation_and_deadlock_errors_are_run_again(store: PostgresStore, p: Driver, code: str) -> None:
    """What the server rolled back for nobody's fault is repeated from the start, unseen by the engine."""
    p.claim()
    calls = after(store, "compare", lambda tx: _raise_in_server(tx, code))
    assert p.page(good("a")).counts.added == 1
    assert len(calls) == 2
    assert [mark.sequence for mark in store.marks("p")] == [1]


@pytest.mark.rule("C-40")
def test_a_real_deadlock_is_run_again(
    store: PostgresStore, p: Driver, q: Driver, threads: ThreadPoolExecutor, database_url: str
) -> None:
    """Two providers that wait for each other's new refs: the server ends one transaction, and both pages get in."""
    p.claim()
    q.claim()

    def crossing(mine: str, both: threading.Barrier) -> Callable[[PostgresTransaction], None]:
        def disturb(tx: PostgresTransaction) -> None:
            tx._connection.execute("SET LOCAL deadlock_timeout = '10ms'")
            insert(tx, mine)
            both.wait(PATIENCE)

        return disturb

    both = threading.Barrier(2)
    assert isinstance(q.store, PostgresStore)
    retried = after(store, "compare", crossing("a", both)), after(q.store, "compare", crossing("b", both))
    pages = threads.submit(p.page, good("b"), good("x")), threads.submit(q.page, good("a"), good("y"))
    for page in pages:
        page.result(PATIENCE)
    assert max(len(calls) for calls in retried) > 1  # on a busy server both may be ended, each by its own check
    assert {"x", "y"} <= {*p.names(), *q.names()}


def _raise_in_server(tx: PostgresTransaction, code: str) -> None:
    tx._connection.execute(f"DO $$ BEGIN RAISE 'no' USING ERRCODE = '{code}'; END $$".encode())


def test_a_conflict_that_never_ends_is_reported(store: PostgresStore, p: Driver) -> None:
    """After some tries the caller is told what happened and what to change."""
    with pytest.raises(StoreError, match=r"met a conflict 8 times in a row .*give each its own names"):
        store._transact("p", lambda tx: _raise_in_server(tx, "40001"))


# --- killed -----------------------------------------------------------------------------------------------------------


def kill_in(url: str, step: str, moment: str) -> None:
    """Run a replica in a process of its own until it is where it shall die, and kill it there."""
    readable, writable = os.pipe()
    victim = os.fork()
    if victim == 0:
        try:
            replica(url, step, moment, writable)
        finally:
            os._exit(1)
    os.close(writable)
    with os.fdopen(readable) as pipe:
        told = pipe.read(4)
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    assert told == "here"


def replica(url: str, step: str, moment: str, tell: int) -> None:
    """Do a cycle and part of the next, and stop around the commit of a page or sweep, for ever."""
    clock = VirtualClock()
    p = Driver(PostgresStore.open(url, clock), clock, "p", "victim")
    p.cycle(*(good(f"old{i}") for i in range(30)))
    p.begin()
    p.page(good("first"))
    if step == "sweep":
        p.page(done=True)
    real = PostgresTransaction.commit

    def commit(tx: PostgresTransaction) -> None:
        if moment == "before":
            tx.flush()
        else:
            real(tx)
        os.write(tell, b"here")
        signal.pause()

    PostgresTransaction.commit = commit  # type: ignore[method-assign,assignment]  # in its place for this test
    if step == "page":
        p.page(good("second"))
    else:
        p.sweep()


@pytest.mark.slow
@pytest.mark.rule("C-10")
@pytest.mark.parametrize(("moment", "pages"), [("before", 1), ("after", 2)])
def test_killed_in_a_page(open_store: Opener, database_url: str, clock: VirtualClock, moment: str, pages: int) -> None:
    """A page whose process is killed is there as a whole or not at all, and the next claim goes on right behind it."""
    kill_in(database_url, "page", moment)
    heir = Driver(open_store(), clock, "p", "heir")
    assert heir.begin().ingestion.pages == pages
    assert len(heir.store.marks("p")) == pages
    assert ("second" in heir.names()) == (pages == 2)
    heir.page(good("last"), done=True)
    heir.sweep()
    assert heir.names() == ["first", "last", "second"][: pages + 1 if pages == 2 else 2]


@pytest.mark.slow
@pytest.mark.rule("C-27")
@pytest.mark.parametrize(("moment", "left"), [("before", 31), ("after", 1)])
def test_killed_in_a_sweep(open_store: Opener, database_url: str, clock: VirtualClock, moment: str, left: int) -> None:
    """A sweep whose process is killed has removed all or nothing, and is done again if nothing."""
    kill_in(database_url, "sweep", moment)
    heir = Driver(open_store(), clock, "p", "heir")
    assert len(heir.names()) == left
    if moment == "before":
        heir.begin()
        heir.sweep()
    assert heir.names() == ["first"]
    assert heir.now_at.counts.removed == 30


@pytest.mark.slow
@pytest.mark.rule("C-10")
def test_the_server_crashes_in_mid_ingestion(own_server: OwnServer) -> None:
    """What was committed before a crash of the server is there after it, marks included, and the same store goes on."""
    clock = VirtualClock()
    with closing(PostgresStore.open(own_server.url, clock)) as store:
        p = Driver(store, clock, "p")
        p.cycle(*(good(f"e{i}") for i in range(10)))
        p.begin()
        p.page(*(good(f"e{i}") for i in range(5)))
        own_server.kill()
        with pytest.raises(StoreUnavailable, match="cannot be reached or went away"):
            p.page(*(good(f"e{i}") for i in range(5, 9)), done=True)
        own_server.start()
        assert [mark.sequence for mark in store.marks("p")] == [1]
        p.page(*(good(f"e{i}") for i in range(5, 9)), done=True)
        assert p.sweep().counts.removed == 1
        assert p.names() == [f"e{i}" for i in range(9)]
