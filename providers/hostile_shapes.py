"""Sins of `hostile.py` in how its context is entered and left, and in its coroutines."""
# ruff: noqa: ARG001  # every sin gets the sinner, needed or not

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from incrsim import Page

if TYPE_CHECKING:
    from providers.hostile import Hostile

Burst = Callable[[Any], Awaitable[None]]


@contextmanager
def _enter_raises(hostile: Hostile) -> Iterator[None]:
    raise LookupError("cannot enter")
    yield


@contextmanager
def _leave_raises(hostile: Hostile) -> Iterator[None]:
    yield
    raise LookupError("cannot leave")


@contextmanager
def _yields_nothing(hostile: Hostile) -> Iterator[None]:
    yield from ()


@contextmanager
def _yields_twice(hostile: Hostile) -> Iterator[None]:
    yield
    yield


@contextmanager
def _hangs_in_enter(hostile: Hostile) -> Iterator[None]:
    hostile.free.wait()
    yield


@contextmanager
def _hangs_in_leave(hostile: Hostile) -> Iterator[None]:
    yield
    hostile.free.wait()


@asynccontextmanager
async def _async_enter_raises(hostile: Hostile) -> AsyncIterator[None]:
    raise LookupError("cannot enter")
    yield


async def _never_calls(hostile: Hostile, burst: Burst) -> None:
    """Leave `burst` alone."""


async def _never_awaits(hostile: Hostile, burst: Burst) -> None:
    burst(None)


async def _calls_twice(hostile: Hostile, burst: Burst) -> None:
    await burst(None)
    await burst(None)


async def _calls_at_once(hostile: Hostile, burst: Burst) -> None:
    await asyncio.gather(burst(None), burst(None))


async def _goes_on_without(hostile: Hostile, burst: Burst) -> None:
    task = asyncio.ensure_future(burst(None))
    await asyncio.sleep(0)
    task.cancel()


def _is_no_coroutine(hostile: Hostile, burst: Burst) -> None:
    burst(None)


AROUNDS: dict[str, Callable[..., Any]] = {
    "enter-raises": _enter_raises,
    "leave-raises": _leave_raises,
    "around-yields-nothing": _yields_nothing,
    "around-yields-twice": _yields_twice,
    "around-is-no-manager": lambda _: 42,
    "around-hangs": _hangs_in_enter,
    "around-hangs-at-the-end": _hangs_in_leave,
    "async-around-raises": _async_enter_raises,
    "callback-never-calls": _never_calls,
    "callback-never-awaits": _never_awaits,
    "callback-calls-twice": _calls_twice,
    "callback-calls-twice-at-once": _calls_at_once,
    "callback-goes-on-without": _goes_on_without,
    "callback-is-no-coroutine": _is_no_coroutine,
}


async def _raises(hostile: Hostile) -> Page:
    await asyncio.sleep(0)
    raise ValueError("no")


async def _hangs(hostile: Hostile) -> Page:
    await asyncio.Event().wait()
    return hostile.page()


async def _will_not_be_cancelled(hostile: Hostile) -> Page:
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    return hostile.page()


async def _cancels_itself(hostile: Hostile) -> Page:
    raise asyncio.CancelledError


async def _stops_the_loop(hostile: Hostile) -> Page:
    asyncio.get_running_loop().stop()
    await asyncio.Event().wait()
    return hostile.page()


async def _leaves_a_task(hostile: Hostile) -> Page:
    hostile.tasks.append(asyncio.ensure_future(asyncio.Event().wait()))
    return hostile.page()


ASYNC_PAGES: dict[str, Callable[[Hostile], Awaitable[Any]]] = {
    "async-raises": _raises,
    "async-hangs": _hangs,
    "async-will-not-be-cancelled": _will_not_be_cancelled,
    "async-cancels-itself": _cancels_itself,
    "async-stops-the-loop": _stops_the_loop,
    "async-leaves-a-task": _leaves_a_task,
}
