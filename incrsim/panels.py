"""What notebooks show is asked for by name: widgets stand above all that they show, and need an extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from incrsim.errors import MissingExtra


class Panel(Protocol):
    """Widgets that show something that goes on, and steer it; the last line of a cell displays them."""

    def refresh(self) -> None:
        """Show how things are now; the panel itself does so several times a second while somebody looks at it."""

    def close(self) -> None:
        """Show nothing any more, and leave nothing behind. Repeatable."""


def panel(module: str, *about: Any) -> Panel:
    """The panel that a module of `incrsim.notebook` makes.

    Args:
        module: has a function `panel`.
        about: what is shown; given to that function.

    Raises:
        MissingExtra: when ipywidgets is not installed.
    """
    try:
        import_module("ipywidgets")
    except ImportError as error:
        raise MissingExtra("panels need ipywidgets: pip install 'incrsim[notebook]'") from error
    made: Panel = import_module(f"incrsim.notebook.{module}").panel(*about)
    return made
