"""Where a provider's code runs: on a thread of its own when live, on the caller's in a simulation (C-2, C-16;
architecture, decision 1).
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from incrsim.burst import ProviderBurst, answer
from incrsim.clock import Clock
from incrsim.errors import PageTimeout
from incrsim.provider import Page, takes_callback

Result = TypeVar("Result")

GRACE_FOR_COROUTINES = 5.0
"""Seconds that a cancelled coroutine has to clean up before its thread is given up too."""

LONGEST_NAP = 1.0
"""Seconds after which a thread that waits for a provider looks whether a signal has come."""


class BurstSession(Protocol):
    """One burst of a provider's code, wherever it runs."""

    def enter(self) -> None:
        """Enter the provider's context."""

    def fetch(self, cursor: Any) -> Page:
        """Fetch the page at `cursor`; raises `PageTimeout` past the limit."""

    def leave(self, error: BaseException | None = None) -> None:
        """Leave the context. Does nothing when the provider's thread is stuck."""


class Host(Protocol):
    """Begins bursts."""

    def begin(self, provider: Any, timeout: float) -> BurstSession:
        """Begin a burst whose calls may take `timeout` seconds each."""

    def work(self, name: str, job: Callable[[], None]) -> None:
        """Run a job beside the caller, on a thread of that name when live."""

    def is_stuck(self, name: str) -> bool:
        """Whether an earlier burst of that provider is still stuck in this process (C-16)."""

    def stuck(self) -> list[str]:
        """The providers whose threads are stuck, sorted."""


class ThreadHost:
    """For live engines: each burst has a thread, so that one that hangs can be given up."""

    def __init__(self) -> None:
        self._stuck: dict[str, threading.Thread] = {}

    def begin(self, provider: Any, timeout: float) -> BurstSession:
        """Begin a burst on a thread of its own."""
        return _ThreadSession(provider, timeout, self._stuck)

    def work(self, name: str, job: Callable[[], None]) -> None:
        """Run a job on a thread of its own, which a process that ends does not wait for."""
        threading.Thread(target=job, name=name, daemon=True).start()

    def is_stuck(self, name: str) -> bool:
        """Whether a thread of that provider was given up and has not ended yet."""
        thread = self._stuck.get(name)
        if thread is not None and not thread.is_alive():
            self._stuck.pop(name, None)  # two may look at the same time
            return False
        return thread is not None

    def stuck(self) -> list[str]:
        """The providers whose threads are stuck, sorted."""
        return [name for name in sorted(self._stuck) if self.is_stuck(name)]


class InlineHost:
    """For simulations: no threads, and the limit is judged by the virtual clock after the call, since nothing can hang
    there.

    Args:
        clock: the simulation's clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def begin(self, provider: Any, timeout: float) -> BurstSession:
        """Begin a burst on this thread; on a helper thread when a coroutine would meet the caller's own event loop."""
        burst: BurstSession = ProviderBurst(provider)
        if _loop_is_running():
            burst = _ThreadSession(provider, float("inf"), {})
        return _InlineSession(burst, timeout, self._clock)

    def work(self, name: str, job: Callable[[], None]) -> None:
        """Run a job at once, on this thread."""
        job()

    def is_stuck(self, name: str) -> bool:
        """Never."""
        return False

    def stuck(self) -> list[str]:
        """None."""
        return []


class _InlineSession:
    def __init__(self, burst: BurstSession, timeout: float, clock: Clock) -> None:
        self._burst = burst
        self._timeout = timeout
        self._clock = clock

    def enter(self) -> None:
        self._within(self._burst.enter)

    def fetch(self, cursor: Any) -> Page:
        return self._within(lambda: self._burst.fetch(cursor))

    def leave(self, error: BaseException | None = None) -> None:
        self._burst.leave(error)

    def _within(self, call: Callable[[], Result]) -> Result:
        begun = self._clock.monotonic()
        result = call()
        if self._clock.monotonic() - begun > self._timeout:
            raise _too_long(self._timeout)
        return result


class _ThreadSession:
    """Hands calls to a thread one at a time, and waits for each; what is not answered in time is given up with its
    thread.
    """

    def __init__(self, provider: Any, timeout: float, stuck: dict[str, threading.Thread]) -> None:
        self._burst = ProviderBurst(provider)
        self._name: str = provider.name
        self._limit = None if timeout == float("inf") else timeout
        self._grace = GRACE_FOR_COROUTINES if _needs_loop(provider) else 0.0
        self._stuck = stuck
        self._given_up = False
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=f"incrsim burst of {self._name}", daemon=True)
        self._thread.start()

    def enter(self) -> None:
        self._call(lambda: self._burst.enter(self._limit))

    def fetch(self, cursor: Any) -> Page:
        page: Page = self._call(lambda: self._burst.fetch(cursor, self._limit))
        return page

    def leave(self, error: BaseException | None = None) -> None:
        if self._given_up:
            return
        try:
            self._call(lambda: self._burst.leave(error, self._limit))
        finally:
            self._calls.put(None)

    def _call(self, call: Callable[[], Any]) -> Any:
        answer: Future[Any] = Future()
        try:
            self._calls.put((call, answer))
            return self._wait_for(answer)
        except BaseException as error:
            # Too late, or Ctrl-C while waiting: whoever wants the end now does not want to wait for the provider.
            if not answer.done():
                self._give_up(error)
            raise

    def _wait_for(self, answer: Future[Any]) -> Any:
        # A coroutine is cancelled at the limit, on its own loop; only what does not react to that is given up here.
        left = float("inf") if self._limit is None else self._limit + self._grace
        while True:
            # In slices, since Python does not hear a signal that comes just before it falls asleep until it wakes up.
            nap = min(left, LONGEST_NAP)
            try:
                return answer.result(nap)
            except TimeoutError as error:
                if answer.done():
                    return answer.result()  # the provider's own TimeoutError, or an answer at the very last moment
                left -= nap
                if left <= 0:
                    raise _too_long(self._limit or 0.0) from error

    def _give_up(self, reason: BaseException) -> None:
        """Go on without the thread; should it come back one day, it leaves the context and ends."""
        self._given_up = True
        self._stuck[self._name] = self._thread
        self._calls.put((lambda: self._burst.leave(reason), Future()))
        self._calls.put(None)

    def _serve(self) -> None:
        while (job := self._calls.get()) is not None:
            call, answer = job
            try:
                answer.set_result(call())
            except BaseException as error:  # noqa: BLE001  # it belongs to the thread that waits for the answer
                answer.set_exception(error)


def answer_beside(call: Callable[[], Any], timeout: float) -> Any:
    """What a provider's code answers beside its bursts: on this thread, or on a helper thread when a coroutine would
    meet this thread's own event loop.

    Args:
        call: calls it.
        timeout: seconds after which a coroutine is cancelled.
    """
    if not _loop_is_running():
        return answer(call, timeout)
    with ThreadPoolExecutor(1, "incrsim events") as helper:
        return helper.submit(answer, call, timeout).result()


def _too_long(timeout: float) -> PageTimeout:
    return PageTimeout(
        f"the provider took longer than page_timeout ({timeout:g} s); "
        "give its client a timeout of its own, or raise page_timeout"
    )


def _needs_loop(provider: Any) -> bool:
    return takes_callback(provider) or any(map(_is_async, (provider.around, provider.next)))


def _is_async(method: Any) -> bool:
    inner = getattr(method, "__wrapped__", method)  # @asynccontextmanager wraps an async generator
    return asyncio.iscoroutinefunction(inner) or (hasattr(inner, "__code__") and bool(inner.__code__.co_flags & 0x200))


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
