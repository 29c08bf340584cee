"""A worker: who is served when, on how many threads, and how it ends."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

import incrsim
from incrsim import events
from incrsim.clock import SystemClock, VirtualClock
from incrsim.errors import AllSlotsStuck, CallerError, StoreUnavailable
from incrsim.host import InlineHost
from incrsim.ingestion import Status
from incrsim.lifecycle import Operator
from incrsim.stopping import Stop
from incrsim.store.contract import Claim, Held
from incrsim.store.memory import MemoryStore
from incrsim.store.operating import Announcement
from incrsim.worker import Agenda
from tests.unit.fakes import Source

PATIENCE = 60
"""Seconds after which a test that hangs fails; none that passes comes near."""


# --- whose turn it is -------------------------------------------------------------------------------------------------


@pytest.fixture
def agenda(clock: VirtualClock) -> Agenda:
    """An empty one."""
    return Agenda(clock)


@pytest.fixture
def clock() -> VirtualClock:
    """The time of most tests."""
    return VirtualClock()


@pytest.mark.rule("C-38")
def test_the_longest_due_goes_first(agenda: Agenda, clock: VirtualClock) -> None:
    """Who is due waits in the order of due times, and who has had its turn stands behind them."""
    for name, seconds in (("b", 2.0), ("c", 3.0), ("a", 1.0), ("later", 100.0)):
        agenda.put(name, seconds)
    assert (agenda.take(), agenda.pause()) == (None, 1)
    clock.wait(10)
    assert agenda.take() == "a"
    agenda.put("a", 0)
    assert [agenda.take() for _ in range(4)] == ["b", "c", "a", None]
    assert agenda.pause() == 90


def test_who_is_taken_is_nobody_elses(agenda: Agenda) -> None:
    """A provider on which somebody works is not due, whatever happens to it, until it is put back."""
    agenda.put("a", 0)
    assert (agenda.take(), agenda.taken) == ("a", 1)
    agenda.hurry("a")
    assert agenda.take() is None
    agenda.put("a", 0)
    assert (agenda.taken, agenda.take()) == (0, "a")


def test_who_is_hurried_keeps_its_turn(agenda: Agenda, clock: VirtualClock) -> None:
    """A wake-up makes a provider due now, and never later than it was."""
    agenda.put("waits", 1)
    agenda.put("rests", 1000)
    clock.wait(5)
    agenda.hurry("rests")
    clock.wait(5)
    agenda.hurry("waits")
    assert [agenda.take(), agenda.take()] == ["waits", "rests"]


@pytest.mark.rule("C-38")
def test_news_of_who_is_taken_is_kept(agenda: Agenda) -> None:
    """Whoever took a provider may have read its state a moment before the news: it is looked at once more, and then as
    usual.
    """
    agenda.put("a", 0)
    assert agenda.take() == "a"
    agenda.hurry("a")
    assert agenda.take() is None
    agenda.put("a", 86_400)
    assert agenda.take() == "a"
    agenda.put("a", 86_400)
    assert agenda.take() is None


def test_who_is_dropped_comes_no_more(agenda: Agenda) -> None:
    """A provider that is served no longer is looked at no more."""
    agenda.put("a", 0)
    agenda.drop("a")
    agenda.drop("never there")
    assert agenda.take() is None


# --- on a virtual clock, one after the other --------------------------------------------------------------------------


class Announcing(MemoryStore):
    """Notes what is announced."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.clock = clock
        self.said: list[tuple[float, list[str]]] = []

    def announce(self, holder: str, served: Sequence[Announcement]) -> None:
        assert holder == "replica"
        self.said.append((self.clock.monotonic(), [each.provider for each in served]))


def virtual(store: MemoryStore, clock: VirtualClock) -> incrsim.App:
    """An app that waits for nothing."""
    return incrsim.App(store, clock=clock, host=InlineHost(clock), holder="replica")


@pytest.mark.rule("C-38")
def test_nobody_starves(clock: VirtualClock) -> None:
    """Providers that are always due get turns in equal number, also where there is one slot."""
    app = virtual(MemoryStore(clock), clock)
    for number in range(7):
        app.add(Source(["a"], name=f"p{number}"), rest_length="0s", burst_interval="0s")
    turns: Counter[str] = Counter()

    def count(event: events.Event) -> None:
        turns[event.provider] += isinstance(event, events.Claimed)
        if turns.total() == 70:
            app.stop()

    app.events.subscribe(count)
    app.run(concurrency=1)
    assert set(turns.values()) == {10}


