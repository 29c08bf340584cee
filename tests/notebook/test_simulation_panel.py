"""`run.panel()`: simulations that are stepped, or play at a speed."""

from __future__ import annotations

from typing import Any

import pytest

from incrsim.clock import VirtualClock
from incrsim.errors import CallerError
from incrsim.notebook.simulation_play import Player, SimulationPlay
from incrsim.simulation import FakeSource, Simulation
from incrsim.simulation.simulating import simulate
from incrsim.store.memory import MemoryStore


def simulation() -> Simulation:
    """Two replicas and a small source."""
    clock = VirtualClock()
    return Simulation(FakeSource(60, 10), store=MemoryStore(clock), clock=clock, replicas=2)


def test_steps_by_hand() -> None:
    """A press of *Step* is one step, told in words; rows and tabs show what it did."""
    run = simulation()
    panel: Any = run.panel()
    assert {run.panel()} == {panel}
    panel.refresh()
    assert "not a step yet" in panel.head._state.value
    for _ in range(5):
        panel.head.step.click()
    assert "5 steps" in panel.head._state.value
    assert "page 1 committed: 10 added" in panel.head._state.value
    assert "reading page 2" in panel.steering._title.value
    assert "unserved" not in panel.steering._title.value
    panel.tabs.box.selected_index = 3
    assert "page 1 committed" in panel.tabs.all[3].table.html.value
    panel.close()
    run.turn()  # goes on without a panel


def test_speed_is_in_real_time() -> None:
    """A playing simulation takes as many steps as its speed asks for, and none once it is paused."""
    clock = VirtualClock()
    player = Player(SimulationPlay(simulation()), clock)
    player.speed = 4
    clock.wait(10)
    player.catch_up()
    assert player.steps == 0
    player.start()
    for seconds, steps in ((0.2, 0), (0.3, 2), (1, 6)):
        clock.wait(seconds)
        player.catch_up()
        assert player.steps == steps
    player.pause()
    clock.wait(10)
    player.catch_up()
    assert player.steps == 6


def test_a_run_is_played_again_to_its_end() -> None:
    """A run that is over is played again from its beginning; at its end it says what came of it."""
    run = simulate(FakeSource(60, 20), faults="rough", days=1)
    panel: Any = run.panel()
    panel.refresh()
    assert "No providers yet" in panel.list._empty.value
    panel.head.speed.value = 10_000
    panel.head.play.click()
    assert panel.head.play.description == "Pause"
    while panel.head.busy:
        panel.refresh()
    assert "the run is over, and every rule held" in panel.head._end.value
    assert panel.head.play.tooltip == panel.head.step.tooltip == "Not now: the run is over"
    assert "resting" in panel.steering._title.value


def test_a_run_over_a_given_provider_cannot_be_repeated() -> None:
    """What read the source by itself would have to be asked again: an error says so."""
    source = FakeSource(20)
    run = simulate(source, provider=source, days=0)
    with pytest.raises(CallerError, match="read a provider that was given"):
        run.panel()
