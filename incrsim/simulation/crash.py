"""Points at which a process can die or lose its database: around and inside every step of a store, and around a
provider's code (C-10).

A `Fuse` counts the operations of a run and blows at the planned one. A run with a fuse that never blows tells which
operations there are; so all points of a scenario can be tried one by one.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar, cast

from incrsim.errors import StoreUnavailable
from incrsim.store import Store

Result = TypeVar("Result")

STORE_STEPS = frozenset(
    {
        "register",
        "claim",
        "commit_page",
        "end_burst",
        "record_failure",
        "commit_sweep",
        "operate",
        "approve",
        "retire",
        "apply_delta",
        "lease_for_full",
        "apply_full",
        "give_back",
    }
)
"""The methods of a store that change something."""


class Crash(BaseException):
    """The process died; nothing of it may catch this."""


class Moment(StrEnum):
    """What goes wrong with an operation, and when."""

    DIES_BEFORE = "dies before"
    DIES_INSIDE = "dies inside, before the commit"
    DIES_AFTER = "dies after"
    FAILS_BEFORE = "fails before"
    ANSWER_LOST = "done, but the answer is lost"


TRANSACTIONS = STORE_STEPS - {"register"}
"""Those whose commit can be stopped; registering is a transaction of its own in Postgres, and none in memory."""

_ANYWHERE = tuple(moment for moment in Moment if moment is not Moment.DIES_INSIDE)


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """Where a run goes wrong.

    Args:
        operation: a step of the store, or `enter`, `next`, `leave` of the provider.
        occurrence: which call of it, from 1.
        moment: what happens there.
    """

    operation: str
    occurrence: int
    moment: Moment

    def __str__(self) -> str:
        return f"{self.operation} {self.occurrence}: {self.moment}"


class Fuse:
    """Counts operations, and blows once.

    Args:
        point: where it blows; never when left out.
    """

    def __init__(self, point: CrashPoint | None = None) -> None:
        self._point = point
        self.calls: Counter[str] = Counter()
        self.blown = False

    def points(self) -> Iterator[CrashPoint]:
        """All points of the operations that were counted."""
        for operation, occurrences in sorted(self.calls.items()):
            for occurrence in range(1, occurrences + 1):
                for moment in Moment if operation in TRANSACTIONS else _ANYWHERE:
                    yield CrashPoint(operation, occurrence, moment)

    def moment(self, operation: str) -> Moment | None:
        """Count one operation; says what goes wrong with it, if anything does."""
        self.calls[operation] += 1
        point = self._point
        if point is None or (point.operation, point.occurrence) != (operation, self.calls[operation]):
            return None
        self.blown = True
        return point.moment


def go_wrong(moment: Moment | None, operation: str, call: Callable[[], Result], seen: type[Exception]) -> Result:
    """Do an operation, or what goes wrong before or after it.

    Args:
        moment: what goes wrong; nothing when `None`.
        operation: its name.
        call: does it.
        seen: the exception that a process sees which lives on.
    """
    if moment is Moment.DIES_BEFORE:
        raise Crash(operation)
    if moment is Moment.FAILS_BEFORE:
        raise seen(f"{operation}: no connection (simulated)")
    result = call()
    if moment is Moment.DIES_AFTER:
        raise Crash(operation)
    if moment is Moment.ANSWER_LOST:
        raise seen(f"{operation}: the connection broke (simulated)")
    return result


class CrashingProvider:
    """A synchronous provider that does what another one does, until the fuse blows as it enters, fetches or leaves.

    Args:
        provider: the other one.
        fuse: says when.
    """

    def __init__(self, provider: Any, fuse: Fuse) -> None:
        self.name: str = provider.name
        self._provider = provider
        self._fuse = fuse

    @contextmanager
    def around(self) -> Iterator[Any]:
        """The other one's context."""
        manager = self._provider.around()
        context = self._call("enter", manager.__enter__)
        try:
            yield context
        finally:
            self._call("leave", lambda: manager.__exit__(*sys.exc_info()))

    def next(self, context: Any, cursor: Any = None) -> Any:
        """The other one's page."""
        return self._call("next", lambda: self._provider.next(context, cursor))

    def _call(self, operation: str, call: Callable[[], Any]) -> Any:
        return go_wrong(self._fuse.moment(operation), operation, call, ConnectionError)


def crashing_store(store: Store, fuse: Fuse) -> Store:
    """A store that does what `store` does, until the fuse blows at one of its steps."""
    return cast(Store, _CrashingStore(store, fuse))


class _CrashingStore:
    def __init__(self, store: Store, fuse: Fuse) -> None:
        self._store: Any = store
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return self._step(name, method) if name in STORE_STEPS else method

    def _step(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:
            moment = self._fuse.moment(name)
            call = partial(method, *arguments)
            if moment is Moment.DIES_INSIDE:
                call = partial(stop_inside, self._store, call, Crash(INSIDE))
            return go_wrong(moment, name, call, StoreUnavailable)

        return step


INSIDE = "inside a transaction"
"""Where a process dies that has done a step and not committed it."""


def stop_inside(store: Any, call: Callable[[], Result], error: BaseException) -> Result:
    """Do a step of a store, and raise an error before it commits.

    Args:
        store: the store itself, not one that watches over it.
        call: does the step; what it refuses, it refuses before that.
        error: what to raise.
    """
    # Every step of both stores goes through this method: the one place between its work and its commit.
    transact = store._transact  # noqa: SLF001 -- as said above
    store._transact = lambda provider, work, *rest: transact(provider, _stopping(work, error), *rest)  # noqa: SLF001 -- as said above
    try:
        return call()
    finally:
        del store._transact  # noqa: SLF001 -- as said above


def _stopping(work: Callable[[Any], Any], error: BaseException) -> Callable[[Any], Any]:
    def until_its_commit(transaction: Any) -> None:
        work(transaction)
        raise error

    return until_its_commit
