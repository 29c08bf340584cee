"""Instants as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from incrsim.cli.instants import about, beside, utc, when

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("away", "told"),
    [
        (timedelta(0), "now"),
        (timedelta(milliseconds=999), "now"),
        (timedelta(seconds=59), "in 59 s"),
        (timedelta(minutes=5, seconds=59), "in 5 min"),
        (timedelta(hours=23, minutes=59), "in 23 h"),
        (timedelta(days=1500), "in 1,500 d"),
        (timedelta(hours=-2, minutes=-1), "2 h ago"),
        (timedelta(seconds=-1), "1 s ago"),
    ],
)
def test_how_far_away(away: timedelta, told: str) -> None:
    """In the largest unit, rounded down, on both sides of now."""
    assert beside(NOW + away, NOW) == told


def test_an_instant_is_utc_wherever_it_comes_from() -> None:
    """The machine's time zone, and that of the instant, do not matter."""
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert when(there, NOW - timedelta(minutes=1)) == "2026-11-05 12:00:00 UTC (in 1 min)"
    assert (utc(None), beside(None, NOW), about(timedelta(0))) == ("", "", "")
