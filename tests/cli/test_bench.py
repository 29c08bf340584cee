"""`incrsim bench`: where a provider's time goes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

import incrsim as package
from tests.cli.program import Done, finish

Run = Callable[..., Done]


def test_text(incrsim: Run) -> None:
    """For people it is a table of parts and an advice with reasons."""
    done = incrsim("bench", "mine:Numbers", "--set", "last=6")
    assert done.code == 0
    for text in ("numbers on memory: 3 pages, 6 entities", "source", "validation", "database", "memory", "Advice:"):
        assert text in done.out


def test_json(incrsim: Run) -> None:
    """--json is one document; what the provider prints goes to standard error."""
    done = incrsim("bench", "mine:Numbers", "--json", "--pages", "2", "--set", "burst_length=5s")
    assert (done.document["provider"], done.document["entities"], len(done.document["pages"])) == ("numbers", 4, 2)
    assert done.document["advice"]["page_size"] >= 1
    assert done.err.splitlines() == ["asked for 1", "asked for 3"]


def test_failure(incrsim: Run) -> None:
    """A provider that fails is one line, and exit code 1."""
    done = incrsim("bench", "mine:Broken")
    assert (done.code, done.err) == (1, "incrsim: the source is gone for good\n")


@pytest.mark.slow
def test_a_database_in_use_is_left_alone(incrsim: Run, database_url: str) -> None:
    """A database with a catalog in it is refused; an empty one is measured."""
    with package.open(database_url) as app:
        app.store.register("somebody")
    done = incrsim("bench", "mine:Numbers", "--database", database_url)
    assert done.code == 2
    assert "is in use, and what is measured gets written" in done.err


@pytest.mark.slow
def test_on_postgres(incrsim: Run, database_url: str) -> None:
    """An empty database is measured."""
    done = incrsim("bench", "mine:Numbers", "--json", "--database", database_url)
    assert done.document["seconds"]["database"] > 0
    assert done.document["empty_page"] > 0


@pytest.mark.slow
@pytest.mark.postgres
def test_embedded_leaves_nothing_behind(start: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    """An embedded Postgres is made for the measurement, and gone after it."""
    with tempfile.TemporaryDirectory(prefix="incrsim-tests-") as directory:
        Path(directory).chmod(0o711)
        monkeypatch.setenv("TMPDIR", directory)
        done = finish(start("bench", "mine:Numbers", "--json", "--database", "embedded"))  # type: ignore[arg-type]  # `start` is the fixture's function
        assert done.code == 0, done.err
        assert done.document["entities"] == 8
        assert list(Path(directory).iterdir()) == []
