"""What a rule's look at a provider comes to."""

from __future__ import annotations

from dataclasses import dataclass

from incrsim.errors_text import escaped, text_of
from incrsim.testing.conformance_report import Outcome

_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen.

    Args:
        outcome: whether the rule holds.
        seen: as a sentence, or the part of one.
        instead: what to write instead, where that is not what the rule always says.
    """

    outcome: Outcome
    seen: str
    instead: str = ""


def passed(seen: str) -> Seen:
    """The rule holds."""
    return Seen(Outcome.PASSED, seen)


def failed(seen: str, instead: str = "") -> Seen:
    """The rule does not hold."""
    return Seen(Outcome.FAILED, seen, instead)


def advice(seen: str, instead: str = "") -> Seen:
    """The engine copes, at a price."""
    return Seen(Outcome.ADVICE, seen, instead)


def not_applicable(seen: str, instead: str = "") -> Seen:
    """Nothing can be said."""
    return Seen(Outcome.NOT_APPLICABLE, seen, instead)


def raised(error: Exception) -> str:
    """An error, as the end of a sentence."""
    return f"raised {type(error).__name__}: {short(escaped(text_of(error)))}"


def short(text: str) -> str:
    """Text on one line, cut where it gets too long."""
    line = " ".join(text.split())
    return line if len(line) <= _LIMIT else f"{line[:_LIMIT]}…"
