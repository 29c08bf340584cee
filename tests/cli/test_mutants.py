"""`incrsim mutants`, and what it says of a mutant: simulated and replayed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.cli.program import Done

Run = Callable[..., Done]

pytestmark = pytest.mark.slow


def test_as_json(incrsim: Run) -> None:
    """With --json, standard output is one document with the promised fields."""
    done = incrsim("mutants", "takes-burst-for-all", "marks-first", "--seeds", "20", "--jobs", "1", "--json")
    assert (done.code, done.err) == (0, "")
    mutants, document = done.document["mutants"], done.document
    assert list(document) == ["mutants", "clean", "ok"]
    assert isinstance(mutants, list)
    assert [list(each) for each in mutants] == [["name", "rule", "caught", "by", "scenarios", "seconds"]] * 2
    assert [(each["name"], each["rule"], each["caught"], each["by"]) for each in mutants] == [
        ("takes-burst-for-all", "C-14", True, "C-14"),
        ("marks-first", "C-10", True, "C-10"),
    ]
    scenarios = max(each["scenarios"] for each in mutants)
    assert (document["clean"], document["ok"]) == ({"scenarios": scenarios, "violations": 0}, True)


def test_one_gets_away(incrsim: Run) -> None:
    """A mutant that is not caught is told of, and ends the command with 1."""
    done = incrsim("mutants", "sweeps-all-at-once", "--seeds", "2", "--jobs", "1")
    assert done.code == 1
    assert re.search(r"✗ +sweeps-all-at-once", done.out)
    assert done.out.endswith("0 of 1 caught, 1 got away; the engine as it is: no violation in 2 scenarios\n")


def test_a_mutant_is_simulated_and_replayed(incrsim: Run, tmp_path: Path) -> None:
    """The scenario that caught a mutant is taken down, and `replay` names the rule and the step again."""
    trace = tmp_path / "trace.jsonl"
    done = incrsim("simulate", "--mutant", "takes-burst-for-all", "--seed", "1", "--trace", str(trace))
    assert done.code == 1
    assert "C-14 does not hold for 'main' since step " in done.out
    header, *lines, last = map(orjson.loads, trace.read_text().splitlines())
    assert (header["mutant"], last["lines"]) == ("takes-burst-for-all", len(lines))
    again = incrsim("replay", str(trace), "--json")
    assert again.document["same"] is True
    assert again.document["violations"][0]["rule"] == "C-14"
    assert again.document["violations"][0]["step"] == len(lines) + 1


def test_wrong_calls(incrsim: Run) -> None:
    """An unknown mutant, and options that do not go with one, are refused with what to write instead."""
    done = incrsim("mutants", "mark-first")
    assert (done.code, done.out) == (2, "")
    assert "no mutant is called 'mark-first'; marks-first" in done.err
    done = incrsim("simulate", "--mutant", "marks-first", "--seeds", "5")
    assert (done.code, done.out) == (2, "")
    assert "--mutant goes with SCENARIO or --seed, and with --trace" in done.err
