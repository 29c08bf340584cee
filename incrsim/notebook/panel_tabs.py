"""The tabs of a panel: marks, history, problems, events and entities of the provider that is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from incrsim.errors import IncrsimError
from incrsim.ingestion import Status
from incrsim.notebook import panel_html, panel_tables
from incrsim.notebook.panel_desk import Desk
from incrsim.notebook.panel_errand import Errand
from incrsim.notebook.panel_parts import PagedTable, button, column, field, html, row
from incrsim.notebook.panel_tables import Table
from incrsim.notebook.panel_tail import Tail
from incrsim.notebook.panel_values import Row
from incrsim.operators import ProviderStatus

Key = tuple[object, ...]


class ListTab:
    """A table that is read again when something has changed.

    Args:
        title: of the tab.
        first: what the first page begins behind.
        key: is another when there is something else to read.
        read: a page.
    """

    def __init__(
        self,
        title: str,
        first: Any,
        key: Callable[[ProviderStatus], Key],
        read: Callable[[ProviderStatus, Any], Table],
    ) -> None:
        self.title = title
        self.table = PagedTable(first, self.turned)
        self.box: Any = self.table.box
        self._key = key
        self._read = read
        self._shown: Key | None = None
        self._status: ProviderStatus | None = None

    def choose(self) -> None:
        """Another provider: begin at its first page."""
        self.table.pages.restart()
        self._shown = None

    def turned(self) -> None:
        """Another page."""
        self._shown = None
        if self._status is not None:
            self.show(self._status)

    def show(self, status: ProviderStatus) -> None:
        """Read the page again if it may be another one."""
        self._status = status
        key = (status.provider, self.table.pages.after, *self._key(status))
        if key != self._shown:
            self._shown = key
            self.table.show(self._read(status, self.table.pages.after))

    def close(self) -> None:
        """Leave nothing behind."""


class EntitiesTab:
    """Searches the catalog, on a thread of its own: among a million entities that may take seconds.

    Args:
        desk: has the catalog.
    """

    title = "Entities"

    def __init__(self, desk: Desk) -> None:
        self._catalog = desk.catalog
        self._errand: Errand | None = None
        self._counting: Errand | None = None
        self._shown: Key | None = None
        self._status: ProviderStatus | None = None
        self._total = ""
        self.kind = field("kind", "any", "160px")
        self.text = field("text", "in ref, title or description", "320px")
        self.count = button("Count", self._count, "count all that match; takes a moment where there are many")
        self.table = PagedTable("", self._turned)
        self._state = html()
        self.box: Any = column(row(self.kind, self.text, self.count, self._state), self.table.box)
        for each in (self.kind, self.text):
            each.observe(lambda _: self._searched(), "value")

    @property
    def busy(self) -> bool:
        """Whether something is being searched for."""
        return self._errand is not None or self._counting is not None

    def choose(self) -> None:
        """Another provider: begin at its first page."""
        self._restart()

    def show(self, status: ProviderStatus) -> None:
        """Search again if something else may be found; show what was found."""
        self._status = status
        self._fetch()
        rests = status.status is Status.RESTING
        query = (status.provider, self.kind.value, self.text.value, self.table.pages.after)
        key = (*query, status.ingestion, rests, rests and status.approved, bool(status.pages))
        if key != self._shown and self._errand is None:
            self._shown = key
            self._errand = Errand("search", lambda: panel_tables.entities(self._catalog, *query))
            self._state.value = panel_html.dim("searching…")

    def close(self) -> None:
        """What is being searched for is of no interest any more."""
        self._errand = self._counting = None

    def _fetch(self) -> None:
        if self._errand is not None and self._errand.done:
            errand, self._errand = self._errand, None
            self._state.value = panel_html.dim(self._told(errand))
            if errand.failure is None:
                self.table.show(errand.result, self._total)
        if self._counting is not None and self._counting.done:
            counting, self._counting = self._counting, None
            found = counting.result
            self._total = f"{found:,} in all" if counting.failure is None else f"not counted: {counting.failure}"
            self._state.value = panel_html.dim(self._total)

    def _told(self, errand: Errand) -> str:
        return self._total if errand.failure is None else f"{type(errand.failure).__name__}: {errand.failure}"

    def _count(self) -> None:
        status = self._status
        if status is not None and self._counting is None:
            provider, kind, text = status.provider, self.kind.value.strip(), self.text.value.strip()
            self._counting = Errand("count", lambda: self._catalog.count(provider, kind=kind, text=text))
            self._state.value = panel_html.dim("counting…")

    def _searched(self) -> None:
        self._restart()
        self._turned()

    def _restart(self) -> None:
        self.table.pages.restart()
        self._shown, self._total = None, ""

    def _turned(self) -> None:
        if self._status is not None:
            self.show(self._status)


Tab = ListTab | EntitiesTab


class Tabs:
    """All of them; only the one that is open reads anything.

    Args:
        desk: where it is read.
    """

    def __init__(self, desk: Desk) -> None:
        operators, self._desk = desk.operators, desk
        self._tail = Tail(desk.stream)
        self._looks = 0
        self.entities = EntitiesTab(desk)
        self.all: tuple[Tab, ...] = (
            ListTab("Marks", 0, _progress, lambda status, after: panel_tables.marks(operators, status, after)),
            ListTab("History", 0, _cycle, lambda status, after: panel_tables.history(operators, status, after)),
            ListTab("Problems", 0, _progress, lambda status, after: panel_tables.problems(operators, status, after)),
            ListTab("Events", 0, self._each_look, self._events),
            self.entities,
        )
        self.box = ipywidgets.Tab(children=[each.box for each in self.all], layout=ipywidgets.Layout(width="auto"))
        self.box.titles = [each.title for each in self.all]
        self.box.selected_index = 0
        self.said = html(width="100%")
        self._status: ProviderStatus | None = None
        self.box.observe(lambda _: self._opened(), "selected_index")

    @property
    def busy(self) -> bool:
        """Whether something is being searched for."""
        return self.entities.busy

    def choose(self) -> None:
        """Another provider is chosen."""
        for each in self.all:
            each.choose()

    def show(self, shown: Row) -> None:
        """Show what is open as it is now."""
        self._status, self._looks = shown.status, self._looks + 1
        if shown.status.provider not in self._desk.served():
            self._tail.look(shown.status)
        self._opened()

    def close(self) -> None:
        """Leave nothing behind."""
        self._tail.close()
        for each in self.all:
            each.close()

    def _opened(self) -> None:
        if self._status is None or self.box.selected_index is None:
            return
        try:
            self.all[self.box.selected_index].show(self._status)
            self.said.value = ""
        except IncrsimError as error:
            self.said.value = panel_html.note(f"{type(error).__name__}: {error}", bad=True)

    def _each_look(self, status: ProviderStatus) -> Key:
        return (self._looks,)

    def _events(self, status: ProviderStatus, after: int) -> Table:
        lines = self._tail.of(status.provider)
        return panel_tables.listed(lines, ("when", "what"), after, "nothing has happened since the panel is here")


def _progress(status: ProviderStatus) -> Key:
    return (status.ingestion, status.pages, status.status)


def _cycle(status: ProviderStatus) -> Key:
    return (status.ingestion, status.last_outcome)
