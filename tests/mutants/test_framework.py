"""The check against mutants is itself checked, on a small engine with good and bad tests and mutants."""

from __future__ import annotations

import sys
from textwrap import dedent
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from tests.mutants import registry
from tests.mutants.check import check, run_pytest
from tests.mutants.patch import MutantOutdated, Patch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mutants.findings import Findings

ENGINE = """
from contextlib import contextmanager

LIMIT = 10

def guard(value):
    return value < LIMIT

class Base:
    def twice(self, value):
        return 2 * value

class Engine(Base):
    def twice(self, value):
        return super().twice(value)

    @property
    def name(self):
        return "engine"

    @contextmanager
    def around(self):
        yield "open"

def forever():
    while False:
        pass
    return True
"""

TESTS = """
import pytest
import small_engine

@pytest.mark.rule("R-1")
@pytest.mark.parametrize("value", [3, 10])
def test_guard(value):
    assert small_engine.guard(value) == (value < 10)

@pytest.mark.rule("R-1")
def test_that_cannot_fail():
    assert small_engine.guard

@pytest.mark.rule("R-2")
def test_twice():
    assert small_engine.Engine().twice(2) == 4

@pytest.mark.rule("R-3")
@pytest.mark.slow
def test_slow():
    assert small_engine.Engine().name == "engine"

@pytest.mark.rule("R-4")
def test_broken_anyway():
    assert small_engine.LIMIT == 11

def test_untied():
    raise RuntimeError("not one of those that are run")
"""

