"""`run.panel()`: a simulation, step by step or in motion."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets

from incrsim.catalog import Catalog
from incrsim.errors import CallerError
from incrsim.notebook import panel_cells, panel_html
from incrsim.notebook.panel_desk import Desk
from incrsim.notebook.panel_parts import button, column, enable, html, row
from incrsim.notebook.panel_providers import ProvidersPanel
from incrsim.notebook.simulation_play import Player, RunPlay, SimulationPlay
from incrsim.operators import Operators
from incrsim.planning_values import Plan
from incrsim.simulation.simulator import Simulation
from incrsim.simulation.staging import Staging
from incrsim.stopping import Stop

_STEP = "let the replica whose turn it is go on to its next event"
_PLAY = "let steps follow each other, at the speed of the slider"

_NO_PLAN = "a simulation is watched, and a plan would ask its source between two steps"


class SimulationHead:
    """Steps a simulation, by hand or from the kernel's timer.

    Args:
        player: takes the steps.
    """

    def __init__(self, player: Player) -> None:
        self.changed: Callable[[], object] = self.refresh
        self._player = player
        self._state, self._end = html(width="100%"), html(width="100%")
        self.step = button("Step", self._step, _STEP)
        self.play = button("Play", self._play, _PLAY)
        self.speed = ipywidgets.FloatLogSlider(
            value=player.speed,
            min=0,
            max=4,
            step=0.25,
            description="steps/s",
            readout_format=",.0f",
            layout=ipywidgets.Layout(width="320px"),
        )
        self.speed.observe(self._speed_changed, "value")
        self.box = column(self._state, row(self.step, self.play, self.speed), self._end)

    @property
    def busy(self) -> bool:
        """Whether it plays."""
        return self._player.playing

    def refresh(self) -> None:
        """Take the steps that are owed, and show where it is."""
        player = self._player
        player.catch_up()
        self._state.value = panel_html.state(f"simulation of {player.play.name}", player.told)
        end = player.play.end
        self._end.value = panel_html.note(end or "", bad=bool(end and end.startswith("✗")))
        over = None if end is None else "the run is over"
        enable(self.step, "it plays" if player.playing else over, _STEP)
        enable(self.play, over, _PLAY)
        self.play.description = "Pause" if player.playing else "Play"

    def close(self) -> None:
        """Leave nothing behind."""
        self._player.pause()
        self._player.play.close()

    def supersede(self) -> None:
        """Nothing goes on without this panel."""

    def _step(self) -> None:
        self._player.step()
        self.changed()

    def _play(self) -> None:
        if self._player.playing:
            self._player.pause()
        else:
            self._player.start()
        self.changed()

    def _speed_changed(self, change: dict[str, float]) -> None:
        self._player.speed = change["new"]


def panel(about: Simulation | Staging) -> ProvidersPanel:
    """The panel of a simulation, or of a run that is played again: one, wherever it is displayed.

    Args:
        about: which.
    """
    return panel_cells.one(about, ProvidersPanel, lambda: _made(about))


def _made(about: Simulation | Staging) -> ProvidersPanel:
    play = SimulationPlay(about) if isinstance(about, Simulation) else RunPlay(about)
    player = Player(play)
    desk = Desk(
        operators=Operators(play.store, lambda: {play.name: play.options}),
        catalog=Catalog(play.store),
        served=lambda: (play.name,),
        plan=_no_plan,
        no_plan=lambda _: _NO_PLAN,
        stream=player,
        by="simulated",
    )
    return ProvidersPanel(desk, SimulationHead(player))


def _no_plan(name: str, _: Stop) -> Plan:
    raise CallerError(f"{name}: {_NO_PLAN}")
