"""`source.panel()`: a playground."""

from __future__ import annotations

from collections import deque
from typing import Any

from incrsim.notebook import panel_cells, panel_html
from incrsim.notebook.panel_frame import Frame, Framed
from incrsim.notebook.panel_parts import button, column, html, row
from incrsim.notebook.playground import DEEDS, Deed, weather_of
from incrsim.simulation.source import FakeSource

TOLD = 6
"""How many of the last changes are told."""


class Playground(Framed):
    """Buttons that change a source, and what it is like now.

    Args:
        source: the source; an engine may read it meanwhile.
    """

    def __init__(self, source: FakeSource) -> None:
        self._source = source
        self._told: deque[str] = deque(maxlen=TOLD)
        self._state, self._past = html(width="100%"), html(width="100%")
        self.buttons = {each.name: button(each.name, self._doing(each), each.meaning) for each in DEEDS}
        super().__init__(Frame(column(self._state, row(*self.buttons.values()), self._past), self._look))

    def _doing(self, deed: Deed) -> Any:
        def do() -> None:
            self._told.appendleft(f"{deed.name}: {deed.do(self._source)}")
            self.refresh()

        return do

    def _look(self) -> bool:
        self._state.value = panel_html.state(
            f"source {self._source.name}", f"holds {len(self._source):,} entities", weather_of(self._source)
        )
        self._past.value = panel_html.dim(" · ".join(self._told))
        return False


def panel(source: FakeSource) -> Playground:
    """The playground of a source: one, wherever it is displayed."""
    return panel_cells.one(source, Playground, lambda: Playground(source))
