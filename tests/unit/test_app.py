"""The app: adding and replacing providers, whole cycles, and serving for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import incrsim
from incrsim import events, roster
from incrsim.clock import VirtualClock
from incrsim.errors import CallerError, DuplicateProvider, InvalidOptions, InvalidProvider, StoreError, UnknownProvider
from incrsim.host import InlineHost
from incrsim.ingestion import Status
from incrsim.options import ProviderOptions
from tests.unit.fakes import FaultyStore, Source


class Bench:
    """An app on a faulty store and a virtual clock, and what happened in it."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.store = FaultyStore(self.clock)
        self.app = incrsim.App(self.store, clock=self.clock, host=InlineHost(self.clock), holder="replica")
        self.seen: list[events.Event] = []
        self.app.events.subscribe(self._see)

    def _see(self, event: events.Event) -> None:
        self.seen.append(event)
        assert len(self.seen) < 2000, "time does not pass"

    def stop_at(self, kind: type[events.Event]) -> None:
        """Stop the app as soon as something happens."""
        self.app.events.subscribe(lambda event: self.app.stop() if isinstance(event, kind) else None)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A fresh one."""
    made = Bench()
    with made.app:
        yield made


def test_first_screen() -> None:
    """A provider, `open`, `add`, `run_cycle`: that is all it takes."""
    with incrsim.open() as app:
        app.add(Source(["a"], ["b"]), rest_length="1d")
        report = app.run_cycle("source")
        assert (report.ok, report.finished, report.entities, app.catalog.count()) == (True, True, 2, 2)
        assert str(report).startswith("source: swept, 2 entities (2 added, 0 updated, 0 unchanged, 0 removed) in 0.")
        assert app.providers() == ["source"]
        assert repr(app) == "<App on memory: source>"


# --- C-1 --------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("C-1")
def test_second_provider_of_a_name_is_refused(bench: Bench) -> None:
    """A name that is taken is an error that says what to do, and the first provider goes on."""
    bench.app.add(Source(["a"]))
    with pytest.raises(DuplicateProvider, match=r"'source' is served already; .*or pass replace=True"):
        bench.app.add(Source(["b"]))
    bench.app.run_cycle("source")
    assert bench.app.catalog.get("component:default/a")


def test_bad_additions_change_nothing(bench: Bench) -> None:
    """What is no provider, or has options that cannot work, is refused before anything is registered."""
    with pytest.raises(InvalidProvider):
        bench.app.add(object())
    with pytest.raises(InvalidOptions, match="burst_length"):
        bench.app.add(Source(["a"]), burst_length="-3s")
    with pytest.raises(InvalidOptions, match="write burst_length"):
        bench.app.add(Source(["a"]), burst_lenght="3s")
    assert (bench.app.providers(), bench.store.providers()) == ([], [])


@pytest.mark.rule("C-1")
def test_replacing_drains_the_old_one_first() -> None:
    """The running burst of the old provider ends at its next page before the new one is in its place and goes on."""
    fetching, go_on, draining = threading.Event(), threading.Event(), threading.Event()

    class Old(Source):
        def next(self, context: Any, cursor: Any = None) -> Any:
            fetching.set()
            assert go_on.wait(60)
            return super().next(context, cursor)

    old, new = Old(["old"], ["never"], ["never"]), Source(["new"], ["b"], ["c"])
    with incrsim.open() as app:
        app.add(old, burst_interval="0s")
        served = app._roster.find("source")
        original = served._draining.set
        served._draining.set = lambda: (original(), draining.set())[0]  # type: ignore[method-assign, func-returns-value]  # in its place for this test
        burst = threading.Thread(target=app.tick, args=("source",))
        burst.start()
        assert fetching.wait(60)
        replacing = threading.Thread(target=app.add, args=(new,), kwargs={"replace": True, "burst_interval": "0s"})
        replacing.start()
        assert draining.wait(60)
        assert app._roster.find("source").engine.provider is old
        go_on.set()
        for thread in (burst, replacing):
            thread.join(60)
            assert not thread.is_alive()
        assert (old.asked, old.log[-1]) == ([None], "left")
        assert app._roster.find("source").engine.provider is new
        assert app.run_cycle("source").ok
        assert new.asked == [1, 2]
        assert app.catalog.count() == 3


@pytest.mark.rule("C-1")
def test_tick_that_waited_for_the_old_one_runs_the_new_one(bench: Bench) -> None:
    """A tick that was about to begin while its provider was replaced is one of the new provider."""
    old, new = Source(["old"]), Source(["new"])
    bench.app.add(old)
    served = bench.app._roster.find("source")
    waiting = threading.Event()
    lock = served._lock

    class Watched:
        """The old one's lock; says when somebody comes for it."""

        def __enter__(self) -> None:
            waiting.set()
            lock.acquire()

        def __exit__(self, *details: object) -> None:
            lock.release()

    lock.acquire()
    served._lock = Watched()  # type: ignore[assignment]  # in its place for this test
    tick = threading.Thread(target=bench.app.tick, args=("source",))
    tick.start()
    assert waiting.wait(60)
    served._lock = lock
    engine = replace(served.engine, provider=new)
    assert bench.app._roster._exchange("source", served, roster.Served(engine))
    lock.release()
    tick.join(60)
    assert (old.asked, new.asked) == ([], [None])


