"""What a panel shows of a provider, read off a simulation that is stepped through every status."""

from __future__ import annotations

from datetime import timedelta

from incrsim.clock import VirtualClock
from incrsim.errors import CursorExpired
from incrsim.events import BurstEnded, Claimed, Failed, PageCommitted, SweepCommitted
from incrsim.notebook.panel_buttons import Button, why_not
from incrsim.notebook.panel_values import Reader, Row
from incrsim.operators import Operators
from incrsim.options import ProviderOptions
from incrsim.simulation import FakeSource, Simulation
from incrsim.simulation.weather import CALM, Flaky
from incrsim.store.memory import MemoryStore

NAME = "fake"


class Bench:
    """A simulated provider, and the panel's reader of it."""

    def __init__(self, entities: int = 40, **options: object) -> None:
        self.clock = VirtualClock()
        self.source = FakeSource(entities, 10)
        given = ProviderOptions.of(**{"rest_length": "1h", "reject_removals_above_percentage": 5, **options})
        self.run = Simulation(self.source, store=MemoryStore(self.clock), clock=self.clock, options=given)
        self.run.store.register(NAME)
        self.operators = Operators(self.run.store, lambda: {NAME: given})
        self.reader = Reader(self.operators)

    def until(self, kind: type) -> Row:
        """Step until something happens, and look."""
        self.run.run_until(lambda happening: isinstance(happening, kind))
        return self.look()

    def look(self) -> Row:
        """The row as it is now."""
        (row,) = self.reader.page().items
        return row

    def pressable(self) -> set[Button]:
        """The buttons that make sense now."""
        status = self.operators.status(NAME)
        return {each for each in Button if why_not(each, status) is None}


def test_a_cycle_in_words() -> None:
    """Each status is a word or two, says what comes next, and offers the buttons that make sense in it."""
    bench = Bench(burst_length="1s", burst_interval="5s")
    new = bench.look()
    assert (new.words, new.next) == (("scheduled",), "due now, but nobody serves it")
    assert bench.pressable() == {Button.PAUSE, Button.PLAN}

    begun = bench.until(Claimed)
    assert (begun.words, begun.next) == (("bursting",), "reading page 1")
    assert bench.pressable() == {Button.START, Button.CANCEL, Button.PAUSE, Button.PLAN}

    bench.until(PageCommitted)
    bench.clock.advance(timedelta(seconds=2))  # the burst is spent at its next page
    between = bench.until(BurstEnded)
    assert (between.words, between.next) == (("interstitial",), "next burst in 5s")
    assert bench.pressable() == {*Button} - {Button.RESUME, Button.APPROVE}

    rests = bench.until(SweepCommitted)
    assert (rests.words, rests.next, rests.share) == (("resting",), "next ingestion in 1h", 1.0)
    assert bench.pressable() == {Button.TRIGGER, Button.START, Button.PAUSE, Button.PLAN, Button.DELETE}

    bench.operators.pause(NAME)
    paused = bench.look()
    assert (paused.words, paused.next) == (("paused",), "nothing begins until it is resumed")
    assert bench.pressable() == {Button.RESUME, Button.PLAN, Button.DELETE}


def test_trouble_in_words() -> None:
    """A failure waits and counts down; a refused sweep stands out, and can be approved once."""
    bench = Bench(backoff=["30s"])
    bench.source.weather = Flaky(every=1)
    failed = bench.until(Failed)
    assert (failed.words, failed.next) == (("backing off",), "tries again in 30s")

    bench.source.weather = CALM
    bench.until(SweepCommitted)
    bench.operators.trigger(NAME)
    bench.source.remove(percent=60)
    refused = bench.until(SweepCommitted)
    assert refused.words == ("resting", "refused")
    assert Button.APPROVE in bench.pressable()

    verdict = refused.status.last_verdict
    assert verdict is not None
    bench.operators.approve(NAME, verdict.id)
    assert bench.look().words == ("resting",)
    assert why_not(Button.APPROVE, bench.operators.status(NAME)) == f"verdict {verdict.id} is approved already"


def test_progress_is_measured_against_the_last_whole_cycle() -> None:
    """A running ingestion is measured against the last cycle that was swept; its rate is that of the last seconds."""
    bench = Bench()
    assert bench.until(PageCommitted).share is None
    bench.until(SweepCommitted)
    bench.operators.start(NAME)
    bench.until(Claimed)
    first = bench.until(PageCommitted)
    assert (first.last_total, first.share, first.rate) == (40, 0.25, None)
    bench.clock.advance(timedelta(seconds=2))
    second = bench.until(PageCommitted)
    assert (second.share, second.rate) == (0.5, 10.0)

    bench.operators.cancel(NAME)
    assert bench.look().last_total == 40, "what was canceled was no whole cycle"


def test_an_expired_cursor_is_told() -> None:
    """The error that ended the ingestion before is shown until the new one has a page."""
    bench = Bench()
    bench.until(PageCommitted)

    def expired(*_: object) -> None:
        raise CursorExpired("gone")

    bench.source.answer = expired  # type: ignore[method-assign, assignment]  # in its place for this test
    bench.run.run_until(lambda _: bench.operators.status(NAME).ingestion > 1)
    status = bench.look().status
    assert status.last_error is not None
    assert status.last_error.message == "gone"
