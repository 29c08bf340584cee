"""Sins of `hostile.py` in what `next` returns, raises, or never comes back from."""

from __future__ import annotations

import asyncio
import threading
from collections import UserDict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from incrsim import Page
from incrsim.errors import CursorExpired, FatalError, Fenced, RateLimited

if TYPE_CHECKING:
    from providers.hostile import Hostile


class Unspeakable(Exception):  # noqa: N818  # its name is what it is
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise LookupError("not even this")


class Trap(UserDict[str, Any]):
    """A mapping that raises when it is read."""

    def __getitem__(self, key: str) -> Any:
        raise LookupError(key)


def _raise(error: BaseException | type[BaseException]) -> Any:
    raise error


def _midway(hostile: Hostile) -> Iterator[dict[str, Any]]:
    yield hostile.body("c")
    raise LookupError("in the middle of a page")


def _mutating(hostile: Hostile) -> Page:
    for each in hostile.given:
        each["metadata"]["name"] = "changed"
    hostile.given.clear()
    return hostile.page()


def _forged(body: dict[str, Any]) -> dict[str, Any]:
    body["metadata"]["annotations"]["@backstage/incremental-entity-provider"] = "victims"
    return body


def _circle() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


def _hang(hostile: Hostile) -> Page:
    hostile.free.wait()
    return hostile.page()


def _slow(hostile: Hostile) -> Page:
    hostile.free.wait(hostile.seconds)
    return hostile.page()


def _renaming(hostile: Hostile) -> Page:
    page = hostile.page()
    hostile.name = "somebody else"
    return page


def _thread(hostile: Hostile) -> Page:
    threading.Thread(target=hostile.free.wait, name="hostile", daemon=True).start()
    return hostile.page()


SECOND_PAGES: dict[str, Callable[[Hostile], Any]] = {
    "raises": lambda _: _raise(ValueError("no")),
    "raises-fatal": lambda _: _raise(FatalError("for ever")),
    "raises-fenced": lambda _: _raise(Fenced("as if somebody else had the lease")),
    "raises-timeout": lambda _: _raise(TimeoutError("of the source")),
    "raises-what-no-text-holds": lambda _: _raise(ValueError("\0 \ud800 \x1b[31m" + "x" * 1_000_000)),
    "raises-the-unspeakable": lambda _: _raise(Unspeakable),
    "raises-stop-iteration": lambda _: _raise(StopIteration),
    "raises-cancelled": lambda _: _raise(asyncio.CancelledError),
    "raises-recursion": lambda _: _raise(RecursionError),
    "raises-memory": lambda _: _raise(MemoryError),
    "raises-keyboard-interrupt": lambda _: _raise(KeyboardInterrupt),
    "raises-system-exit": lambda _: _raise(SystemExit(3)),
    "raises-generator-exit": lambda _: _raise(GeneratorExit),
    "cursor-expired": lambda _: _raise(CursorExpired("too old")),
    "rate-limited-for-centuries": lambda _: _raise(RateLimited(datetime(2500, 1, 1, tzinfo=UTC))),
    "rate-limited-in-the-past": lambda _: _raise(RateLimited(datetime(1970, 1, 1, tzinfo=UTC))),
    "returns-nothing": lambda _: None,
    "returns-a-list": lambda hostile: [hostile.body("c")],
    "returns-unknown-keys": lambda _: {"entitys": [], "done": True},
    "done-is-a-word": lambda _: {"entities": [], "done": "yes"},
    "entities-is-a-number": lambda _: {"entities": 5, "done": True},
    "entities-is-one-mapping": lambda hostile: {"entities": hostile.body("c"), "done": True},
    "entities-raise-midway": lambda hostile: Page(_midway(hostile), done=True),
    "problems-is-text": lambda _: {"problems": "c", "done": True},
    "problem-cannot-be-told": lambda hostile: Page(hostile.page().entities, done=True, problems=[Unspeakable()]),  # type: ignore[list-item]  # a sin: it is no problem at all
    "problem-without-ref": lambda hostile: Page(hostile.page().entities, done=True, problems=["a part is missing"]),
    "cursor-missing": lambda hostile: hostile.of("c"),
    "cursor-loop": lambda hostile: hostile.of("c", cursor=1),
    "cursor-is-an-object": lambda hostile: hostile.of("c", cursor=object()),
    "cursor-is-a-tuple": lambda hostile: hostile.of("c", cursor=(1, 2)),
    "cursor-is-nan": lambda hostile: hostile.of("c", cursor=float("nan")),
    "cursor-is-huge": lambda hostile: hostile.of("c", cursor="x" * 100_000),
    "cursor-has-integer-keys": lambda hostile: hostile.of("c", cursor={1: 2}),
    "cursor-has-a-lone-surrogate": lambda hostile: hostile.of("c", cursor="\ud800"),
    "cursor-holds-itself": lambda hostile: hostile.of("c", cursor=_circle()),
    "repeated-page": lambda hostile: hostile.of("a", "b", cursor=2),
    "duplicate-in-page": lambda hostile: hostile.also(hostile.body("c", age=2)),
    "mutates-the-page-before": _mutating,
    "invalid-name": lambda hostile: hostile.also(hostile.body("a b/../c")),
    "name-is-a-number": lambda hostile: hostile.also(hostile.body(7)),
    "no-name": lambda hostile: hostile.also({"apiVersion": "v1", "kind": "Component", "metadata": {}}),
    "not-an-entity": lambda hostile: hostile.also(42, None, "component:default/c"),
    "entity-raises-when-read": lambda hostile: hostile.also(Trap(kind="Component")),
    "entity-with-nul": lambda hostile: hostile.also(hostile.body("c", text="\0")),
    "entity-with-lone-surrogate": lambda hostile: hostile.also(hostile.body("c") | {"spec": {"text": "\ud800"}}),
    "entity-with-nan": lambda hostile: hostile.also(hostile.body("c") | {"spec": {"n": float("nan")}}),
    "entity-of-ten-megabytes": lambda hostile: hostile.also(hostile.body("e", text="x" * 10_000_000)),
    "entity-holds-itself": lambda hostile: hostile.also(hostile.body("c") | {"spec": {"c": _circle()}}),
    "location-key-is-a-number": lambda hostile: hostile.also({"entity": hostile.body("c"), "locationKey": 5}),
    "claims-what-another-owns": lambda hostile: hostile.also(hostile.body(hostile.victim)),
    "says-that-another-owns-it": lambda hostile: hostile.also(_forged(hostile.body("c"))),
    "renames-itself": _renaming,
    "slow": _slow,
    "hangs": _hang,
    "leaves-a-thread": _thread,
}
FIRST_PAGES: dict[str, Callable[[Hostile], Any]] = {
    "empty-success": lambda hostile: hostile.of(done=True),
    "truncated-and-done": lambda hostile: hostile.of("a", "b", done=True),
}
