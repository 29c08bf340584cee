"""`incrsim check`: a provider against the rules that its author answers for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from incrsim.testing.conformance_rules import names
from tests.cli.program import Done

Run = Callable[..., Done]

COUNTING = """
import incrsim

class Rows:
    def __init__(self):
        self.rows = list(range(40))

    def add(self, count):
        self.rows += range(self.rows[-1] + 1, self.rows[-1] + 1 + count)

    def remove(self, *, count):
        del self.rows[:count]

rows = Rows()

class Counting(incrsim.IncrementalEntityProvider):
    name = "counting"

    def next(self, context, cursor=None):
        start = cursor or 0
        found = [incrsim.component(f"row-{n}", provider=self) for n in rows.rows[start:start + 10]]
        return incrsim.Page(found, cursor=start + 10, done=start + 10 >= len(rows.rows))
"""


@pytest.mark.parametrize("columns", ["80", "120"])
def test_table(incrsim: Run, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """A row per rule with the contract's numbers and what was seen, then what to do, then the sum; exit code 0."""
    monkeypatch.setenv("COLUMNS", columns)
    done = incrsim("check", "mine:Numbers", "--set", "last=6")
    assert done.code == 0
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert [line.split()[2] for line in lines[2:] if line.startswith(("✓", "✗", "!", "- "))] == list(names())
    assert any("✓ passed  stateless       C-2 " in line for line in lines)
    assert "drift: Pass source=…" in done.out
    assert "numbers: 15 rules, 14 passed, 1 not applicable; 3 pages" in done.out


def test_a_broken_rule_ends_with_1(incrsim: Run) -> None:
    """What failed says what was seen, why that is trouble and what to write; the exit code is 1."""
    done = incrsim("check", "mine:Invalid")
    assert done.code == 1
    said = " ".join(done.out.split())
    assert "✗ failed entities-valid C-6, C-7 1 of 2 entities" in said
    assert "entities-valid: Invalid ones are left out; " in said
    assert "Build entities with incrsim.component(…)" in said


def test_json(incrsim: Run) -> None:
    """--json is one document with a row per rule; what the provider prints goes to standard error."""
    done = incrsim("check", "mine:Numbers", "--json", "--max-pages", "2", "--set", "max_pages=7")
    assert done.code == 0
    assert [row["rule"] for row in done.document["rows"]] == list(names())
    assert (done.document["ok"], done.document["pages"], done.document["whole"]) == (True, 2, False)
    assert done.err.splitlines()[:2] == ["asked for 1", "asked for 3"]


def test_a_source_that_changes(incrsim: Run, here: Path) -> None:
    """With --source drift is measured, and the advice is what it asks for; advice is no failure."""
    (here / "needy.py").write_text(COUNTING)
    done = incrsim("check", "needy:Counting", "--source", "needy:rows", "--json")
    assert done.code == 0
    (row,) = [row for row in done.document["rows"] if row["rule"] == "drift"]
    assert row["outcome"] == "advice"
    assert row["seen"].startswith(
        "missed 3 of 37 (8.11 %) of those that were there throughout, while 3 others vanished"
    )
    assert "removal_grace_cycles=1" in row["instead"]


def test_what_is_called_wrongly(incrsim: Run) -> None:
    """What cannot be loaded, or is no source, ends with 2 and one line."""
    for arguments, said in {
        ("mine:Nobody",): "mine has no 'Nobody'",
        ("mine:nothing",): "has name=None; a provider needs a stable, unique name",
        ("mine:Numbers", "--set", "burst_length=never"): "burst_length",
        ("mine:Numbers", "--source", "mine:nothing"): "a source that can be changed has add(count)",
        ("mine:Numbers", "--max-pages", "0"): "--max-pages",
    }.items():
        done = incrsim("check", *arguments)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done.err
        assert said in done.err