def test_a_replica_says_what_it_serves(clock: VirtualClock) -> None:
    """A replica announces its providers when it begins, when they change, every 15 s, and none at its end."""
    store = Announcing(clock)
    app = virtual(store, clock)
    app.add(Source(["a"], name="one"), rest_length="40s")

    def react(event: events.Event) -> None:
        if isinstance(event, events.SweepCommitted) and event.provider == "one":
            if event.ingestion == 1:
                app.add(Source(["b"], name="two"))
            else:
                app.stop()

    app.events.subscribe(react)
    app.run()
    assert store.said == [
        (0, ["one"]),
        (0, ["one", "two"]),
        (15, ["one", "two"]),
        (30, ["one", "two"]),
        (40, []),
    ]


def test_a_row_that_somebody_keeps_is_looked_at_once_a_second(clock: VirtualClock) -> None:
    """Where a claim meets a row that a session without a lease keeps, the worker waits a little before it tries
    again.
    """

    class Kept(MemoryStore):
        tried: list[float] = []  # noqa: RUF012  # one store only

        def claim(self, provider: str, holder: str, options: incrsim.ProviderOptions) -> Claim:
            self.tried.append(clock.monotonic())
            if len(self.tried) < 5:
                return Held("another session", clock.now())
            return super().claim(provider, holder, options)

    store = Kept(clock)
    app = virtual(store, clock)
    app.add(Source(["a"]))
    app.events.subscribe(lambda event: app.stop() if isinstance(event, events.SweepCommitted) else None)
    app.run()
    assert store.tried == [0, 1, 2, 3, 4]


def test_somebody_elses_lease_is_not_fought_over(clock: VirtualClock) -> None:
    """While another replica holds the lease nobody claims; once it has expired the provider goes on at once."""
    store = MemoryStore(clock)
    app = virtual(store, clock)
    app.add(Source(["a"]), page_timeout="1s")
    claim = store.claim("source", "dead", incrsim.ProviderOptions.of(page_timeout="1s"))
    seen: list[events.Event] = []
    app.events.subscribe(seen.append)
    app.events.subscribe(lambda event: app.stop() if isinstance(event, events.SweepCommitted) else None)
    app.run()
    assert type(claim).__name__ == "Granted"
    assert isinstance(seen[0], events.Claimed)
    assert clock.monotonic() == 31