def test_replacement_that_fails_leaves_the_old_one_in_place(bench: Bench) -> None:
    """When the store fails in the middle of a replacement, the old provider goes on as before."""
    old = Source(["a"], ["b"])
    bench.app.add(old)
    bench.store.faults = {"register": "before"}
    with pytest.raises(StoreError):
        bench.app.add(Source(["c"]), replace=True)
    bench.store.faults = {}
    assert bench.app.run_cycle("source").ok
    assert (old.asked, old.log.count("entered")) == ([None, 1], 1)


# --- run_cycle --------------------------------------------------------------------------------------------------------


def test_cycle_goes_on_with_an_open_ingestion(bench: Bench) -> None:
    """A cycle that was stopped is brought to its end by the next call, from the page where it stopped."""
    provider = Source(["a"], ["b"], ["c"])
    bench.app.add(provider)
    bench.stop_at(events.PageFetched)
    report = bench.app.run_cycle("source")
    assert (report.finished, report.ok, report.verdict) == (False, False, "open")
    assert report.ingestion.status is Status.INTERSTITIAL
    assert (report.entities, report.returned) == (1, 1)
    while not report.finished:
        report = bench.app.run_cycle("source")
    assert (report.verdict, report.ingestion.number) == ("swept", 1)
    assert provider.asked == [None, 1, 2]


def test_cycle_ends_a_rest(bench: Bench) -> None:
    """While a provider rests, a cycle is the next ingestion, and it begins at once."""
    bench.app.add(Source(["a"]), rest_length="7d")
    numbers = [bench.app.run_cycle("source").ingestion.number for _ in range(3)]
    assert numbers == [1, 2, 3]
    assert bench.clock.monotonic() == 0


def test_cycle_ends_a_wait_and_lives_through_failures(bench: Bench) -> None:
    """A backing-off provider is tried at once; further failures wait as the options say."""
    errors = iter([ValueError("1"), ValueError("2"), ["b"]])
    bench.app.add(Source(["a"], lambda: next(errors)), backoff=["1h"])
    bench.app.tick("source")
    assert bench.app.state("source").ingestion.status is Status.BACKING_OFF
    report = bench.app.run_cycle("source")
    assert (report.verdict, report.returned, bench.clock.monotonic()) == ("canceled", 0, 0)
    report = bench.app.run_cycle("source")
    assert (report.verdict, report.ingestion.number, report.entities) == ("swept", 2, 2)


@pytest.mark.rule("C-39")
def test_cycle_waits_by_the_clock_it_was_given(bench: Bench) -> None:
    """Waits between bursts and after failures pass on the app's clock: a virtual hour costs nothing."""
    errors = iter([ValueError("1"), ["b"]])
    bench.app.add(Source(["a"], lambda: next(errors)), backoff=["1h"])
    assert bench.app.run_cycle("source").ok
    assert bench.clock.monotonic() == timedelta(hours=1).total_seconds()


@pytest.mark.rule("C-39")
def test_cycle_waits_for_a_lease(bench: Bench) -> None:
    """While another replica holds the lease a cycle waits, says so, and goes on when the lease expires."""
    options = ProviderOptions()
    bench.app.add(Source(["a"]))
    bench.store.claim("source", "dead replica", options)
    assert bench.app.run_cycle("source").ok
    assert bench.clock.monotonic() == pytest.approx(options.lease_length.total_seconds(), abs=1)
    waits = [event for event in bench.seen if isinstance(event, events.Waiting)]
    assert {(event.reason, event.holder) for event in waits} == {("held", "dead replica")}


def test_cycle_reports_what_ended_otherwise(bench: Bench) -> None:
    """A refused sweep is a good end; a canceled ingestion is an end that is not good."""
    bench.app.add(Source(["a", "b"]), reject_removals_above_count=0, backoff=["1s"])
    bench.app.run_cycle("source")
    bench.app.add(Source(["a"]), replace=True, reject_removals_above_count=0)
    report = bench.app.run_cycle("source")
    assert (report.verdict, report.ok, report.finished) == ("refused", True, True)
    assert "refused to remove 1 of 2 (50.00 %): above the limit of 0" in str(report)
    assert {key: report.to_dict()[key] for key in ("entities", "unchanged", "removed", "verdict")} == {
        "entities": 1,
        "unchanged": 1,
        "removed": 0,
        "verdict": "refused",
    }
    bench.app.add(Source(incrsim.FatalError("no use")), replace=True)
    report = bench.app.run_cycle("source")
    assert (report.verdict, report.ok, report.finished) == ("canceled", False, True)


