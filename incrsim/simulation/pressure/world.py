"""Ingestions beside each other on one virtual clock: in bursts, by the shipping engine, and the classical full read.

They take turns whenever one of them waits or has read a page. Between two turns the catalog's deltas are delivered, as
a worker does all the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from incrsim.app import App
from incrsim.clock import VirtualClock
from incrsim.errors import RateLimited
from incrsim.options import ProviderOptions
from incrsim.provider import Page
from incrsim.simulation.simulator import Simulation, SimulationStuck

MOST_STEPS = 1_000_000
"""More than this is taken for something that never ends."""


class Ingesting(Protocol):
    """Something that brings a source into the catalog, one step at a time."""

    @property
    def done(self) -> bool:
        """Whether all of it has been brought once."""

    def due_at(self) -> datetime:
        """When its next step can be taken."""

    def step(self) -> None:
        """Take it; the clock may move on meanwhile."""


Begin = Callable[[Any, App, VirtualClock], Ingesting]
"""Begins one way of ingesting a provider."""


class Bursts:
    """Incremental ingestion, as shipped.

    Args:
        provider: the provider.
        app: has the catalog.
        clock: the app's time.
        options: the provider's options.
    """

    def __init__(self, provider: Any, app: App, clock: VirtualClock, options: ProviderOptions) -> None:
        self.run = Simulation(provider, store=app.store, clock=clock, options=options)
        self._due_at = clock.now()

    @property
    def done(self) -> bool:
        """See `Ingesting.done`."""
        return self.run.rested > 0

    def due_at(self) -> datetime:
        """See `Ingesting.due_at`."""
        return self._due_at

    def step(self) -> None:
        """See `Ingesting.step`."""
        self.run.step()
        # Kept as it was then: who is ready must not be overtaken for ever by those that become so later.
        self._due_at = self.run.replicas[0].waits_until or self.run.clock.now()


class FullRead:
    """A full mutation: all pages are read, kept, and applied at once; whatever goes wrong, reading begins anew.

    Args:
        provider: the provider.
        app: has the catalog.
        clock: the app's time.
        waits: after the first, second … failure with no page between; the last one repeats.
    """

    def __init__(
        self, provider: Any, app: App, clock: VirtualClock, waits: Sequence[timedelta] = (timedelta(),)
    ) -> None:
        self.done = False
        self._provider = provider
        self._app = app
        self._clock = clock
        self._waits = waits
        self._failures = 0
        self._due_at = clock.now()
        self._entities: list[Any] = []
        self._cursor: Any = None
        app.add(provider)

    def due_at(self) -> datetime:
        """See `Ingesting.due_at`."""
        return self._due_at

    def step(self) -> None:
        """See `Ingesting.step`."""
        try:
            page = self._provider.next(None, self._cursor)
        except RateLimited as error:
            self._begin_anew(error.until)
        except ConnectionError:
            self._failures += 1
            self._begin_anew(self._clock.now() + self._waits[: self._failures][-1])
        else:
            self._take(page)

    def _take(self, page: Page) -> None:
        self._failures = 0
        self._entities += page.entities
        self._cursor, self._due_at = page.cursor, self._clock.now()
        if page.done:
            self._app.apply_full(self._provider.name, self._entities)
            self.done = True
            self._due_at = datetime.max.replace(tzinfo=self._due_at.tzinfo)

    def _begin_anew(self, at: datetime) -> None:
        self._entities, self._cursor, self._due_at = [], None, at


def play(
    clock: VirtualClock,
    actors: Sequence[Ingesting],
    over: Callable[[], bool],
    after_step: Callable[[], object] = lambda: None,
) -> None:
    """Let whoever is due first take the next step, until it is over.

    Args:
        clock: jumps to where that is.
        actors: of those that are due at the same time the first one comes first.
        over: asked before each step.
        after_step: called after each one.

    Raises:
        SimulationStuck: when it is not over within `MOST_STEPS` steps.
    """
    for _ in range(MOST_STEPS):
        if over():
            return
        actor = min(actors, key=lambda each: each.due_at())
        clock.advance_to(actor.due_at())
        actor.step()
        after_step()
    raise SimulationStuck(f"{MOST_STEPS:,} steps, and it is not over; do the options let an ingestion come to its end?")
