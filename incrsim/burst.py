"""A provider's side of one burst: entering its context, fetching pages, leaving (C-2, C-16).

`ProviderBurst` gives the three shapes of a provider (sync, async, callback) one synchronous face. All its code runs on
one thread; coroutines run on an event loop of the burst's own.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from typing import Any, Protocol

from incrsim.draft import as_entity
from incrsim.entity import Entity
from incrsim.errors import BurstShapeError, InvalidProvider, PageTimeout, ProviderError, StoreError
from incrsim.provider import Page, as_page, takes_callback


class _Shape(Protocol):
    """How a provider's context is entered and left."""

    def enter(self, timeout: float | None) -> Any:
        """Enter, and return the context."""

    def leave(self, error: BaseException | None, timeout: float | None) -> None:
        """Leave, telling the provider what went wrong in its burst."""


class ProviderBurst:
    """One burst of a provider, to be used on one thread: `enter`, any number of `fetch`, `leave`.

    Args:
        provider: the provider.
    """

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._loop = _Loop()
        self._shape: _Shape = (
            _CallbackShape(provider.around, provider.name, self._loop)
            if takes_callback(provider)
            else _ManagerShape(provider, self._loop)
        )
        self._context: Any = None

    def enter(self, timeout: float | None = None) -> None:
        """Enter the provider's context.

        Args:
            timeout: seconds after which coroutines are cancelled; `None` for no limit.
        """
        with _as_failures(self._provider):
            self._context = self._shape.enter(timeout)

    def fetch(self, cursor: Any, timeout: float | None = None) -> Page:
        """Ask the provider for the page at `cursor`.

        Raises:
            InvalidPage: when what comes back is not a page (C-3).
            PageTimeout: when a coroutine took longer than `timeout` seconds and was cancelled (C-16).
        """
        with _as_failures(self._provider):
            page = as_page(self._loop.result(self._provider.next(self._context, cursor), timeout))
            # A generator of entities is the provider's code as well: run it here, on the burst's thread and under its
            # limit. So is serialising what it gave: on this thread its dicts are still at hand, on another it takes
            # half as long again.
            entities = [each if type(each) is Entity else as_entity(each) for each in page.entities]
            return Page(entities, page.cursor, page.done, list(page.problems))

    def leave(self, error: BaseException | None = None, timeout: float | None = None) -> None:
        """Leave the provider's context, whatever happened, and end the burst's event loop.

        Args:
            error: what went wrong in the burst; it reaches the provider's `around`.
            timeout: seconds after which coroutines are cancelled.
        """
        try:
            with _as_failures(self._provider):
                self._shape.leave(error, timeout)
        finally:
            self._loop.close()


