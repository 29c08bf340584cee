"""What a step must do: the record afterwards, or an error, and what follows for the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from incrsim.errors import Fenced
from incrsim.simulation.oracle.book import Asked
from incrsim.simulation.oracle.record import Completed, Record


def _nothing() -> None:
    pass


@dataclass(slots=True)
class Plan:
    """What a step must do.

    Args:
        record: the provider's afterwards, if the step is done.
        rules: to which rule a field belongs here; the rest is as in `FIELD_RULES`.
        refused: it must not be done: the rule that forbids it, and what may be raised.
        examine: what must hold once it is done, judged before the record is.
        effect: what it does to the model, judged after the record is.
        undone: what must hold when it was not done.
        completed: ingestions that became complete.
        is_done: whether it was done, where the record cannot tell and the answer was lost.
        torn: to which rule it belongs that the step is never half done.
        answer: what a caller must be told: a class, and the rule that says so.
    """

    record: Record
    rules: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[str, tuple[type[Exception], ...]] | None = None
    examine: Callable[[], None] = _nothing
    effect: Callable[[], None] = _nothing
    undone: Callable[[], None] = _nothing
    completed: tuple[Completed, ...] = ()
    is_done: Callable[[], bool] | None = None
    torn: str | None = "C-40"
    answer: tuple[type, str] | None = None


def all_of(rule: str) -> dict[str, str]:
    """Rules of a step that is one rule's matter, whatever it does wrong."""
    return dict.fromkeys(Record._fields, rule)


def refusal(asked: Asked, rule: str, *errors: type[Exception]) -> Plan:
    """The step must be refused, and keep nothing."""
    return Plan(asked.before, refused=(rule, errors))


def overtaken(asked: Asked) -> Plan | None:
    """A step under a lease that is not the provider's any more keeps nothing (C-37)."""
    fence = asked.arguments[0].fence  # type: ignore[attr-defined]  # a lease
    if asked.before.lease is None or asked.before.fence != fence:
        return refusal(asked, "C-37", Fenced)
    return None
