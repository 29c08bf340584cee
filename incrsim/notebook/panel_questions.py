"""What a panel asks before it removes something."""

from __future__ import annotations

from collections.abc import Callable

from incrsim.errors import IncrsimError
from incrsim.guards import Verdict
from incrsim.notebook import panel_html
from incrsim.notebook.panel_desk import Desk
from incrsim.notebook.panel_parts import PagedTable, button, column, html, row, show
from incrsim.notebook.panel_tables import stale
from incrsim.operators import Done, ProviderStatus

Act = Callable[[], Done]


class Question:
    """Asks one question at a time, with the refs that it is about.

    Args:
        desk: what is asked about.
        act: does what was said yes to, and tells of it.
    """

    def __init__(self, desk: Desk, act: Callable[[Act], object]) -> None:
        self._desk = desk
        self._act = act
        self._status: ProviderStatus | None = None
        self._agreed: Act | None = None
        self._text, self._wrong = html(width="100%"), html(width="100%")
        self._refs = PagedTable("", self._turn)
        self._yes = button("Yes", self._agree)
        self._yes.button_style = "danger"
        self._no = button("No, change nothing", self.dismiss)
        self.box = column(self._text, self._refs.box, self._wrong, row(self._yes, self._no))
        self.dismiss()

    def approve(self, status: ProviderStatus, verdict: Verdict) -> None:
        """Ask whether a refused removal shall be let through: the refs can be read before."""
        self._status = status
        self._refs.pages.restart()
        self._turn()
        name, count = status.provider, f"{verdict.collected:,}"
        text = f"Verdict {verdict.id} {verdict}.\nThese entities were not removed. Remove them all the same?"
        operators = self._desk.operators
        self._ask(text, f"Remove {count} stale entities", lambda: operators.approve(name, verdict.id))
        show(self._refs.box, visible=True)

    def delete(self, status: ProviderStatus) -> None:
        """Ask whether a provider's records shall be forgotten."""
        self._status = status
        name = status.provider
        text = (
            f"Forget the ingestions, marks and problems of {name}? Its entities stay, and stay its own; a running "
            "ingestion ends, and a new one begins in 24 hours."
        )
        operators = self._desk.operators
        self._ask(text, "Delete records", lambda: operators.delete(name))
        show(self._refs.box, visible=False)

    def dismiss(self) -> None:
        """Ask nothing any more. Repeatable."""
        self._agreed, self._wrong.value = None, ""
        show(self.box, visible=False)

    def _ask(self, text: str, yes: str, act: Act) -> None:
        self._text.value = panel_html.note(text, bad=True)
        self._yes.description, self._agreed = yes, act
        show(self.box, visible=True)

    def _agree(self) -> None:
        act = self._agreed
        self.dismiss()
        if act is not None:
            self._act(act)

    def _turn(self) -> None:
        if self._status is None:
            return
        try:
            self._refs.show(stale(self._desk.operators, self._status, self._refs.pages.after))
            self._wrong.value = ""
        except IncrsimError as error:
            # Nobody is to say yes to refs that are not the ones.
            self._refs.html.value = ""
            self._wrong.value = panel_html.note(f"{type(error).__name__}: {error}", bad=True)
