"""docs/mutants.md tells of every mutant, and of each what its class says."""

from __future__ import annotations

from docs import tell_mutants
from incrsim.testing.mutants import MUTANTS
from incrsim.testing.mutants.hunting import SEEDS


def test_the_table_is_of_the_list() -> None:
    """Names, rules and flaws are those of the classes; each was caught within the scenarios of a hunt."""
    _, told, _ = tell_mutants.parts_of(tell_mutants.PAGE.read_text(encoding="utf-8"))
    numbers = tell_mutants.known(told)
    assert told == tell_mutants.table(numbers), "hunt and write it again, as docs/tell_mutants.py says"
    assert numbers.keys() == MUTANTS.keys()
    assert all(number in SEEDS for number in numbers.values())
