"""The providers in a panel, a page of them: a row each, and one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from incrsim.notebook import panel_html
from incrsim.notebook.panel_parts import Pages, button, close, column, field, html, row, show
from incrsim.notebook.panel_values import Reader, Row

_LAST = "\U0010ffff"


def right_before(name: str) -> str:
    """A text that comes, by code point, behind all names that come before this one: what a list that begins with it
    begins behind.
    """
    if not name:
        return ""
    before = chr(ord(name[-1]) - 1)
    # Between these two lie halves of characters, which no text has.
    return name[:-1] + ("\ud7ff" if before == "\udfff" else before) + _LAST


class ProviderList:
    """Shows a page of the providers.

    Args:
        reader: reads them.
        chosen: is called when another one is chosen, or another page.
    """

    def __init__(self, reader: Reader, chosen: Callable[[], object]) -> None:
        self._reader = reader
        self._chosen = chosen
        self._slots: list[tuple[Any, Any, Any]] = []
        self._rows: Sequence[Row] = ()
        self.choice: str | None = None
        self.pages = Pages("", chosen)
        self.begin = field("begin at", "how a name begins (case counts)", "340px", "64px")
        self.begin.observe(lambda _: self._begun(), "value")
        self._turning = row(self.begin, self.pages.box)
        self._empty = html(
            panel_html.note("No providers yet: serve one with app.add(…), here or in a worker."), width="100%"
        )
        self._list = column()
        names, rest = html(panel_html.dim("provider"), width="182px"), html(panel_html.headings(), flex="1 1 640px")
        heading = row(names, rest, flex_flow="row nowrap")
        self._some = column(heading, self._list)
        self._none_there = html(panel_html.note("No provider has that name or a later one."), width="100%")
        self.box = column(self._empty, self._some, self._none_there, self._turning)

    @property
    def rows(self) -> Sequence[Row]:
        """What was read last."""
        return self._rows

    def refresh(self) -> Row | None:
        """Read the page again; returns the provider that is chosen, wherever it is.

        Raises:
            StoreError: when the store cannot be used.
        """
        page = self._reader.page(self.pages.after)
        self._rows = page.items
        if self.choice is None and self._rows:
            self.choice = self._rows[0].status.provider
        self._show()
        self.pages.reached(page.next)
        show(self._turning, visible=bool(self.begin.value) or page.next is not None or self.pages.after != "")
        show(self._some, visible=bool(self._rows))
        show(self._none_there, visible=not self._rows and bool(self.begin.value))
        show(self._empty, visible=not self._rows and self.pages.after == "")
        on_page = (each for each in self._rows if each.status.provider == self.choice)
        return next(on_page, None) or (None if self.choice is None else self._reader.one(self.choice))

    def close(self) -> None:
        """Leave nothing behind: rows that are not shown now are in no other widget."""
        for box, _, _ in self._slots:
            close(box)

    def _show(self) -> None:
        while len(self._slots) < len(self._rows):
            self._slots.append(self._slot(len(self._slots)))
        for (_, name, shown), each in zip(self._slots, self._rows, strict=False):
            chosen = each.status.provider == self.choice
            name.description = name.tooltip = each.status.provider
            name.icon = "caret-right" if chosen else ""
            name.style.font_weight = "bold" if chosen else "normal"
            shown.value = panel_html.provider_row(each)
        boxes = tuple(box for box, _, _ in self._slots[: len(self._rows)])
        if self._list.children != boxes:
            self._list.children = boxes

    def _slot(self, number: int) -> tuple[Any, Any, Any]:
        name = button("", partial(self._choose, number), width="170px", margin="2px 10px 2px 0")
        name.add_class("incrsim-name")
        shown = html(flex="1 1 640px")
        return row(name, shown, flex_flow="row nowrap"), name, shown

    def _begun(self) -> None:
        self.pages.begin(right_before(self.begin.value.strip()))
        self._chosen()

    def _choose(self, number: int) -> None:
        if number < len(self._rows):
            self.choice = self._rows[number].status.provider
            self._chosen()
