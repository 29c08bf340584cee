"""`incrsim plan`: what a cycle would do, before it does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import incrsim as package
from tests.cli.program import Done
from tests.contract.base import everything
from tests.postgres.test_store_errors import ask

Run = Callable[..., Done]


def snapshot(database: str) -> Any:
    """All that a store tells, and the version of every row of every table."""
    tables = ask(database, "SELECT array_agg(tablename::text ORDER BY 1) FROM pg_tables WHERE schemaname = 'incrsim'")
    assert "entity" in tables
    versions = {
        each: ask(database, f"SELECT array_agg((xmin, xmax, ctid)::text) FROM incrsim.{each}") for each in tables
    }
    with package.open(database) as app:
        known = everything(app.store)
    for each in known:
        if isinstance(known[each], dict) and "state" in known[each]:
            known[each]["state"] = (known[each]["state"].fence, known[each]["state"].ingestion)  # and not `now`
    return versions, known


@pytest.mark.slow
def test_ten_files_were_deleted(incrsim: Run, here: Path, database_url: str) -> None:
    """A plan shows the files that are gone and no others, and writes nothing: not even a row has another version."""
    tree = here / "tree"
    for number in range(40):
        file = tree / f"directory-{number % 4}" / f"file-{number:02}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(number))
    target = ("providers.files:Files", "--set", f"root={tree}", "--set", "page_size=7", "--database", database_url)
    assert incrsim("run", *target, "--once").code == 0
    gone = sorted(tree.rglob("*.txt"))[5:35:3]
    with package.open(database_url) as app:
        known = {each.body["metadata"]["title"]: each.ref for each in app.catalog.entities()}
    expected = sorted(known[file.name] for file in gone)
    for file in gone:
        file.unlink()
    before = snapshot(database_url)
    done = incrsim("plan", *target)
    document = incrsim("plan", *target, "--json", "--limit", "4").document
    assert snapshot(database_url) == before
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[1:] == [
        *(f"- {ref}" for ref in expected),
        "Plan: 0 to add, 0 to change, 10 to remove.",
        "No guard refuses: the sweep would remove 10 of 40 (25.00 %).",
        "Nothing was written.",
    ]
    assert (document["removed"], document["verdict"], document["more"]) == (10, "swept", 6)
    assert document["changes"] == [{"sign": "-", "ref": ref} for ref in expected[:4]]


@pytest.mark.slow
def test_a_plan_says_what_guards_and_rules_would_say(incrsim: Run, here: Path, database_url: str) -> None:
    """Before anything was ever registered; when a guard would refuse; and by the name in the configuration file."""
    database = ("--database", database_url)
    first = incrsim("plan", "mine:Numbers", *database, "--limit", "3")
    assert first.out.splitlines() == [
        "numbers  ingestion 1 as planned  4 pages, 8 entities read, 0 unchanged",
        *(f"+ component:default/n{number}" for number in (1, 2, 3)),
        "… and 5 more, which --limit would show",
        "Plan: 8 to add, 0 to change, 0 to remove.",
        "No guard refuses: the sweep would remove 0 of 0 (0.00 %).",
        "Nothing was written.",
    ]
    assert "asked for 1" in first.err
    assert incrsim("providers", *database).out == "no providers\n"
    assert incrsim("run", "mine:Numbers", "--once", *database).code == 0
    (here / "incrsim.toml").write_text(
        '[providers.numbers]\nobject = "mine:Numbers"\narguments.last = 2\nreject_removals_above_count = 5'
    )
    refused = incrsim("plan", "numbers", *database, "--limit", "0")
    assert (
        "Plan: 0 to add, 0 to change, 6 to remove. The sweep would be refused to remove 6 of 8 (75.00 %): above the "
        "limit of 5." in refused.out
    )
    invalid = incrsim("plan", "mine:Invalid", "--set", "name=other", *database)
    assert "! (no ref): invalid entity: " in invalid.out
    assert "refused to remove 0 of 0 (0.00 %): 1 part(s) of the source could not be read" in invalid.out


@pytest.mark.slow
def test_a_plan_that_cannot_be_made(incrsim: Run, database_url: str) -> None:
    """What would fail the cycle fails the plan; a name that is not configured is said to be none."""
    failed = incrsim("plan", "mine:Broken", "--database", database_url)
    assert (failed.code, failed.out) == (1, "")
    assert "the source is gone for good" in failed.err
    unknown = incrsim("plan", "numbers", "--database", database_url)
    assert unknown.code == 2
    assert "'numbers' is neither MODULE:OBJECT nor a provider of incrsim.toml, which has: none" in unknown.err
