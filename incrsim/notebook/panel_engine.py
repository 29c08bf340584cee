"""The head of an app's panel: whether an engine runs in this kernel, and what ended it."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from incrsim.app import App
from incrsim.clock import VirtualClock
from incrsim.notebook import panel_html
from incrsim.notebook.panel_parts import button, column, enable, html, row

_START = "serve this app's providers on a thread of this kernel (app.start())"
_STOP = "let running bursts end at their next page, and give all leases back"


class EngineHead:
    """Starts and stops an app's own engine.

    Args:
        app: the app.
    """

    def __init__(self, app: App) -> None:
        self.changed: Callable[[], object] = self.refresh
        self._app = app
        self._mine = False
        self._state, self._failed = html(flex="1 1 auto"), html(width="100%")
        self.start = button("Start engine", self._start, _START)
        self.stop = button("Stop engine", self._stop, _STOP)
        self.box = column(row(self._state, self.start, self.stop), self._failed)

    @property
    def busy(self) -> bool:
        """Whether it is about to change."""
        return False

    def refresh(self) -> None:
        """Show how it is now."""
        background = self._app.background
        running = background is not None and background.alive
        runs = "▶ the engine runs in this kernel" if running else "■ no engine runs in this kernel"
        self._state.value = panel_html.state("incrsim", f"on {self._app.store.describe()}", runs)
        enable(self.start, self._why_not_start(running=running), _START)
        enable(self.stop, None if running else "none runs here", _STOP)
        failure = None if background is None else background.failure
        self._failed.value = "" if running or failure is None else panel_html.note(_story(failure), bad=True)

    def close(self) -> None:
        """What this panel started ends at its next page boundary."""
        if self._mine:
            self.supersede()

    def supersede(self) -> None:
        """The cell is run again with another app: nothing of this one goes on, whoever began it."""
        if self._app.background is not None:
            self._app.background.ask_to_stop()

    def _why_not_start(self, *, running: bool) -> str | None:
        if running:
            return "one runs already"
        if isinstance(self._app.clock, VirtualClock):
            return "this app's clock is virtual, and threads know nothing of virtual time"
        return None if self._app.providers() else "this app serves no provider: see app.add"

    def _start(self) -> None:
        self._app.start()
        self._mine = True
        self.changed()

    def _stop(self) -> None:
        if self._app.background is not None:
            self._app.background.ask_to_stop()
        self.changed()


def _story(failure: BaseException) -> str:
    """What ended the engine, and where."""
    last = traceback.extract_tb(failure.__traceback__)[-3:]
    where = "".join(traceback.format_list(last)).rstrip()
    return (
        f"✗ The engine in this kernel ended: {type(failure).__name__}: {failure}\n{where}\n"
        "Nothing is served from here until it is started again."
    )
