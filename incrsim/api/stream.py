"""Everything that happens here, as server-sent events: bridged from the engine's threads to the server's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import orjson
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from incrsim.events import Event, EventStream
from incrsim.plain import plain

MEDIA_TYPE = "text/event-stream"

MOST_WAITING = 1000
"""Events that wait for a client; one that has fallen behind further is dropped, so that memory stays bounded."""

MOST_FOLLOWERS = 100
"""Clients that may follow at a time."""

HEARTBEAT = 15.0
"""Seconds of silence after which a comment tells the client, and what is between, that the stream is alive."""

LAST_WORD = 1.0
"""Seconds that a client has to take the end of its stream."""


class _Follower:
    """One client: what waits for it, and whether it has to go."""

    def __init__(self, provider: str | None) -> None:
        self.over = asyncio.Event()
        self._provider = provider
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[Event] = asyncio.Queue(MOST_WAITING)

    def tell(self, event: Event) -> None:
        """Take an event; from any thread, and never waits."""
        if self._provider in (None, event.provider):
            self._soon(lambda: self._put(event))

    def end(self) -> None:
        """Let it go; from any thread."""
        self._soon(self.over.set)

    async def next(self) -> Event:
        """The next event."""
        return await self._waiting.get()

    def _put(self, event: Event) -> None:
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self.over.set()

    def _soon(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed, and with it the connection
            self._loop.call_soon_threadsafe(call)


class Broadcast:
    """Hands the events of a stream to clients.

    Args:
        events: the stream.
    """

    def __init__(self, events: EventStream) -> None:
        self._events = events
        self._followers: set[_Follower] = set()
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether nobody else can follow."""
        return self._closed or len(self._followers) >= MOST_FOLLOWERS

    @property
    def followers(self) -> int:
        """How many clients follow."""
        return len(self._followers)

    def close(self) -> None:
        """End all streams, and begin no more; from any thread. A server waits for its connections to end."""
        self._closed = True
        for follower in tuple(self._followers):
            follower.end()

    @contextmanager
    def following(self, provider: str | None) -> Iterator[_Follower]:
        """Follow from now on, on the server's loop."""
        follower = _Follower(provider)
        unsubscribe = self._events.subscribe(follower.tell)
        self._followers.add(follower)
        try:
            if self._closed:
                follower.over.set()
            yield follower
        finally:
            self._followers.discard(follower)
            unsubscribe()


class EventResponse(Response):
    """A stream that lasts until its client goes, falls behind, or the server stops.

    Args:
        broadcast: where events come from.
        provider: only what happens to it.
    """

    def __init__(self, broadcast: Broadcast, provider: str | None) -> None:
        super().__init__(media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._broadcast = broadcast
        self._provider = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the end."""
        with self._broadcast.following(self._provider) as follower:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            ends = [
                asyncio.ensure_future(each)
                for each in (_send_all(follower, send), follower.over.wait(), _gone(receive))
            ]
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in ends:
                    each.cancel()
                await asyncio.gather(*ends, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORD):
                await send(_chunk(b"", more=False))


async def _send_all(follower: _Follower, send: Send) -> None:
    await send(_chunk(b": events from now on\n\n"))
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT):
                event = await follower.next()
        except TimeoutError:
            await send(_chunk(b": still here\n\n"))
        else:
            await send(_chunk(b"event: %s\ndata: %s\n\n" % (type(event).__name__.encode(), orjson.dumps(plain(event)))))


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _chunk(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
