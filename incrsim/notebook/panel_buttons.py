"""The buttons of a panel: what each of them does, and why it would make no sense now."""

from __future__ import annotations

from enum import StrEnum

from incrsim.ingestion import Status
from incrsim.lifecycle import OPERATORS, Effect, Operator
from incrsim.operators import ProviderStatus


class Button(StrEnum):
    """What can be pressed about a provider."""

    TRIGGER = "Trigger"
    START = "Start now"
    CANCEL = "Cancel"
    PAUSE = "Pause"
    RESUME = "Resume"
    PLAN = "Plan"
    APPROVE = "Approve removal"
    DELETE = "Delete records"


MEANING = {
    Button.TRIGGER: "do what comes next now: a wait or a rest ends",
    Button.START: "end this ingestion, also a running burst, and begin a new one now",
    Button.CANCEL: "end this ingestion, also a running burst; a new one begins in 24 hours",
    Button.PAUSE: "begin nothing until it is resumed; a running burst ends at its next page",
    Button.RESUME: "go on",
    Button.PLAN: "read the whole source and say what a cycle would change; changes nothing",
    Button.APPROVE: "look at what the last sweep refused to remove, and let it through",
    Button.DELETE: "forget ingestions, marks and problems; the entities stay",
}


def why_not(button: Button, status: ProviderStatus, no_plan: str | None = None) -> str | None:
    """Why a button makes no sense now; `None` when it does.

    Args:
        button: which one.
        status: of its provider.
        no_plan: why there can be no plan of it.
    """
    match button:
        case Button.TRIGGER:
            return _no_trigger(status)
        case Button.START:
            return _no_start(status)
        case Button.CANCEL:
            return _no_cancel(status)
        case Button.PLAN:
            return no_plan
        case Button.APPROVE:
            return _no_approval(status)
        case Button.PAUSE:
            return "it is paused already" if status.paused else None
        case Button.RESUME:
            return None if status.paused else "it is not paused"
        case Button.DELETE:
            return None if _has_records(status) else "there are no records of it yet"


def _no_trigger(status: ProviderStatus) -> str | None:
    if status.paused:
        return "it is paused: resume it first"
    if OPERATORS[Operator.TRIGGER][status.status] is Effect.NOTHING:
        return f"it is {status.status}: there is nothing to hurry"
    return "it is due already" if _is_due(status) else None


def _no_start(status: ProviderStatus) -> str | None:
    if status.paused:
        return "it is paused: resume it first"
    begins = status.status is Status.SCHEDULED and _is_due(status)
    return f"ingestion {status.ingestion} is new, and due already" if begins else None


def _no_cancel(status: ProviderStatus) -> str | None:
    if status.status is Status.RESTING:
        return f"ingestion {status.ingestion} has been swept or refused: nothing runs that could be canceled"
    if status.status is Status.SCHEDULED:
        return f"ingestion {status.ingestion} has not begun"
    return None


def _no_approval(status: ProviderStatus) -> str | None:
    verdict = status.last_verdict
    if verdict is None:
        return "nothing was refused: there was no sweep yet"
    if not verdict.refused:
        return "nothing was refused: the last sweep went through"
    return f"verdict {verdict.id} is approved already" if status.approved else None


def _has_records(status: ProviderStatus) -> bool:
    return bool(status.pages or status.attempts or status.last_outcome or status.last_verdict or status.last_error)


def _is_due(status: ProviderStatus) -> bool:
    return status.next_action_at is not None and status.next_action_at <= status.now
