"""What notebooks and prompts show of the package's values."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

import incrsim
from incrsim import html
from incrsim.glance import MARKS, brief, duration, until
from incrsim.ingestion import Outcome, Status
from incrsim.operators_health import Health, Trouble
from incrsim.profiling import profile
from incrsim.simulation import pressure
from incrsim.simulation.source import FakeSource
from incrsim.simulation.trace import Trace
from incrsim.simulation.violation import Finding
from incrsim.store.memory import MemoryStore
from incrsim.testing.conformance_report import Outcome as RuleOutcome
from incrsim.testing.safety_measured import Measured

HOSTILE = "<script>alert('&')</script>"
NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
VOID = {"br", "hr"}


class Hostile(incrsim.IncrementalEntityProvider):
    """Says what a browser would obey, wherever it can."""

    name = f"hostile {HOSTILE}"

    def next(self, context: Any, cursor: Any = None) -> incrsim.Page:
        entities: list[Any] = [incrsim.component(HOSTILE, provider=self, title=HOSTILE), {"kind": HOSTILE}]
        return incrsim.Page(entities, cursor=HOSTILE, problems=[HOSTILE])


class Failing(Hostile):
    name = f"failing {HOSTILE}"

    def next(self, context: Any, cursor: Any = None) -> incrsim.Page:
        raise RuntimeError(HOSTILE)


class Balanced(HTMLParser):
    """Reads HTML as strictly as none of the browsers, and keeps its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(value: Any) -> Balanced:
    """What a notebook shows of a value; its HTML is whole, and holds nothing that a source wrote as HTML."""
    page = Balanced(value._repr_html_())
    assert "script" not in page.seen
    assert "\n" not in repr(value)
    assert len(repr(value)) < 300
    return page


@pytest.fixture(scope="module")
def app() -> Iterator[incrsim.App]:
    """One that has seen a refusal and a failure."""
    clock = incrsim.VirtualClock()
    with incrsim.open(clock=clock) as app:
        source = FakeSource(100, 20, clock=clock)
        app.add(source, reject_removals_above_percentage=5)
        app.add(Failing())
        app.run_cycle("fake")
        source.remove(percent=60)
        app.run_cycle("fake")
        app.tick(Failing.name)
        yield app


def test_what_a_source_says_is_text() -> None:
    """Markup in refs, cursors, titles, problems and errors is shown, and not obeyed."""
    for value in (Hostile().next(None), incrsim.preview(Hostile()), incrsim.preview(Failing())):
        assert HOSTILE in read(value).text
    read(incrsim.check(Hostile()))
    assert html.text("\x1b[31m\ud800") == "\\x1b[31m\\ud800"
    assert len(html.text("a" * 5000)) < 2100


def test_an_app_shows_its_providers(app: incrsim.App) -> None:
    """Status, what comes next, progress and health of each; the repr is one line."""
    shown = read(app).text
    assert all(
        word in shown for word in ("● resting", "↻ backing off", "✗ guard refused", "✗ failing", "rest ends in 1d")
    )
    assert repr(app) == f"<App on memory: {Failing.name}, fake>"
    with incrsim.open() as empty:
        assert "No providers yet" in read(empty).text
        for number in range(30):
            empty.add(FakeSource(1, name=f"source-{number:02}"))
        assert repr(empty).endswith("source-07 and 22 more>")
        assert read(empty).text.count("○ scheduled") == html.SHOWN
        assert "after='source-19'" in read(empty).text


