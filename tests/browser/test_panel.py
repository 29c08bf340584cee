"""The panels in a real JupyterLab, looked at by a real browser. Screenshots are kept in build/screenshots/."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.conftest import Open
    from tests.browser.lab import Notebook

pytestmark = pytest.mark.slow

SLOW = """
import asyncio, time
import incrsim
from incrsim.simulation import FakeSource
from incrsim.simulation.weather import Flaky


class Slow(FakeSource):
    def next(self, context, cursor=None):
        time.sleep(0.05)
        return super().next(context, cursor)


app = incrsim.open()
for name in ("groups", "systems"):
    app.add(FakeSource(500, name=name, namespace=name), rest_length="1h", reject_removals_above_percentage=5)
    app.run_cycle(name)
app.add(Slow(100_000, 50, name="components"), burst_length="10m")
app.add(Slow(100_000, 50, name="deployments", namespace="deployments"), burst_length="200ms", burst_interval="30m")
app.add(FakeSource(500, name="pipelines", namespace="pipelines"), backoff=["20m"])
app.add(FakeSource(500, name="users", namespace="users"))
app._roster.find("pipelines").engine.provider.weather = Flaky(every=1)
app._roster.find("systems").engine.provider.remove(percent=60)
app.operators.trigger("systems")
app.operators.pause("users")
app.store.register("legacy")
app.start()
app.panel()
"""
BLOCKS = """
before = app.state("components").ingestion.pages
time.sleep(1)
app.state("components").ingestion.pages > before
"""
QUICK = """
import incrsim
from incrsim.simulation import FakeSource

app = incrsim.open()
source = FakeSource(2_000, 100, name="services")
app.add(source, rest_length="1h", reject_removals_above_percentage=5)
app.start()
app.panel()
"""
TABS = {"History": "swept: removed 0", "Problems": "no problems", "Events": "from page 1", "Entities": "library"}
FILM = """
from incrsim import guards
from incrsim.simulation.moment import Moment
from incrsim.simulation.scenario import Change, Scenario, SourceSpec
from incrsim.simulation.simulating import run_scenario

guards._above_percentage = lambda census, options: False  # a guard that lets everything through
scenario = Scenario(
    days=2,
    source=SourceSpec(entities=24, page_size=6),
    options={"reject_removals_above_percentage": 5, "rest_length": "6h"},
    changes=(Change(at=Moment(2), verb="remove", count=10),),
)
run = run_scenario(scenario)
run.violation.panel()
"""


def pages_read(notebook: Notebook) -> int:
    """How many pages the first provider's row tells of now."""
    text = notebook.output(0).locator(".incrsim-row").nth(1).inner_text()
    found = re.search(r"([\d,]+) pages?,", text)
    return int(found[1].replace(",", "")) if found else 0


def test_progress_moves_while_another_cell_runs(open_notebook: Open) -> None:
    """Pages count up while another cell runs; one that blocks the kernel stops no engine; then cancel and trigger."""
    notebook = open_notebook(
        SLOW,
        "await asyncio.sleep(3)",
        BLOCKS,
    )
    notebook.run(0)
    panel = notebook.output(0)
    panel.get_by_text("bursting").first.wait_for()
    notebook.begin(1)
    notebook.prompt(1, "[*]:").wait_for()
    before = pages_read(notebook)
    notebook.until(lambda: pages_read(notebook) > before + 2)
    panel.get_by_text("/s").first.wait_for()
    assert notebook.prompt(1, "[*]:").count() == 1
    for word in ("interstitial", "resting", "refused", "backing off", "paused", "scheduled"):
        panel.get_by_text(word).first.wait_for()
    notebook.screenshot("panel-every-status")
    notebook.prompt(1, "[2]:").wait_for()
    notebook.run(2)
    notebook.output(2).get_by_text("True").wait_for()

    notebook.press(0, "Cancel")
    panel.get_by_text("begins in 23h 59m").first.wait_for()
    notebook.screenshot("panel-canceled")
    notebook.press(0, "Trigger")
    panel.get_by_text("bursting").first.wait_for()
    notebook.press(0, "Pause")
    panel.get_by_text("nothing begins until it is resumed").first.wait_for()
    notebook.screenshot("panel-paused")


