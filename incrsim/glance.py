"""Values at a glance, as text: what terminals and notebooks say in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from incrsim.durations import format_duration

REPR_LENGTH = 160
"""How many characters the `repr` of a value has at most: one or two lines of a terminal."""

MARKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "scheduled": ("○", "still"),
        "bursting": ("►", "busy"),
        "interstitial": ("◔", "busy"),
        "backing off": ("↻", "warn"),
        "sweeping": ("◆", "busy"),
        "resting": ("●", "good"),
        "complete": ("■", "still"),
        "paused": ("‖", "warn"),
        "swept": ("✓", "good"),
        "would be swept": ("✓", "good"),
        "would be refused": ("✗", "bad"),
        "no sweep": ("✗", "bad"),
        "refused": ("✗", "bad"),
        "approved": ("✓", "good"),
        "canceled": ("⊘", "warn"),
        "failed": ("✗", "bad"),
        "open": ("○", "still"),
        "ok": ("✓", "good"),
        "lossy": ("!", "warn"),
        "healthy": ("✓", "good"),
        "failing": ("✗", "bad"),
        "guard refused": ("✗", "bad"),
        "overdue": ("!", "warn"),
        "unserved": ("!", "warn"),
        "stuck": ("!", "warn"),
        "quarantine": ("!", "warn"),
        "sink behind": ("!", "warn"),
        "violated": ("✗", "bad"),
        "passed": ("✓", "good"),
        "advice": ("!", "warn"),
        "not applicable": ("-", "still"),
    }
)
"""The words that are labels: the mark before each, and its tint."""


def moment(at: datetime) -> str:
    """An instant: `2026-11-05 12:00:00 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def duration(value: timedelta) -> str:
    """A duration, to the second where it is longer than that, and negative ones as 0."""
    second = timedelta(seconds=1)
    return format_duration(value // second * second if value >= second else max(value, timedelta(0)))


def until(at: datetime | None, now: datetime) -> str:
    """When something is due, as a countdown: `in 3s`, `now`; empty for never."""
    if at is None:
        return ""
    return "now" if at <= now else f"in {duration(at - now)}"


def entities(count: int) -> str:
    """`1 entity`, `2,000 entities`."""
    return f"{count:,} {'entity' if count == 1 else 'entities'}"


def many(count: int, word: str) -> str:
    """`1 page`, `2,000 pages`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def brief(value: object, told: str) -> str:
    """The `repr` of a value: its class, and what is told of it, on one line.

    Args:
        value: the value.
        told: a sentence.
    """
    line = " ".join(told.split())
    shown = line if len(line) <= REPR_LENGTH else f"{line[:REPR_LENGTH]}…"
    return f"<{type(value).__name__} {shown}>"
