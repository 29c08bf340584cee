"""One provider in a panel: what is wrong with it, and the buttons that steer it."""

from __future__ import annotations

from collections.abc import Callable

from incrsim.errors import IncrsimError
from incrsim.html import text
from incrsim.notebook import panel_html
from incrsim.notebook.panel_buttons import MEANING, Button, why_not
from incrsim.notebook.panel_desk import Desk
from incrsim.notebook.panel_parts import button, column, enable, html, row
from incrsim.notebook.panel_plan import PlanView
from incrsim.notebook.panel_questions import Act, Question
from incrsim.notebook.panel_values import Row
from incrsim.operators import ProviderStatus


class Steering:
    """The buttons of the provider that is chosen.

    Args:
        desk: what they act on.
        changed: is called after something was done.
    """

    def __init__(self, desk: Desk, changed: Callable[[], object]) -> None:
        self._desk = desk
        self._changed = changed
        self._status: ProviderStatus | None = None
        self._title, self._reasons, self._said = html(width="100%"), html(width="100%"), html(width="100%")
        self.question = Question(desk, self._act)
        self.plan = PlanView(desk)
        self.buttons = {each: button(each, self._pressed(each), MEANING[each]) for each in Button}
        self.box = column(
            self._title,
            row(*self.buttons.values()),
            self._reasons,
            self._said,
            self.question.box,
            self.plan.box,
        )

    def choose(self) -> None:
        """Another provider is chosen: what was said and asked about the last one is over."""
        self.question.dismiss()
        self.plan.put_away()
        self._said.value = ""

    def show(self, shown: Row) -> None:
        """Show a provider as it is now."""
        status = self._status = shown.status
        served = status.provider in self._desk.served()
        self._title.value = _title(shown, self._desk.by if served else "not served")
        no_plan = "one is being made" if self.plan.busy else self._desk.no_plan(status.provider)
        reasons = {each: why_not(each, status, no_plan) for each in Button}
        for each, reason in reasons.items():
            enable(self.buttons[each], reason, MEANING[each])
        # What waits for an answer stands out, and nothing else does.
        self.buttons[Button.APPROVE].button_style = "" if reasons[Button.APPROVE] else "warning"
        self._swap(Button.RESUME if status.paused else Button.PAUSE)
        told = [f"{each}: {reason}" for each, reason in reasons.items() if reason and each not in _TWINS]
        self._reasons.value = panel_html.dim(f"Not now — {'; '.join(told)}." if told else "")
        self.plan.refresh()

    def close(self) -> None:
        """Leave nothing behind."""
        self.plan.put_away()

    def _swap(self, shown: Button) -> None:
        """Pause and resume share a place."""
        for each in _TWINS:
            self.buttons[each].layout.display = None if each is shown else "none"

    def _pressed(self, which: Button) -> Callable[[], object]:
        return lambda: self._press(which)

    def _press(self, which: Button) -> None:
        status, operators = self._status, self._desk.operators
        if status is None:
            return
        name = status.provider
        self.question.dismiss()
        match which:
            case Button.APPROVE if status.last_verdict is not None:
                self.question.approve(status, status.last_verdict)
            case Button.DELETE:
                self.question.delete(status)
            case Button.PLAN:
                self.plan.make(name)
                self._changed()
            case Button.TRIGGER:
                self._act(lambda: operators.trigger(name))
            case Button.START:
                self._act(lambda: operators.start(name))
            case Button.CANCEL:
                self._act(lambda: operators.cancel(name))
            case Button.PAUSE:
                self._act(lambda: operators.pause(name))
            case Button.RESUME:
                self._act(lambda: operators.resume(name))

    def _act(self, act: Act) -> None:
        try:
            self._said.value = panel_html.note(f"✓ {act()}")
        except IncrsimError as error:
            self._said.value = panel_html.note(f"✗ {type(error).__name__}: {error}", bad=True)
        self._changed()


_TWINS = (Button.PAUSE, Button.RESUME)


def _title(shown: Row, by: str) -> str:
    status = shown.status
    served = [each.holder for each in status.serving]
    by = f"served by {', '.join(served)}" if served else by
    if status.working is not None:
        by += ", which works on it" if served == [status.working] else f"; {status.working} works on it"
    head = (
        f"<b>{text(status.provider)}</b> {panel_html.labels(shown)} <span>{text(shown.next)}</span> "
        f"{panel_html.dim(f'ingestion {status.ingestion} · {by}')}"
    )
    wrong = "".join(panel_html.note(f"{each.trouble}: {each.sentence}", bad=True) for each in status.reasons)
    return f'<div class="incrsim-head">{head}</div>{wrong}'
