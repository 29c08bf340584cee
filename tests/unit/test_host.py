"""Where a provider's code runs: real threads, held and let go by events; no test waits for time to pass."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from incrsim import events, host as hosts
from incrsim.clock import VirtualClock
from incrsim.errors import PageTimeout
from incrsim.host import InlineHost, ThreadHost
from incrsim.ingestion import Failure, Status
from tests.unit.fakes import SHAPES, AsyncSource, Rig, Source

shapes = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
SOON = 0.01
"""Seconds after which a coroutine that never ends is cancelled; any number would do."""

LET_GO: list[threading.Event] = []
"""What hanging providers wait for, to be set at the end of each test."""


class Answer(Future[Any]):
    """Gives up waiting as soon as the provider hangs: what a long wait would come to, in no time."""

    hanging: ClassVar[Future[None]] = Future()

    def result(self, timeout: float | None = None) -> Any:
        wait([self, self.hanging], return_when=FIRST_COMPLETED)
        if self.done():
            return super().result(0)
        raise TimeoutError


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Future[None]:
    """To be set by a provider that hangs."""
    monkeypatch.setattr(hosts, "Future", Answer)
    monkeypatch.setattr(Answer, "hanging", Future())
    return Answer.hanging


def hang() -> threading.Event:
    """Something to hang at."""
    LET_GO.append(threading.Event())
    return LET_GO[-1]


def burst_threads() -> list[threading.Thread]:
    """The threads of bursts that have not ended."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("incrsim burst")]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Whatever a test does, the threads of its bursts end once they are let go."""
    LET_GO.clear()
    before = burst_threads()
    yield
    for event in LET_GO:
        event.set()
    for thread in set(burst_threads()).difference(before):
        thread.join(10)
        assert not thread.is_alive(), f"{thread.name} never ended"


class Stuck(Source):
    """Hangs where it is told to, until it is let go."""

    def __init__(self, where: str) -> None:
        super().__init__(["a"], ["b"], name="stuck")
        self.where = where
        self.free = hang()

    @contextmanager
    def around(self) -> Iterator[Source]:
        self._hang("enter")
        with self.noting():
            yield self
        self._hang("leave")

    def next(self, context: Any, cursor: Any = None) -> Any:
        self._hang("page")
        return super().next(context, cursor)

    def _hang(self, here: str) -> None:
        if here == self.where:
            Answer.hanging.set_result(None)
            assert self.free.wait(60)


@shapes
@pytest.mark.rule("C-2")
def test_one_burst_is_one_thread(shape: type[Source]) -> None:
    """All code of a burst runs on one thread of its own, also the leaving, and also after an error."""
    for second in (["b"], ValueError("no")):
        provider = shape(["a"], second)
        Rig(provider, host=ThreadHost()).tick()
        assert len(provider.threads) == 1
        assert provider.threads != {threading.get_ident()}
        assert provider.log[-1].startswith("left")


@shapes
@pytest.mark.parametrize("kind", ["inline", "threads"])
@pytest.mark.rule("C-2")
def test_runs_inside_a_running_loop(shape: type[Source], kind: str) -> None:
    """A burst works where an event loop runs already, as in every notebook cell."""
    provider = shape(["a"], ["b"])
    rig = Rig(provider, host=ThreadHost() if kind == "threads" else None)

    async def cell() -> list[events.Event]:
        return rig.tick()

    assert isinstance(asyncio.run(cell())[-1], events.SweepCommitted)
    assert rig.refs() == ["a", "b"]


def test_inline_runs_on_the_callers_thread() -> None:
    """A simulation has no threads as long as nothing forces it to."""
    for shape in SHAPES:
        provider = shape(["a"])
        Rig(provider).tick()
        assert provider.threads == {threading.get_ident()}


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.rule("C-16")
def test_virtual_limit_is_judged_after_the_call(*, running: bool) -> None:
    """In a simulation a page that took longer than the limit by the virtual clock fails, inside a loop and outside."""
    clock = VirtualClock()

    class Slow(AsyncSource):
        async def next(self, context: Any, cursor: Any = None) -> Any:
            clock.wait(11)
            return await super().next(context, cursor)

    async def inside() -> None:
        outside()

    def outside() -> None:
        session = InlineHost(clock).begin(Slow(["a"]), 10)
        session.enter()
        with pytest.raises(PageTimeout, match=r"longer than page_timeout \(10 s\)") as caught:
            session.fetch(None)
        session.leave(caught.value)

    if running:
        asyncio.run(inside())
    else:
        outside()


