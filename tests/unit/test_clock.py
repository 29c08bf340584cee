"""The two clocks."""

from __future__ import annotations

import threading
from datetime import UTC, timedelta

import pytest

from incrsim.clock import EPOCH, SystemClock, VirtualClock


@pytest.mark.rule("C-39")
def test_virtual_waiting_is_free_and_takes_its_time() -> None:
    """Waiting a day moves both readings by a day."""
    clock = VirtualClock()
    clock.wait(86_400)
    assert clock.now() == EPOCH + timedelta(days=1)
    assert clock.monotonic() == 86_400


@pytest.mark.rule("C-39")
def test_virtual_time_cannot_be_turned_back() -> None:
    """A negative step is refused, with what to pass instead."""
    clock = VirtualClock()
    with pytest.raises(ValueError, match="time cannot go backwards; pass a duration of 0 or more"):
        clock.advance(timedelta(microseconds=-1))
    assert clock.now() == EPOCH


@pytest.mark.rule("C-39")
def test_a_passed_instant_changes_nothing() -> None:
    """Advancing to the past leaves the clock where it is; to the future, it goes there."""
    clock = VirtualClock()
    clock.advance_to(EPOCH - timedelta(days=1))
    assert clock.now() == EPOCH
    clock.advance_to(EPOCH + timedelta(days=1))
    assert clock.now() == EPOCH + timedelta(days=1)


def test_system_clock_tells_utc() -> None:
    """Real instants are aware and in UTC, and a wait ends at once when it is woken."""
    clock, woken = SystemClock(), threading.Event()
    woken.set()
    before = clock.monotonic()
    clock.wait(3600, woken)
    assert clock.monotonic() >= before
    assert clock.now().tzinfo is UTC
