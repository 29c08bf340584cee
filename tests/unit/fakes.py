"""Providers, stores and engines for the tests of the engine and its friends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import incrsim
from incrsim import events
from incrsim.clock import VirtualClock
from incrsim.engine import Engine
from incrsim.errors import StoreUnavailable
from incrsim.host import InlineHost
from incrsim.options import ProviderOptions
from incrsim.store.memory import MemoryStore


class Source:
    """A provider over pages: lists of names, whole pages, errors to raise, or functions that return one of these."""

    def __init__(self, *pages: Any, name: str = "source") -> None:
        self.name = name
        self.pages = list(pages)
        self.asked: list[Any] = []
        self.log: list[str] = []
        self.threads: set[int] = set()

    @contextmanager
    def noting(self) -> Iterator[Source]:
        """Note how the context is entered and left."""
        self._note("entered")
        try:
            yield self
        except BaseException as error:
            self._note(f"left by {type(error).__name__}")
            raise
        self._note("left")

    def around(self) -> Any:
        return self.noting()

    def next(self, context: Any, cursor: Any = None) -> Any:
        assert context is self, "the context is what around yielded"
        self._note("page")
        self.asked.append(cursor)
        index = 0 if cursor is None else int(cursor)
        page = self.pages[index]
        while callable(page):
            page = page()
        if isinstance(page, BaseException):
            raise page
        if not isinstance(page, list):
            return page
        return incrsim.Page(
            [each if isinstance(each, incrsim.Entity) else entity(each) for each in page],
            cursor=index + 1,
            done=index + 1 == len(self.pages),
        )

    def _note(self, what: str) -> None:
        self.threads.add(threading.get_ident())
        self.log.append(what)


class AsyncSource(Source):
    @asynccontextmanager
    async def around(self) -> AsyncIterator[Source]:
        task = asyncio.current_task()
        with self.noting():
            await asyncio.sleep(0)
            yield self
            await asyncio.sleep(0)
        assert asyncio.current_task() is task, "one task enters and leaves"

    async def next(self, context: Any, cursor: Any = None) -> Any:
        await asyncio.sleep(0)
        return Source.next(self, context, cursor)


class AsyncNext(Source):
    next = AsyncSource.next


class AsyncAround(Source):
    around = AsyncSource.around


class CallbackSource(AsyncNext):
    async def around(self, burst: Callable[[Any], Awaitable[None]]) -> None:  # type: ignore[override]  # another of the shapes that a provider may have
        with self.noting():
            await burst(self)


class CallbackSyncNext(CallbackSource):
    next = Source.next


SHAPES: tuple[type[Source], ...] = (Source, AsyncSource, AsyncNext, AsyncAround, CallbackSource, CallbackSyncNext)


def entity(name: str, provider: str = "source") -> incrsim.Entity:
    """A component of that name."""
    return incrsim.component(name, provider=provider)


class FaultyStore(MemoryStore):
    """A memory store whose methods can be made to fail, before or after they have done their work."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.faults: dict[str, str] = {}

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        when = None if name == "faults" else self.faults.get(name)
        if when is None:
            return method

        def faulty(*arguments: Any) -> Any:
            if when == "after":
                method(*arguments)
            raise StoreUnavailable(f"{name} fails {when} it was done")

        return faulty


class Rig:
    """An engine on a memory store and a virtual clock."""

    def __init__(self, provider: Any, *, host: Any = None, stopping: Callable[[], bool] | None = None, **options: Any):
        self.clock = VirtualClock()
        self.store = FaultyStore(self.clock)
        self.provider = provider
        self.host = host or InlineHost(self.clock)
        self.options = ProviderOptions.of(**options)
        self.store.register(provider.name)
        self.engine = Engine(
            provider, self.options, self.store, self.clock, self.host, "replica", stopping or (lambda: False)
        )

    def tick(self) -> list[events.Event]:
        """Do what is due."""
        return list(self.engine.tick())

    def names(self) -> list[str]:
        """What happens in a tick, by the names of its events."""
        return [type(event).__name__ for event in self.tick()]

    def failed(self) -> events.Failed:
        """The failure of a tick that fails."""
        failed = [event for event in self.tick() if isinstance(event, events.Failed)]
        assert len(failed) == 1, "nothing failed"
        return failed[0]

    @property
    def ingestion(self) -> incrsim.Ingestion:
        """The ingestion that is not complete."""
        return self.store.state(self.provider.name).ingestion

    def refs(self) -> list[str]:
        """What the catalog holds, names only."""
        return [each.ref.rpartition("/")[2] for each in self.store.entities()]

    def until_due(self) -> None:
        """Let time pass until the next action."""
        self.clock.advance_to(self.ingestion.due_at or self.clock.now())

    def cycle(self) -> incrsim.Ingestion:
        """Bring one ingestion to its end, the next one after a rest; returns it as it ended."""
        number = self.ingestion.number + (self.ingestion.status is incrsim.Status.RESTING)
        for _ in range(100):
            self.until_due()
            self.tick()
            if self.ingestion.number > number:
                return self.store.history(self.provider.name)[0]
            if self.ingestion.number == number and self.ingestion.status is incrsim.Status.RESTING:
                return self.ingestion
        raise AssertionError(f"it never ends: {self.ingestion.story()}")
