"""`incrsim simulate` and `incrsim replay`: scenarios from the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from incrsim import simulation
from incrsim.cli.failures import FAILED
from incrsim.cli.run_campaign import run_campaign
from incrsim.simulation.campaign.campaign import Campaign, as_shipped
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.violation import Finding
from incrsim.simulation.world.store import Stores
from tests.cli.program import Done

Run = Callable[..., Done]

TINY = ("--days", "2", "--entities", "20")


def test_one_scenario(incrsim: Run) -> None:
    """A scenario is told of in a sentence."""
    done = incrsim("simulate", *TINY, "--faults", "none", "--replicas", "2")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("main, seed 1: ")
    assert done.out.endswith(" no faults: ok\n")


def test_many_as_json(incrsim: Run) -> None:
    """With --json, standard output is one document with the promised fields."""
    done = incrsim("simulate", *TINY, "--seed", "5", "--seeds", "3", "--faults", "hostile", "--json")
    assert (done.code, done.err) == (0, "")
    document = done.document
    assert list(document)[:6] == ["scenarios", "violations", "faults", "uncovered", "seconds", "ok"]
    assert (document["scenarios"], document["violations"], document["ok"]) == (3, [], True)
    faults, uncovered = document["faults"], document["uncovered"]
    assert isinstance(faults, dict)
    assert isinstance(uncovered, list)
    assert sum(faults.values()) > 10
    assert {each.partition(" while ")[0] for each in uncovered} <= set(faults)


def test_a_campaign_is_told_of(incrsim: Run, tmp_path: Path) -> None:
    """Of many scenarios the most important numbers are told; with a file, those that are known are not run again."""
    call = ("simulate", *TINY, "--faults", "hostile", "--replicas", "2", "--results", str(tmp_path / "some" / "file"))
    done = incrsim(*call, "--seed-range", "3:6", "--jobs", "1")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("scenarios  3 in ")
    assert done.out.endswith("\n\nevery rule held in 3 scenarios\n")
    again = incrsim(*call, "--seed-range", "2:6", "--jobs", "1", "--json")
    assert again.document["scenarios"] == 4
    lines = (tmp_path / "some" / "file").read_text().splitlines()
    assert [orjson.loads(line).get("seed") for line in lines] == [None, 3, 4, 5, 2]
    other = incrsim(*call, "--seeds", "3", "--entities", "7")
    assert (other.code, other.out) == (2, "")
    assert "is of another campaign, with entities 20, not 7; name another file" in other.err


def violating(scenario: Scenario, store: Stores) -> simulation.Run:
    """A run in which a rule does not hold."""
    return replace(
        as_shipped(scenario, store), findings=(Finding("C-20", "main", 7, "a long text " * 9, "less", ("so",)),)
    )


def test_a_violation_is_told_of(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A violation ends with 1: its story, the command that repeats it, and lines that can be pasted from any screen."""
    monkeypatch.setenv("COLUMNS", "60")
    campaign = Campaign(faults="rough", days=1, entities=3, run=violating)
    assert run_campaign(campaign, range(4, 5), 1, None, as_json=False) == FAILED
    told, _, rest = capsys.readouterr().out.partition("to paste into a test:\n\n")
    assert told.startswith("seed 4: C-20 does not hold for 'main' since step 7: ")
    assert "\n  so\n  again: incrsim simulate --faults rough --days 1 --entities 3 --seed 4\n" in told
    code, _, summary = rest.partition("\nscenarios ")
    compile(code, "pasted", "exec")
    assert summary.endswith("a rule does not hold in 1 of 1 scenario\n")


def test_a_file_and_its_trace(incrsim: Run, tmp_path: Path) -> None:
    """A scenario's file is run, taken down, and replayed; a trace that was changed is found out."""
    file, trace = tmp_path / "one.toml", tmp_path / "trace.jsonl"
    file.write_text(Scenario.draw(3, "rough", days=2, entities=20).to_toml())
    done = incrsim("simulate", str(file), "--trace", str(trace))
    assert done.code == 0
    again = incrsim("replay", str(trace))
    assert again.code == 0
    assert again.out.startswith("the same ")
    assert again.out.endswith(done.out)
    lines = trace.read_bytes().splitlines()
    changed = {**orjson.loads(lines[5]), "provider": "somebody"}
    trace.write_bytes(b"\n".join([*lines[:5], orjson.dumps(changed, option=orjson.OPT_SORT_KEYS), *lines[6:]]))
    differs = incrsim("replay", str(trace), "--json")
    assert differs.code == 1
    assert (differs.document["same"], differs.document["step"]) == (False, 5)
    assert incrsim("replay", str(trace)).out.startswith("step 5 differs in provider:\n  traced:   {")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--faults", "mild"), "no preset of faults is called 'mild'; there are none, gentle, rough, hostile"),
        (("none.toml",), "none.toml: "),
        (("some.toml", "--days", "3"), "some.toml says all of that itself"),
        (("--seed-range", "3:3"), "--seed-range 3:3: write two numbers"),
        (("--seeds", "3", "--trace", "x"), "--trace takes down one scenario"),
        (("--database", "mysql://x"), "is not a database that incrsim knows"),
    ],
)
def test_wrong_calls(incrsim: Run, arguments: tuple[str, ...], message: str) -> None:
    """What cannot be is refused with what to write instead."""
    done = incrsim("simulate", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
