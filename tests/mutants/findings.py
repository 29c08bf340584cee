"""What became of tests under mutants, and the judgement on it; pure, so that it can be tested without running any."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tests.mutants.registry import Mutant

Outcome = Literal["passed", "skipped", "broke", "killed"]
"""`killed`: the test noticed, as tests do. `broke`: it ended by accident, say a TypeError, which proves nothing."""

_BY_WEIGHT: tuple[Outcome, ...] = ("passed", "skipped", "broke", "killed")


@dataclass(slots=True)
class Run:
    """The tied tests under one mutant, or under none.

    Args:
        error: why it could not be run at all.
        outcomes: test → outcome; of the cases of a parametrised test, the one that says most.
        accidents: test → what it broke by.
    """

    error: str | None = None
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    accidents: dict[str, str] = field(default_factory=dict)

    def record(self, test: str, outcome: Outcome, accident: str = "") -> None:
        """Add the outcome of one case of a test."""
        self.outcomes[test] = max(self.outcomes.get(test, "passed"), outcome, key=_BY_WEIGHT.index)
        if accident:
            self.accidents.setdefault(test, accident)

    def ended(self, *outcomes: Outcome) -> list[str]:
        """The tests with one of these outcomes."""
        return [test for test, outcome in self.outcomes.items() if outcome in outcomes]


@dataclass(frozen=True, slots=True)
class Findings:
    """All runs of a check.

    Args:
        tied: test → the rules it is tied to.
        healthy: the run without any mutant.
        mutants: name → its run.
    """

    tied: dict[str, list[str]]
    healthy: Run
    mutants: dict[str, Run]

    def save(self, path: Path) -> None:
        """Write them down for another process."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Findings:
        """Read what another process wrote down."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        runs = {name: Run(**run) for name, run in stored["mutants"].items()}
        return cls(stored["tied"], Run(**stored["healthy"]), runs)

    def fault_without_mutant(self) -> Iterator[str]:
        """Tied tests that fail although nothing is broken: their failing under a mutant proves nothing."""
        if self.healthy.error:
            yield self.healthy.error
        for test in self.healthy.ended("killed", "broke"):
            yield f"{test} fails with no mutant on: {self.healthy.accidents.get(test, 'an assertion')}"

    def faults_of_rule(self, rule: str, registry: Iterable[Mutant]) -> Iterator[str]:
        """What a rule lacks."""
        if not any(rule in rules for rules in self.tied.values()):
            yield f'{rule} has no test: tie one to it with @pytest.mark.rule("{rule}")'
        if not any(rule in mutant.rules for mutant in registry):
            yield f'{rule} has no mutant: add one to tests/mutants/broken with @mutant("{rule}", "what it does wrong")'

    def faults_of_mutant(self, mutant: Mutant) -> Iterator[str]:
        """Why a mutant is not worth its name: it could not be switched on, or no test noticed."""
        run = self.mutants[mutant.name]
        if run.error:
            yield f"{mutant.name} could not be switched on: {run.error}"
        elif not run.ended("killed"):
            what = " and ".join(mutant.rules)
            yield f"{mutant.name} survives: no test of {what} noticed that {mutant.flaw}; {_story(run)}"

    def faults_of_tests(self, registry: Mapping[str, Mutant]) -> Iterator[str]:
        """Tied tests that no mutant of their rule makes fail: they hold nothing, or their mutant is missing."""
        for test, rules in self.tied.items():
            for rule in rules:
                faced = [name for name, mutant in registry.items() if rule in mutant.rules]
                if any(self.mutants[name].outcomes.get(test) == "killed" for name in faced):
                    continue
                tried = "; ".join(f"{name}: {self._word(name, test)}" for name in faced) or "there is none"
                yield f"{test} is tied to {rule}, and no mutant of {rule} makes it fail ({tried})"

    def _word(self, name: str, test: str) -> str:
        run = self.mutants[name]
        if test in run.accidents:
            return f"broke by accident, {run.accidents[test]}"
        return run.outcomes.get(test, "not faced: a slow or Postgres test needs a mutant with `also=`")


def _story(run: Run) -> str:
    if not run.outcomes:
        return "it faced no test at all"
    accidents = "; ".join(f"{test} broke by accident, {how}" for test, how in run.accidents.items())
    return accidents or f"it faced {', '.join(run.outcomes)}"