def test_cycle_passes_on_that_the_store_failed(bench: Bench) -> None:
    """A store that cannot be used is told to the caller, and nobody goes on listening for the failed call."""
    bench.app.add(Source(["a"]))
    listeners = len(bench.app.events._subscribers)
    bench.store.faults = {"claim": "before"}
    with pytest.raises(StoreError, match="claim fails before"):
        bench.app.run_cycle("source")
    assert len(bench.app.events._subscribers) == listeners


def test_unknown_provider_is_told_the_known_ones(bench: Bench) -> None:
    """A name that the app does not serve is an error with those that it does."""
    with pytest.raises(UnknownProvider, match="it serves: none yet"):
        bench.app.run_cycle("x")
    bench.app.add(Source(["a"]))
    for call in (bench.app.tick, bench.app.run_cycle):
        with pytest.raises(UnknownProvider, match=r"no provider called 'x'; it serves: source"):
            call("x")


@pytest.mark.rule("C-2")
def test_subscriber_that_fails_does_not_keep_a_context_open(bench: Bench) -> None:
    """When whoever listens raises in the middle of a burst, the error comes out and the context is left at once."""
    provider = Source(["a"], ["b"])
    bench.app.add(provider)

    def listener(event: events.Event) -> None:
        if type(event) is events.PageFetched:
            raise LookupError("a bad progress bar")

    bench.app.events.subscribe(listener)
    with pytest.raises(LookupError) as caught:
        bench.app.tick("source")
    assert caught.value.__traceback__ is not None
    assert provider.log[-1] == "left by GeneratorExit"


# --- run --------------------------------------------------------------------------------------------------------------


def test_run_serves_each_when_it_is_due(bench: Bench) -> None:
    """`run` ticks every provider when it is due, through bursts and rests, until it is stopped."""
    sources = [Source(["a"], name="one"), Source(["b"], name="two")]
    for source, rest in zip(sources, ("10s", "1h"), strict=True):
        bench.app.add(source, rest_length=rest)
    claimed = 0

    def count(event: events.Event) -> None:
        nonlocal claimed
        claimed += isinstance(event, events.Claimed)
        if claimed == 20:
            bench.app.stop()

    bench.app.events.subscribe(count)
    bench.app.run()
    assert bench.app.state("one").ingestion.number == 19
    assert bench.app.state("two").ingestion.number == 1
    assert 170 <= bench.clock.monotonic() <= 200


def test_run_returns_at_the_next_page(bench: Bench) -> None:
    """`stop` lets the page that is being read be committed, gives the lease back, and begins nothing more."""
    first, second = Source(["a"], ["b"], name="one"), Source(["c"], name="two")
    bench.app.add(first)
    bench.app.add(second)
    bench.stop_at(events.PageFetched)
    bench.app.run()
    assert (first.asked, second.asked) == ([None], [])
    state = bench.app.state("one")
    assert (state.ingestion.status, state.ingestion.pages, state.lease) == (Status.INTERSTITIAL, 1, None)


@pytest.mark.parametrize("method", ["claim", "commit_page", "record_failure", "state", "commit_sweep", "end_burst"])
def test_run_lives_through_a_store_that_fails(
    bench: Bench, method: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While the store fails `run` looks again and again, says so in the log, and goes on when the store is back."""
    errors = iter([ValueError("one failure"), ["b"]])
    bench.app.add(Source(["a"], lambda: next(errors), ["c"]), backoff=["1s"])
    bench.store.faults = {method: "before"}
    rounds = 0

    def look_again(error: float, wake: threading.Event | None = None) -> None:
        nonlocal rounds
        rounds += 1
        bench.clock.advance(timedelta(minutes=1))
        if rounds == 5:
            bench.store.faults = {}

    monkeypatch.setattr(bench.clock, "wait", look_again)
    bench.stop_at(events.SweepCommitted)
    bench.app.run()
    assert [each.ref[-1] for each in bench.app.catalog.entities()] == ["a", "b", "c"]
    if method in ("claim", "record_failure", "state"):
        assert f"{method} fails before it was done; looking again in {roster.LOOK_AGAIN:g} s" in caplog.text


# --- open -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database", ["mysql://user:s3cret@host/db", "sqlite", "", "postgres"])
def test_open_knows_three_kinds_of_databases(database: str) -> None:
    """Anything else is an error that says what to write, without the password that it may hold."""
    with pytest.raises(CallerError, match=r'write "memory", "embedded", or a URL such as postgresql://') as caught:
        incrsim.open(database)
    assert "s3cret" not in str(caught.value)


def test_closing_is_repeatable() -> None:
    """An app may be closed more than once."""
    app = incrsim.open("memory")
    app.close()
    app.close()
