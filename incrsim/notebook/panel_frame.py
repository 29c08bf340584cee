"""What all panels have in common: they are refreshed while somebody looks at them, and leave nothing behind."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from incrsim.clock import SystemClock
from incrsim.errors import IncrsimError
from incrsim.notebook import panel_html
from incrsim.notebook.panel_parts import close, column, html
from incrsim.notebook.panel_timer import Timer

BUSY = 0.2
"""Seconds between two looks while something goes on."""

IDLE = 1.0
"""Seconds between two looks while nothing does."""

MOST_OF_THE_KERNEL = 0.1
"""How much of the kernel's time a panel takes at most, however slow its store is."""


class Frame:
    """A panel's outermost widget, its timer, and what is said when a look fails.

    Args:
        body: what is in it.
        look: shows how things are now; says whether something goes on.
        leave: is called when it is closed.
    """

    def __init__(self, body: Any, look: Callable[[], bool], leave: Callable[[], object] = lambda: None) -> None:
        self._look = look
        self._leave = leave
        self._failed = html(width="100%")
        self.widget = column(html(panel_html.STYLE), self._failed, body)
        self.widget.add_class("incrsim")
        # Views are counted from here on, where the page can: nobody looks, nothing is read.
        self.widget._view_count = 0  # noqa: SLF001  # there is no public name for it
        self.widget.observe(self._views_changed, "_view_count")
        self.timer = Timer(self._tick)
        self.closed = False

    def refresh(self) -> bool:
        """Look now; says whether something goes on. What fails is shown: nobody else would hear of it."""
        try:
            busy = self._look()
        except Exception as error:  # noqa: BLE001 -- whatever it was, the panel shows it
            self._failed.value = panel_html.note(_told(error), bad=True)
            return False
        self._failed.value = ""
        return busy

    def displayed(self, **kwargs: Any) -> dict[str, Any]:
        """What a cell shows: the widget, and what can be read where there are none."""
        if not self.closed:
            self.refresh()
            self.timer.start()
        bundle: dict[str, Any] = self.widget._repr_mimebundle_(**kwargs)  # IPython's protocol
        return bundle

    def close(self) -> None:
        """Show nothing any more, and leave nothing behind. Repeatable."""
        if not self.closed:
            self.closed = True
            self.timer.stop()
            self._leave()
            close(self.widget)

    def _views_changed(self, change: Any) -> None:
        if change["new"]:
            self.timer.start()
        else:
            self.timer.stop()

    def _tick(self) -> float:
        clock = SystemClock()
        began = clock.monotonic()
        busy = self.refresh()
        took = clock.monotonic() - began
        return max(BUSY if busy else IDLE, took / MOST_OF_THE_KERNEL)


class Framed:
    """A panel as those see it who made it.

    Args:
        frame: all of it.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    @property
    def widget(self) -> Any:
        """All of it, as one widget to lay out beside others."""
        return self.frame.widget

    @property
    def closed(self) -> bool:
        """Whether it shows nothing any more."""
        return self.frame.closed

    def refresh(self) -> None:
        """Show how things are now."""
        self.frame.refresh()

    def close(self) -> None:
        """Show nothing any more, and leave nothing behind. Repeatable."""
        self.frame.close()

    def supersede(self) -> None:
        """Its cell is run again, and makes another one."""
        self.close()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return self.frame.displayed(**kwargs)


def _told(error: Exception) -> str:
    """Ours say what to do; for others, where it happened helps those who mend it."""
    what = f"✗ {type(error).__name__}: {error}\nWhat is shown is what was known before."
    if isinstance(error, IncrsimError):
        return what
    return f"{what}\n{''.join(traceback.format_tb(error.__traceback__)[-2:]).rstrip()}"
