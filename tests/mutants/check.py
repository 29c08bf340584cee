"""Runs the check against mutants in a process of its own, where broken code can do no harm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.mutants.findings import Findings

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]

_ARGUMENTS = (
    *("-c", str(ROOT / "pyproject.toml")),
    *("-p", "tests.plugins.mutants"),
    *("-p", "no:xdist"),  # this process forks, which needs it alone
    *("-p", "no:cacheprovider"),  # `--lf` is about healthy runs
    *("-p", "no:tests.plugins.summary"),
    *("--tb=no", "-q"),
)


def run_pytest(arguments: list[str], environment: Mapping[str, str]) -> str:
    """Run pytest with the mutants' options in another process, and return what it said.

    Args:
        arguments: what pytest takes on the command line.
        environment: variables to set beside the present ones.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *_ARGUMENTS, *arguments],
        cwd=ROOT,
        env=variables | dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def check(tests: list[str], mutants: str, target: Path, environment: Mapping[str, str]) -> Findings:
    """Run tied tests against mutants.

    Args:
        tests: what pytest shall collect, as it takes it on the command line.
        mutants: dotted name of the module or package that defines them.
        target: a file for the findings, in a directory that exists.
        environment: variables to set beside the present ones.

    Raises:
        AssertionError: when the check itself could not be done, with what pytest said.
    """
    said = run_pytest([f"--mutant-findings={target}", f"--mutants-from={mutants}", *tests], environment)
    assert target.exists(), f"the check against mutants could not be done:\n{said}"
    return Findings.load(target)
