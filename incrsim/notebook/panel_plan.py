"""A plan in a panel: it is made on a thread of its own, given up when nobody wants it any more, and read in pages."""

from __future__ import annotations

from typing import Any

from incrsim.notebook import panel_html
from incrsim.notebook.panel_desk import Desk
from incrsim.notebook.panel_errand import Errand
from incrsim.notebook.panel_parts import PagedTable, button, column, html, row, show
from incrsim.notebook.panel_tables import SIZE, Table
from incrsim.planning_values import Plan
from incrsim.stopping import Stop


class PlanView:
    """Makes plans, one at a time, and shows the last one.

    Args:
        desk: what plans are about.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stop = Stop()
        self._errand: Errand | None = None
        self._plan: Plan | None = None
        self._said = html(width="100%")
        self._changes = PagedTable("", self._turn)
        self._away = button("Put away", self.put_away, "forget the plan, or stop making it")
        self.box = column(self._said, self._changes.box, row(self._away))
        show(self.box, visible=False)

    @property
    def busy(self) -> bool:
        """Whether a plan is being made."""
        return self._errand is not None

    def make(self, provider: str) -> None:
        """Begin to make a plan."""
        self.put_away()
        stop = self._stop = Stop()
        self._errand = Errand(f"plan of {provider}", lambda: self._desk.plan(provider, stop))
        self._said.value = panel_html.note(f"Reading the whole source of {provider} for a plan; nothing is changed…")
        show(self._changes.box, visible=False)
        show(self.box, visible=True)

    def refresh(self) -> None:
        """Show the plan once it is there."""
        errand = self._errand
        if errand is None or not errand.done:
            return
        self._errand = None
        if errand.failure is not None:
            self._said.value = panel_html.note(f"No plan: {_told(errand.failure)}", bad=True)
            return
        self._plan = errand.result
        self._said.value = panel_html.note(errand.result.summary())
        self._turn()

    def put_away(self) -> None:
        """Show no plan, and make none: one that is under way ends at the next page boundary. Repeatable."""
        self._stop.ask()
        self._errand = None
        if self._plan is not None:
            self._plan.close()
            self._plan = None
        self._changes.pages.restart()
        show(self.box, visible=False)

    def _turn(self) -> None:
        if self._plan is not None:
            self._changes.show(_page(self._plan, self._changes.pages.after))
            show(self._changes.box, visible=bool(self._plan.added + self._plan.changed + self._plan.removed))


def _page(plan: Plan, after: str) -> Table:
    found = plan.page(after=after, limit=SIZE + 1)
    words = {"+": "+ add", "~": "~ change", "-": "- remove"}
    rows = tuple((words[each.sign], each.ref) for each in found[:SIZE])
    return Table(("", "entity"), rows, found[SIZE - 1].ref if len(found) > SIZE else None, "nothing would change")


def _told(failure: Any) -> str:
    return f"{type(failure).__name__}: {failure}"