def test_a_store_that_is_away_is_waited_for(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    """When not even the announcement gets through, the worker waits, and begins when it does."""

    class Away(MemoryStore):
        def announce(self, holder: str, served: Sequence[Announcement]) -> None:
            if clock.monotonic() < 5 or not served:
                raise StoreUnavailable("the database is away")

    app = virtual(Away(clock), clock)
    app.add(Source(["a"]))
    app.events.subscribe(lambda event: app.stop() if isinstance(event, events.SweepCommitted) else None)
    app.run()
    assert (clock.monotonic(), app.catalog.count()) == (5, 1)
    assert "the database is away; looking again in 1 s" in caplog.text
    assert "the database is away; that this replica serves no longer is noticed in a minute" in caplog.text


# --- on threads -------------------------------------------------------------------------------------------------------


class Gated(Source):
    """Says when it is asked for a page, and waits until it may answer."""

    def __init__(self, name: str, asked: queue.SimpleQueue[str], pages: int = 1) -> None:
        super().__init__(*([f"{name}-{page}"] for page in range(pages)), name=name)
        self._asked_for = asked
        self.go_on = threading.Semaphore(0)

    def next(self, context: Any, cursor: Any = None) -> Any:
        self._asked_for.put(self.name)
        assert self.go_on.acquire(timeout=PATIENCE)
        return super().next(context, cursor)


class Watched(SystemClock):
    """Real time that knows whether the worker sleeps."""

    def __init__(self) -> None:
        self._asleep = False
        self._wake = threading.Event()

    def wait(self, seconds: float, wake: threading.Event | None = None) -> None:
        assert wake is not None
        self._wake = wake
        self._asleep = True
        super().wait(seconds, wake)
        self._asleep = False

    def wait_until_asleep(self) -> None:
        """Return when the worker has done all there was to do, and sleeps."""
        # While a wake-up is on its way the worker may seem to be asleep still.
        deadline = self.monotonic() + PATIENCE
        while self._wake.is_set() or not self._asleep:
            assert self.monotonic() < deadline, "the worker does not sleep"


class Bench:
    """A worker that runs on a thread, in real time."""

    def __init__(self) -> None:
        self.clock = Watched()
        self.app = incrsim.open(clock=self.clock)
        self.asked: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.swept: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self.app.events.subscribe(self._note)
        self.begun: list[str] = []
        self._work = self.app._host.work
        self.app._host.work = self._begin  # type: ignore[method-assign]  # in its place for this test

    def _begin(self, name: str, job: Callable[[], None]) -> None:
        self.begun.append(name.rpartition(" ")[2])
        self._work(name, job)

    def _note(self, event: events.Event) -> None:
        if isinstance(event, events.SweepCommitted):
            self.swept.put((event.provider, event.ingestion))

    def gated(self, name: str, pages: int = 1, **options: Any) -> Gated:
        """A provider that waits for its gate."""
        source = Gated(name, self.asked, pages)
        self.app.add(source, **options)
        return source

    @contextmanager
    def running(self, concurrency: int = 8) -> Iterator[Future[None]]:
        """The worker runs; afterwards it is stopped."""
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(self.app.run, concurrency=concurrency)
            try:
                yield run
            finally:
                if not run.done():
                    self.app.stop()
        if run.exception() is None:
            run.result()


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A fresh one."""
    made = Bench()
    with made.app:
        yield made


def test_no_more_bursts_than_slots(bench: Bench) -> None:
    """At most `concurrency` bursts run at once, each provider on a thread of its own; who waits goes on with the next
    free slot.
    """
    sources = {name: bench.gated(name) for name in "abcde"}
    with bench.running(concurrency=2):
        inside = {bench.asked.get(timeout=PATIENCE) for _ in range(2)}
        for ended in range(3):
            bench.clock.wait_until_asleep()
            assert len(bench.begun) == ended + 2
            name = inside.pop()
            sources[name].go_on.release()
            assert bench.swept.get(timeout=PATIENCE) == (name, 1)
            inside.add(bench.asked.get(timeout=PATIENCE))
        for name in inside:
            sources[name].go_on.release()
            bench.swept.get(timeout=PATIENCE)
    assert bench.app.catalog.count() == 5


@pytest.mark.rule("C-38")
def test_an_operator_wakes_the_worker(bench: Bench) -> None:
    """A provider that has a day of rest before it goes on at once when an operator says so."""
    bench.app.add(Source(["a"]))
    with bench.running():
        assert bench.swept.get(timeout=PATIENCE) == ("source", 1)
        bench.clock.wait_until_asleep()
        bench.app.store.operate("source", Operator.TRIGGER)
        assert bench.swept.get(timeout=PATIENCE) == ("source", 2)


def test_wake_ups_begin_no_second_burst(bench: Bench) -> None:
    """However often a running provider is hurried, one burst of it runs."""
    source = bench.gated("p")
    seen: list[type[events.Event]] = []
    bench.app.events.subscribe(lambda event: seen.append(type(event)))
    with bench.running():
        bench.asked.get(timeout=PATIENCE)
        for _ in range(5):
            bench.app.store.operate("p", Operator.TRIGGER)
        other = bench.gated("other")
        assert bench.asked.get(timeout=PATIENCE) == "other"  # the worker was awake meanwhile
        for each in (source, other):
            each.go_on.release()
            bench.swept.get(timeout=PATIENCE)
    assert events.Waiting not in seen


def test_providers_come_and_go(bench: Bench) -> None:
    """While the worker runs, a provider that is added is served, one that is replaced is drained and goes on as the new
    one, and one that is removed is drained and served no longer.
    """
    with bench.running():
        old = bench.gated("p", pages=3, burst_interval="0s")
        assert bench.asked.get(timeout=PATIENCE) == "p"
        new = Gated("p", bench.asked, pages=3)
        replacing = threading.Thread(target=bench.app.add, args=(new,), kwargs={"replace": True, "rest_length": "0s"})
        replacing.start()
        while not bench.app._roster.find("p")._draining.is_set():
            pass
        old.go_on.release()
        replacing.join(PATIENCE)
        assert bench.asked.get(timeout=PATIENCE) == "p"
        assert (old.asked, new.asked) == ([None], [])
        removing = threading.Thread(target=bench.app.remove, args=("p",))
        removing.start()
        while not bench.app._roster.find("p")._draining.is_set():
            pass
        new.go_on.release()
        removing.join(PATIENCE)
        assert new.asked == [1]
    state = bench.app.state("p")
    assert (state.ingestion.status, state.ingestion.pages, state.lease) == (Status.INTERSTITIAL, 2, None)


def test_whoever_drains_a_provider_goes_first(bench: Bench) -> None:
    """A thread that waited for a provider before it was to be drained lets it be replaced or removed first."""
    bench.app.add(Source(["a"], name="p"))
    served, order, over = bench.app._roster.find("p"), queue.SimpleQueue[str](), threading.Event()

    def drive() -> None:
        with served.driven(Stop()):
            order.put("driven")
            over.wait(PATIENCE)

    def drain() -> None:
        with served.drained():
            order.put("drained")

    threads = [threading.Thread(target=each) for each in (drive, drive, drain)]
    for thread in threads:
        thread.start()
        thread.join(0.05)  # the second one waits for the first by now
    while not served._draining.is_set():
        pass
    over.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert [order.get(timeout=PATIENCE) for _ in threads] == ["driven", "drained", "driven"]


def test_stop_gives_every_lease_back(bench: Bench) -> None:
    """All running bursts commit the page that they are at, and give their leases back, before `run` returns."""
    sources = [bench.gated(name, pages=2) for name in "abc"]
    with bench.running() as run:
        for _ in sources:
            bench.asked.get(timeout=PATIENCE)
        bench.app.stop()
        for source in sources:
            assert not run.done()
            source.go_on.release()
        run.result(PATIENCE)
    states = [bench.app.state(name) for name in "abc"]
    assert {(each.ingestion.status, each.ingestion.pages, each.lease) for each in states} == {
        (Status.INTERSTITIAL, 1, None)
    }


def test_a_stop_that_comes_early_is_heard(bench: Bench) -> None:
    """A worker that is stopped before it has begun begins nothing, and one that comes later runs."""
    source = bench.gated("p")
    bench.app.stop()
    bench.app.run()
    assert source.asked == []
    with bench.running():
        assert bench.asked.get(timeout=PATIENCE) == "p"
        source.go_on.release()
        bench.swept.get(timeout=PATIENCE)


def test_a_subscriber_that_fails_ends_the_worker(bench: Bench) -> None:
    """What a subscriber raises comes out of `run`, after the other bursts have ended at their pages."""
    other = bench.gated("other", pages=2)

    def fail(event: events.Event) -> None:
        if event.provider == "bad":
            other.go_on.release(2)
            raise LookupError("a bad progress bar")

    bench.app.events.subscribe(fail)
    with bench.running() as run:
        assert bench.asked.get(timeout=PATIENCE) == "other"
        bench.app.add(Source(["a"], name="bad"))
        with pytest.raises(LookupError, match="a bad progress bar"):
            run.result(PATIENCE)
    assert bench.app.state("other").lease is None


@pytest.mark.rule("C-16")
def test_a_worker_whose_slots_are_all_stuck_gives_up(bench: Bench) -> None:
    """When calls that never returned hold every slot, `run` ends with an error that names them."""
    stuck = [bench.gated(name, page_timeout="10ms") for name in ("one", "two")]
    with (
        bench.running(concurrency=2) as run,
        pytest.raises(AllSlotsStuck, match=r"all 2 slots of this worker .* \(one, two\): .*start the process again"),
    ):
        run.result(PATIENCE)
    assert all(bench.app.state(name).ingestion.status is Status.BACKING_OFF for name in ("one", "two"))
    for source in stuck:
        source.go_on.release()


@pytest.mark.rule("C-16")
def test_a_stuck_thread_keeps_its_slot_until_it_ends(bench: Bench) -> None:
    """A call that did not return in time takes a slot from the others for as long as it lasts."""
    stuck = bench.gated("stuck", page_timeout="10ms")
    failed = threading.Event()
    bench.app.events.subscribe(lambda event: failed.set() if isinstance(event, events.Failed) else None)
    with bench.running(concurrency=2):
        assert failed.wait(PATIENCE)
        sources = {name: bench.gated(name) for name in "ab"}
        assert bench.asked.get(timeout=PATIENCE) == "stuck"
        first = bench.asked.get(timeout=PATIENCE)
        bench.clock.wait_until_asleep()
        assert (bench.app._host.stuck(), bench.begun) == (["stuck"], ["stuck", first])
        sources[first].go_on.release()
        assert bench.swept.get(timeout=PATIENCE) == (first, 1)
        second = bench.asked.get(timeout=PATIENCE)
        assert {first, second} == {"a", "b"}
        for source in (stuck, sources[second]):
            source.go_on.release()
        assert bench.swept.get(timeout=PATIENCE) == (second, 1)


def test_no_slots_are_no_worker(bench: Bench) -> None:
    """A worker without a slot is a mistake, and says so."""
    with pytest.raises(CallerError, match="concurrency=0: nothing would ever run; write 1 or more"):
        bench.app.run(concurrency=0)