def test_a_refusal_is_read_and_approved(open_notebook: Open) -> None:
    """The source loses 60 %: the sweep is refused, the stale refs can be read, and a yes lets them go."""
    notebook = open_notebook(QUICK, "source.panel()", "app.catalog.count()")
    notebook.run(0)
    panel = notebook.output(0)
    panel.get_by_text("resting").first.wait_for()
    notebook.run(1)
    notebook.press(1, "Remove 60 %")
    notebook.output(1).get_by_text("holds 800 entities").wait_for()
    notebook.press(0, "Trigger")
    panel.get_by_text("✗ refused").first.wait_for()
    notebook.screenshot("panel-refused")
    notebook.press(0, "Approve removal")
    panel.get_by_text("component:default/service-000000000").wait_for()
    panel.get_by_role("button", name="Next").last.click()
    panel.get_by_text("page 2").wait_for()
    notebook.screenshot("panel-stale-refs")
    notebook.press(0, "Remove 1,200 stale entities")
    panel.get_by_text("1,200 entities removed").wait_for()
    notebook.run(2)
    notebook.output(2).get_by_text("800").wait_for()

    for name, text in TABS.items():
        panel.get_by_role("tab", name=name).click()
        panel.get_by_text(text).first.wait_for()
        notebook.screenshot(f"tab-{name.lower()}")
    notebook.screenshot("playground", 1)
    with notebook.dark():
        notebook.screenshot("tab-entities-dark")


def test_a_dead_engine_is_shown_and_a_cell_that_is_run_again_leaves_nothing(open_notebook: Open) -> None:
    """What ended the engine's thread stands in the panel; the cell run again shows one panel, and one engine runs."""
    notebook = open_notebook(
        QUICK,
        "def boom(event):\n    raise RuntimeError('somebody pulled the plug')\n\n"
        "app.events.subscribe(boom); app.operators.trigger('services');",
        "import threading\nfrom ipywidgets.widgets.widget import _instances\n"
        "[each.name for each in threading.enumerate() if each.name.startswith('incrsim')], len(_instances)",
    )
    notebook.run(0)
    panel = notebook.output(0)
    panel.get_by_text("resting").first.wait_for()
    notebook.run(2)
    first = notebook.output(2).inner_text()
    assert "['incrsim engine']" in first
    notebook.run(1)
    panel.get_by_text("RuntimeError: somebody pulled the plug").wait_for()
    panel.get_by_text("no engine runs in this kernel").wait_for()
    notebook.screenshot("panel-engine-ended")
    for _ in range(2):
        notebook.run(0)
        panel.get_by_text("the engine runs in this kernel").wait_for()
        assert notebook.page.locator(".incrsim").count() == 1
        panel.get_by_text("resting").first.wait_for()
    notebook.run(2)
    again = notebook.output(2).inner_text()
    assert again.partition("(")[2] == first.partition("(")[2], "as many threads and widgets as after the first time"


def test_a_film_is_played(open_notebook: Open) -> None:
    """The film of a violation opens at the first wrong step, plays from the beginning, and goes step by step; the
    run can be played as well.
    """
    notebook = open_notebook(FILM, "run.panel()")
    notebook.run(0)
    film = notebook.output(0)
    film.get_by_text("C-23 does not hold with this step").wait_for()
    assert film.get_by_text("- left the catalog").count() == 10
    notebook.screenshot("film-first-wrong-step")
    notebook.press(0, "Step back")
    film.get_by_text("10 of 24 refs differ").wait_for()
    notebook.screenshot("film-before")
    film.locator(".widget-play button").nth(1).click()
    film.get_by_text("before the first step").first.wait_for()
    film.locator(".widget-play button").first.click()
    film.get_by_text("replica 0: Claimed").first.wait_for()
    film.get_by_text("replica 0: PageCommitted").first.wait_for()
    notebook.press(0, "First wrong step")
    film.get_by_text("C-23 does not hold with this step").wait_for()

    notebook.run(1)
    simulation = notebook.output(1)
    notebook.press(1, "Step")
    simulation.get_by_text("1 step ·").wait_for()
    notebook.press(1, "Play")
    simulation.get_by_text("✗ C-23 does not hold").wait_for()
    notebook.screenshot("simulation", 1)
    with notebook.dark():
        notebook.screenshot("film-dark")
        notebook.screenshot("simulation-dark", 1)
