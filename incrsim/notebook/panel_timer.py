"""A timer on the kernel's own event loop: it never runs while a cell does, and ends when nobody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Timer:
    """Calls something again and again.

    Args:
        tick: is called; returns after how many seconds to call it again, counted from when it returned.
    """

    def __init__(self, tick: Callable[[], float]) -> None:
        self._tick = tick
        self._handle: asyncio.TimerHandle | None = None

    @property
    def running(self) -> bool:
        """Whether there is a next call."""
        return self._handle is not None

    def start(self) -> None:
        """Begin; where no event loop runs (a program, a plain shell), nothing is ever called."""
        if self._handle is None:
            self._call_in(0.0)

    def stop(self) -> None:
        """End. Repeatable."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _call_in(self, seconds: float) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._handle = loop.call_later(seconds, self._called)

    def _called(self) -> None:
        mine = self._handle
        seconds = self._tick()
        if self._handle is mine is not None:  # neither stopped nor started anew meanwhile
            self._call_in(seconds)
