from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from xml.etree import ElementTree as ET

import pytest

import incrsim
from incrsim.clock import VirtualClock
from incrsim.errors import CallerError, IncrsimError
from incrsim.notebook import plots
from incrsim.simulation import SimulationStuck, pressure
from incrsim.simulation.pressure import ProcessingQueue, Trouble, world as pressure_world
from incrsim.simulation.pressure.memory_use import MemoryReport, MemoryUse
from incrsim.simulation.pressure.source import PacedSource
from incrsim.simulation.source import FakeSource
from incrsim.sinks import Mutation
from incrsim.sinks.mutation import SinkEntity
from incrsim.store.outbox import Span

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from incrsim.simulation.pressure import PressureReport
    from incrsim.simulation.pressure.queue import Share
    from incrsim.store import Store

SMALL: dict[str, Any] = {"entities": 1500, "page_size": 50, "service_rate": 40}


@pytest.fixture(scope="module")
def report() -> PressureReport:
    """A full mutation beside bursts."""
    return pressure.compare(**SMALL)


class Told:
    """Tells a queue what a catalog would, with a hand on the clock."""

    def __init__(self, service_rate: float) -> None:
        self.clock = VirtualClock()
        self.queue = ProcessingQueue(self.clock, service_rate)

    def __call__(self, provider: str, added: str = "", removed: str = "", resync: Span | None = None) -> None:
        entities = [SinkEntity(ref, None, b"{}") for ref in added]
        self.queue.apply_mutation(Mutation(provider, 1, 1, entities, list(removed), resync))

    def after(self, seconds: float) -> ProcessingQueue:
        self.clock.wait(seconds)
        self.queue.serve()
        return self.queue


def numbers(share: Share) -> tuple[int, int, int, int, int]:
    """All that became of a provider's entities."""
    return share.entered, len(share.served), share.superseded, share.withdrawn, share.waiting


# --- the queue --------------------------------------------------------------------------------------------------------


def test_entities_are_processed_in_the_order_of_their_commits() -> None:
    """Two a second: what came first is served first, whoever it belongs to."""
    told = Told(service_rate=2)
    told("large", "abc")
    told.clock.wait(1)
    told("small", "x")
    told.after(1)
    assert list(told.queue.share("large").served) == [0.5, 1.0, 1.5]
    assert list(told.queue.share("small").served) == [2.0]
    assert told.queue.share("small").delays == [1.0]
    assert [(point.seconds, point.waiting) for point in told.queue.curve] == [
        (0, 0),
        (0, 3),
        (1, 1),
        (1, 2),
        (2, 0),
        (2, 0),
    ]


def test_what_changes_while_it_waits_goes_to_the_end_and_has_waited_since_its_first_change() -> None:
    """One turn serves both changes, and the delay is that of the first."""
    told = Told(service_rate=1)
    told("p", "ab")
    told.clock.wait(0.5)
    told("p", "a")
    queue = told.after(5)
    assert list(queue.share("p").served) == [1.0, 2.0]
    assert queue.share("p").delays == [1.0, 2.0]
    assert numbers(queue.share("p")) == (3, 2, 1, 0, 0)


def test_what_is_removed_or_taken_over_waits_no_longer_for_its_former_owner() -> None:
    """A place that is given up is counted where it was held."""
    told = Told(service_rate=1)
    told("p", "abc")
    told("p", removed="a")
    told("q", "b")
    told("q", removed="z")
    queue = told.after(10)
    assert numbers(queue.share("p")) == (3, 1, 1, 1, 0)
    assert numbers(queue.share("q")) == (1, 1, 0, 0, 0)


def test_what_was_there_before_counts_as_processed() -> None:
    """A resync says what there is, and not what has changed."""
    told = Told(service_rate=1)
    told("p", "abc", resync=Span("", None))
    assert numbers(told.queue.share("p")) == (0, 0, 0, 0, 0)
    assert told.queue.seconds_to_empty == 0


