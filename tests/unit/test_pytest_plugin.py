"""The pytest plugin, in test runs of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_architecture import HEAVY

TESTS = """
import pytest

from incrsim.simulation import FakeSource
from incrsim.simulation.violation import Finding, Violation
from incrsim.testing import assert_sweep_safe
from incrsim.testing.safety_wishes import WISHES


def test_wishes():
    print("wished", tuple(WISHES.get()))


@pytest.mark.incrsim(examples=3)
def test_marker():
    print("marked", tuple(WISHES.get()))


@pytest.mark.incrsim(sed=3)
def test_typing_error():
    pass


def test_violation():
    raise Violation(Finding("C-20", "mine", 7, "all of it", "half of it", ("first this", "then that")))


def test_cycle(simulation, memory_store, virtual_clock):
    source = FakeSource(6, 3)
    run = simulation(source, replicas=2, rest_length="1h")
    run.run_cycle()
    assert run.store is memory_store and run.clock is virtual_clock
    assert memory_store.count(source.name) == 6
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a test run prints."""
    directory = tmp_path_factory.mktemp("tests")
    (directory / "test_mine.py").write_text(TESTS, "utf-8")
    return run(directory, "-rA", "--strict-markers", "--incrsim-seed=9")


def run(directory: Path, *arguments: str) -> str:
    """Run pytest there; returns what it prints."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False).stdout


@pytest.mark.slow
def test_seed_and_examples_are_wished_for(told: str) -> None:
    """By the command line for all tests, and by a marker for one; a marker that means nothing is an error."""
    assert "wished (9, 50)" in told
    assert "marked (9, 3)" in told
    assert "the marker incrsim takes seed=… and examples=…, not sed" in told


@pytest.mark.slow
def test_a_violation_is_told_in_a_section(told: str) -> None:
    """What was expected and found, what happened before, and how it is met again."""
    section = told.partition("C-20 does not hold -")[2]
    for line in ("expected:  all of it", "found:     half of it", "since:     step 7", "  then that"):
        assert line in section
    assert "pytest 'test_mine.py::test_violation' --incrsim-seed=9" in section


@pytest.mark.slow
def test_fixtures_make_a_simulation(told: str) -> None:
    """A clock, a store and a simulation that fit together."""
    assert "PASSED test_mine.py::test_cycle" in told


@pytest.mark.slow
def test_the_plugin_is_light() -> None:
    """Whoever has incrsim installed and does not use it pays nothing in each test run."""
    program = "import sys, pytest; before = set(sys.modules); import pytest_incrsim; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    assert done.stdout.decode().split() == ["pytest_incrsim"]


@pytest.mark.slow
def test_importing_the_author_kit_is_light() -> None:
    """`import incrsim.testing` needs neither Hypothesis nor pytest, nor anything else that is heavy."""
    program = "import sys, incrsim.testing; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    assert not set(done.stdout.decode().split()) & set(HEAVY)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SweepSafety", "strategies"])
def test_without_hypothesis(name: str) -> None:
    """What is missing is named, with the line that installs it."""
    program = f"import sys; sys.modules['hypothesis'] = None\nfrom incrsim.testing import {name}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f"incrsim.testing.{name} needs hypothesis: pip install 'incrsim[testing]'" in done.stderr
