"""How calls that go on for long are asked to end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """Asked by one call, at each page boundary, whether to go on.

    Attributes:
        asked: whether the call shall end.
        wake: what the call waits on; set with `asked`, and by whoever has news for it.
    """

    def __init__(self) -> None:
        self.asked = False
        self.wake = threading.Event()

    def ask(self) -> None:
        """Let the call end."""
        self.asked = True
        self.wake.set()


class Stops:
    """The calls that are under way on one app. No stop is lost: when nothing is under way, it ends the next call."""

    def __init__(self) -> None:
        self._calls: set[Stop] = set()
        self._early = False
        # A signal handler may ask in the middle of any statement below, on the same thread.
        self._lock = threading.RLock()

    @contextmanager
    def call(self, own: Stop | None = None) -> Iterator[Stop]:
        """A call is under way.

        Args:
            own: a stop of the caller's own, by which this call can be ended alone.
        """
        stop = own or Stop()
        with self._lock:
            self._calls.add(stop)
            if self._early:
                self._early = False
                stop.ask()
        try:
            yield stop
        finally:
            with self._lock:
                self._calls.discard(stop)

    def ask(self) -> None:
        """End all calls that are under way, or else the next one."""
        with self._lock:
            self._early = not self._calls
            for stop in self._calls:
                stop.ask()
