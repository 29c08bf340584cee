"""What stands between a replica and the world: its provider takes time, and observers see what passes."""

from __future__ import annotations

from collections.abc import Callable, Set as AbstractSet
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, cast

from incrsim.clock import VirtualClock
from incrsim.cursor import canonical_cursor
from incrsim.draft import as_entity
from incrsim.errors import Fenced, IncrsimError, StoreError
from incrsim.simulation.crash import STORE_STEPS, Crash
from incrsim.simulation.dice import Dice
from incrsim.simulation.observation import Observer, Outcome, Returned, Seen, StepCall
from incrsim.simulation.simulator import Happening
from incrsim.store import Store

WATCHED = STORE_STEPS | {"approve", "retire"}


class Paced:
    """A synchronous provider that does what another one does, a page in so many virtual seconds.

    Args:
        provider: the other one.
        clock: passes.
        seconds: a page.
        observer: sees each page.
        replica: whose.
    """

    def __init__(self, provider: Any, clock: VirtualClock, seconds: float, observer: Observer, replica: int) -> None:
        self.name: str = provider.name
        self._provider = provider
        self._clock = clock
        self._each = timedelta(seconds=seconds)
        self._observer = observer
        self._replica = replica

    def around(self) -> AbstractContextManager[Any]:
        """The other one's context."""
        context: AbstractContextManager[Any] = self._provider.around()
        return context

    def next(self, context: Any, cursor: Any = None) -> Any:
        """The other one's page, a little later."""
        self._clock.advance(self._each)
        page = self._provider.next(context, cursor)
        entities = tuple(map(_seen, page.entities))
        asked = None if cursor is None else canonical_cursor(cursor)
        after = None if page.done else canonical_cursor(page.cursor)
        self._observer.returned(Returned(self.name, self._replica, asked, entities, after, page.done))
        return page


def _seen(item: Any) -> Seen:
    entity = as_entity(item)
    return Seen(entity.ref, entity.digest, entity.location_key, not entity.violations)


def watched(store: Store, replica: int, observer: Observer) -> Store:
    """A store that does what `store` does, and lets an observer see each step."""
    return cast(Store, _Watched(store, replica, observer))


class _Watched:
    def __init__(self, store: Store, replica: int, observer: Observer) -> None:
        self._store = store
        self._replica = replica
        self._observer = observer

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name in WATCHED:
            method = self._step(name, method)
        setattr(self, name, method)
        return method

    def _step(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:
            provider = getattr(arguments[0], "provider", arguments[0])
            call = StepCall(provider, self._replica, name, arguments)
            self._observer.asks(call)
            try:
                result = method(*arguments)
            except Crash:
                self._observer.answered(call, Outcome.DIED, None)
                raise
            except IncrsimError as error:
                lost = isinstance(error, StoreError) and not isinstance(error, Fenced)
                self._observer.answered(call, Outcome.LOST if lost else Outcome.REFUSED, error)
                raise
            self._observer.answered(call, Outcome.DONE, result)
            return result

        return step


class Outfit:
    """Wraps what replicas and operators of a run use.

    Args:
        store: the store as it is.
        clock: of the run.
        dice: of the run.
        observer: hears of everything.
        seconds: that a page takes.
    """

    def __init__(self, store: Store, clock: VirtualClock, dice: Dice, observer: Observer, seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._dice = dice
        self._observer = observer
        self._seconds = seconds

    def store(self, number: int) -> Store:
        """The store as a replica, or `OPERATOR`, has it."""
        return watched(self._store, number, self._observer)

    def provider(self, provider: Any, number: int) -> Any:
        """A provider as a replica has it."""
        return Paced(provider, self._clock, self._seconds, self._observer, number)


class Blind:
    """An `Observer` that sees nothing."""

    def source_changed(self, provider: str, held: AbstractSet[str]) -> None:
        """See `Observer.source_changed`."""

    def returned(self, page: Returned) -> None:
        """See `Observer.returned`."""

    def asks(self, call: StepCall) -> None:
        """See `Observer.asks`."""

    def answered(self, call: StepCall, outcome: Outcome, result: Any) -> None:
        """See `Observer.answered`."""

    def happened(self, replica: int, happening: Happening) -> None:
        """See `Observer.happened`."""

    def redeployed(self, replica: int, options: Any) -> None:
        """See `Observer.redeployed`."""

    def quiet(self) -> None:
        """See `Observer.quiet`."""

    def ended(self) -> None:
        """See `Observer.ended`."""
