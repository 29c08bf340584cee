"""An oracle is silent as long as every rule holds, whatever happens to the engine."""

from __future__ import annotations

import pytest

from incrsim.simulation import faults
from incrsim.simulation.dice import Fault
from incrsim.simulation.moment import Moment
from incrsim.simulation.scenario import Change, OperatorCall, Rival, Scenario, SourceSpec, Webhook
from incrsim.simulation.simulating import run_scenario
from tests.simulation.stories import STORIES


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture) -> None:
    """The engine tells of each failure, and there are many."""
    caplog.set_level("CRITICAL", "incrsim")


@pytest.mark.parametrize("story", STORIES)
def test_silent_over_a_story(story: str) -> None:
    """No rule is broken by the true engine, whatever the story."""
    STORIES[story]()


# --- everything at once -----------------------------------------------------------------------------------------------


def scenario(seed: int, **changed: object) -> Scenario:
    """A small one in which everything happens."""
    verbs = ("add", "remove", "change", "bring_back")
    calls = ("approve", "start", "trigger", "cancel", "delete marks", "full", "delete", "pause", "resume", "retire")
    given: dict[str, object] = {
        "seed": seed,
        "days": 6,
        "replicas": 1 + seed % 3,
        "source": SourceSpec(entities=20, page_size=6),
        "options": {
            "burst_length": "2s",
            "removal_grace_cycles": seed % 2,
            "reject_removals_above_percentage": (None, 10, 50)[seed % 3],
        },
        "changes": tuple(
            Change(at=Moment(1 + index, 3 * index), verb=verbs[(seed + index) % 4], count=1 + index)
            for index in range(6)
        ),
        "operators": tuple(
            OperatorCall(at=Moment(1 + index, 2 * index), operator=calls[(seed + 3 * index) % 10]) for index in range(4)
        ),
        "webhooks": tuple(Webhook(at=Moment(index, 5 * index), added=1, changed=1, removed=1) for index in (1, 2, 4)),
        "rival": Rival(entities=5) if seed % 2 else None,
    }
    return Scenario(**{**given, **changed})  # type: ignore[arg-type]  # keywords from a table


@pytest.mark.parametrize("seed", range(3))
def test_silent_in_good_weather(seed: int) -> None:
    """Operators, events and changes at any moment break no rule."""
    run = run_scenario(scenario(seed))
    assert run.ok, str(run)
    assert run.cycles > 1


@pytest.mark.parametrize("seed", range(4))
def test_silent_in_rough_weather(seed: int) -> None:
    """Nor does anything that does not lie."""
    kinds = tuple(Fault(kind.name, rate=kind.rate) for kind in faults.KINDS.values() if not kind.lies)
    run = run_scenario(scenario(seed, faults=kinds))
    assert run.ok, str(run)
    assert run.effects
