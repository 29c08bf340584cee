"""Faults of all kinds together: they cost no entity where the source does not lie, and replay."""

from __future__ import annotations

import pytest

from incrsim.ingestion import Status
from incrsim.simulation import faults
from incrsim.simulation.crash import Moment
from incrsim.simulation.dice import Fault
from incrsim.simulation.faults import KINDS, Need, of_step
from incrsim.simulation.faults_presets import draw
from tests.simulation.faulty_world import FaultyWorld

pytestmark = pytest.mark.usefixtures("quiet_logs")


@pytest.mark.parametrize("seed", range(6))
def test_rough_weather_costs_no_entity(seed: int) -> None:
    """After many faults of all kinds that do not lie, the catalog equals the source."""
    world = FaultyWorld(draw("rough", seed), seed).cycles(8)
    assert len({kind for kind, _ in world.dice.effects}) > 5
    world.come_to_rest()


@pytest.mark.parametrize("seed", range(4))
def test_hostile_weather_is_mended(seed: int) -> None:
    """Lies included, a catalog is what its source is once they are over."""
    FaultyWorld(draw("hostile", seed), seed).cycles(8).come_to_rest()


def test_effects_replay_the_run() -> None:
    """A run with the occurrences that took effect in another one is that run, step for step."""
    once = FaultyWorld(draw("rough", 3), 3).cycles(5)
    effects: dict[str, list[int]] = {}
    for kind, number in once.dice.effects:
        effects.setdefault(kind, []).append(number)
    planned = [Fault(kind, occurrences=tuple(numbers)) for kind, numbers in effects.items()]
    again = FaultyWorld(planned, 3).cycles(5)
    assert again.dice.effects == once.dice.effects
    assert again.run.trace.digest == once.run.trace.digest
    assert again.heard.pages == once.heard.pages


def test_presets() -> None:
    """Each preset is worse than the one before; only hostile weather lies, differs from seed to seed, and not always
    lies.
    """
    none, gentle, rough = (draw(preset, 1) for preset in ("none", "gentle", "rough"))
    assert not none
    assert {fault.kind for fault in gentle} < {fault.kind for fault in rough}
    assert {fault.kind for fault in rough} == {kind.name for kind in KINDS.values() if not kind.lies}
    hostile = [draw("hostile", seed) for seed in range(40)]
    assert len(set(hostile)) == 40
    assert {faults.lying(each) for each in hostile} == {True, False}
    assert not faults.lying(rough)
    assert {fault.kind for each in hostile for fault in each} == set(KINDS)
    with pytest.raises(ValueError, match="there are none, gentle, rough, hostile"):
        draw("sunny", 1)


def test_a_kind_says_what_it_needs() -> None:
    """A kind that cannot happen in a simulation says why."""
    assert KINDS[faults.REPLICA_PAUSED].impossible({Need.SOURCE, Need.EVENTS}) == "needs a second replica"
    assert KINDS[faults.HANG].impossible(set()) is None
    assert KINDS[faults.RATE_LIMIT].impossible(set(Need) - {Need.SOURCE}) == f"needs {Need.SOURCE}"


def test_a_kind_says_where_it_is_impossible() -> None:
    """A kind that can take no effect in a status says why; a replica that is late may die anywhere."""
    inside, before = (KINDS[of_step(moment, "commit_sweep")] for moment in (Moment.DIES_INSIDE, Moment.DIES_BEFORE))
    assert inside.impossible_in(Status.SWEEPING) is None
    assert "unless the ingestion is sweeping" in str(inside.impossible_in(Status.RESTING))
    assert [status for status in Status if before.impossible_in(status)] == [Status.COMPLETE]
