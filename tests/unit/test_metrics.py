"""Metrics: what Prometheus' own parser reads of them."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import incrsim
from incrsim import events, metrics
from incrsim.errors import MissingExtra, StoreUnavailable
from tests.unit.fakes import Source

Samples = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture
def clock() -> incrsim.VirtualClock:
    """The time of the app."""
    return incrsim.VirtualClock()


@pytest.fixture
def app(clock: incrsim.VirtualClock) -> incrsim.App:
    """An app in memory, on virtual time."""
    return incrsim.open(clock=clock)


def scrape(app: incrsim.App) -> Samples:
    """Name and sorted label values → value, as Prometheus reads it."""
    families = text_string_to_metric_families(metrics.render(app))
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_counters(app: incrsim.App) -> None:
    """Pages, entities by what became of them, sweeps and ingestions are counted per provider."""
    metrics.of(app)
    broken = incrsim.component("no spaces", provider="source")
    app.add(Source(["a", "b", "c"], [*"de", broken]), reject_removals_above_count=1, max_invalid_percentage=100)
    app.run_cycle("source")
    app.add(Source(["a"], ["d"], name="source"), replace=True, reject_removals_above_count=1)
    app.run_cycle("source")
    app.add(Source(["a", "b"], ["d", "e"], name="source"), replace=True)
    app.run_cycle("source")
    found = scrape(app)
    assert found["incrsim_pages_total", ("source",)] == 6
    changes = ("added", "updated", "unchanged", "removed", "quarantined", "lost")
    assert [found["incrsim_entities_total", tuple(sorted((change, "source")))] for change in changes] == [
        5,
        0,
        6,
        1,
        1,
        0,
    ]
    for name in ("incrsim_sweeps_total", "incrsim_ingestions_total"):
        assert [found[name, pair] for pair in (("source", "swept"), ("refused", "source"))] == [2, 1], name
    for name in ("page_fetch", "page_commit", "burst", "sweep"):
        assert found[f"incrsim_{name}_seconds_count", ("source",)] == (6 if name.startswith("page") else 3), name
    assert found["incrsim_provider_entities", ("source",)] == 4


def test_deltas_and_full_mutations(app: incrsim.App) -> None:
    """What events, direct deltas and full mutations do is counted as well."""
    metrics.of(app)
    app.add(Source(["a", "b"]))
    app.run_cycle("source")
    app.apply_delta("source", added=[incrsim.component("c", provider="source")], removed=["component:default/a"])
    app.apply_full("source", [incrsim.component("d", provider="source")])
    found = scrape(app)
    assert found["incrsim_deltas_total", ("source",)] == 1
    assert found["incrsim_entities_total", ("added", "source")] == 4
    assert found["incrsim_entities_total", ("removed", "source")] == 3
    assert found["incrsim_ingestions_total", ("source", "swept")] == 2
    assert found["incrsim_pages_total", ("source",)] == 1


def test_nothing_counts_twice(app: incrsim.App) -> None:
    """What an event did is counted once, although the ingestion that it came in, and a full mutation in its place,
    count it too.
    """
    metrics.of(app)
    app.add(Source(["a", "b"]))
    app.apply_delta("source", added=[incrsim.component("z", provider="source")])
    app.apply_delta("source", removed=["component:default/z"])
    app.run_cycle("source")
    found = scrape(app)
    assert found["incrsim_entities_total", ("added", "source")] == 3
    assert found["incrsim_entities_total", ("removed", "source")] == 1
    app.operators.start("source")
    app.apply_delta("source", added=[incrsim.component("c", provider="source")], removed=["component:default/b"])
    report = app.apply_full("source", [incrsim.component(name, provider="source") for name in "cd"])
    assert (report.counts.added, report.counts.removed) == (1, 1)
    assert (report.record.counts.added, report.record.counts.removed) == (2, 2)
    found = scrape(app)
    assert found["incrsim_entities_total", ("added", "source")] == 5
    assert found["incrsim_entities_total", ("removed", "source")] == 3


def test_failures(app: incrsim.App) -> None:
    """Failures are counted by what follows from them, and so are ingestions that end by one."""
    metrics.of(app)
    app.add(Source(ValueError("no"), name="source"), backoff=["1s"])
    app.run_cycle("source")
    found = scrape(app)
    assert found["incrsim_failures_total", ("retry", "source")] == 2
    assert found["incrsim_ingestions_total", ("canceled", "source")] == 1
    assert ("catalog_incremental_ingestions_completed", ("failed", "source")) in found


def test_upstream_s_two(app: incrsim.App) -> None:
    """Upstream's two metrics have its names, its labels and its meaning: instants in seconds."""
    metrics.of(app)
    at: list[events.Event] = []
    app.events.subscribe(at.append)
    app.add(Source(["a"], ["b"]))
    app.run_cycle("source")
    text = metrics.render(app)
    assert 'catalog_incremental_ingestions_started{providerName="source"} 1.' in text
    assert 'catalog_incremental_ingestions_completed{providerName="source",status="completed"} 1.' in text
    assert "# TYPE catalog_incremental_ingestions_started gauge" in text
    started = scrape(app)["catalog_incremental_ingestions_started", ("source",)]
    assert started == at[0].at.timestamp()
    app.add(Source(ValueError("no"), name="source"), replace=True)
    app.tick("source")
    assert scrape(app)["catalog_incremental_ingestions_started", ("source",)] >= started


