"""`app.panel()`, without a browser."""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import incrsim
from incrsim import events
from incrsim.clock import VirtualClock
from incrsim.errors import MissingExtra, StoreUnavailable
from incrsim.notebook import panel_cells
from incrsim.notebook.panel_buttons import Button
from incrsim.notebook.panel_timer import Timer
from incrsim.simulation import FakeSource

PATIENCE = 30
NAME = "services"


@pytest.fixture
def source() -> FakeSource:
    """What the provider reads."""
    return FakeSource(200, 10, name=NAME)


@pytest.fixture
def app(source: FakeSource) -> Iterator[incrsim.App]:
    """An app that has read it once, and is driven by hand."""
    with incrsim.open(clock=VirtualClock()) as made:
        made.add(source, rest_length="1h", reject_removals_above_percentage=5)
        made.run_cycle(NAME)
        yield made


@pytest.fixture
def panel(app: incrsim.App) -> Any:
    """Its panel, which has looked once."""
    made = app.panel()
    made.refresh()
    return made


def press(panel: Any, button: Button) -> str:
    """Press a button; returns what the panel said."""
    made = panel.steering.buttons[button]
    assert not made.disabled, made.tooltip
    made.click()
    return said(panel)


def said(panel: Any) -> str:
    """What the panel says of the last thing that was done."""
    text: str = panel.steering._said.value
    return text


def test_one_panel(app: incrsim.App) -> None:
    """An app has one panel, however often it is asked for; a closed one is replaced."""
    panel = app.panel()
    assert app.panel() is panel
    panel.close()
    panel.close()
    assert app.panel() is not panel


def test_rows(app: incrsim.App, panel: Any) -> None:
    """A provider is a row: status, what comes next, what its ingestion did, its last verdict; the first is chosen."""
    (row,) = panel.list.rows
    markup = panel.list._slots[0][2].value
    for told in ("● resting", "next ingestion in 1h", "20 pages, 200 entities", "verdict 1: swept"):
        assert told in markup
    assert panel.list.choice == NAME
    assert "● resting" in panel.steering._title.value
    assert row.status.provider == NAME


def test_buttons_call_operators(app: incrsim.App, panel: Any) -> None:
    """Each button does what the operator of its name does, and the panel tells what that said."""
    assert "the rest of ingestion 1 ends" in press(panel, Button.TRIGGER)
    assert "paused: nothing begins" in press(panel, Button.PAUSE)
    assert panel.steering.buttons[Button.PAUSE].layout.display == "none"
    assert app.operators.status(NAME).paused
    assert "resumed" in press(panel, Button.RESUME)
    app.run_cycle(NAME)
    panel.refresh()
    assert "is over" in press(panel, Button.START)
    assert app.operators.status(NAME).ingestion == 3


def test_a_disabled_button_says_why(panel: Any) -> None:
    """What makes no sense is disabled; tooltip and text say why."""
    cancel = panel.steering.buttons[Button.CANCEL]
    assert cancel.disabled
    assert cancel.tooltip == "Not now: ingestion 1 has been swept or refused: nothing runs that could be canceled"
    assert "Cancel: ingestion 1 has been swept" in panel.steering._reasons.value
    assert not panel.steering.buttons[Button.TRIGGER].disabled
    assert panel.steering.buttons[Button.TRIGGER].tooltip.startswith("do what comes next now")


def test_a_refused_removal_is_read_and_approved(app: incrsim.App, source: FakeSource, panel: Any) -> None:
    """The stale refs of a refused sweep are shown in pages with the numbers; a yes removes them, a no does not."""
    source.remove(percent=60)
    app.run_cycle(NAME)
    panel.refresh()
    assert panel.steering.buttons[Button.APPROVE].button_style == "warning"
    press(panel, Button.APPROVE)
    question = panel.steering.question
    assert "refused to remove 120 of 200 (60.00 %)" in question._text.value
    first = question._refs.html.value
    question._refs.pages.forward.click()
    assert "component:default/service-" in question._refs.html.value != first
    question._refs.pages.back.click()
    assert question._refs.html.value == first

    question._no.click()
    assert (question.box.layout.display, app.catalog.count()) == ("none", 200)
    press(panel, Button.APPROVE)
    assert question._yes.description == "Remove 120 stale entities"
    question._yes.click()
    assert "120 entities removed" in said(panel)
    assert app.catalog.count() == 80


