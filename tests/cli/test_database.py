"""`incrsim db`: the schema of a database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.program import Done

Run = Callable[..., Done]


@pytest.mark.slow
def test_upgrade(incrsim: Run, bare_database_url: str) -> None:
    """An empty database is not usable; after the upgrade it is, and a second upgrade finds nothing to do."""
    database = ("--database", bare_database_url)
    before = incrsim("db", "check", *database)
    assert before.code == 1
    assert "schema version 0 of " in before.out
    assert "run `incrsim db upgrade" in before.out
    upgraded = incrsim("db", "upgrade", *database)
    assert upgraded.code == 0
    assert upgraded.out.startswith("applied 0001_")
    after = incrsim("db", "check", *database)
    assert after.code == 0
    assert after.out.endswith(": ready\n")
    again = incrsim("db", "upgrade", *database)
    assert again.code == 0
    assert "nothing to do" in again.out
    assert "applied" not in again.out


def test_path(incrsim: Run) -> None:
    """`path` is the directory of the numbered migrations."""
    done = incrsim("db", "path")
    assert done.code == 0
    assert sorted(Path(done.out.strip()).glob("0001_*.sql"))


@pytest.mark.parametrize("command", ["check", "upgrade"])
def test_needs_a_postgres(incrsim: Run, command: str) -> None:
    """A store in memory cannot be reached from here, and which database is meant must be said."""
    assert "name a Postgres" in incrsim("db", command, "--database", "memory").err
    missing = incrsim("db", command)
    assert missing.code == 2
    assert "no database is named" in missing.err