def test_fenced_writes() -> None:
    """A write that was refused because another took over is counted."""
    with incrsim.open(clock=incrsim.VirtualClock()) as app:
        app.add(Source(["a"], ["b"]))
        metrics.of(app)
        at = app.store.state("source").now
        app.events.publish(events.Overtaken(at=at, provider="source", ingestion=1))
        assert scrape(app)["incrsim_fenced_writes_total", ("source",)] == 1


def test_where_providers_are(app: incrsim.App, clock: incrsim.VirtualClock) -> None:
    """Status, due lag, attempts, lease and pause are read from the store when it is asked."""
    app.add(Source(["a"]))
    found = scrape(app)
    assert found["incrsim_store_up", ()] == 1
    assert found["incrsim_provider_status", ("scheduled", "source")] == 1
    assert sum(value for (name, _), value in found.items() if name == "incrsim_provider_status") == 1
    clock.advance(timedelta(seconds=90))
    found = scrape(app)
    assert found["incrsim_provider_due_lag_seconds", ("source",)] == 90
    assert [found[f"incrsim_provider_{name}", ("source",)] for name in ("held", "paused", "attempts")] == [0, 0, 0]
    app.run_cycle("source")
    found = scrape(app)
    assert found["incrsim_provider_status", ("resting", "source")] == 1
    assert found["incrsim_provider_due_lag_seconds", ("source",)] == 0


def test_sinks(app: incrsim.App) -> None:
    """How far a registered sink is behind, and whether it fails, is read from the store too."""
    app.store.register_sink("search")
    app.add(Source(["a"]))
    assert scrape(app)["incrsim_sink_failing", ("search",)] == 0
    app.run_cycle("source")
    app.store.delivery_failed("search", "no answer")
    found = scrape(app)
    assert (found["incrsim_sink_behind", ("search",)], found["incrsim_sink_failing", ("search",)]) == (1, 1)


def test_a_store_that_is_away(app: incrsim.App, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store cannot be read the counters still can, and one gauge says so."""

    def away(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("the database went away")

    app.add(Source(["a"]))
    metrics.of(app)
    app.run_cycle("source")
    monkeypatch.setattr(app.store, "count_by_provider", away)
    found = scrape(app)
    assert found["incrsim_store_up", ()] == 0
    assert found["incrsim_pages_total", ("source",)] == 1
    assert not [name for name, _ in found if name.startswith("incrsim_provider")]


def test_any_name_is_a_label(app: incrsim.App) -> None:
    """Whatever characters a provider's name has, Prometheus reads it back."""
    name = 'O\'Reilly "日本" \\n {}'
    metrics.of(app)
    app.add(Source(["a"], name=name))
    app.run_cycle(name)
    assert scrape(app)["incrsim_pages_total", (name,)] == 1


def test_each_app_has_its_own(app: incrsim.App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two apps count apart; asking again neither forgets nor listens twice; without the library it is said."""
    with incrsim.open(clock=incrsim.VirtualClock()) as other:
        assert metrics.of(app) is metrics.of(app) is not metrics.of(other)
        app.add(Source(["a"]))
        app.run_cycle("source")
        assert scrape(app)["incrsim_pages_total", ("source",)] == 1
        assert ("incrsim_pages_total", ("source",)) not in scrape(other)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with incrsim.open() as bare, pytest.raises(MissingExtra, match=r"pip install 'incrsim\[metrics\]'"):
        metrics.render(bare)
