"""What can be done to a source by hand, to see guards and sweeps react; no widgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from incrsim.simulation.source import FakeSource
from incrsim.simulation.weather import CALM, Flaky, Quota

LIMIT = (5, timedelta(seconds=10))
"""Of a source whose rate is limited: so many questions in so much time."""

FAILS = 3
"""Of so many questions to a flaky source one fails."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that one can do to a source.

    Args:
        name: on its button.
        meaning: what it does.
        do: does it, and says in a sentence what it did.
    """

    name: str
    meaning: str
    do: Callable[[FakeSource], str]


def weather_of(source: FakeSource) -> str:
    """The weather of a source, in words."""
    match source.weather:
        case Flaky():
            return f"≈ flaky: every {FAILS}rd question fails"
        case Quota():
            calls, per = LIMIT
            return f"◷ rate-limited: {calls} questions in {per.total_seconds():g} s"
    return "○ calm" if source.weather is CALM else "another weather"


def _add(source: FakeSource) -> str:
    return f"{source.add(max(1, len(source) // 20)):,} added"


def _change(source: FakeSource) -> str:
    return f"{source.change(percent=5):,} changed"


def _remove(percent: int) -> Callable[[FakeSource], str]:
    return lambda source: f"{source.remove(percent=percent):,} removed"


def _become_flaky(source: FakeSource) -> str:
    source.weather = Flaky(FAILS)
    return "it fails now and then"


def _limit_rate(source: FakeSource) -> str:
    source.weather = Quota(*LIMIT)
    return "it answers only so many questions"


def _recover(source: FakeSource) -> str:
    source.weather = CALM
    return f"calm again; {source.bring_back(percent=100):,} are back, {source.heal():,} healed"


DEEDS = (
    Deed("Add 5 %", "new entities appear", _add),
    Deed("Change 5 %", "entities say something else", _change),
    Deed("Remove 5 %", "entities vanish, so few that no guard minds", _remove(5)),
    Deed("Remove 60 %", "more than half of the entities vanish: a guard should refuse to follow", _remove(60)),
    Deed("Go empty", "the source answers, and has nothing any more", _remove(100)),
    Deed("Become flaky", "questions fail now and then: watch attempts and waits", _become_flaky),
    Deed("Rate-limit", "the source asks to wait: bursts end early, and nothing fails", _limit_rate),
    Deed("Recover", "calm weather, and everything that vanished is back", _recover),
)
