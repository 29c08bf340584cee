"""The providers that a process serves, each driven by one thread at a time (C-1)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property

from incrsim import events
from incrsim.engine import Engine
from incrsim.errors import CallerError, DuplicateProvider, UnknownProvider
from incrsim.events import EventStream
from incrsim.host import Host
from incrsim.options import ProviderOptions
from incrsim.stopping import Stop
from incrsim.store.contract import ProviderState
from incrsim.store.operating import Announcement

LOOK_AGAIN = 1.0
"""Seconds after which another replica's lease, a pause, or a store that failed is looked at again."""


class Served:
    """A provider that this process serves.

    Args:
        engine: of the provider; whom it asks whether to stop is decided here.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = replace(engine, stopping=self._is_to_stop)
        self._lock = threading.Lock()
        self._driver: int | None = None
        self._draining = threading.Event()
        self._settled = threading.Event()
        self._settled.set()
        self._stop = Stop()

    @contextmanager
    def driven(self, stop: Stop) -> Iterator[Engine]:
        """The engine, for one thread at a time, until `stop`; whoever drains it goes first."""
        self._refuse_its_driver()
        while True:
            self._settled.wait()
            with self._alone():
                if self._draining.is_set():
                    continue
                self._stop = stop
                yield self.engine
                return

    @contextmanager
    def drained(self) -> Iterator[None]:
        """Let a running burst end at its next page, and keep another from beginning meanwhile."""
        self._settled.clear()
        self._draining.set()
        try:
            with self._alone():
                yield
        finally:
            self._draining.clear()
            self._settled.set()

    @cached_property
    def description(self) -> dict[str, object]:
        """The provider's options as JSON values."""
        return self.engine.options.describe()

    def _is_to_stop(self) -> bool:
        return self._draining.is_set() or self._stop.asked

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._refuse_its_driver()
        with self._lock:
            self._driver = threading.get_ident()
            try:
                yield
            finally:
                self._driver = None

    def _refuse_its_driver(self) -> None:
        if self._driver == threading.get_ident():
            raise CallerError(
                f"the provider {self.engine.name!r} is in the middle of a tick on this very thread (the call came from "
                "a subscriber of its events), and would wait for itself; make the call on another thread, or when the "
                "tick is over"
            )


class Roster:
    """All providers that a process serves; they may come and go at any time, on any thread.

    Args:
        events: where the events of their ticks go.
    """

    def __init__(self, events: EventStream) -> None:
        self._events = events
        self._served: dict[str, Served] = {}
        self._watchers: tuple[Callable[[str], None], ...] = ()
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Who is served, sorted."""
        return sorted(self._served)

    def options(self) -> dict[str, ProviderOptions]:
        """The options of each."""
        return {name: each.engine.options for name, each in self._served.items()}

    def engines(self) -> list[Engine]:
        """The engine of each, by name."""
        return [each.engine for _, each in sorted(self._served.items())]

    def find(self, name: str) -> Served:
        """One that is served.

        Raises:
            UnknownProvider: when it is not.
        """
        served = self._served.get(name)
        if served is None:
            known = ", ".join(self.names()) or "none yet"
            raise UnknownProvider(f"this app serves no provider called {name!r}; it serves: {known}")
        return served

    def add(self, engine: Engine) -> None:
        """Serve one more.

        Raises:
            DuplicateProvider: when one of that name is served already.
        """
        if not self._exchange(engine.name, None, Served(engine)):
            raise DuplicateProvider(
                f"a provider called {engine.name!r} is served already; give this one another name, or pass replace=True"
            )

    def replace(self, engine: Engine) -> Engine | None:
        """Serve one in place of the one of its name, if there is one, whose running burst ends at its next page
        first; returns that one.
        """
        after = Served(engine)
        before: Served | None = None
        done = False
        while not done:
            before = self._served.get(engine.name)
            with nullcontext() if before is None else before.drained():
                done = self._exchange(engine.name, before, after)
        return None if before is None else before.engine

    def remove(self, name: str) -> None:
        """Serve one no longer; its running burst ends at its next page first.

        Raises:
            UnknownProvider: when it is not served.
        """
        done = False
        while not done:
            before = self.find(name)
            with before.drained():
                done = self._exchange(name, before, None)

    @contextmanager
    def driven(self, name: str, stop: Stop) -> Iterator[Engine]:
        """The engine of a provider, for one thread at a time, until `stop`; the new one when it was replaced while we
        waited for it (C-1).

        Raises:
            UnknownProvider: when it is not served.
        """
        while True:
            served = self.find(name)
            with served.driven(stop) as engine:
                if self._served.get(name) is served:
                    yield engine
                    return

    def tick(self, name: str, stop: Stop) -> events.Event | None:
        """Do what is due for one provider, to its end; returns the last event, if anything happened.

        Raises:
            UnknownProvider: when it is not served.
            StoreError: when the store cannot be used.
        """
        last = None
        # Closed as soon as a subscriber fails: the provider's context is left whatever happens (C-2).
        with self.driven(name, stop) as engine, closing(engine.tick()) as steps:
            for event in steps:
                self._events.publish(event)
                last = event
        return last

    @contextmanager
    def watched(self, changed: Callable[[str], None]) -> Iterator[None]:
        """Call `changed` with each name that is added, replaced or removed meanwhile."""
        with self._lock:
            self._watchers = (*self._watchers, changed)
        try:
            yield
        finally:
            with self._lock:
                self._watchers = tuple(each for each in self._watchers if each is not changed)

    def announcements(self, host: Host) -> list[Announcement]:
        """What this process says of the providers that it serves (C-31)."""
        served = list(self._served.items())
        return [Announcement(name, each.description, host.is_stuck(name)) for name, each in sorted(served)]

    def _exchange(self, name: str, before: Served | None, after: Served | None) -> bool:
        """Put `after` where `before` is; `False` when somebody was faster."""
        with self._lock:
            if self._served.get(name) is not before:
                return False
            if after is None:
                del self._served[name]
            else:
                self._served[name] = after
            watchers = self._watchers
        for changed in watchers:
            changed(name)
        return True


def pause(state: ProviderState, last: events.Event | None = None) -> float:
    """Seconds until there may be something to do for a provider, by the store's time; 0 or less when there is now.

    Args:
        state: of the provider.
        last: how its last tick ended.
    """
    if state.paused:
        return LOOK_AGAIN
    if state.lease is not None and state.lease.expires_at > state.now:
        return min(LOOK_AGAIN, (state.lease.expires_at - state.now).total_seconds())
    if isinstance(last, events.Waiting) and last.reason in ("held", "stuck"):
        return LOOK_AGAIN  # nobody holds a lease, so a session has the row, or a thread of ours has not come back
    return 0.0 if state.ingestion.due_at is None else (state.ingestion.due_at - state.now).total_seconds()
