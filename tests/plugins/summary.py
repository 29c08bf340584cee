"""Ends a run with a list of the suites (the folders of tests/): what ran, and what did not run and why.

With `CI=true` nothing may be left out: a skipped test, or a listed suite without tests, fails the session.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LISTED = (
    "unit",
    "contract",
    "agreement",
    "providers",
    "mutants",
    "simulation",
    "postgres",
    "api",
    "cli",
    "notebook",
    "browser",
    "soak",
)
"""The suites that a whole run must contain."""

EXCUSED = ("only root ", "only an ordinary user ")
"""How the reason of a skip begins that says who must run the test: no run can be both, and CI has one of each."""

_BY_WEIGHT = ("passed", "skipped", "failed")
_HEAD = f"{'suite':<12}{'tests':>7}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}   "


@dataclass(slots=True)
class Suite:
    """What happened in one folder of tests.

    Args:
        outcomes: test → `passed`, `skipped` or `failed`.
        reasons: skipped test → why.
        seconds: the time that its tests took, set-up and tear-down included.
    """

    outcomes: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def record(self, test: str, outcome: str) -> None:
        """Keep the worst that was reported of a test: its set-up, call and tear-down report one by one."""
        known = self.outcomes.get(test, "passed")
        self.outcomes[test] = max(known, outcome, key=_BY_WEIGHT.index)

    def count(self, outcome: str) -> int:
        """How many tests ended like that."""
        return sum(1 for each in self.outcomes.values() if each == outcome)

    def unexcused(self) -> int:
        """How many tests were skipped although anybody could have run them."""
        return sum(1 for reason in self.reasons.values() if not reason.startswith(EXCUSED))

    def verdict(self) -> str:
        """Whether the suite ran, in words."""
        if not self.outcomes:
            return "skipped because no test was found or asked for"
        why = "; ".join(f"{reason} ({times})" for reason, times in sorted(Counter(self.reasons.values()).items()))
        if not why:
            return "ran"
        everything = self.count("skipped") == len(self.outcomes)
        return f"skipped because {why}" if everything else f"ran, in part: skipped because {why}"

    def line(self, name: str) -> str:
        """One row of the list."""
        counts = f"{self.count('passed'):>8}{self.count('failed'):>8}{self.count('skipped'):>9}"
        return f"{name:<12}{len(self.outcomes):>7}{counts}{self.seconds:>9.1f}   {self.verdict()}"


def suite_of(nodeid: str) -> str | None:
    """The folder below tests/ that a test stands in, if it stands in one."""
    parts = PurePosixPath(nodeid.partition("::")[0]).parts
    return parts[1] if parts[:1] == ("tests",) and len(parts) > 2 else None


def why_skipped(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The reason that was given to `skip` or `xfail`."""
    expected = getattr(report, "wasxfail", None)
    if expected is not None:
        return f"expected to fail: {expected or 'no reason given'}"
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")


class Summary:
    """Collects reports where they all arrive: in the only process, or in the one that leads xdist's workers.

    Args:
        whole: all of tests/ was asked for, so that a listed suite without tests is one that got lost.
        strict: nothing may be skipped.
    """

    def __init__(self, *, whole: bool, strict: bool) -> None:
        self._whole = whole
        self._strict = strict
        self._suites: defaultdict[str, Suite] = defaultdict(Suite)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one report of a test."""
        self._record(report, report.duration)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count a file that was skipped as a whole, or that could not be read."""
        if report.outcome != "passed":
            self._record(report, 0.0)

    def _record(self, report: pytest.TestReport | pytest.CollectReport, seconds: float) -> None:
        name = suite_of(report.nodeid)
        if name is None:
            return
        suite = self._suites[name]
        suite.seconds += seconds
        suite.record(report.nodeid, report.outcome)
        if report.outcome == "skipped":
            suite.reasons[report.nodeid] = why_skipped(report)

    def faults(self) -> Iterator[str]:
        """Why a run that may skip nothing fails, suite by suite."""
        if not self._strict:
            return
        for name, suite in self._in_order():
            if suite.unexcused():
                yield f"{name}: {suite.unexcused()} skipped"
            elif suite.count("skipped") == len(suite.outcomes):
                yield f"{name}: no test ran"

    def _in_order(self) -> Iterable[tuple[str, Suite]]:
        expected = LISTED if self._whole else ()
        names = [*expected, *sorted(set(self._suites) - set(expected))]
        return [(name, self._suites.get(name, Suite())) for name in names]

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run that would have passed, when it left something out."""
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) and any(self.faults()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the list."""
        if not self._suites and not self._whole:
            return
        terminalreporter.section("suites: ran, or skipped because")
        terminalreporter.line(_HEAD)
        for name, suite in self._in_order():
            terminalreporter.line(suite.line(name))
        for fault in self.faults():
            terminalreporter.line(f"FAILED, since CI=true lets nothing be skipped: {fault}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    """Take part, except in xdist's workers: their reports arrive at the leader."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    whole = config.args_source is not pytest.Config.ArgsSource.ARGS
    strict = os.environ.get("CI", "").lower() == "true"
    config.pluginmanager.register(Summary(whole=whole, strict=strict), "incrsim-summary")
