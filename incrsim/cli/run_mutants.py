"""Hunts for mutants and shows which were caught."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from rich.console import RenderableType
from rich.text import Text

from incrsim.cli.failures import FAILED, UsageError
from incrsim.cli.output import live, print_result
from incrsim.cli.tables import cell, headed
from incrsim.testing.mutants import MUTANTS, Mutant
from incrsim.testing.mutants.hunting import Hunted
from incrsim.testing.mutants.hunts import Hunts, hunt_all


def mutant_of(name: str) -> Mutant:
    """The mutant of that name.

    Raises:
        UsageError: when there is none.
    """
    if name not in MUTANTS:
        close = get_close_matches(name, MUTANTS)
        meant = f"; {' or '.join(close)}?" if close else "; docs/mutants.md lists them"
        raise UsageError(f"no mutant is called {name!r}{meant}")
    return MUTANTS[name]


def run_mutants(names: Sequence[str], seeds: int, jobs: int | None, *, as_json: bool) -> int:
    """Hunt, and print what came of it; returns the exit code."""
    chosen = [mutant_of(name).name for name in names]
    display = Text("starting …")

    def tell(hunts: Hunts) -> None:
        display.plain = _standing(hunts)

    with live(display) as say:
        hunts = hunt_all(chosen, range(1, seeds + 1), jobs=jobs, tell=tell)
        for violation in hunts.violations:
            say(f"the engine as it is, {violation}")
    print_result(hunts.to_dict(), _screen(hunts), as_json=as_json)
    return 0 if hunts.ok else FAILED


def _standing(hunts: Hunts) -> str:
    caught = sum(each.caught for each in hunts.hunted)
    told = f"{caught} of {hunts.wanted} caught"
    if len(hunts.hunted) > caught:
        told += f", {len(hunts.hunted) - caught} got away"
    if not hunts.scenarios:
        return told
    violations = f"{len(hunts.violations)} violations" if hunts.violations else "no violation"
    return f"{told}; the engine as it is: {violations} in {hunts.scenarios} scenarios"


def _screen(hunts: Hunts) -> Iterator[RenderableType]:
    table = headed("", "mutant", "rule", "by", ">scenarios", ">seconds", fold=("rule",))
    for each in hunts.hunted:
        table.add_row(
            _sign(each), each.name, ", ".join(each.rules), _by(each), cell(each.scenarios), f"{each.seconds:.1f}"
        )
    yield table
    yield Text()
    yield Text(_standing(hunts), "bold" if hunts.ok else "bold red")


def _sign(hunted: Hunted) -> Text:
    return Text("✓", "green") if hunted.caught else Text("✗", "bold red")


def _by(hunted: Hunted) -> str:
    return "" if hunted.by is None else hunted.by.rule
