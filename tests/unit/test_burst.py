"""The three shapes of a provider, behind one synchronous face."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

import incrsim
from incrsim.burst import ProviderBurst
from incrsim.errors import BurstShapeError, InvalidProvider, PageTimeout, ProviderError
from tests.unit.fakes import SHAPES, AsyncSource, CallbackSource, Source

shapes = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)


def whole_burst(provider: Any) -> list[incrsim.Page]:
    """Enter, fetch two pages, leave; and leave whatever happens, as the engine does."""
    burst = ProviderBurst(provider)
    try:
        burst.enter()
        pages = [burst.fetch(None), burst.fetch(1)]
    except Exception as error:
        burst.leave(error)
        raise
    burst.leave()
    return pages


@shapes
@pytest.mark.rule("C-2")
def test_context_is_entered_once_and_left(shape: type[Source]) -> None:
    """In every shape the context is entered once, handed to each page, and left at the end."""
    provider = shape(["a"], ["b"])
    first, second = whole_burst(provider)
    assert provider.log == ["entered", "page", "page", "left"]
    assert (first.cursor, second.done) == (1, True)


@shapes
@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), GeneratorExit()], ids=repr)
@pytest.mark.rule("C-2")
def test_what_went_wrong_reaches_around(shape: type[Source], error: BaseException) -> None:
    """`around` is told of the burst's error, whatever it is, and that it raises it again is no second one."""
    provider = shape(["a"])
    burst = ProviderBurst(provider)
    burst.enter()
    burst.leave(error)
    assert provider.log == ["entered", f"left by {type(error).__name__}"]


@shapes
def test_error_on_the_way_out_is_an_error(shape: type[Source]) -> None:
    """What `around` raises of its own when it is left comes out."""

    class Careless(shape):  # type: ignore[misc,valid-type]  # a class from the parameter
        def _note(self, what: str) -> None:
            if what.startswith("left"):
                raise LookupError("cannot leave")

    for error in (None, ValueError()):
        burst = ProviderBurst(Careless(["a"]))
        burst.enter()
        with pytest.raises(LookupError, match="cannot leave"):
            burst.leave(error)


@shapes
def test_error_while_entering_comes_out(shape: type[Source]) -> None:
    """What `around` raises before it yields comes out of `enter`, and leaving then does nothing."""

    class Broken(shape):  # type: ignore[misc,valid-type]  # a class from the parameter
        def _note(self, what: str) -> None:
            raise LookupError("cannot enter")

    burst = ProviderBurst(Broken(["a"]))
    with pytest.raises(LookupError, match="cannot enter") as caught:
        burst.enter()
    burst.leave(caught.value)


def test_swallowing_around_changes_nothing() -> None:
    """An `around` that swallows the burst's error is fine in every shape."""

    class Sync(Source):
        @contextmanager
        def around(self) -> Iterator[Source]:
            try:
                yield self
            except ValueError:
                self.log.append("swallowed")

    class Async(Source):
        @asynccontextmanager
        async def around(self) -> AsyncIterator[Source]:
            try:
                yield self
            except ValueError:
                self.log.append("swallowed")

    class Callback(Source):
        async def around(self, burst: Any) -> None:  # type: ignore[override]  # another of the shapes that a provider may have
            try:
                await burst(self)
            except ValueError:
                self.log.append("swallowed")

    for shape in (Sync, Async, Callback):
        provider = shape(["a"])
        burst = ProviderBurst(provider)
        burst.enter()
        burst.leave(ValueError())
        assert provider.log == ["swallowed"]


async def _never_called(self: Any, burst: Any) -> None:
    await asyncio.sleep(0)


async def _never_awaited(self: Any, burst: Any) -> None:
    burst(self)


def _no_coroutine(self: Any, burst: Any) -> None:
    burst(self)


async def _both_at_once(self: Any, burst: Any) -> None:
    await asyncio.gather(burst(self), burst(self))


async def _one_after_another(self: Any, burst: Any) -> None:
    await burst(self)
    await burst(self)


async def _too_early(self: Any, burst: Any) -> None:
    task = asyncio.ensure_future(burst(self))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    self.task = task


