"""Scenarios in which a rule once did not hold: what was found on the way, made small, and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from incrsim.simulation import Scenario, simulate

KEPT = sorted((Path(__file__).parent / "scenarios").glob("*.toml"))


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_it_does_not_happen_again(file: Path) -> None:
    """Every rule holds in it."""
    run = simulate(Scenario.read(file))
    assert run.ok, run