def test_refs_that_cannot_be_read_are_told(
    app: incrsim.App, source: FakeSource, panel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is away while somebody turns the pages of a question is named beside them; the question stays."""

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("the database is away")

    source.remove(percent=60)
    app.run_cycle(NAME)
    panel.refresh()
    press(panel, Button.APPROVE)
    question = panel.steering.question
    with monkeypatch.context() as patched:
        patched.setattr(app.store, "stale", away)
        question._refs.pages.forward.click()
    assert "StoreUnavailable: the database is away" in question._wrong.value
    assert question.box.layout.display is None
    assert question._refs.html.value == ""
    question._refs.pages.back.click()
    assert "component:default/service-" in question._refs.html.value
    assert question._wrong.value == ""


def test_an_answer_that_comes_too_late(app: incrsim.App, source: FakeSource, panel: Any) -> None:
    """A verdict that is not the last one any more when the yes comes is not approved; the panel says so."""
    source.remove(percent=60)
    app.run_cycle(NAME)
    panel.refresh()
    press(panel, Button.APPROVE)
    app.run_cycle(NAME)
    panel.steering.question._yes.click()
    assert "✗ SupersededVerdict" in said(panel)
    assert app.catalog.count() == 200


def test_deleting_records_asks(app: incrsim.App, panel: Any) -> None:
    """Records are forgotten when somebody said yes, and entities stay."""
    press(panel, Button.DELETE)
    assert app.operators.status(NAME).pages == 20
    panel.steering.question._yes.click()
    assert "its entities stay" in said(panel)
    assert (app.operators.status(NAME).pages, app.catalog.count()) == (0, 200)


def test_a_plan(app: incrsim.App, source: FakeSource, panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan is made beside the kernel's loop, shown in pages, and put away."""
    source.remove(count=3)
    source.add(20)
    looked, answer = threading.Event(), source.answer
    monkeypatch.setattr(source, "answer", lambda *asked: answer(*asked) if looked.wait(60) else None)
    press(panel, Button.PLAN)
    plan = panel.steering.plan
    assert panel.steering.buttons[Button.PLAN].tooltip == "Not now: one is being made"
    looked.set()
    plan._errand.wait()
    panel.refresh()
    assert "20 to add, 0 to change, 3 to remove" in plan._said.value
    assert "- remove" in plan._changes.html.value
    plan._changes.pages.forward.click()
    assert "+ add" in plan._changes.html.value
    plan._away.click()
    assert (plan.box.layout.display, plan.busy) == ("none", False)


def test_a_plan_that_fails(app: incrsim.App, source: FakeSource, panel: Any) -> None:
    """What kept a plan from being made is shown."""

    def broken(*_: object) -> None:
        raise RuntimeError("the source is on fire")

    source.answer = broken  # type: ignore[method-assign, assignment]  # in its place for this test
    press(panel, Button.PLAN)
    if (errand := panel.steering.plan._errand) is not None:  # it may have failed at once
        errand.wait()
    panel.refresh()
    assert "RuntimeError: the source is on fire" in panel.steering.plan._said.value


def test_tabs(app: incrsim.App, source: FakeSource, panel: Any) -> None:
    """Each tab shows its own, a page at a time; only the open one reads."""
    source.spoil("label", count=2)
    app.run_cycle(NAME)
    panel.refresh()
    shown = dict(zip(panel.tabs.box.titles, panel.tabs.all, strict=True))
    assert list(shown) == ["Marks", "History", "Problems", "Events", "Entities"]
    assert ">20</td>" in shown["Marks"].table.html.value
    shown["Marks"].table.pages.forward.click()
    assert ">5</td>" in shown["Marks"].table.html.value
    expected = {
        "History": "swept: removed 0",
        "Problems": "component:default/service-",
        "Events": "swept: removed",
    }
    for number, (title, text) in enumerate(expected.items(), 1):
        assert text not in shown[title].table.html.value
        panel.tabs.box.selected_index = number
        assert text in shown[title].table.html.value


def test_entities_are_searched_for(panel: Any) -> None:
    """The entities are found by kind and text, and counted when that is asked for."""
    panel.tabs.box.selected_index = 4
    tab = panel.tabs.entities

    def found() -> str:
        while tab.busy:
            (tab._errand or tab._counting).wait()
            panel.refresh()
        markup: str = tab.table.html.value
        return markup

    assert "service-000000014" in found()
    tab.table.pages.forward.click()
    assert "service-000000015" in found()
    tab.text.value = "SERVICE-000000199"
    assert found().count("<tr>") == 2
    tab.count.click()
    found()
    assert "1 in all" in tab._state.value
    tab.kind.value = "group"
    assert "no entity matches" in found()


def test_many_providers_are_paged() -> None:
    """A page of ten is shown, however many there are, and only that is read; the choice stays while pages turn."""
    with incrsim.open(clock=VirtualClock()) as app:
        for number in range(25):
            app.store.register(f"p{number:02}")
        panel: Any = app.panel()
        panel.refresh()
        panel.list._slots[3][1].click()
        assert panel.list.choice == "p03"
        panel.list.pages.forward.click()
        panel.list.pages.forward.click()
        assert [row.status.provider for row in panel.list.rows] == [f"p{number}" for number in range(20, 25)]
        assert panel.list.pages.forward.disabled
        assert "<b>p03</b>" in panel.steering._title.value
        panel.list.begin.value = "p1"
        assert [row.status.provider for row in panel.list.rows] == [f"p{number}" for number in range(10, 20)]
        panel.list.begin.value = "p24"
        assert [row.status.provider for row in panel.list.rows] == ["p24"]
        panel.list.begin.value = "q"
        assert (panel.list.rows, panel.list._none_there.layout.display) == ((), None)
        panel.list.begin.value = ""
        assert panel.list.rows[0].status.provider == "p00"
        assert panel.list._none_there.layout.display == "none"
        assert "this kernel does not serve it" in panel.steering.buttons[Button.PLAN].tooltip


def test_no_providers() -> None:
    """An empty store says what to do."""
    with incrsim.open() as app:
        panel: Any = app.panel()
        panel.refresh()
        assert panel.list._empty.layout.display is None
        assert panel._below.layout.display == "none"
        assert panel.head.start.tooltip == "Not now: this app serves no provider: see app.add"


def test_a_look_that_fails_is_told(app: incrsim.App, panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is away is named, what was known stays, and the next look that works says nothing of it."""

    def away(**_: object) -> None:
        raise StoreUnavailable("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(app.store, "states", away)
        panel.refresh()
        assert "StoreUnavailable: the database is away" in panel.frame._failed.value
        assert "resting" in panel.list._slots[0][2].value
    panel.refresh()
    assert panel.frame._failed.value == ""


def test_engine_in_this_kernel() -> None:
    """The engine is started and stopped by buttons; what ends it otherwise is shown with its cause; closing the panel
    ends what it started.
    """
    seen: queue.Queue[str] = queue.Queue()
    fail = threading.Event()

    def watch(event: events.Event) -> None:
        if fail.is_set():
            raise RuntimeError("somebody pulled the plug")
        seen.put(type(event).__name__)

    with incrsim.open() as app:
        app.add(FakeSource(20, 10, name=NAME), rest_length="1d")
        app.events.subscribe(watch)
        panel: Any = app.panel()
        panel.refresh()
        assert "■ no engine runs" in panel.head._state.value
        panel.head.start.click()
        while seen.get(timeout=PATIENCE) != "SweepCommitted":
            pass
        assert "▶ the engine runs" in panel.head._state.value
        fail.set()
        app.operators.trigger(NAME)
        assert app.background is not None
        app.background._thread.join(PATIENCE)
        panel.refresh()
        assert "RuntimeError: somebody pulled the plug" in panel.head._failed.value
        assert "■ no engine runs" in panel.head._state.value

        fail.clear()
        panel.head.start.click()
        assert panel.head._failed.value == ""
        panel.close()
        app.background._thread.join(PATIENCE)
        assert repr(app.background) == "<Background: stopped>"
        assert not app.operators.status(NAME).serving


def test_running_a_cell_again_supersedes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that is run again with another app closes the panel that it made before, and ends that app's engine."""
    runs = iter([("cell", "first"), ("cell", "second"), ("other", "third")])
    monkeypatch.setattr(panel_cells, "running_cell", lambda: next(runs))
    with incrsim.open() as before, incrsim.open() as after, incrsim.open() as elsewhere:
        before.add(FakeSource(20, 10, name=NAME), rest_length="1d")
        engine = before.start()
        old: Any = before.panel()
        new: Any = after.panel()
        engine._thread.join(PATIENCE)
        assert (old.closed, new.closed, engine.alive) == (True, False, False)
        elsewhere.panel()
        assert not new.closed


def test_looks_while_somebody_does(app: incrsim.App) -> None:
    """The timer runs from the first display on, and while a page shows the panel; not before, and not after."""

    async def cell() -> None:
        panel: Any = app.panel()
        frame = panel.frame
        assert not frame.timer.running
        bundle = panel._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in bundle
        assert frame.timer.running
        frame.widget._view_count = 1
        assert frame.timer.running
        frame.widget._view_count = 0
        assert not frame.timer.running
        frame.widget._view_count = 1
        panel.close()
        assert not frame.timer.running

    asyncio.run(cell())


def test_timer_ticks_until_it_is_stopped() -> None:
    """A timer calls again after what its tick says, may be stopped by its own tick, and needs a loop."""
    calls: list[int] = []

    async def kernel() -> None:
        over = asyncio.Event()

        def tick() -> float:
            calls.append(len(calls))
            if len(calls) == 3:
                timer.stop()
                over.set()
            return 0.0

        timer = Timer(tick)
        timer.start()
        timer.start()
        await over.wait()
        await asyncio.sleep(0)
        assert not timer.running

    asyncio.run(kernel())
    assert calls == [0, 1, 2]
    nowhere = Timer(lambda: 0.0)
    nowhere.start()
    assert not nowhere.running


def test_without_ipywidgets(app: incrsim.App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed the extra hears how to."""
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(MissingExtra, match=r"pip install 'incrsim\[notebook\]'"):
        app.panel()


def test_what_entities_say_is_shown_as_text(app: incrsim.App) -> None:
    """Nothing that a source or a provider says becomes markup."""
    app.store.register("<b>evil</b>")
    panel: Any = app.panel()
    panel.list.choice = "<b>evil</b>"
    panel.refresh()
    assert "<b>&lt;b&gt;evil&lt;/b&gt;</b>" in panel.steering._title.value


def test_a_database_that_others_serve(database_url: str) -> None:
    """The panel shows and steers providers that another app serves on the same database; it hears no events of them,
    and tells what it sees.
    """
    ended: queue.Queue[str] = queue.Queue()
    with incrsim.open(database_url) as worker, incrsim.open(database_url) as here:
        worker.add(FakeSource(40, 10, name=NAME), rest_length="1d")
        worker.events.subscribe(lambda event: ended.put(type(event).__name__))
        panel: Any = here.panel()
        panel.tabs.box.selected_index = 3
        panel.refresh()
        assert "due now, but nobody serves it" in panel.steering._title.value
        worker.start()
        while ended.get(timeout=PATIENCE) != "SweepCommitted":
            pass
        panel.refresh()
        assert f"served by {worker.operators.status(NAME).serving[0].holder}" in panel.steering._title.value
        assert "seen from here: ingestion 1 is resting, 4 pages" in panel.tabs.all[3].table.html.value
        assert "this kernel does not serve it" in panel.steering.buttons[Button.PLAN].tooltip
        press(panel, Button.TRIGGER)
        while ended.get(timeout=PATIENCE) != "SweepCommitted":
            pass
        assert here.operators.status(NAME).ingestion == 2
        panel.close()
