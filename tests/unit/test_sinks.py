"""What a sink is told, who brings it there, and what the engine does meanwhile."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import incrsim
from incrsim import events
from incrsim.clock import VirtualClock
from incrsim.engine import SINK_WAIT
from incrsim.errors import CallerError, DuplicateSink, InvalidSink, UnknownSink
from incrsim.sinks import Courier, Mutation, SinkEntity, courier
from incrsim.store.memory import MemoryStore
from incrsim.store.outbox import DELIVERY_LEASE, Span
from tests.contract.driver import Driver
from tests.contract.samples import good, ref
from tests.mirror import Mirror, catalog_of
from tests.unit.fakes import Rig, Source


class Bench:
    """A provider, a store and a courier on one virtual clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.store = MemoryStore(self.clock)
        self.p = Driver(self.store, self.clock)
        self.courier = Courier(self.store, "r1", self.clock)
        self.sink = Mirror()
        self.courier.attach(self.sink)
        self.courier.deliver()
        self.sink.heard.clear()


@pytest.fixture
def bench() -> Bench:
    """A sink that has all there is."""
    return Bench()


# --- mutations --------------------------------------------------------------------------------------------------------


def test_a_mutation_is_written_as_a_delta_of_backstage() -> None:
    """As JSON it is one line, with entities as the catalog has them and refs under Backstage's names."""
    entity = SinkEntity("component:default/a", "k", b'{"kind":"Component"}')
    text = Mutation("p", 3, 7, [entity], ["api:default/b"], Span("", "x")).to_json()
    assert b"\n" not in text
    assert json.loads(text) == {
        "type": "delta",
        "provider": "p",
        "ingestion": 3,
        "sequence": 7,
        "resync": {"after": "", "to": "x"},
        "added": [{"entityRef": "component:default/a", "locationKey": "k", "entity": {"kind": "Component"}}],
        "removed": [{"entityRef": "api:default/b"}],
    }


def test_a_body_is_a_fresh_copy() -> None:
    """A sink may change what it was given."""
    entity = SinkEntity("component:default/a", None, b'{"kind":"Component"}')
    entity.body["kind"] = "other"
    assert entity.body == {"kind": "Component"}


def test_a_span_knows_its_refs() -> None:
    """It begins behind one ref and ends with another, by code point."""
    assert [name in Span("b", "d") for name in "abcde"] == [False, False, True, True, False]
    assert "component:default/a" in Span("", None)


# --- what can be a sink -----------------------------------------------------------------------------------------------


class AsyncSink:
    name = "async"

    async def apply_mutation(self, mutation: Mutation) -> None:
        """Never awaited, so nothing would ever arrive."""


class Nameless(Mirror):
    def __init__(self) -> None:
        super().__init__("")


@pytest.mark.parametrize("sink", [AsyncSink(), object(), None, Nameless()], ids=lambda sink: type(sink).__name__)
def test_what_cannot_be_a_sink_is_refused(bench: Bench, sink: Any) -> None:
    """Nothing is registered of it."""
    with pytest.raises(CallerError, match="cannot be"):
        bench.courier.attach(sink)
    assert [each.name for each in bench.store.sinks()] == ["mirror"]


def test_two_sinks_of_one_name_are_refused(bench: Bench) -> None:
    """The second one would get half of what the first one should."""
    with pytest.raises(DuplicateSink, match="'mirror' is attached already"):
        bench.courier.attach(Mirror())


# --- delivering -------------------------------------------------------------------------------------------------------


@pytest.mark.rule("C-12")
def test_what_is_committed_arrives_in_order(bench: Bench) -> None:
    """Each mutation names its provider, its ingestion and the number of its last change."""
    bench.p.cycle(good("a"), good("b"))
    report = bench.courier.deliver()
    bench.p.cycle(good("b"))
    bench.courier.deliver()
    assert (report.delivered, report.failed, report.more) == (2, {}, False)
    told = [(each.provider, each.ingestion, each.sequence, list(each.removed)) for each in bench.sink.heard]
    assert told == [("p", 1, 2, []), ("p", 2, 3, [ref("a")])]
    assert bench.sink.kept == catalog_of(bench.store)


