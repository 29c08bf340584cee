"""Pictures: what they say at their axes, and what is drawn."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

import incrsim
from incrsim.errors import CallerError, MissingExtra
from incrsim.notebook import plots
from incrsim.notebook.plots_story import HELD, REFUSED, story
from incrsim.notebook.plots_time import SHARE_OF_WAITS, Timescale
from incrsim.simulation.dice import Fault
from incrsim.simulation.moment import Moment
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Change, Scenario, SourceSpec
from incrsim.simulation.simulating import run_scenario

BASE = Scenario(seed=1, days=3.0, replicas=2, source=SourceSpec(entities=60, page_size=10))


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Pictures are drawn without a screen, and closed."""
    mpl.use("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def run() -> Run:
    """A source that loses more than its guards allow."""
    change = Change(at=Moment(cycle=2), verb="remove", percent=50)
    guarded = {"reject_removals_above_percentage": 10, "reject_removals_above_count": 100}
    return run_scenario(replace(BASE, changes=(change,), options=guarded))


def legend(axes: Any) -> list[str]:
    """What the legend says."""
    return [each.get_text() for each in axes.get_legend().get_texts()]


def test_a_run_is_told_without_gaps(run: Run) -> None:
    """Statuses follow each other, the catalog ends as it is, and the refusal is a rest of its own."""
    told = story(run)
    assert [span.start for span in told.statuses[1:]] == [span.end for span in told.statuses[:-1]]
    assert (told.statuses[0].start, told.statuses[-1].end) == (0.0, told.end)
    assert REFUSED in {span.status for span in told.statuses}
    assert told.catalog[-1][1] == told.source[-1][1] == 30
    assert len(told.claims) == len(run.to_frame())
    assert any(told.work.values())


def test_a_lease_that_nobody_works_under_is_a_wait() -> None:
    """A replica that dies leaves its lease behind, and its death is marked."""
    crash = Fault(kind="crash before commit_page", occurrences=(2,))
    told = story(run_scenario(replace(BASE, faults=(crash,))))
    assert HELD in {span.status for span in told.statuses}
    assert sum(map(len, told.deaths.values())) == 1


def test_the_catalog_follows_its_source(run: Run) -> None:
    """Both lines, the bands, units; the same axes come back that were given."""
    _, given = plt.subplots()
    axes = run.plot(ax=given)
    assert axes is given
    assert {"source", "catalog", "burst", "rest", "rest after a refused sweep"} <= set(legend(axes))
    assert axes.get_ylabel() == "entities"
    assert axes.get_xlabel().startswith("days since the start (waits of more than ")


def test_statuses_are_strips(run: Run) -> None:
    """One for the provider, and one for each replica."""
    axes = plots.statuses(run)
    assert [each.get_text() for each in axes.get_yticklabels()] == ["main", "replica 0", "replica 1"]
    assert "resting, refused" in legend(axes)
    assert plots.png(axes).startswith(b"\x89PNG")


def test_long_waits_are_drawn_short(run: Run) -> None:
    """Rests leave most of the axis to the work; places and times can be told from each other."""
    told = story(run)
    scale = Timescale.of(told.statuses)
    rests = [span for span in told.statuses if span.status in ("resting", REFUSED)]
    drawn = sum(scale.place(span.end) - scale.place(span.start) for span in rests)
    assert drawn <= (SHARE_OF_WAITS + 0.01) * scale.place(told.end)
    assert sum(span.length for span in rests) > 0.9 * told.end
    plain = Timescale.of([span for span in told.statuses if span.status not in ("resting", REFUSED, "scheduled")])
    assert plain.longest is None


def test_sweeps_stand_beside_their_limits(run: Run) -> None:
    """A bar for each, and a line for each limit; of live apps, too; another table is refused."""
    axes = plots.stale(run.to_frame())
    assert set(legend(axes)) == {"removed", "refused to remove", "limit: percentage", "limit: count"}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("ingestion, by number", "entities")
    with incrsim.open() as app:
        assert plots.stale(app.history()).get_legend() is None
    with pytest.raises(CallerError, match=r"no column .*removable.*; pass run.to_frame\(\)"):
        plots.stale(pd.DataFrame({"ingestion": [1]}))


def test_a_campaign_is_a_map() -> None:
    """Statuses stand in their order; numbers say how often, and hatches that it never can be."""
    counts = {("bursting", "hang"): 1200, ("scheduled", "hang"): 0, ("bursting", "crash"): 3, ("scheduled", "crash"): 1}
    axes = plots.campaign(counts, {("scheduled", "hang")})
    assert [each.get_text() for each in axes.get_xticklabels()] == ["scheduled", "bursting"]
    assert [each.get_text() for each in axes.get_yticklabels()] == ["hang", "crash"]
    assert {each.get_text() for each in axes.texts} == {"1,200", "3", "1"}
    assert len(axes.patches) == 1
    plots.png(plots.campaign({}))


def test_without_matplotlib_the_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has not installed it is told how to."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"pip install 'incrsim\[notebook\]'"):
        run.plot()
