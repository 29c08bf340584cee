"""What is broken on purpose is caught by its rule, by nothing else, and again when it is replayed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from incrsim.engine import Engine
from incrsim.simulation.reduction.reducing import reduce
from incrsim.simulation.replay import replay
from incrsim.simulation.simulating import tracing
from incrsim.testing.mutants import MUTANTS, Mutant, Part
from incrsim.testing.mutants.hunting import SEEDS, clean, hunt, scenario_of

if TYPE_CHECKING:
    from incrsim.simulation.run import Run
    from incrsim.simulation.trace import Trace
    from incrsim.simulation.trace_file import Header

CONTRACT = Path(__file__).parents[2] / "docs" / "contract.md"

EASY = (
    "marks-first",
    "takes-burst-for-all",
    "diluted-by-new-ones",
    "begins-each-burst-anew",
    "skips-at-each-boundary",
    "bears-fence-again",
)
"""One or two of each part that the first scenarios catch; `make prove` hunts for all."""


def test_the_list_is_complete() -> None:
    """There are at least 40 mutants, of each part, and all the flaws of Backstage's module are among them."""
    assert len(MUTANTS) >= 40
    assert {each.part for each in MUTANTS.values()} == set(Part)
    upstream = {each.upstream for each in MUTANTS.values()} - {None}
    assert upstream == {f"U{number}" for number in range(1, 15)}


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=lambda each: each.name)
def test_each_says_what_is_wrong_with_it(mutant: Mutant) -> None:
    """A mutant has a sentence of its own, and its rules are the contract's."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", mutant.name)
    assert re.fullmatch(r"[A-Z`].*\.", mutant.flaw)
    assert sum(each.flaw == mutant.flaw for each in MUTANTS.values()) == 1
    assert mutant.rules
    text = CONTRACT.read_text(encoding="utf-8")
    assert all(f"\n### {rule}\n" in text for rule in mutant.rules)


@pytest.mark.slow
@pytest.mark.parametrize("name", EASY)
def test_the_oracle_names_the_rule(name: str) -> None:
    """The hunt ends with the scenario in which the oracle names one of the mutant's rules."""
    found = hunt(MUTANTS[name], range(1, 30))
    assert found.by is not None
    assert found.by.rule in MUTANTS[name].rules
    assert found.to_dict()["scenarios"] == found.scenarios < 30


@pytest.mark.slow
def test_only_the_rule_counts() -> None:
    """A mutant that raises, or breaks another rule than the one it is said to break, gets away."""
    other = replace(MUTANTS["takes-burst-for-all"], rules=("C-12",))
    assert not hunt(other, range(1, 3)).caught

    def fails(engine: Engine) -> Engine:
        raise AssertionError("C-14 does not hold")

    raises = Mutant("raises", ("C-14",), "It raises.", Part.ENGINE, engine=fails)
    assert hunt(raises, range(1, 3)).to_dict() == pytest.approx(
        {"name": "raises", "rule": "C-14", "caught": False, "by": None, "scenarios": 2, "seconds": 0}, abs=60
    )


@pytest.mark.slow
def test_the_engine_as_it_is_keeps_every_rule() -> None:
    """The first scenarios of the hunt, and one that is large, find nothing in it."""
    assert clean([*range(1, 4), 25]) == []


def test_scenarios_come_in_an_order_that_is_fixed() -> None:
    """Small and large ones take turns, and the same seed is the same scenario."""
    first = [scenario_of(seed) for seed in SEEDS[:25]]
    assert first == [scenario_of(seed) for seed in SEEDS[:25]]
    assert first[24].source.entities > 10_000
    assert sum(each.source.entities == 24 for each in first) >= 12


@pytest.mark.slow
def test_a_reduced_mutant_is_replayed(tmp_path: Path) -> None:
    """What is left of a violating scenario violates the rule again, at the step that its trace names."""
    mutant, file = MUTANTS["takes-burst-for-all"], tmp_path / "trace.jsonl"
    found = mutant.run(scenario_of(1))
    small = reduce(scenario_of(1), found.findings[0], run=mutant.run, runs=60)
    assert len(small.scenario.faults) < len(scenario_of(1).faults)
    with tracing(small.scenario, file, mutant.name) as trace:
        run = mutant.run(small.scenario, trace)
    again = replay(file, as_a_mutant)
    assert again.header.mutant == mutant.name
    assert again.same
    assert again.run is not None
    assert again.run.findings == run.findings
    assert again.run.findings[0] == small.finding
    assert again.run.findings[0].step == again.lines + 1  # the step that was not finished


def as_a_mutant(header: Header, trace: Trace) -> Run:
    """Run a trace's scenario with its mutant."""
    return MUTANTS[header.mutant or ""].run(header.scenario, trace)
