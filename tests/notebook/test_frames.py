"""DataFrames have the same typed columns, whatever is in them."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import incrsim
from incrsim.errors import MissingExtra, UnknownProvider
from incrsim.ingestion import Counts, Outcome
from incrsim.simulation.source import FakeSource

if TYPE_CHECKING:
    from incrsim.simulation.run import Run


@pytest.fixture(scope="module")
def run() -> Run:
    """Of some bad days."""
    return incrsim.simulate(FakeSource(200, 20), faults="rough", days=5, replicas=2, seed=3)


def kinds(table: pd.DataFrame, *names: str) -> list[str]:
    """The types of some columns."""
    return [str(table[name].dtype) for name in names]


def test_history_holds_complete_ingestions_and_the_open_one() -> None:
    """Instants are UTC, durations timedeltas, words categories; the types hold without a row, too."""
    with incrsim.open(clock=incrsim.VirtualClock()) as app:
        empty = app.history()
        source = FakeSource(100, 20)
        app.add(source, reject_removals_above_percentage=5)
        app.add(FakeSource(10, name="other", namespace="other"))
        app.run_cycle("fake")
        source.remove(percent=60)
        app.run_cycle("fake")
        table, everything = app.history("fake"), app.history()
        with pytest.raises(UnknownProvider):
            app.history("nobody")
    assert table["status"].tolist() == ["complete", "resting"]
    assert table["outcome"].tolist() == ["swept", "refused"]
    assert table["removable"].tolist() == [0, 60]
    assert kinds(table, "began", "took", "pages", "limit_count") == [
        "datetime64[us, UTC]",
        "timedelta64[us]",
        "int64",
        "Int64",
    ]
    assert list(table["outcome"].cat.categories) == list(map(str, Outcome))
    assert everything["provider"].tolist() == ["fake", "fake", "other"]
    assert everything.dtypes.astype(str).tolist() == empty.dtypes.astype(str).tolist()


def test_marks_are_all_pages_of_the_open_ingestion(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read a page at a time."""
    monkeypatch.setattr("incrsim.operators_frames._PAGE", 2)
    with incrsim.open() as app:
        app.add(FakeSource(100, 20))
        app.run_cycle("fake")
        table = app.marks("fake")
    assert table["page"].tolist() == [1, 2, 3, 4, 5]
    assert table["returned"].sum() == 100
    assert table["cursor"].isna().tolist() == [False] * 4 + [True]
    assert {each.name for each in fields(Counts)} < set(table)
    assert kinds(table, "committed", "cursor") == ["datetime64[us, UTC]", "string"]


def test_a_run_has_a_row_for_each_ingestion_and_for_each_event(run: Run) -> None:
    """Durations fit the instants; whatever happened, whoever did it, is a row."""
    cycles, happened = run.to_frame(), run.events()
    ended = cycles[cycles["ended"].notna()]
    assert (ended["ended"] - ended["began"] == ended["took"]).all()
    assert len(happened) == len(run.happenings)
    assert happened["at"].is_monotonic_increasing
    assert {"Claimed", "PageCommitted", "FaultStruck"} <= set(happened["event"])
    assert kinds(happened, "at", "event", "replica", "due", "what") == [
        "datetime64[us, UTC]",
        "category",
        "Int64",
        "datetime64[us, UTC]",
        "string",
    ]
    pages = happened[happened["event"] == "PageCommitted"]
    assert pages["entities"].notna().all()
    assert kinds(cycles, "outcome", "took") == ["category", "timedelta64[us]"]


def test_without_pandas_the_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has not installed it is told how to."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with incrsim.open() as app:
        for ask in (run.to_frame, run.events, app.history, app.catalog.to_frame):
            with pytest.raises(MissingExtra, match=r"pip install 'incrsim\[notebook\]'"):
                ask()