@pytest.mark.rule("C-12")
def test_what_has_changed_again_is_not_told_twice_at_once(bench: Bench) -> None:
    """Rows of which nothing is left are confirmed without calling the sink."""
    bench.p.cycle(good("a"))
    bench.courier.deliver()
    bench.p.cycle()
    bench.p.cycle(good("a"))
    bench.courier.deliver()
    assert [each.sequence for each in bench.sink.heard] == [1, 3]
    assert bench.store.sinks()[0].behind == 0


@pytest.mark.rule("C-12")
def test_a_sink_that_raises_is_told_again(bench: Bench) -> None:
    """The report and the store say why; the same comes again, and a success clears it."""
    bench.p.cycle(good("a"))
    bench.sink.failing = "no route\0 to host"
    report = bench.courier.deliver()
    assert report.failed == {"mirror": "ConnectionError: no route\\x00 to host"}
    (state,) = bench.store.sinks()
    assert (state.last_error, state.failing_since, state.behind) == (report.failed["mirror"], bench.clock.now(), 1)
    bench.sink.failing = ""
    bench.clock.wait(courier.RETRY_WAIT)
    assert bench.courier.deliver().delivered == 1
    assert bench.store.sinks()[0].failing_since is None
    assert bench.sink.kept == catalog_of(bench.store)


