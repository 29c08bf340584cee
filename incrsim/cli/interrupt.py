"""Ctrl-C and SIGTERM: the first ends the work at the next page, the second at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from incrsim.app import App

KNOCK_AGAIN = 0.02
"""Seconds after which the main thread is woken again until it has heard of the second signal."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """While it is entered, signals stop the app instead of ending the process; for the main thread only.

    Python runs signal handlers on the main thread, and one that comes in the instant before a wait runs when that wait
    is over. So a thread of our own hears of signals, by the file descriptor that Python has for that; it may
    print, too.

    Args:
        app: what to stop.
        told: called once, with the first signal.
    """

    def __init__(self, app: App, told: Callable[[], None]) -> None:
        self._app = app
        self._told = told
        self._urgent = False
        self._raised = threading.Event()
        self._before: dict[int, Any] = {}
        self.signal: int | None = None
        """The signal that came, if any."""

    @property
    def exit_code(self) -> int:
        """As shells have it: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + (self.signal or signal.SIGINT)

    def __enter__(self) -> Self:
        self._main = threading.get_ident()
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._listener = threading.Thread(target=self._listen, name="incrsim signals", daemon=True)
        self._listener.start()
        self._wakeup_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raised.set()
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._writer)
        self._listener.join()
        os.close(self._reader)
        for number, before in self._before.items():
            signal.signal(number, before)

    def _listen(self) -> None:
        while number := os.read(self._reader, 1):
            if self.signal is None:
                self.signal = number[0]
                self._app.stop()
                self._told()
            elif not self._urgent:
                self._urgent = True
                while not self._raised.wait(KNOCK_AGAIN):
                    signal.pthread_kill(self._main, number[0])

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._urgent and not self._raised.is_set():
            self._raised.set()
            raise KeyboardInterrupt
