"""The panel of a store's providers: rows, buttons and tabs, below a head that says who drives the engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from incrsim.notebook.panel_desk import Desk
from incrsim.notebook.panel_frame import Frame, Framed
from incrsim.notebook.panel_list import ProviderList
from incrsim.notebook.panel_parts import column, show
from incrsim.notebook.panel_steering import Steering
from incrsim.notebook.panel_tabs import Tabs
from incrsim.notebook.panel_values import Reader, Row

SOON = timedelta(minutes=2)
"""What happens in less is counted down by the second."""


class Head(Protocol):
    """What stands above the providers.

    Attributes:
        box: its widget.
        changed: is called after it did something.
    """

    box: Any
    changed: Callable[[], object]

    @property
    def busy(self) -> bool:
        """Whether something goes on in it."""

    def refresh(self) -> None:
        """Show how things are now."""

    def close(self) -> None:
        """Leave nothing behind."""

    def supersede(self) -> None:
        """Nothing goes on that this panel is about."""


class ProvidersPanel(Framed):
    """Watches a store's providers, and steers them.

    Args:
        desk: what it works on.
        head: what stands above.
    """

    def __init__(self, desk: Desk, head: Head) -> None:
        self.head = head
        head.changed = self.refresh
        self.list = ProviderList(Reader(desk.operators), self.refresh)
        self.steering = Steering(desk, self.refresh)
        self.tabs = Tabs(desk)
        self._chosen: str | None = None
        self._below = column(self.steering.box, self.tabs.said, self.tabs.box)
        self._below.add_class("incrsim-below")
        super().__init__(Frame(column(head.box, self.list.box, self._below), self._look, self._leave))

    def supersede(self) -> None:
        """Its cell is run again, and makes another one."""
        self.head.supersede()
        self.close()

    def _look(self) -> bool:
        self.head.refresh()
        chosen = self.list.refresh()
        show(self._below, visible=chosen is not None)
        if chosen is not None:
            self._show(chosen)
        return any(map(_moves, self.list.rows)) or self.head.busy or self.steering.plan.busy or self.tabs.busy

    def _show(self, chosen: Row) -> None:
        if chosen.status.provider != self._chosen:
            self._chosen = chosen.status.provider
            self.steering.choose()
            self.tabs.choose()
        self.steering.show(chosen)
        self.tabs.show(chosen)

    def _leave(self) -> None:
        self.list.close()
        self.tabs.close()
        self.steering.close()
        self.head.close()


def _moves(row: Row) -> bool:
    """Whether something can be seen to change every second."""
    status = row.status
    if status.working is not None:
        return True
    return status.next_action_at is not None and timedelta() <= status.next_action_at - status.now < SOON