@pytest.mark.parametrize(
    ("around", "message"),
    [
        (_never_called, r"returned without calling `burst`; write `await burst\(context\)`"),
        (_never_awaited, r"called `burst` without awaiting it; write `await burst\(context\)`"),
        (_no_coroutine, r"must be `async def` and `await burst\(context\)`"),
        (_both_at_once, r"called `burst` twice; one burst is one call"),
        (_one_after_another, r"called `burst` twice; one burst is one call"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.rule("C-2")
def test_misused_callback_is_named(around: Any, message: str) -> None:
    """Not calling `burst`, not awaiting it, or calling it twice is an error that says what to write."""
    provider = type("Misused", (CallbackSource,), {"around": around})(["a"], ["b"])
    with pytest.raises(BurstShapeError, match=message) as caught:
        whole_burst(provider)
    assert "around(burst) of the provider 'source'" in str(caught.value)


def test_around_that_ends_early_is_named() -> None:
    """An `around` that is over while its burst goes on is an error."""
    provider = type("Early", (CallbackSource,), {"around": _too_early})(["a"], ["b"])
    with pytest.raises(BurstShapeError, match=r"ended before its burst did|without awaiting"):
        whole_burst(provider)


@pytest.mark.parametrize("returned", [None, 3, []])
def test_around_without_a_manager_is_named(returned: Any) -> None:
    """An `around` that returns no context manager is told how to be one."""
    provider = Source(["a"])
    provider.around = lambda: returned  # type: ignore[method-assign]  # in its place for this test
    with pytest.raises(InvalidProvider, match="is not a context manager; decorate it with @contextmanager"):
        whole_burst(provider)


def test_bare_coroutine_as_around_is_named() -> None:
    """`async def around(self)` without a decorator is told so, and leaves no unawaited coroutine behind."""

    class Undecorated(Source):
        async def around(self) -> None:
            pass

    with pytest.raises(InvalidProvider, match="@asynccontextmanager"):
        whole_burst(Undecorated())


def test_client_that_is_both_follows_next() -> None:
    """A manager that is sync and async is entered as the pages are read: some only pretend to be sync."""

    class Both:
        async def __aenter__(self) -> str:
            return "async"

        async def __aexit__(self, *details: object) -> None:
            pass

        def __enter__(self) -> str:
            return "sync"

        def __exit__(self, *details: object) -> None:
            pass

    class Sync(incrsim.IncrementalEntityProvider):
        name = "both"

        def around(self) -> Any:
            return Both()

        def next(self, context: str, cursor: Any = None) -> incrsim.Page:
            return incrsim.Page(cursor=context)

    class Async(Sync):
        async def next(self, context: str, cursor: Any = None) -> incrsim.Page:  # type: ignore[override]  # another of the shapes that a provider may have
            return incrsim.Page(cursor=context)

    for shape, expected in ((Sync, "sync"), (Async, "async")):
        burst = ProviderBurst(shape())
        burst.enter()
        assert burst.fetch(None).cursor == expected
        burst.leave()


@pytest.mark.parametrize("shape", [AsyncSource, CallbackSource])
@pytest.mark.rule("C-16")
def test_slow_coroutine_is_cancelled(shape: type[Source]) -> None:
    """A page that takes longer than its limit is cancelled, and its clean-up runs before the error comes."""
    cleaned: list[str] = []

    class Slow(shape):  # type: ignore[misc,valid-type]  # a class from the parameter
        async def next(self, context: Any, cursor: Any = None) -> Any:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                cleaned.append("page")

    provider = Slow()
    burst = ProviderBurst(provider)
    burst.enter()
    with pytest.raises(PageTimeout, match=r"longer than page_timeout \(0.001 s\), and was cancelled") as caught:
        burst.fetch(None, 0.001)
    assert cleaned == ["page"]
    burst.leave(caught.value)
    assert provider.log[-1] == "left by PageTimeout"


@pytest.mark.parametrize("shape", ["async", "callback"])
@pytest.mark.rule("C-16")
def test_slow_around_is_cancelled(shape: str) -> None:
    """Entering that takes longer than the limit is cancelled, cleans up, and leaves nothing behind."""
    log: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            log.append("cleaned")

    class Async(Source):
        @asynccontextmanager
        async def around(self) -> AsyncIterator[Source]:
            await forever()
            yield self

    class Callback(Source):
        async def around(self, burst: Any) -> None:  # type: ignore[override]  # another of the shapes that a provider may have
            await forever()

    burst = ProviderBurst({"async": Async, "callback": Callback}[shape]())
    with pytest.raises(PageTimeout) as caught:
        burst.enter(0.001)
    assert log == ["cleaned"]
    burst.leave(caught.value)


def test_providers_own_timeout_is_its_own() -> None:
    """A `TimeoutError` that the provider raises in time is not taken for ours."""

    class Impatient(AsyncSource):
        async def next(self, context: Any, cursor: Any = None) -> Any:
            raise TimeoutError("the source's own")

    burst = ProviderBurst(Impatient())
    burst.enter()
    with pytest.raises(TimeoutError, match="the source's own") as caught:
        burst.fetch(None, 60)
    assert not isinstance(caught.value, PageTimeout)
    burst.leave(caught.value)


def test_self_cancelled_coroutine_is_a_failure() -> None:
    """A coroutine that cancels itself fails like any other, and does not end the program that runs it."""

    class Suicidal(AsyncSource):
        async def next(self, context: Any, cursor: Any = None) -> Any:
            raise asyncio.CancelledError

    burst = ProviderBurst(Suicidal())
    burst.enter()
    with pytest.raises(ProviderError, match="canceled its own coroutine") as caught:
        burst.fetch(None)
    burst.leave(caught.value)


def test_context_variables_and_tasks_last_for_the_burst() -> None:
    """What `around` sets up on the loop, a background task say, is alive while pages are read."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")

    class Background(Source):
        @asynccontextmanager
        async def around(self) -> AsyncIterator[asyncio.Queue[int]]:
            queue: asyncio.Queue[int] = asyncio.Queue(1)

            async def fill() -> None:
                for number in range(3):
                    await queue.put(number)

            async with asyncio.TaskGroup() as group:
                group.create_task(fill())
                yield queue

        async def next(self, context: Any, cursor: Any = None) -> incrsim.Page:
            number = await context.get()
            return incrsim.Page(cursor=number, done=number == 2)

    burst = ProviderBurst(Background())
    burst.enter()
    assert [burst.fetch(None).cursor for _ in range(3)] == [0, 1, 2]
    burst.leave()
    assert variable.get("unset") == "unset"


def test_entities_of_a_generator_are_read_with_the_page() -> None:
    """A lazy page is read by the burst, so that its errors and its time are those of the page."""

    class Lazy(Source):
        def next(self, context: Any, cursor: Any = None) -> incrsim.Page:
            return incrsim.Page((each for each in self._lazily()), done=True)

        def _lazily(self) -> Iterator[incrsim.Entity]:
            yield incrsim.component("a", provider=self)
            raise LookupError("in the middle")

    burst = ProviderBurst(Lazy())
    burst.enter()
    with pytest.raises(LookupError, match="in the middle") as caught:
        burst.fetch(None)
    burst.leave(caught.value)