@pytest.mark.parametrize("where", ["enter", "page", "leave"])
@pytest.mark.rule("C-16")
def test_stuck_thread_is_given_up(where: str, hanging: Future[None]) -> None:
    """A sync provider that hangs anywhere is given up: the failure is recorded, and nothing that it holds is kept."""
    provider = Stuck(where)
    host = ThreadHost()
    rig = Rig(provider, host=host)
    committed = 1 if where == "leave" else 0
    rig.engine = replace(rig.engine, stopping=lambda: True)
    failed = rig.failed()
    assert (failed.failure.error, failed.status) == ("PageTimeout", Status.BACKING_OFF)
    assert "give its client a timeout of its own, or raise page_timeout" in failed.failure.message
    assert rig.ingestion.pages == committed
    # ... and no second burst begins meanwhile, although it is due.
    rig.until_due()
    assert host.is_stuck("stuck")
    assert host.stuck() == ["stuck"]
    (waiting,) = rig.tick()
    assert isinstance(waiting, events.Waiting)
    assert waiting.reason == "stuck"
    # When it comes back, it leaves its context and commits nothing.
    (thread,) = burst_threads()
    provider.free.set()
    thread.join(10)
    assert not thread.is_alive()
    assert provider.log[-1] in ("left by PageTimeout", "left")
    assert rig.ingestion.pages == committed
    assert not rig.host.is_stuck("stuck")
    provider.where = ""
    Answer.hanging = Future()
    assert rig.cycle().outcome == "swept"
    assert rig.refs() == ["a", "b"]


@pytest.mark.rule("C-16")
def test_coroutine_that_ignores_its_cancellation_is_given_up(hanging: Future[None]) -> None:
    """An async provider that blocks its loop is given up, and cleans up on its own thread later."""
    free = hang()

    class Blocking(AsyncSource):
        async def next(self, context: Any, cursor: Any = None) -> Any:
            hanging.set_result(None)
            assert free.wait(60)
            return await super().next(context, cursor)

    provider = Blocking(["a"])
    rig = Rig(provider, host=ThreadHost())
    assert rig.failed().failure.error == "PageTimeout"
    assert rig.host.is_stuck("source")
    (thread,) = burst_threads()
    free.set()
    thread.join(10)
    assert provider.log[-1] == "left by PageTimeout"
    assert (rig.refs(), rig.host.is_stuck("source")) == ([], False)


@pytest.mark.rule("C-16")
def test_cancelled_coroutine_is_not_stuck() -> None:
    """A coroutine that is cancelled in time costs a failure, and leaves no thread behind that would be stuck."""

    class Slow(Source):
        async def next(self, context: Any, cursor: Any = None) -> Any:
            await asyncio.Event().wait()

    provider = Slow()
    rig = Rig(provider, host=ThreadHost(), page_timeout=timedelta(seconds=SOON))
    failed = rig.failed()
    assert "and was cancelled" in failed.failure.message
    assert provider.log == ["entered", "left by PageTimeout"]
    assert not rig.host.is_stuck("source")


def test_providers_own_timeout_error_is_passed_on() -> None:
    """A `TimeoutError` of the provider's own reaches the engine as it is, and the thread lives on to leave."""
    provider = Source(TimeoutError("the source's own"))
    rig = Rig(provider, host=ThreadHost())
    assert rig.failed().failure == Failure("TimeoutError", "the source's own", page=1)
    assert provider.log[-1] == "left by TimeoutError"


def test_interrupted_wait_does_not_wait_for_the_provider() -> None:
    """Ctrl-C while a page is being fetched comes out at once; the thread leaves its context when it comes back."""
    free = hang()

    class Slow(Source):
        def next(self, context: Any, cursor: Any = None) -> Any:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            assert free.wait(60)
            return super().next(context, cursor)

    provider, host = Slow(["a"]), ThreadHost()
    rig = Rig(provider, host=host)
    # A shell starts what runs in its background with SIGINT ignored, and so might whoever runs the tests.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            rig.tick()
    finally:
        signal.signal(signal.SIGINT, before)
    assert host.is_stuck("source")
    assert (rig.ingestion.status, rig.ingestion.last_error, rig.ingestion.pages) == (Status.BURSTING, None, 0)
    (thread,) = burst_threads()
    free.set()
    thread.join(10)
    assert provider.log[-1] == "left by KeyboardInterrupt"
    assert not host.is_stuck("source")