MUTANTS = """
import small_engine
from tests.mutants.registry import mutant

@mutant("R-1", "the limit itself passes")
def limit_passes(patch):
    patch.rewrite(small_engine.guard, "<", "<=")

@mutant("R-1", "nothing that a test looks at")
def survivor(patch):
    patch.rewrite(small_engine.forever, "True", "False")

@mutant("R-2", "a number becomes a text that cannot be doubled")
def accident(patch):
    patch.rewrite(small_engine.Engine.twice, "super().twice(value)", "super().twice(value) / 'x'")

@mutant("R-2", "half")
def halves(patch):
    patch.rewrite(small_engine.Engine.twice, "super().twice(value)", "super().twice(value) // 4")

@mutant("R-2", "what the code no longer says")
def outdated(patch):
    patch.rewrite(small_engine.guard, "no such text", "")

@mutant("R-3", "anonymous", also=("slow",))
def anonymous(patch):
    patch.rewrite(small_engine.Engine.name, '"engine"', '""')

@mutant("R-3", "the process dies")
def dies(patch):
    import os
    os._exit(3)
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the small engine, its tests and its mutants."""
    directory = tmp_path_factory.mktemp("small")
    for name, text in {"small_engine": ENGINE, "test_small": TESTS, "small_mutants": MUTANTS}.items():
        (directory / f"{name}.py").write_text(dedent(text), encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def findings(small: Path) -> Findings:
    """What the check found about them."""
    return check([str(small)], "small_mutants", small / "findings.json", {"PYTHONPATH": str(small)})


@pytest.fixture(scope="module")
def mutants(small: Path) -> dict[str, registry.Mutant]:
    """The mutants, as the check knew them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(small))
        return dict(registry.load("small_mutants"))


@pytest.fixture
def engine(small: Path) -> ModuleType:
    """The small engine, freshly loaded, for this test to break."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(small))
        patch.delitem(sys.modules, "small_engine", raising=False)
        return __import__("small_engine")


def test_good_mutant_is_accepted(findings: Findings, mutants: dict[str, registry.Mutant]) -> None:
    """A mutant that one case of a tied test notices is fine."""
    assert not list(findings.faults_of_mutant(mutants["limit_passes"]))
    assert not list(findings.faults_of_mutant(mutants["halves"]))


def test_survivor_is_reported(findings: Findings, mutants: dict[str, registry.Mutant]) -> None:
    """A mutant that no tied test notices is a fault, told with its flaw and the tests that it faced."""
    (fault,) = findings.faults_of_mutant(mutants["survivor"])
    assert "survivor survives: no test of R-1 noticed that nothing that a test looks at" in fault
    assert "test_that_cannot_fail" in fault


def test_accident_does_not_count(findings: Findings, mutants: dict[str, registry.Mutant]) -> None:
    """A TypeError out of broken code is no proof that a test holds a rule."""
    (fault,) = findings.faults_of_mutant(mutants["accident"])
    assert "broke by accident, in its call: TypeError" in fault


def test_outdated_mutant_is_reported(findings: Findings, mutants: dict[str, registry.Mutant]) -> None:
    """A mutant whose code has moved on is a fault, not silence."""
    (fault,) = findings.faults_of_mutant(mutants["outdated"])
    assert "outdated could not be switched on: MutantOutdated: small_engine.guard holds 'no such text' 0 times" in fault


def test_deadly_mutant_is_reported(findings: Findings, mutants: dict[str, registry.Mutant]) -> None:
    """A mutant that takes its process along is a fault of its own and leaves the others alone."""
    (fault,) = findings.faults_of_mutant(mutants["dies"])
    assert "its process ended with 3" in fault


def test_test_that_cannot_fail_is_reported(findings: Findings, mutants: dict[str, registry.Mutant]) -> None:
    """A tied test that no mutant of its rule makes fail is named, and so is one that lacks a mutant; others are not."""
    faults = list(findings.faults_of_tests(mutants))
    assert [fault.partition(" is tied to ")[0].rpartition("::")[2] for fault in faults] == [
        "test_that_cannot_fail",
        "test_broken_anyway",
    ]


def test_slow_test_faces_only_who_asks(findings: Findings) -> None:
    """A slow test is run for mutants that ask for it, and for no other."""
    assert [name.rpartition("::")[2] for name in findings.mutants["anonymous"].ended("killed")] == ["test_slow"]
    assert not any("test_slow" in name for name in findings.healthy.outcomes)


def test_failing_without_mutant_is_reported(findings: Findings) -> None:
    """A tied test that fails on the shipped code is a fault: nothing can be concluded from it."""
    (fault,) = findings.fault_without_mutant()
    assert "test_broken_anyway fails with no mutant on" in fault


def test_rule_without_test_or_mutant_is_reported(findings: Findings, mutants: dict[str, registry.Mutant]) -> None:
    """A rule that lacks a test, a mutant or both is told what it lacks."""
    assert not list(findings.faults_of_rule("R-1", mutants.values()))
    (no_mutant,) = findings.faults_of_rule("R-4", mutants.values())
    assert "R-4 has no mutant" in no_mutant
    assert len(list(findings.faults_of_rule("R-5", mutants.values()))) == 2


def test_one_mutant_can_be_switched_on_by_hand(small: Path) -> None:
    """`--mutant NAME` breaks the engine for a whole session."""
    arguments = ["--mutants-from=small_mutants", "-rf", "-k", "test_guard", str(small)]
    environment = {"PYTHONPATH": str(small)}
    assert "2 passed" in run_pytest(arguments, environment)
    broken = run_pytest(["--mutant=limit_passes", *arguments], environment)
    assert "test_guard[10]" in broken
    assert "1 failed, 1 passed" in broken


def test_unknown_mutant_is_an_error(small: Path) -> None:
    """A name that is no mutant's is refused with the names that are."""
    said = run_pytest(["--mutants-from=small_mutants", "--mutant=nobody", str(small)], {"PYTHONPATH": str(small)})
    assert "--mutant nobody: there is none of that name; there are: accident, anonymous" in said


def test_rewrite_reaches_every_kind_of_function(engine: ModuleType) -> None:
    """Functions, methods with `super()`, properties and context managers can be rewritten, wherever they are known."""
    known, patch = engine.guard, Patch()
    patch.rewrite(engine.guard, "<", ">")
    patch.rewrite(engine.Engine.twice, "super().twice(value)", "super().twice(value) + 1")
    patch.rewrite(engine.Engine.name, '"engine"', '"broken"')
    patch.rewrite(engine.Engine.around, '"open"', '"shut"')
    assert known(11)
    assert engine.Engine().twice(2) == 5
    assert engine.Engine().name == "broken"
    with engine.Engine().around() as opened:
        assert opened == "shut"


def test_replace_reaches_importers(engine: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replaced name changes in its module and in those that imported it by name."""
    importer = ModuleType("tests.importer_of_small_engine")
    importer.check = engine.guard  # type: ignore[attr-defined]  # a module made by hand
    monkeypatch.setitem(sys.modules, importer.__name__, importer)
    Patch().replace(engine, "guard", str)
    assert engine.guard is str
    assert importer.check is str


def test_replacing_what_is_not_there_is_an_error(engine: ModuleType) -> None:
    """A mutant of an attribute that is gone says so."""
    with pytest.raises(MutantOutdated, match="has no 'gone' any more"):
        Patch().replace(engine, "gone", None)