def test_a_failing_sink_is_not_asked_by_everybody(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """For some seconds after a failure nobody waits for it again: its last error is the answer."""
    bench.p.cycle(good("a"))
    bench.sink.failing = "down"
    with caplog.at_level(logging.WARNING, "incrsim.sinks"):
        first = bench.courier.deliver()
        bench.sink.failing = ""
        assert bench.courier.deliver("p").failed == first.failed
    assert len(caplog.records) == 1
    assert bench.sink.heard == []


@pytest.mark.rule("C-12")
def test_one_failing_sink_does_not_keep_another_from_its_own(bench: Bench) -> None:
    """Each sink has its own place in the outbox."""
    other = Mirror("other")
    bench.courier.attach(other)
    bench.sink.failing = "down"
    bench.p.cycle(good("a"))
    report = bench.courier.deliver()
    assert [*report.failed] == ["mirror"]
    assert other.kept == catalog_of(bench.store)


@pytest.mark.rule("C-12")
@pytest.mark.rule("C-13")
def test_what_waits_comes_in_batches(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much waits, a sink is told a bounded part of it at once."""
    monkeypatch.setattr(courier, "BATCH", 10)
    bench.p.cycle(*(good(f"e{number}") for number in range(35)))
    bench.courier.deliver()
    bench.store.resync("mirror")
    bench.courier.deliver()
    assert [each.size for each in bench.sink.heard] == [10, 10, 10, 5] * 2
    assert bench.sink.kept == catalog_of(bench.store)


def test_a_round_ends_when_its_time_is_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One delivery is begun at least, and the report says that something is left."""
    monkeypatch.setattr(courier, "BATCH", 2)
    bench.p.cycle(*(good(name) for name in "abcd"))
    report = bench.courier.deliver(seconds=0)
    assert (report.delivered, report.more) == (2, True)
    assert bench.courier.deliver().delivered == 2


@pytest.mark.rule("C-12")
def test_another_replica_waits_until_the_first_has_delivered(bench: Bench) -> None:
    """While one holds the right to deliver another leaves the sink alone, and goes on when that one died."""
    other = Courier(bench.store, "r2", bench.clock)
    mirror = Mirror()
    other.attach(mirror)
    bench.p.cycle(good("a"))
    assert bench.store.lease_sink("mirror", "died")
    assert other.deliver() == courier.DeliveryReport()
    bench.clock.advance(DELIVERY_LEASE)
    assert other.deliver().delivered == 1
    assert bench.courier.deliver().delivered == 0
    assert bench.store.lease_sink("mirror", "r1") is False
    bench.p.cycle(good("a"), good("b"))
    assert bench.courier.deliver().delivered == 1, "the right was given back"


def test_threads_of_one_process_take_turns(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread does not deliver past one that is at it, and does not wait for ever."""
    monkeypatch.setattr(courier, "BUSY_WAIT", 0.01)
    bench.p.cycle(good("a"))
    entered, leave = threading.Event(), threading.Event()

    def slowly(mutation: Mutation) -> None:
        entered.set()
        assert leave.wait(30)

    monkeypatch.setattr(bench.sink, "apply_mutation", slowly)
    thread = threading.Thread(target=bench.courier.deliver)
    thread.start()
    try:
        assert entered.wait(30)
        assert "an earlier delivery" in bench.courier.deliver().failed["mirror"]
        assert not bench.store.lease_sink("mirror", "r2"), "the right is still needed"
    finally:
        leave.set()
        thread.join()
    assert bench.store.sinks()[0].failing_since is None
    assert bench.courier.deliver().failed == {}


def test_a_sink_that_an_operator_removed_is_left_alone(bench: Bench) -> None:
    """It is told nothing, and keeps nobody from anything."""
    bench.store.remove_sink("mirror")
    bench.p.cycle(good("a"))
    assert bench.courier.deliver() == courier.DeliveryReport()


# --- the engine -------------------------------------------------------------------------------------------------------


def rig_with(sink: Mirror, *pages: Any, **options: Any) -> Rig:
    """An engine that tells a sink."""
    rig = Rig(Source(*pages), **options)
    brings = Courier(rig.store, "replica", rig.clock)
    brings.attach(sink)
    rig.engine = replace(rig.engine, sinks=brings)
    return rig


@pytest.mark.rule("C-12")
def test_a_sink_that_fails_elsewhere_stops_pages_here_too() -> None:
    """A replica that has not attached a failing sink asks for no page either; once the sink is well it goes on."""
    sink = Mirror()
    rig = Rig(Source(["a"], ["b"]), burst_length="1s")
    elsewhere = Courier(rig.store, "another replica", rig.clock)
    elsewhere.attach(sink)
    rig.engine = replace(rig.engine, sinks=Courier(rig.store, "replica", rig.clock))
    sink.failing = "down"
    assert elsewhere.deliver().failed
    assert rig.names() == ["Claimed", "SinkBlocked", "BurstEnded"]
    assert (rig.provider.asked, rig.ingestion.attempts) == ([], 0)
    sink.failing = ""
    rig.until_due()
    assert not elsewhere.deliver().failed
    rig.until_due()
    assert "PageCommitted" in rig.names()


@pytest.mark.rule("C-12")
def test_the_engine_delivers_before_each_page() -> None:
    """What a page has changed arrives before the next one is asked for."""
    sink = Mirror()
    known: list[list[str]] = []

    def page(*names: str) -> Callable[[], list[str]]:
        def look() -> list[str]:
            known.append(sink.names())
            return list(names)

        return look

    rig = rig_with(sink, page("a"), page("b"), page("c"))
    rig.cycle()
    assert known == [[], ["a"], ["a", "b"]]


@pytest.mark.rule("C-12")
def test_a_failing_sink_stops_the_next_page_not_this_one() -> None:
    """The page is committed; the next one is not asked for, the burst ends without an attempt and waits a little."""
    sink = Mirror()
    rig = rig_with(sink, ["a"], ["b"])

    def breaking() -> list[str]:
        sink.failing = "down"
        return ["a"]

    rig.provider.pages[0] = breaking
    told = rig.tick()
    assert [type(event).__name__ for event in told[-4:]] == [
        "PageCommitted",
        "SinkBlocked",
        "ContextLeft",
        "BurstEnded",
    ]
    blocked = told[-3]
    assert isinstance(blocked, events.SinkBlocked)
    assert (blocked.sink, blocked.message) == ("mirror", "ConnectionError: down")
    assert (rig.refs(), rig.ingestion.status, rig.ingestion.attempts) == (["a"], incrsim.Status.INTERSTITIAL, 0)
    assert rig.ingestion.due_at == rig.clock.now() + timedelta(seconds=5)
    rig.until_due()
    assert rig.names() == ["Claimed", "SinkBlocked", "BurstEnded"], "the source is not even opened"
    assert rig.provider.asked == [None]
    sink.failing = ""
    rig.until_due()
    assert rig.tick()[-1].ingestion == 1
    assert (rig.refs(), sink.names()) == (["a", "b"], ["a"])


@pytest.mark.rule("C-12")
def test_a_longer_interval_is_kept() -> None:
    """A provider that pauses longer than that between its bursts does so after a blocked one as well."""
    sink = Mirror()
    sink.failing = "down"
    rig = rig_with(sink, ["a"], burst_interval="1h")
    rig.tick()
    assert rig.ingestion.due_at == rig.clock.now() + timedelta(hours=1)


@pytest.mark.rule("C-12")
def test_a_sink_that_fails_for_an_hour_and_comes_back() -> None:
    """Meanwhile no page is read and no attempt spent, what was to be swept is swept, and then everything arrives."""
    sink = Mirror()
    rig = rig_with(sink, ["a", "b"], ["c"], rest_length="10m")
    rig.cycle()
    rig.provider.pages = [["a"], ["d"], ["e"]]
    rig.until_due()
    rig.store.faults["commit_sweep"] = "before"
    failed = rig.failed()  # all pages are in; only the sweep is left
    assert failed.status is incrsim.Status.BACKING_OFF
    del rig.store.faults["commit_sweep"]
    sink.failing = "down"
    rig.until_due()
    assert rig.names()[-1] == "SweepCommitted", "a sweep asks no sink"
    assert (rig.refs(), sink.names()) == (["a", "d", "e"], ["a", "b", "c", "d"])
    rig.provider.pages = [["a"], ["f"]]
    asked = len(rig.provider.asked)
    ends = rig.clock.now() + timedelta(hours=1)
    for _ in range(timedelta(hours=1) // SINK_WAIT):  # none of the waits is shorter, or the hour does not pass
        rig.until_due()
        assert "PageFetched" not in rig.names()
    assert rig.clock.now() >= ends
    assert (len(rig.provider.asked), rig.ingestion.attempts) == (asked, 0)
    (state,) = rig.store.sinks()
    assert state.failing_since is not None
    assert rig.clock.now() - state.failing_since >= timedelta(minutes=45)
    sink.failing = ""
    assert rig.cycle().outcome is incrsim.Outcome.SWEPT
    rig.engine.sinks.deliver()
    assert sink.kept == catalog_of(rig.store)
    assert sink.names() == ["a", "f"]


# --- the app ----------------------------------------------------------------------------------------------------------


def test_an_app_keeps_an_attached_sink_equal(caplog: pytest.LogCaptureFixture) -> None:
    """It is given what is there, and after each cycle what has changed; a failure is in the report, not raised."""
    source = Source(["a", "b"], name="p")
    with incrsim.open(clock=VirtualClock()) as app:
        app.add(source)
        app.run_cycle("p")
        sink = Mirror()
        assert app.attach(sink).delivered == 2
        source.pages = [["b", "c"]]
        app.run_cycle("p")
        assert sink.kept == catalog_of(app.store)
        assert sink.names() == ["b", "c"]
        sink.kept.clear()
        assert app.resync("mirror").delivered == 2
        assert sink.kept == catalog_of(app.store)
        sink.failing = "down"
        assert app.resync("mirror").failed == {"mirror": "ConnectionError: down"}
        app.detach("mirror")
        assert app.store.sinks() == []
        with pytest.raises(UnknownSink):
            app.resync("mirror")
        app.attach(Mirror())


def test_attaching_need_not_wait_for_a_resync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has no time attaches a sink that has the rest of what there is with the next delivery."""
    monkeypatch.setattr("incrsim.sinks.courier.BATCH", 2)
    with incrsim.open(clock=VirtualClock()) as app:
        app.add(Source(["a", "b", "c", "d", "e"], name="p"))
        app.run_cycle("p")
        sink = Mirror()
        begun = app.attach(sink, seconds=0)
        assert (begun.delivered, begun.more, sink.names()) == (2, True, ["a", "b"])
        assert app.deliver().delivered == 3
        assert sink.kept == catalog_of(app.store)


def test_running_app_delivers_what_others_have_changed() -> None:
    """Also while no burst of its own runs, a running app tells its sinks."""
    clock = VirtualClock()
    with incrsim.open(clock=clock) as app:
        sink = Mirror()
        app.attach(sink)
        Driver(app.store, clock, "elsewhere").cycle(good("a"))

        def stop(mutation: Mutation) -> None:
            Mirror.apply_mutation(sink, mutation)
            app.stop()

        sink.apply_mutation = stop  # type: ignore[method-assign]  # in its place for this test
        app.run()
        assert sink.names() == ["a"]


def test_an_invalid_sink_is_a_type_error() -> None:
    """A caller's mistake is found by either name."""
    with pytest.raises(TypeError), incrsim.open() as app:
        app.attach(AsyncSink())  # type: ignore[arg-type]  # wrong on purpose
    assert issubclass(InvalidSink, CallerError)
