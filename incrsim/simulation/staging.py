"""How a scenario is run: once, and as often as somebody wants to watch it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from incrsim.clock import VirtualClock
from incrsim.engine import Engine
from incrsim.simulation.observation import Observer
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.silence import silent_engine
from incrsim.simulation.source import FakeSource
from incrsim.simulation.trace import Trace
from incrsim.simulation.world.course import Course
from incrsim.simulation.world.store import Stores
from incrsim.simulation.world.world import World
from incrsim.store.memory import MemoryStore

Refit = Callable[[Engine], Engine]
"""What a replica's engine is replaced by: a broken one, say."""


def in_memory(store: Stores) -> Stores:
    """The same store, if it is one in memory, with whatever is broken of it; else the one that ships.

    Args:
        store: opens a store on a run's clock.
    """
    return store if isinstance(store, type) and issubclass(store, MemoryStore) else MemoryStore


def as_it_is(engine: Engine) -> Engine:
    """The engine that ships."""
    return engine


@dataclass(frozen=True, slots=True)
class Staging:
    """All that a run depends on; what happens in it is the same each time (C-41).

    Args:
        scenario: what happens.
        observe: makes who judges what happens.
        engine: what a replica's engine is replaced by.
        source: as it was at first, in place of the scenario's own.
        store: opens the one in which it is watched, in memory.
    """

    scenario: Scenario
    observe: Callable[[World], Observer]
    engine: Refit = as_it_is
    source: FakeSource | None = None
    store: Stores = MemoryStore

    @contextmanager
    def staged(
        self,
        trace: Trace | None = None,
        store: Stores | None = None,
        source: FakeSource | None = None,
        provider: Any = None,
    ) -> Iterator[Course]:
        """A world that is ready to begin.

        Args:
            trace: takes down every step.
            store: opens an empty store on the run's clock, if not in memory.
            source: lives through the changes; a copy of what it was at first unless given.
            provider: what reads it.
        """
        clock = VirtualClock()
        with silent_engine(), closing((store or self.store)(clock)) as opened:
            world = World(
                self.scenario,
                store=opened,
                clock=clock,
                observe=self.observe,
                trace=trace,
                source=source or deepcopy(self.source),
                provider=provider,
                engine=self.engine,
            )
            yield Course(world)