class _as_failures:  # noqa: N801 -- a context manager
    """What a provider's code raises is the provider's failure, also where the engine or Python gives the class another
    meaning: one that calls `sys.exit()` ends no worker, and one that raises `Fenced` overtakes nobody.
    """

    __slots__ = ("_provider",)

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def __enter__(self) -> None:
        """Nothing to set up."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, (StoreError, SystemExit, GeneratorExit, asyncio.CancelledError)):
            raise ProviderError(
                f"the provider {self._provider.name!r} raised {type(error).__name__}: {error}"
            ) from error


class _Loop:
    """An event loop that is made when the first coroutine comes along."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    def result(self, returned: Any, timeout: float | None) -> Any:
        """What a call returned, awaited first if it is a coroutine."""
        if type(returned) is Page or not inspect.isawaitable(returned):
            return returned
        return self.run(_awaited(returned), timeout)

    def run(self, coroutine: Coroutine[Any, Any, Any], timeout: float | None) -> Any:
        """Run a coroutine to its end, or cancel it after `timeout` seconds."""
        try:
            return self._get().run(_within(coroutine, timeout))
        except asyncio.CancelledError as error:
            # Not ours, which is a PageTimeout by now; and it must not pass for somebody's wish to end this program.
            raise ProviderError("the provider canceled its own coroutine; catch CancelledError in it") from error

    def close(self) -> None:
        """Cancel what is left and close the loop."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def _get(self) -> asyncio.Runner:
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner


def answer(call: Callable[[], Any], timeout: float | None = None) -> Any:
    """What a provider's code answers outside of a burst; a coroutine runs on a loop of its own.

    Args:
        call: calls it, on this thread.
        timeout: seconds after which a coroutine is cancelled.

    Raises:
        PageTimeout: when a coroutine took longer, and was cancelled.
    """
    loop = _Loop()
    try:
        return loop.result(call(), timeout)
    finally:
        loop.close()


class _ManagerShape:
    """`around()` returns a context manager, or an async one."""

    def __init__(self, provider: Any, loop: _Loop) -> None:
        self._provider = provider
        self._loop = loop
        self._manager: AbstractContextManager[Any] | None = None
        self._inner: _CallbackShape | None = None

    def enter(self, timeout: float | None) -> Any:
        """Enter the manager that `around()` returns."""
        manager = self._provider.around()
        if _is_async_manager(manager, self._provider):
            # One task enters and leaves it, as cancel scopes and task groups want it.
            self._inner = _CallbackShape(partial(_around, manager), self._provider.name, self._loop)
            return self._inner.enter(timeout)
        if not isinstance(manager, AbstractContextManager):
            raise InvalidProvider(_no_manager(self._provider, manager))
        context = manager.__enter__()
        self._manager = manager
        return context

    def leave(self, error: BaseException | None, timeout: float | None) -> None:
        """Leave it; a manager that swallows the error changes nothing, for the engine has noted it already."""
        manager, self._manager = self._manager, None
        if self._inner is not None:
            self._inner.leave(error, timeout)
        elif manager is not None:
            details = (None, None, None) if error is None else (type(error), error, error.__traceback__)
            _ignoring(error, lambda: manager.__exit__(*details))


class _CallbackShape:
    """Upstream's `async def around(self, burst)`: it calls `burst(context)`, which lasts as long as the burst does."""

    def __init__(self, around: Callable[[_Burst], Any], name: str, loop: _Loop) -> None:
        self._around = around
        self._named = f"around(burst) of the provider {name!r}"
        self._loop = loop
        self._task: asyncio.Task[Any] | None = None
        self._entered: asyncio.Future[Any] | None = None
        self._over: asyncio.Future[None] | None = None
        self._calls: list[Coroutine[Any, Any, None]] = []

    def enter(self, timeout: float | None) -> Any:
        """Run `around` up to its call of `burst`."""
        return self._loop.run(self._begin(), timeout)

    def leave(self, error: BaseException | None, timeout: float | None) -> None:
        """Let `burst` return, or raise what went wrong, and run `around` to its end."""
        task, self._task = self._task, None
        if task is not None:
            _ignoring(error, lambda: self._loop.run(self._end(task, error), timeout))

    async def _begin(self) -> Any:
        loop = asyncio.get_running_loop()
        self._entered, self._over = loop.create_future(), loop.create_future()
        returned = self._around(self._burst)
        if not inspect.isawaitable(returned):
            self._close_calls()
            raise BurstShapeError(f"{self._named} must be `async def` and `await burst(context)`")
        task = asyncio.ensure_future(returned)
        try:
            await asyncio.wait({task, self._entered}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        if not task.done():
            self._task = task
            return self._entered.result()
        self._close_calls()
        await task  # raises what `around` raised
        what = "called `burst` without awaiting it" if self._calls else "returned without calling `burst`"
        raise BurstShapeError(f"{self._named} {what}; write `await burst(context)` in it")

    def _close_calls(self) -> None:
        # Python would else warn of what was never awaited, at some other time and place.
        for call in self._calls:
            call.close()

    def _burst(self, context: Any) -> Coroutine[Any, Any, None]:
        if self._calls:
            raise BurstShapeError(f"{self._named} called `burst` twice; one burst is one call")
        if self._entered is not None:
            self._entered.set_result(context)
        self._calls.append(self._last())
        return self._calls[0]

    async def _last(self) -> None:
        if self._over is not None:
            await self._over

    async def _end(self, task: asyncio.Task[Any], error: BaseException | None) -> None:
        if self._over is None or task.done():
            await task
            raise BurstShapeError(f"{self._named} ended before its burst did; let nothing but its end end `burst`")
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)
        await task


_Burst = Callable[[Any], Coroutine[Any, Any, None]]


async def _around(manager: AbstractAsyncContextManager[Any], burst: _Burst) -> None:
    async with manager as context:
        await burst(context)


def _is_async_manager(manager: object, provider: Any) -> bool:
    # Clients that are both are meant to be entered as the pages are read; some of them only pretend to be sync.
    either = isinstance(manager, AbstractContextManager) and not inspect.iscoroutinefunction(provider.next)
    return isinstance(manager, AbstractAsyncContextManager) and not either


def _no_manager(provider: Any, returned: object) -> str:
    if inspect.iscoroutine(returned):
        returned.close()
    return (
        f"around() of the provider {provider.name!r} returned {returned!r}, which is not a context manager; "
        "decorate it with @contextmanager (or @asynccontextmanager) and yield the context"
    )


def _ignoring(error: BaseException | None, leave: Callable[[], Any]) -> None:
    """Leave a context that was told of `error`: that it comes out again is no news; anything else is."""
    try:
        leave()
    except BaseException as raised:
        if raised is not error:
            raise


async def _awaited(returned: Any) -> Any:
    return await returned


async def _within(coroutine: Coroutine[Any, Any, Any], seconds: float | None) -> Any:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            result = await coroutine
    except TimeoutError as error:
        if limit.expired():
            raise _cancelled(seconds) from error
        raise
    if limit.expired():  # it caught its own cancellation; what it returned is as late as any
        raise _cancelled(seconds)
    return result


def _cancelled(seconds: float | None) -> PageTimeout:
    return PageTimeout(f"the provider took longer than page_timeout ({seconds:g} s), and was cancelled")