def test_a_queue_that_nobody_serves_is_refused() -> None:
    """The error says what to write."""
    with pytest.raises(CallerError, match="write 1 or more a second"):
        ProcessingQueue(VirtualClock(), service_rate=0)


def test_the_queue_follows_a_catalog_of_ones_own() -> None:
    """It is attached like any sink; what a sweep removes before its turn is never processed."""
    clock = VirtualClock()
    source = FakeSource(300, page_size=100)
    with incrsim.open(clock=clock) as app:
        queue = ProcessingQueue(clock, service_rate=1)
        app.attach(queue)
        app.add(source)
        app.run_cycle(source.name)
        source.remove(count=100)
        source.change(count=50)
        app.run_cycle(source.name)
        clock.wait(queue.seconds_to_empty + 1)
        queue.serve()
    assert numbers(queue.share(source.name)) == (350, 200, 50, 100, 0)


# --- full mutations against bursts ------------------------------------------------------------------------------------


def test_bursts_are_earlier_and_keep_the_queue_and_the_neighbour_unburdened(report: PressureReport) -> None:
    """What the seed claims, and that both ways bring all of it."""
    full, bursts = report.full, report.bursts
    assert bursts.first < full.first
    assert bursts.peak < full.peak
    assert full.peak >= SMALL["entities"]
    assert bursts.small.worst_delay < full.small.worst_delay
    for each in (full, bursts):
        assert len(each.large.served) == SMALL["entities"]


def test_nothing_is_lost_in_the_queue(report: PressureReport) -> None:
    """What entered was served, has changed again, was removed, or waits."""
    for share in (report.full.large, report.full.small, report.bursts.large, report.bursts.small):
        entered, served, superseded, withdrawn, waiting = numbers(share)
        assert entered == served + superseded + withdrawn + waiting
        assert min(share.delays) > 0


def test_the_same_seed_gives_the_same_report(report: PressureReport) -> None:
    """To the last digit."""
    assert pressure.compare(**SMALL) == report


def test_postgres_gives_the_same_report(database_url: str, report: PressureReport) -> None:
    """In bursts and at once, one after the other in one database: each begins with a catalog of no large entities."""
    from incrsim.store.postgres import PostgresStore
    from tests.contract.emptied import emptied

    def open_store(clock: VirtualClock) -> Store:
        return PostgresStore.open(emptied(database_url), clock=clock)

    assert pressure.compare(**SMALL, store=open_store) == report


def test_a_report_is_a_table_and_a_frame(report: PressureReport) -> None:
    """Both have the same numbers."""
    frame = report.to_frame().set_index("way")
    assert list(frame["peak"]) == [report.full.peak, report.bursts.peak]
    assert f"{report.full.peak:,}" in str(report)
    assert list(frame["first"]) == [report.full.first, report.bursts.first]
    assert set(report.curves()["way"]) == {"full", "bursts"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"entities": 0}, "nothing to measure; write 1 or more"),
        ({"changes": 501}, "write 0 to so many"),
        ({"page_seconds": 64}, "longer than page_timeout .63 s."),
    ],
)
def test_a_load_that_measures_nothing_is_refused(given: dict[str, Any], message: str) -> None:
    """The error says what to write."""
    with pytest.raises(CallerError, match=message):
        pressure.compare(**given)


