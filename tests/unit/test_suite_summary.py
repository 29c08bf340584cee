"""The list at the end of a run, on a small tree of tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.plugins.summary import LISTED

ROOT = Path(__file__).parents[2]
PASSES = "def test_passes(): pass"

pytestmark = pytest.mark.slow


def run(directory: Path, *arguments: str, ci: str = "") -> tuple[int, str]:
    """Run pytest over the tree, and return its exit status and what it printed."""
    (directory / "pytest.ini").write_text("[pytest]\ntestpaths = tests\naddopts = --import-mode=importlib\n")
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist.plugin", "-p", "tests.plugins.summary", *arguments],
        cwd=directory,
        env={**variables, "CI": ci, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def add(directory: Path, suite: str, source: str) -> None:
    """Give a suite one file of tests."""
    target = directory / "tests" / suite / "test_small.py"
    target.parent.mkdir(parents=True)
    target.write_text(f"import pytest\n{dedent(source)}\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree in which each listed suite has one test that passes, but for the last."""
    for suite in LISTED[:-1]:
        add(tmp_path, suite, PASSES)
    return tmp_path


def test_everything_ran(tree: Path) -> None:
    """A run in which every listed suite passes is fine, also where nothing may be skipped."""
    add(tree, LISTED[-1], PASSES)
    status, printed = run(tree, "-n", "2", ci="true")
    assert status == 0, printed
    assert all(f"{suite:<12}      1       1       0        0" in printed for suite in LISTED)


def test_a_skip_fails_only_where_it_may_not_be(tree: Path) -> None:
    """However a test is skipped, the list says why, and with `CI=true` the run fails, with workers or without."""
    add(tree, LISTED[-1], "pytest.skip('no Moon', allow_module_level=True)")
    add(tree, "marked", "@pytest.mark.skip('no Mars')\ndef test_skipped(): pass")
    add(tree, "called", "def test_skipped(): pytest.skip('no Venus')")
    status, printed = run(tree)
    assert status == 0, printed
    for number in ("0", "2"):
        status, printed = run(tree, "-n", number, ci="true")
        assert status == 1
        for suite, reason in ((LISTED[-1], "no Moon"), ("marked", "no Mars"), ("called", "no Venus")):
            assert f"skipped because {reason} (1)" in printed
            assert f"lets nothing be skipped: {suite}: 1 skipped" in printed


def test_a_lost_suite_fails(tree: Path) -> None:
    """A listed suite without tests fails a whole run, and not a run of another suite alone."""
    status, printed = run(tree, ci="true")
    assert status == 1
    assert f"lets nothing be skipped: {LISTED[-1]}: no test ran" in printed
    assert run(tree, f"tests/{LISTED[0]}", ci="true")[0] == 0


def test_who_runs_it_is_excused(tree: Path) -> None:
    """A test that only root can run may be skipped by others, as long as something of its suite runs."""
    add(tree, LISTED[-1], f"@pytest.mark.skip('only root can')\ndef test_root(): pass\n{PASSES}")
    status, printed = run(tree, ci="true")
    assert status == 0, printed
    assert "ran, in part: skipped because only root can (1)" in printed


def test_what_fails_is_counted_once(tree: Path) -> None:
    """A test whose tear-down fails as well counts as one failed test."""
    source = "@pytest.fixture\ndef bad():\n    yield\n    assert False\ndef test_fails(bad): assert False"
    add(tree, LISTED[-1], source)
    status, printed = run(tree)
    assert status == 1
    assert f"{LISTED[-1]:<12}      1       0       1        0" in printed
