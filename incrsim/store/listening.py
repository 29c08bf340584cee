"""How a worker hears that a provider may be due earlier than it thought (C-33, C-38)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

POLL_INTERVAL = 1.0
"""Seconds after which a worker looks again where a store cannot tell: behind a pooler, or while it is away."""

Heard = Callable[[str | None], None]
"""Called with a provider's name when something happened to it that no burst did, and with `None` when that may be true
of any provider. Called from any thread, also inside a store's lock: it only takes note."""


class ListeningStore(Protocol):
    """What `worker` calls."""

    def listen(self, heard: Heard) -> AbstractContextManager[None]:
        """Call `heard` with what operators, events and registrations do while the context is entered.

        Nothing is lost: `heard(None)` comes as soon as listening has begun, and again after each time that it was
        interrupted; while a store cannot listen, `heard(None)` comes every `POLL_INTERVAL` seconds.
        """


class NotifyingRows(Protocol):
    """What a step needs that makes a provider due, or that sinks shall hear of."""

    def notify(self) -> None:
        """Let all listeners hear of this provider when the transaction has committed."""