def test_an_ingestion_that_never_ends_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its options allow fewer pages than there are."""
    monkeypatch.setattr(pressure_world, "MOST_STEPS", 500)
    with pytest.raises(SimulationStuck, match="500 steps"):
        pressure.compare(entities=200, bursts={"max_pages": 1})


# --- recovery, orphans, memory ----------------------------------------------------------------------------------------


def test_a_full_read_begins_anew_and_an_ingestion_goes_on() -> None:
    """Without trouble neither repeats a page; with it only the full read does; with a tight limit it never ends."""
    troubles = [Trouble(), Trouble(failing_percent=20), Trouble(down=(3, 60)), Trouble(limit=10, window=60)]
    found = pressure.recover(troubles, entities=120, page_size=10)
    full, bursts = (
        {row.trouble: row for row in found.rows if row.way == way and row.trouble != "none"}
        for way in ("full", "bursts")
    )
    assert [row.repeated for row in found.rows if row.trouble == "none"] == [0, 0]
    assert all(row.repeated == 0 and row.answered == row.needed == 12 for row in bursts.values())
    assert all(row.repeated > 0 and row.failures > 0 for row in full.values())
    assert full["10 requests every 60 s"].seconds is None
    assert "never" in str(found)
    assert len(found.to_frame()) == 8


def test_a_limit_that_answers_nothing_is_refused() -> None:
    """The error says what to write."""
    with pytest.raises(CallerError, match="a limit of 1 or more"):
        Trouble(limit=0)


def test_a_failing_source_names_the_moment_of_its_reset() -> None:
    """A request past the limit is told to come back when the window is over."""
    clock = VirtualClock()
    source = PacedSource(FakeSource(10), clock, 1.0, Trouble(limit=1, window=60))
    source.next(None)
    with pytest.raises(incrsim.RateLimited) as caught:
        source.next(None)
    assert (caught.value.until - clock.now()).total_seconds() == 58
    assert (source.requests, source.answered) == (2, 1)


def test_sweeps_leave_no_orphans_and_a_guard_believes_no_lie() -> None:
    """Upserts leave all of them; what a guard held back goes in the cycle after."""
    found = pressure.orphans(entities=200, cycles=4, vanish_percent=2, half_missing=3)
    by_way = {way: [row for row in found.rows if row.way == way] for way in ("upserts", "full", "bursts", "guarded")}
    assert [row.orphans for row in by_way["upserts"]] == [0, 4, 8, 12]
    assert [row.orphans for row in by_way["bursts"]] == [row.orphans for row in by_way["full"]] == [0, 0, 0, 0]
    assert [row.missing for row in by_way["full"]] == [0, 0, 100, 0]
    assert [row.refused for row in by_way["guarded"]] == [False, False, True, False]
    assert by_way["guarded"][2].missing <= 4
    assert (by_way["guarded"][3].orphans, by_way["guarded"][3].missing) == (0, 0)
    assert len(found.to_frame()) == 16
    with pytest.raises(CallerError, match="write 1 or more"):
        pressure.orphans(cycles=0)


@pytest.mark.slow
def test_memory_is_that_of_processes_of_their_own() -> None:
    """Each brings all of its entities, and says what it needed; one that fails is told of."""
    found = pressure.memory((200,), database="memory")
    assert [row.way for row in found.rows] == ["full", "streamed", "bursts"]
    assert all(row.peak_mb > 1 for row in found.rows)
    assert "200" in str(found)
    with pytest.raises(IncrsimError, match="is not a database that incrsim knows"):
        pressure.memory((1,), ways=["bursts"], database="nothing://")


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_pictures_show_both_ways_with_their_units(report: PressureReport, tmp_path: Any) -> None:
    """Each function returns its axes; a picture holds its words as text."""
    import matplotlib as mpl

    mpl.use("agg")
    memory = MemoryReport((MemoryUse("full", 1000, 80.0), MemoryUse("bursts", 1000, 60.0)))
    for number, axes in enumerate((plots.queue(report), plots.small_provider(report), plots.memory(memory))):
        assert len(axes.get_lines()) == 2
        with mpl.rc_context({"svg.fonttype": "none"}):
            cast("Figure", axes.get_figure(root=True)).savefig(tmp_path / f"{number}.svg")
        texts = ["".join(each.itertext()) for each in ET.parse(tmp_path / f"{number}.svg").iter()]
        assert {axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")} <= set(texts)
    mpl.pyplot.close("all")
