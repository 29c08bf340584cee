"""`incrsim demo`: five cycles, each compared with what the catalog must be."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

import incrsim as package
from incrsim import demo, events
from incrsim.clock import VirtualClock
from incrsim.errors import CallerError
from incrsim.options import ProviderOptions
from incrsim.simulation.source import FakeSource
from incrsim.simulation.view import NOTHING
from tests.cli.program import Done

Run = Callable[..., Done]

EXPECTED = {
    # name: entities, added, updated, unchanged, removed, verdict
    "load": (1000, 1000, 0, 0, 0, "swept"),
    "unchanged": (1000, 0, 0, 1000, 0, "swept"),
    "swept": (900, 0, 9, 891, 100, "swept"),
    "refused": (450, 0, 0, 450, 0, "refused"),
    "healed": (675, 0, 0, 675, 225, "swept"),
}
FIELDS = ("entities", "added", "updated", "unchanged", "removed", "verdict")


def check(document: dict[str, object]) -> None:
    """The document has exactly the promised fields, and the five cycles went as they must."""
    assert list(document) == ["cycles", "peak_rss_mb", "database", "ok"]
    cycles = document["cycles"]
    assert isinstance(cycles, list)
    assert {each["name"]: tuple(each[field] for field in FIELDS) for each in cycles} == EXPECTED
    for each in cycles:
        assert list(each) == ["name", *FIELDS, "seconds", "entities_per_second", "catalog_as_expected"]
        assert each["catalog_as_expected"] is True
        assert each["seconds"] > 0
        assert each["entities_per_second"] > 0
    assert document["ok"] is True


def test_json(incrsim: Run) -> None:
    """With --json, standard output is one document with the promised fields, and standard error is silent."""
    done = incrsim("demo", "--entities", "1000", "--page-size", "100", "--json")
    assert (done.code, done.err) == (0, "")
    check(done.document)
    assert done.document["database"] == "memory"
    assert done.document["peak_rss_mb"] > 1


@pytest.mark.parametrize("entities", [0, 1, 2, 3, 7])
def test_tiny_sources(incrsim: Run, entities: int) -> None:
    """However few entities there are, the catalog is what it must be after every cycle."""
    assert incrsim("demo", "--entities", str(entities), "--page-size", "2", "--json").document["ok"] is True


def test_table(incrsim: Run) -> None:
    """Without --json there is a table of at most 80 columns, the peak memory, the database, and what was shown."""
    done = incrsim("demo", "--entities", "1000")
    assert (done.code, done.err) == (0, "")
    for word in (*EXPECTED, "✓ correct", "refused", "entities/s", "Peak memory", "Database: memory", "kept equal"):
        assert word in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_wrong_catalog(incrsim: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog that is not what it must be is exit code 1, and the report says after which cycle and how."""
    monkeypatch.setattr(FakeSource, "snapshot", lambda self: NOTHING)
    done = incrsim("demo", "--entities", "10", "--json")
    assert done.code == 1
    assert done.document["ok"] is False
    assert [each["catalog_as_expected"] for each in done.document["cycles"]] == [False] * 5
    told = incrsim("demo", "--entities", "10")
    assert told.code == 1
    assert "not what it must be after: load" in told.out
    assert "unexpected: 10" in told.out


def run_cycles(app: package.App) -> list[demo.Result]:
    """A small demonstration."""
    return list(demo.demonstrate(app, entities=40, page_size=10, seed=1, begins=lambda cycle: None))


def test_after_one_that_was_cut_short() -> None:
    """What an earlier demonstration left behind, even in the middle of a page, is gone before the next one loads."""
    with package.open(clock=VirtualClock()) as app:
        app.add(FakeSource(70, 10, seed=2, name=demo.PROVIDER, namespace=demo.PROVIDER))
        unsubscribe = app.events.subscribe(lambda event: app.stop() if type(event) is events.PageCommitted else None)
        assert not app.run_cycle(demo.PROVIDER).finished
        unsubscribe()
        results = run_cycles(app)
        assert [result.report.ingestion.counts.added for result in results] == [40, 0, 0, 0, 0]
        assert all(result.ok for result in results)


def test_while_another_one_runs() -> None:
    """A demonstration on a database where another one runs is refused, with what to do."""
    with package.open(clock=VirtualClock()) as app:
        app.store.register(demo.PROVIDER)
        app.store.claim(demo.PROVIDER, "somebody-else", ProviderOptions())
        with pytest.raises(CallerError, match="somebody-else is running the demonstration on this database; wait"):
            run_cycles(app)


def test_stops_between_cycles() -> None:
    """A demonstration whose third cycle is stopped yields the two before it."""
    with package.open(clock=VirtualClock()) as app:
        app.events.subscribe(lambda event: app.stop() if event.ingestion == 3 else None)
        assert [result.cycle.name for result in run_cycles(app)] == ["load", "unchanged"]


@pytest.mark.slow
def test_twice_on_postgres(incrsim: Run, database_url: str) -> None:
    """On a database that lasts, the second demonstration is like the first, and the first leaves no more behind."""
    for _ in range(2):
        done = incrsim("demo", "--entities", "1000", "--page-size", "100", "--database", database_url, "--json")
        assert (done.code, done.err) == (0, "")
        check(done.document)
    with package.open(database_url) as app:
        assert app.catalog.count() == EXPECTED["healed"][0]


def test_reader_that_goes_away(start: Callable[..., subprocess.Popen[str]]) -> None:
    """When whoever reads standard output has gone, the program ends without a traceback."""
    process = start("demo", "--entities", "10")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    assert process.wait(60) == 1
