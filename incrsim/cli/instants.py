"""Instants for people: in UTC, whatever the machine's time zone is, and how far away they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_UNITS = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("min", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
)


def utc(at: datetime | None) -> str:
    """An instant to the second: `2026-11-05 12:00:00`; nothing for none."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def beside(at: datetime | None, now: datetime) -> str:
    """How far away an instant is, in its largest unit: `in 5 min`, `2 h ago`, `now`; nothing for none."""
    if at is None:
        return ""
    away = about(abs(at - now))
    if not away:
        return "now"
    return f"in {away}" if at > now else f"{away} ago"


def when(at: datetime, now: datetime) -> str:
    """Both: `2026-11-05 12:00:00 UTC (in 5 min)`."""
    return f"{utc(at)} UTC ({beside(at, now)})"


def about(duration: timedelta) -> str:
    """A duration in its largest unit, rounded down; nothing below a second."""
    return next((f"{duration // unit:,} {name}" for name, unit in _UNITS if duration >= unit), "")
