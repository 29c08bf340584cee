"""How a worker hears that a provider may be due earlier than it thought (issue: `LISTEN/NOTIFY`)."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Protocol


class Listener(Protocol):
    """Hears of operators' calls, events, and providers that came."""

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait until something may be due, `seconds` have passed, or `stop` is set; says whether something was heard.

        What happened between two calls is heard by the second one. A listener that has lost its connection behaves as
        one that hears nothing: it waits at most `POLL_INTERVAL` seconds, and tries to listen again.
        """


POLL_INTERVAL = 1.0
"""Seconds after which a worker without `LISTEN` (behind a pooler, or while the database is away) looks again."""


class ListeningStore(Protocol):
    """What `worker` calls."""

    def listen(self) -> AbstractContextManager[Listener]:
        """Hear of what happens from now on."""
