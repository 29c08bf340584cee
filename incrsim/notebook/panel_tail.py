"""The last events, as lines."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime

from incrsim import events
from incrsim.notebook.panel_desk import Stream
from incrsim.operators import ProviderStatus
from incrsim.progress import detail, notice

KEPT = 1_000
"""How many lines are kept."""


class Tail:
    """Takes note of what happens, on whichever thread it does; of a provider that others serve, of what can be seen.

    Args:
        stream: the events of this process.
    """

    def __init__(self, stream: Stream) -> None:
        self._lines: deque[tuple[datetime, str, str]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[object, ...]] = {}
        self._unsubscribe = stream.subscribe(self._heard)

    def close(self) -> None:
        """Hear no more. Repeatable."""
        self._unsubscribe()

    def of(self, provider: str) -> list[tuple[datetime, str]]:
        """The lines about a provider, the latest first."""
        with self._lock:
            lines = list(self._lines)
        return [(at, told) for at, whose, told in reversed(lines) if whose == provider]

    def look(self, status: ProviderStatus) -> None:
        """Note what is different from the last look at a provider whose events are told elsewhere."""
        now = (status.status, status.ingestion, status.pages, status.paused, status.working)
        before = self._seen.get(status.provider)
        if before != now:
            self._seen = {status.provider: now}  # one is looked at
            if before is not None:
                self._note(status.now, status.provider, _seen(status))

    def _heard(self, event: events.Event) -> None:
        told = detail(event) or notice(event)
        if told is not None:
            self._note(event.at, event.provider, told.removeprefix(f"{event.provider}: "))

    def _note(self, at: datetime, provider: str, told: str) -> None:
        with self._lock:
            self._lines.append((at, provider, told))


def _seen(status: ProviderStatus) -> str:
    paused = ", paused" if status.paused else ""
    by = f", worked on by {status.working}" if status.working else ""
    return f"seen from here: ingestion {status.ingestion} is {status.status}, {status.pages:,} pages{paused}{by}"
