"""Ctrl-C and SIGTERM: the first ends the work at the next page, the second at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from incrsim import events
from incrsim.app import App


class Interrupt:
    """While it is entered, signals stop the app instead of ending the process.

    Args:
        app: what to stop.
        told: called with the first signal, from inside the signal handler: it may set a flag, and no more.
    """

    def __init__(self, app: App, told: Callable[[], None] = lambda: None) -> None:
        self._app = app
        self._told = told
        self._before: dict[int, Any] = {}
        self._unsubscribe: Callable[[], None] = lambda: None
        self.signal: int | None = None
        """The signal that came, if any."""

    @property
    def exit_code(self) -> int:
        """As shells have it: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + (self.signal or signal.SIGINT)

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        self._unsubscribe = self._app.events.subscribe(self._again)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unsubscribe()
        for number, before in self._before.items():
            signal.signal(number, before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number
        self._app.stop()
        self._told()

    def _again(self, event: events.Event) -> None:
        """A run that begins forgets an earlier stop; a signal that came just before it must not get lost."""
        if self.signal is not None:
            self._app.stop()


def say_from_handler(line: str) -> None:
    """Write to standard error from inside a signal handler, where Python's own buffers may be in use."""
    os.write(2, f"incrsim: {line}\n".encode())
