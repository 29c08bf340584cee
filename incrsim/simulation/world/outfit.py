"""What stands between a replica and the world: its provider takes time, suffers and is watched, and so is its store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from incrsim.clock import VirtualClock
from incrsim.entity import Entity
from incrsim.options import ProviderOptions
from incrsim.provider import Page
from incrsim.simulation.dice import Dice
from incrsim.simulation.faulty_provider import FaultyProvider
from incrsim.simulation.observation import Observer
from incrsim.simulation.watched_store import StoreTroubles, watched_store
from incrsim.store import Store


class Outfit:
    """Wraps what replicas and operators of a run use.

    Args:
        store: the store as it is.
        clock: of the run.
        dice: of the run.
        observer: hears of everything.
        is_valid: whether an entity was meant to be.
        seconds: that a page takes.
    """

    def __init__(
        self,
        store: Store,
        clock: VirtualClock,
        dice: Dice,
        observer: Observer,
        is_valid: Callable[[Entity], bool],
        seconds: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._dice = dice
        self._observer = observer
        self._is_valid = is_valid
        self._page = timedelta(seconds=seconds)
        self._troubles = StoreTroubles(dice, clock)
        self._stores: dict[int, Store] = {}

    def store(self, number: int) -> Store:
        """The store as a replica, or `OPERATOR`, has it; the same for all incarnations."""
        found = self._stores.get(number)
        if found is None:
            found = watched_store(self._store, self._dice, self._observer, self._clock, number, self._troubles)
            self._stores[number] = found
        return found

    def mend(self) -> None:
        """The store can be reached again."""
        self._troubles.down_until = self._clock.now()

    def provider(self, provider: Any, number: int, options: Callable[[], ProviderOptions]) -> Paced:
        """A provider as a replica has it, whose options may change."""
        faulty = FaultyProvider(
            provider, self._dice, self._clock, self._observer, number, options=options, is_valid=self._is_valid
        )
        return Paced(faulty, self._clock, self._page)


class Paced:
    """Does what a faulty provider does, a page in so much virtual time.

    Args:
        provider: the other one.
        clock: passes.
        page: how long a page takes.

    Attributes:
        on_page: is called with each page.
    """

    def __init__(self, provider: FaultyProvider, clock: VirtualClock, page: timedelta) -> None:
        self.name = provider.name
        self.topics = provider.topics
        self.on_event = provider.on_event
        self._provider = provider
        self._clock = clock
        self._page = page
        self.on_page: Callable[[Page], object] = lambda _: None

    def around(self) -> AbstractContextManager[Any]:
        """The other one's context."""
        return self._provider.around()

    def next(self, context: Any, cursor: Any = None) -> Page:
        """The other one's page, a little later."""
        self._clock.advance(self._page)
        page = self._provider.next(context, cursor)
        self.on_page(page)
        return page


class Blind(Observer):
    """An `Observer` that sees nothing."""
