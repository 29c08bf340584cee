"""Each rule has tests tied to it, and those tests notice when it is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.mutants.check import check
from tests.mutants.registry import RULES, Mutant, load

if TYPE_CHECKING:
    from tests.mutants.findings import Findings

MUTANTS = load("tests.mutants.broken")

# One worker does it all, since the findings of one run answer all of these tests.
pytestmark = [pytest.mark.xdist_group("mutants"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def findings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """What became of all tied tests under all mutants; Postgres only when a mutant asks for it."""
    environment = {}
    if any("postgres" in mutant.also for mutant in MUTANTS.values()):
        environment["INCRSIM_TEST_DATABASE_URL"] = request.getfixturevalue("postgres_server")
    target = tmp_path_factory.mktemp("mutants") / "findings.json"
    return check(["tests", "--ignore=tests/mutants"], "tests.mutants.broken", target, environment)


def test_tied_tests_pass_while_nothing_is_broken(findings: Findings) -> None:
    """Tests that are tied to a rule pass on the shipped code, in the very process that mutants are tried in."""
    assert not list(findings.fault_without_mutant())


@pytest.mark.parametrize("rule", RULES)
def test_rule_has_a_test_and_a_mutant(rule: str, findings: Findings) -> None:
    """Every rule of the contract that is built has at least one test and one mutant."""
    assert not list(findings.faults_of_rule(rule, MUTANTS.values()))


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS.keys())
def test_mutant_is_noticed(mutant: Mutant, findings: Findings) -> None:
    """A broken engine makes at least one test of the broken rule fail, by an assertion and not by accident."""
    assert not list(findings.faults_of_mutant(mutant))


def test_every_tied_test_can_fail(findings: Findings) -> None:
    """A test counts for a rule only if a mutant of that rule makes it fail."""
    assert not list(findings.faults_of_tests(MUTANTS))
