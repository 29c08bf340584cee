"""docs/contract.md says of each rule whether it is kept, and where."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from tests.docs.running import ROOT
from tests.mutants.registry import RULES

LAST = 41

_STATUS = re.compile(r"^\*(Kept since 0\.1|Kept in part since 0\.1|Planned)[.:;].*\*(?: |$)", re.MULTILINE)
_RULE_MARK = re.compile(r"mark\.rule\(([^)]*)\)")


class Rule(NamedTuple):
    name: str
    text: str

    @property
    def statuses(self) -> list[str]:
        return _STATUS.findall(self.text)

    def files(self, folder: str) -> list[str]:
        return re.findall(rf"`({folder}/[\w./]+)`", self.text)


def _rules() -> list[Rule]:
    parts = re.split(r"^### (C-\d+)$", (ROOT / "docs" / "contract.md").read_text("utf-8"), flags=re.MULTILINE)
    return [Rule(name, text.partition("\n## ")[0]) for name, text in zip(parts[1::2], parts[2::2], strict=True)]


def test_every_rule_stands_there_once() -> None:
    """The numbers run from C-1 to the last one, in order."""
    assert [rule.name for rule in _rules()] == [f"C-{number}" for number in range(1, LAST + 1)]


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule.name)
def test_a_rule_says_whether_it_is_kept(rule: Rule) -> None:
    """One status each; what is kept names its code, what is planned names none."""
    assert len(rule.statuses) == 1, f"docs/contract.md: {rule.name} has the statuses {rule.statuses}"
    assert bool(rule.files("incrsim")) == (rule.statuses != ["Planned"])


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule.name)
def test_the_tests_that_a_rule_names_are_tied_to_it(rule: Rule) -> None:
    """A file named under a rule has a test with its marker, and a rule that must be tested by now names one."""
    files = rule.files("tests")
    assert files or rule.name not in RULES
    for file in files:
        tied = {each for given in _RULE_MARK.findall((ROOT / file).read_text("utf-8")) for each in _names(given)}
        assert rule.name in tied, f"docs/contract.md: {rule.name} names {file}, which has no test tied to it"


def _names(given: str) -> list[str]:
    return re.findall(r"C-\d+", given)
