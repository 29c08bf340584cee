"""An app that serves its providers on a thread of its own, so that whoever started it can go on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack

from incrsim.clock import Clock, VirtualClock
from incrsim.errors import CallerError
from incrsim.stopping import Stop, Stops

log = logging.getLogger("incrsim.background")


class Background:
    """Serves until it is stopped, or fails; the failure is kept for whoever asks.

    Args:
        serve: returns when its argument says stop.
        stops: the calls of the app, of which this is one.

    Attributes:
        failure: what ended it, if it was not stopped.
    """

    def __init__(self, serve: Callable[[Stop], None], stops: Stops) -> None:
        self.failure: BaseException | None = None
        self._serve = serve
        self._call = ExitStack()
        # Entered here and not on the thread: a `stop` that comes at once must find the call under way.
        self._stop = self._call.enter_context(stops.call())
        # A process that ends does not wait for it: leases expire, and others go on.
        self._thread = threading.Thread(target=self._run, name="incrsim engine", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        if self.alive:
            return "<Background: running>"
        return "<Background: stopped>" if self.failure is None else f"<Background: ended by {self.failure!r}>"

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    def ask_to_stop(self) -> None:
        """Let running bursts end at their next page. Repeatable."""
        self._stop.ask()

    def stop(self) -> None:
        """The same, and wait until all is given back. Repeatable."""
        self.ask_to_stop()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            with self._call:
                self._serve(self._stop)
        except BaseException as error:  # nobody is above this: it is kept, logged, shown
            self.failure = error
            log.error("the engine in the background ended", exc_info=error)  # noqa: TRY400  # the same, of its cause


def refuse_virtual(clock: Clock) -> None:
    """Threads know nothing of virtual time.

    Raises:
        CallerError: when a clock is virtual.
    """
    if isinstance(clock, VirtualClock):
        raise CallerError(
            "this app's clock is virtual: time passes only when somebody moves it, and no thread can wait for that; "
            "call run_cycle, or open the app without a clock"
        )
