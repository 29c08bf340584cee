"""Small widgets that panels are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from incrsim.notebook import panel_html
from incrsim.notebook.panel_tables import Pager, Position, Table


def html(text: str = "", **layout: str) -> Any:
    """A piece of markup."""
    return ipywidgets.HTML(text, layout=ipywidgets.Layout(margin="0", **layout))


def button(text: str, press: Callable[[], object], tooltip: str = "", **layout: str) -> Any:
    """Something to press.

    Args:
        text: on it.
        press: is called.
        tooltip: what it does.
        layout: of the widget.
    """
    made = ipywidgets.Button(
        description=text, tooltip=tooltip, layout=ipywidgets.Layout(**{"width": "auto", "flex": "0 0 auto", **layout})
    )
    made.on_click(lambda _: press())
    return made


def field(name: str, hint: str, width: str, name_width: str = "32px") -> Any:
    """A line to write into; it says what was written when that is finished.

    Args:
        name: before it.
        hint: in it, as long as it is empty.
        width: of both.
        name_width: of the name.
    """
    return ipywidgets.Text(
        description=name,
        placeholder=hint,
        continuous_update=False,
        layout=ipywidgets.Layout(width=width),
        style={"description_width": name_width},
    )


def enable(made: Any, why_not: str | None, tooltip: str) -> None:
    """Let a button be pressed, or say why not.

    Args:
        made: the button.
        why_not: the reason; `None` when it can be pressed.
        tooltip: what it does.
    """
    made.disabled = why_not is not None
    made.tooltip = tooltip if why_not is None else f"Not now: {why_not}"


def row(*parts: Any, **layout: str) -> Any:
    """Widgets side by side, on more than one line where there is no room."""
    given = {"flex_flow": "row wrap", "align_items": "center", "width": "100%", **layout}
    return ipywidgets.HBox(parts, layout=ipywidgets.Layout(**given))


def column(*parts: Any, **layout: str) -> Any:
    """Widgets below each other."""
    return ipywidgets.VBox(parts, layout=ipywidgets.Layout(**{"width": "100%", **layout}))


def show(made: Any, *, visible: bool) -> None:
    """Show a widget, or hide it and leave no gap."""
    made.layout.display = None if visible else "none"


class Pages:
    """Turns the pages of something long.

    Args:
        first: what the first page begins behind.
        turned: is called after a page was turned.
    """

    def __init__(self, first: Position, turned: Callable[[], object]) -> None:
        self._pager = Pager(first)
        self._turned = turned
        self._next: Position | None = None
        self.back = button("◂ Back", self._back)
        self.forward = button("Next ▸", self._forward)
        self.place = html(padding="0 0 0 6px")
        self.box = row(self.back, self.forward, self.place)
        show(self.box, visible=False)

    @property
    def after(self) -> Any:
        """What the page begins behind."""
        return self._pager.after

    def restart(self) -> None:
        """To the first page."""
        self._pager.restart()

    def begin(self, behind: Position) -> None:
        """To another first page.

        Args:
            behind: what it begins behind.
        """
        self._pager = Pager(behind)

    def reached(self, following: Position | None, told: str = "") -> None:
        """The page is shown.

        Args:
            following: what the next one begins behind; `None` when it is the last.
            told: about the place, besides its number.
        """
        self._next = following
        number = self._pager.number
        self.back.disabled, self.forward.disabled = number == 1, following is None
        self.place.value = panel_html.dim(" · ".join(filter(None, (f"page {number}", told))))
        show(self.box, visible=number > 1 or following is not None)

    def _back(self) -> None:
        self._pager.back()
        self._turned()

    def _forward(self) -> None:
        if self._next is not None:
            self._pager.forward(self._next)
            self._turned()


class PagedTable:
    """A table, and what turns its pages.

    Args:
        first: what the first page begins behind.
        turned: is called after a page was turned.
    """

    def __init__(self, first: Position, turned: Callable[[], object]) -> None:
        self.pages = Pages(first, turned)
        self.html = html(width="100%")
        self.box = column(self.html, self.pages.box)

    def show(self, table: Table, told: str = "") -> None:
        """Show a page."""
        self.html.value = panel_html.table(table)
        self.pages.reached(table.next, told)


def close(made: Any) -> None:
    """Close a widget and all that is in it: in the kernel and in the page nothing of it is left."""
    for child in getattr(made, "children", ()):
        close(child)
    for part in (getattr(made, "layout", None), getattr(made, "style", None), made):
        if part is not None:
            part.close()
