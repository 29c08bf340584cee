"""An app that serves on a thread of its own."""

from __future__ import annotations

import queue
import threading

import pytest

import incrsim
from incrsim import events
from incrsim.clock import VirtualClock
from incrsim.errors import CallerError
from tests.unit.fakes import Source

PATIENCE = 30


def test_start_serves_and_stop_gives_back() -> None:
    """`start` returns at once, once; what is due is done; `close` leaves no thread and no lease."""
    swept: queue.Queue[str] = queue.Queue()
    with incrsim.open() as app:
        app.add(Source(["a"], ["b"]), rest_length="1d")
        app.events.subscribe(
            lambda event: swept.put(event.provider) if isinstance(event, events.SweepCommitted) else None
        )
        background = app.start()
        assert app.start() is background
        assert swept.get(timeout=PATIENCE) == "source"
        assert repr(background) == "<Background: running>"
        background.stop()
        assert repr(background) == "<Background: stopped>"
        assert app.operators.status("source").serving == ()
        assert app.start() is not background
    assert not [each for each in threading.enumerate() if each.name.startswith("incrsim")]


def test_a_stop_that_comes_at_once_is_heard() -> None:
    """`stop` ends what `start` has just begun, and nothing that comes later."""
    with incrsim.open() as app:
        app.add(Source(["a"]))
        background = app.start()
        app.stop()
        background.stop()
        assert app.run_cycle("source").finished


def test_a_failure_is_kept() -> None:
    """What ends the thread is there for whoever asks."""
    with incrsim.open() as app:
        app.add(Source(["a"]))

        def fail(event: events.Event) -> None:
            raise RuntimeError("a subscriber failed")

        app.events.subscribe(fail)
        background = app.start()
        background._thread.join(PATIENCE)
        assert repr(background) == "<Background: ended by RuntimeError('a subscriber failed')>"


def test_threads_know_no_virtual_time() -> None:
    """An app with a virtual clock is driven by hand."""
    with incrsim.open(clock=VirtualClock()) as app, pytest.raises(CallerError, match="clock is virtual"):
        app.start()