def test_an_app_without_its_store_still_shows_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that cannot be used is said to be so."""
    with incrsim.open() as app:
        monkeypatch.setattr(app.store, "states", _fail)
        assert "cannot be read now: gone" in read(app).text


def _fail(**_: object) -> None:
    raise incrsim.StoreError("gone")


def test_statuses_and_what_operators_ask(app: incrsim.App) -> None:
    """Numbers have their units, and words their marks."""
    operators = app.operators
    assert "8 committed" not in read(operators.status("fake")).text
    assert HOSTILE in read(operators.status(Failing.name)).text
    assert "2 committed" in read(operators.status("fake")).text
    health = operators.health()
    assert ("✗ guard refused" in read(health).text, isinstance(health, list)) == (True, True)
    assert ("✓ healthy" in read(Health()).text, repr(Health())) == (True, "<Health all are healthy>")
    assert "✓ swept" in read(operators.history("fake")).text
    assert "there are more: after=" in read(operators.stale("fake", limit=3)).text
    assert "sequence" in read(operators.marks("fake")).text
    assert "✗ failing" in read(operators.providers()).text
    assert "60 of 100 entities (60.00 %)" in read(app.state("fake").last_verdict).text
    assert "✗ refused" in read(app.state("fake").ingestion).text
    assert repr(operators.pause("fake")) == f"<Done pause: {operators.pause('fake')}>"
    assert "‖ paused" in read(operators.status("fake")).text
    operators.resume("fake")


def test_what_cycles_and_plans_did(app: incrsim.App) -> None:
    """A plan shows its first changes as long as it is open, and its numbers for ever."""
    with app.plan("fake") as plan:
        shown = read(plan).text
        assert all(word in shown for word in ("✗ would be refused", "60 entities", "… and 40 more", "remove"))
    assert "… and 40 more" not in read(plan).text
    assert repr(plan).startswith("<Plan of fake: 0 to add, 0 to change, 60 to remove.")
    assert "✗ refused" in read(app.run_cycle("fake")).text
    assert "and there are more" in repr(app.catalog.find(limit=2))
    assert "service-000000000" in read(app.catalog.find(limit=2)).text


def test_pages_that_are_made_as_they_are_read_stay_unread() -> None:
    """To show a page takes nothing out of it."""
    page = incrsim.Page(iter([incrsim.Entity({})]), cursor=1)
    assert "not read yet" in read(page).text
    assert len(list(page.entities)) == 1


def test_replacing_a_provider_says_so() -> None:
    """The note names what is served now, what was before, and which options differ."""

    def make() -> Any:
        class Services(FakeSource):
            pass

        return Services(1)

    with incrsim.open() as app:
        assert repr(app.add(make())).endswith("make.<locals>.Services>")
        note = app.add(make(), replace=True, burst_length="5s")
        assert "as it was defined before; burst_length: 3s → 5s" in read(note).text
        again = app.add(app._roster.find("fake").engine.provider, replace=True, burst_length="5s")
        assert "the options are the same" in str(again)


def test_runs_and_findings_and_traces() -> None:
    """A run shows what it was and what came of it; the repr of one with thousands of events is short."""
    run = incrsim.simulate(FakeSource(200, 50), faults="rough", days=3, seed=2)
    words = ("✓ ok", "3 virtual days", "200 entities on pages of 50", " faults")
    assert all(word in read(run).text for word in words)
    finding = Finding("C-20", "fake", 1234, HOSTILE, "b", ("first", "then"))
    broken = replace(run, findings=(finding,))
    assert all(word in read(broken).text for word in ("✗ violated", HOSTILE, "1,234"))
    assert read(finding).text.endswith("firstthen")
    trace = Trace()
    assert "lines" in read(trace).text


def test_a_profile_has_bars() -> None:
    """Shares are lengths, too."""
    assert "burst_length=" in read(profile(FakeSource(200), MemoryStore(), 2)).text


def test_every_status_and_outcome_has_a_mark() -> None:
    """Labels are words with marks, so that nobody depends on their colour."""
    for word in (*Status, *Outcome, *Trouble, *RuleOutcome, "paused"):
        assert MARKS[word][0]
    assert re.fullmatch(r'<span style="[^"]*rgba[^"]*">✓ swept</span>', html.label("swept"))
    assert not re.search(r"(?<!rgba\()#[0-9a-f]{3}|(?:^|;)color:", html.label("swept"))


def test_cells_have_units_and_sides() -> None:
    """Numbers stand to the right with separators; empty columns are left out, empty facts too."""
    table = html.table(["name", "count", "nothing"], [["a", 1234, None], ["b", 5, ""]], more="… and more")
    assert "1,234" in table
    assert "nothing" not in table
    assert table.count("text-align:right") == 3
    assert html.facts({"a": None, "b": 0.5, "c": NOW, "d": timedelta(hours=1), "e": True}).count("<tr>") == 4
    assert Balanced(html.records([])).text == ""


def test_words_at_a_glance() -> None:
    """Countdowns are whole seconds, and long texts are cut."""
    assert until(NOW + timedelta(seconds=3.7), NOW) == "in 3s"
    assert (until(NOW, NOW), until(None, NOW), duration(timedelta(milliseconds=5))) == ("now", "", "5ms")
    assert brief(1, "a\nb" * 100).endswith("…>")
    assert json.dumps(html.cell(0.123456)) == '"0.123"'


def test_what_was_measured() -> None:
    """Pressure is a table with a column for each way; scenarios that nothing was lost in are ok."""
    report = pressure.compare(entities=300)
    assert "longest queue (entities)300" in read(report).text
    measured = Measured(scenarios=2, cycles=1_234, steps=9, faults=Counter({"hang": 3}))
    assert all(words in read(measured).text for words in ("✓ ok", "1,234", "hang 3", "nothing was lost"))
    measured.lost, measured.unsafe = 5, 1
    assert "5 entities in 1 scenario" in read(measured).text
