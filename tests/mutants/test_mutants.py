"""Each rule has tests tied to it, and those tests notice when it is broken."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from tests.mutants.check import check
from tests.mutants.findings import Findings
from tests.mutants.registry import RULES, Mutant, load

if TYPE_CHECKING:
    from collections.abc import Iterable

MUTANTS = load("tests.mutants.broken")

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def findings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """What became of all tied tests under all mutants, found once however many workers ask."""
    directory = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        directory = directory.parent
    target = directory / "mutants.json"
    with (directory / "mutants.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return Findings.load(target)
        return check(["tests", "--ignore=tests/mutants"], "tests.mutants.broken", target, _environment(request))


def _environment(request: pytest.FixtureRequest) -> dict[str, str]:
    """One server for all forks, and none at all unless some mutant wants it."""
    if any("postgres" in mutant.also for mutant in MUTANTS.values()):
        return {"INCRSIM_TEST_DATABASE_URL": request.getfixturevalue("postgres_server")}
    return {}


def test_tied_tests_pass_while_nothing_is_broken(findings: Findings) -> None:
    """Tests that are tied to a rule pass on the shipped code, in the very process that mutants are tried in."""
    _none(findings.fault_without_mutant())


@pytest.mark.parametrize("rule", RULES)
def test_rule_has_a_test_and_a_mutant(rule: str, findings: Findings) -> None:
    """Every rule of the contract that is built has at least one test and one mutant."""
    _none(findings.faults_of_rule(rule, MUTANTS.values()))


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS.keys())
def test_mutant_is_noticed(mutant: Mutant, findings: Findings) -> None:
    """A broken engine makes at least one test of the broken rule fail, by an assertion and not by accident."""
    _none(findings.faults_of_mutant(mutant))


def test_every_tied_test_can_fail(findings: Findings) -> None:
    """A test counts for a rule only if a mutant of that rule makes it fail."""
    _none(findings.faults_of_tests(MUTANTS))


def _none(faults: Iterable[str]) -> None:
    if found := list(faults):
        pytest.fail("\n".join(found), pytrace=False)
