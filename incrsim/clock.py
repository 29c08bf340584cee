"""Time: the only module that reads the machine's clocks (C-39)."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
"""Where a virtual clock starts unless told otherwise: any fixed instant will do, as long as it never depends on
today."""


class Clock(Protocol):
    """What the engine needs of time."""

    def now(self) -> datetime:
        """The current instant in UTC, to the microsecond: for leases, due times and records."""

    def monotonic(self) -> float:
        """Seconds that never go backwards: for burst lengths and timeouts."""

    def wait(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Let `seconds` pass, or less when `wake` is set meanwhile."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The current instant in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()

    def wait(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Sleep in real time, or until `wake` is set."""
        (wake or threading.Event()).wait(max(0.0, seconds))


class VirtualClock:
    """Time that moves only when told, so that a day of rest costs nothing; it never goes backwards.

    Args:
        start: the first instant, aware, UTC.
    """

    def __init__(self, start: datetime = EPOCH) -> None:
        self._start = start
        self._now = start

    def now(self) -> datetime:
        """The virtual instant."""
        return self._now

    def monotonic(self) -> float:
        """Virtual seconds since the start."""
        return (self._now - self._start).total_seconds()

    def wait(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Jump: waiting is free. Nothing passes when `wake` is set already."""
        if wake is None or not wake.is_set():
            self.advance(timedelta(seconds=max(0.0, seconds)))

    def advance(self, by: timedelta) -> None:
        """Move forward by a duration.

        Raises:
            ValueError: when `by` is negative.
        """
        if by < timedelta(0):
            raise ValueError(f"VirtualClock.advance({by!r}): time cannot go backwards; pass a duration of 0 or more")
        self._now += by

    def advance_to(self, instant: datetime) -> None:
        """Move to `instant`; an instant that has passed already changes nothing."""
        self._now = max(self._now, instant)
