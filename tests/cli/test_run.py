"""`incrsim run`: one provider, once or for ever."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest

import incrsim as package
from incrsim.options import ProviderOptions
from incrsim.store.contract import Granted
from tests.cli.program import Done, finish, read_until

Run = Callable[..., Done]
Start = Callable[..., "subprocess.Popen[str]"]


def test_json(incrsim: Run) -> None:
    """The report of --once --json is one document: a cycle's fields, and what is known of the ingestion; what the
    provider prints goes to standard error.
    """
    done = incrsim("run", "mine:Numbers", "--once", "--json", "--set", "last=6")
    assert done.code == 0
    assert done.err.splitlines() == ["asked for 1", "asked for 3", "asked for 5"]
    document = done.document
    assert document.pop("seconds") > 0
    assert document.pop("entities_per_second") > 0
    assert document == {
        "name": "numbers",
        "entities": 6,
        "added": 6,
        "updated": 0,
        "unchanged": 0,
        "removed": 0,
        "invalid": 0,
        "verdict": "swept",
        "provider": "numbers",
        "database": "memory",
        "ingestion": 1,
        "status": "resting",
        "pages": 3,
        "in_catalog": 6,
        "lost_claims": 0,
        "problems": 0,
        "verdict_details": {
            "id": 1,
            "text": "swept: removed 0 of 0 (0.00 %)",
            "refused_by": [],
            "marked": 6,
            "stale": 0,
            "removable": 0,
            "base": 0,
            "percentage": 0.0,
            "limit_percentage": None,
            "limit_count": None,
        },
        "last_error": None,
        "ok": True,
    }


def test_table(incrsim: Run) -> None:
    """Without --json the report is a table for people."""
    done = incrsim("run", "mine:ready", "--once")
    assert done.code == 0
    for word in ("numbers  ingestion 1  swept", "entities", "in catalog", "Database: memory"):
        assert word in done.out


def test_problems(incrsim: Run) -> None:
    """Problems are counted and shown, and an unreadable entity refuses the sweep, which is a success."""
    done = incrsim("run", "mine:Invalid", "--once", "--json")
    assert done.code == 0
    assert done.document["verdict"] == "refused"
    assert done.document["problems"] == 1
    assert done.document["verdict_details"]["refused_by"] == ["unreadable"]
    assert "1 problems, such as:" in incrsim("run", "mine:Invalid", "--once").out


def test_failed(incrsim: Run) -> None:
    """An ingestion that is canceled is exit code 1, and its error is told at once and reported."""
    done = incrsim("run", "mine:Broken", "--once", "--json")
    assert done.code == 1
    assert (done.document["verdict"], done.document["ok"]) == ("canceled", False)
    assert done.document["last_error"] == {"error": "FatalError", "message": "the source is gone for good", "page": 1}
    assert "incrsim: numbers: FatalError: the source is gone for good at page 1" in done.err
    assert "Last error: FatalError" in incrsim("run", "mine:Broken", "--once").out


def test_verbose(incrsim: Run) -> None:
    """--verbose has a line for every page and the sweep, on standard error."""
    done = incrsim("run", "mine:Numbers", "--once", "--verbose", "--json")
    lines = [line for line in done.err.splitlines() if line.startswith("incrsim: ")]
    pages = [line for line in lines if "committed: 2 added" in line]
    assert [line.partition(" committed")[0] for line in pages] == [
        f"incrsim: numbers: page {number}" for number in (1, 2, 3, 4)
    ]
    assert lines[-1] == "incrsim: numbers: ingestion 1 swept: removed 0 of 0 (0.00 %)"
    assert done.document["verdict"] == "swept"


def test_json_needs_an_end(incrsim: Run) -> None:
    """--json without --once is refused: a run for ever has no report."""
    done = incrsim("run", "mine:Numbers", "--json")
    assert (done.code, done.out) == (2, "")
    assert "add --once" in done.err


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_at_the_next_page(start: Start, number: signal.Signals, code: int) -> None:
    """A signal while a page is fetched: the page is still committed, no other is asked for, and the report says so."""
    process = start("run", "mine:Slow", "--once", "--json")
    read_until(process, "waiting")
    process.send_signal(number)
    assert "stopping at the next page" in read_until(process, "stopping")
    done = finish(process, typed="x")
    assert done.code == code
    assert (done.document["verdict"], done.document["pages"], done.document["ok"]) == ("open", 2, False)
    assert "asked for 5" not in done.err
    assert "interrupted after page 2" in done.err


@pytest.mark.slow
def test_second_signal_ends_at_once(start: Start) -> None:
    """A second Ctrl-C does not wait for the provider."""
    process = start("run", "mine:Slow", "--once", "--json")
    read_until(process, "waiting")
    process.send_signal(signal.SIGINT)
    read_until(process, "stopping at the next page")
    process.send_signal(signal.SIGINT)
    assert "stopped at once" in read_until(process, "stopped")
    assert process.wait(60) == 130


@pytest.mark.slow
def test_for_ever(start: Start) -> None:
    """Without --once it goes on after the sweep, tells of each, and Ctrl-C ends it."""
    process = start("run", "mine:Numbers", "--set", "rest_length=0s")
    for ingestion in (1, 2, 3):
        read_until(process, f"ingestion {ingestion} swept")
    process.send_signal(signal.SIGINT)
    assert finish(process).code == 130


@pytest.mark.slow
def test_goes_on_where_it_was_interrupted(start: Start, database_url: str) -> None:
    """The run after an interrupted one asks for the page after the last committed one, and ends that ingestion."""
    arguments = ("run", "mine:Slow", "--once", "--json", "--database", database_url)
    process = start(*arguments)
    read_until(process, "waiting")
    process.send_signal(signal.SIGINT)
    read_until(process, "stopping at the next page")
    interrupted = finish(process, typed="x")
    assert "the next run goes on from there" in interrupted.err
    done = finish(start(*arguments))
    assert done.code == 0
    assert [line for line in done.err.splitlines() if "asked" in line] == ["asked for 5", "asked for 7"]
    assert (done.document["ingestion"], done.document["entities"], done.document["pages"]) == (1, 8, 4)


@pytest.mark.slow
def test_waits_for_another_replica(start: Start, database_url: str) -> None:
    """While another replica holds the lease, it says so and waits; then it goes on."""
    options = ProviderOptions(burst_interval=timedelta(0))
    with package.open(database_url) as app:
        app.store.register("numbers")
        claim = app.store.claim("numbers", "somebody-else", options)
        assert isinstance(claim, Granted)
        process = start("run", "mine:Numbers", "--once", "--json", "--database", database_url)
        assert "another replica, somebody-else, holds the lease" in read_until(process, "lease")
        app.store.end_burst(claim.lease, options)
        done = finish(process)
        assert (done.code, done.document["entities"]) == (0, 8)
        assert app.catalog.count("numbers") == 8


@pytest.mark.slow
def test_unchanged_and_removed(incrsim: Run, database_url: str) -> None:
    """A second run rewrites nothing; one of a smaller source removes what is gone, unless a guard refuses."""
    run = ("run", "mine:Numbers", "--once", "--json", "--database", database_url)
    assert incrsim(*run).document["added"] == 8
    assert incrsim(*run).document["unchanged"] == 8
    guarded = incrsim(*run, "--set", "last=6", "--set", "reject_removals_above_percentage=20")
    assert (guarded.code, guarded.document["verdict"], guarded.document["in_catalog"]) == (0, "refused", 8)
    assert guarded.document["verdict_details"]["limit_percentage"] == "20"
    removed = incrsim(*run, "--set", "last=6")
    assert (removed.code, removed.document["removed"], removed.document["in_catalog"]) == (0, 2, 6)


def test_startup_is_light() -> None:
    """Reading the arguments imports no database driver, and nothing else that takes its time."""
    program = "import sys, incrsim.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert not set(done.stdout.split()) & {"sqlalchemy", "psycopg", "pandas", "numpy", "matplotlib"}
