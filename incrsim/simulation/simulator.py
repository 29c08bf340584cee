"""Drives the shipping engine step by step on a virtual clock: one replica or several, in any order, over any store.

Nothing of the engine is replaced: a replica is a generator of `Engine.tick()`, and between two of its events anything
may happen to it. There are no threads, and waiting costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from incrsim import panels
from incrsim.clock import VirtualClock
from incrsim.engine import Engine
from incrsim.errors import IncrsimError, StoreError
from incrsim.events import Event, SweepCommitted, Waiting
from incrsim.host import InlineHost
from incrsim.ingestion import Status
from incrsim.options import ProviderOptions
from incrsim.panels import Panel
from incrsim.provider import check_provider
from incrsim.simulation.crash import Crash
from incrsim.simulation.trace import Trace
from incrsim.simulation.violation import Halt
from incrsim.store import Store

LOOK_AGAIN = timedelta(seconds=1)
"""After which a replica whose store failed tries again, as a live one does."""

MOST_STEPS = 100_000
"""A run of more steps than this is taken for one that never ends."""

ADVANCE: Literal["advance"] = "advance"
"""In a schedule: the clock jumps to the next instant at which the store has something due."""

Move = int | Literal["advance"]
"""One entry of a schedule: the replica that takes its next step, or `ADVANCE`."""


class SimulationStuck(IncrsimError):  # noqa: N818 -- named for what happened, as those in `errors`
    """The run took `MOST_STEPS` steps, and what it waited for did not happen."""


@dataclass(frozen=True, slots=True)
class Died:
    """A replica's process is gone; its next incarnation has another name.

    Args:
        at: when.
        incarnation: which one died, from 1.
    """

    at: datetime
    incarnation: int


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """A tick ended because the store could not be used; the replica looks again a little later.

    Args:
        at: when.
        error: the class of the error.
    """

    at: datetime
    error: str


Happening = Event | Died | StoreFailed
"""What a step may end with."""


class Replica:
    """One process that serves the provider.

    Args:
        number: which one, from 0.
        engine: makes an engine for a holder's name.
    """

    def __init__(self, number: int, engine: Callable[[str], Engine]) -> None:
        self.number = number
        self.incarnation = 1
        self.waits_until: datetime | None = None
        self._make = engine
        self._engine: Engine | None = None
        self._tick: Iterator[Event] | None = None

    @property
    def in_tick(self) -> bool:
        """Whether a tick has begun and not ended yet, as far as anybody knows."""
        return self._tick is not None

    def step(self) -> Event:
        """Resume the tick up to its next event; begin the next tick when it is over."""
        self.waits_until = None
        if self._tick is not None:
            event = next(self._tick, None)
            if event is not None:
                return event
        self._tick = self._started().tick()
        return next(self._tick)

    def end_tick(self) -> None:
        """The tick was ended by an error."""
        self._tick = None

    def die(self) -> None:
        """Nothing of it is left; a new process takes its place."""
        tick, self._tick, self._engine = self._tick, None, None
        self.incarnation += 1
        self.waits_until = None
        if isinstance(tick, Generator):
            with suppress(Crash):
                tick.close()  # the provider's context is left here, and not whenever the garbage is collected

    def _started(self) -> Engine:
        if self._engine is None:
            engine = self._make(f"replica-{self.number}.{self.incarnation}")
            engine.store.register(engine.name)
            self._engine = engine
        return self._engine


class Simulation:
    """A provider under the shipping engine, one step at a time.

    Args:
        provider: the provider, unmodified.
        store: where it is kept; its time must be `clock`.
        clock: the simulation's time.
        options: the provider's options.
        replicas: how many processes serve it.
        trace: takes down every step.
        fit: gives a replica's engine, as it begins, what it shall have instead: say another store or other options.
        first: the number of the first replica, where other simulations share the store.

    Example:
        clock = VirtualClock()
        source = FakeSource(entities=2_000, page_size=100)
        run = Simulation(source, store=MemoryStore(clock), clock=clock)
        run.run_cycle()
        source.remove(percent=10)
        run.run_cycle()
        assert compare(run.store, source.name, source.snapshot()).ok
    """

    def __init__(
        self,
        provider: Any,
        *,
        store: Store,
        clock: VirtualClock,
        options: ProviderOptions | None = None,
        replicas: int = 1,
        trace: Trace | None = None,
        fit: Callable[[int, Engine], Engine] = lambda _, engine: engine,
        first: int = 0,
    ) -> None:
        self.name = check_provider(provider)
        self.store = store
        self.clock = clock
        self.options = options or ProviderOptions()
        self.trace = trace or Trace()
        self.rested = 0
        self._provider = provider
        self._host = InlineHost(clock)
        self._watchers: list[Callable[[int, Happening], object]] = []
        self._turn = 0
        self._fit = fit
        self.replicas = [Replica(number, partial(self._engine, number)) for number in range(first, first + replicas)]

    def watch(self, watcher: Callable[[int, Happening], object]) -> None:
        """Call `watcher` after every step, with the replica's number and what happened."""
        self._watchers.append(watcher)

    # --- one step at a time -------------------------------------------------------------------------------------------

    def step(self, number: int = 0) -> Happening:
        """Resume a replica until its next event, its death or its store's failure.

        Raises:
            Violation: when an observer finds one on the way.
        """
        replica = self.replicas[number]
        try:
            happening: Happening = replica.step()
        except Crash:
            return self.crash(number)
        except Halt as halt:
            raise halt.violation from None
        except StoreError as error:
            replica.end_tick()
            replica.waits_until = self.clock.now() + LOOK_AGAIN
            happening = StoreFailed(self.clock.now(), type(error).__name__)
        if isinstance(happening, Waiting):
            replica.waits_until = happening.until
        return self._note(number, happening)

    def crash(self, number: int = 0) -> Died:
        """Kill a replica where it stands; its next step is that of a new process."""
        replica = self.replicas[number]
        died = Died(self.clock.now(), replica.incarnation)
        replica.die()
        self._note(number, died)
        return died

    def advance(self) -> bool:
        """Jump to the next instant at which a lease expires or the provider is due; says whether there is one."""
        state = self.store.state(self.name)
        instants = [state.ingestion.due_at, state.lease.expires_at if state.lease else None]
        ahead = [instant for instant in instants if instant is not None and instant > self.clock.now()]
        if ahead:
            self.clock.advance_to(min(ahead))
        return bool(ahead)

    def play(self, schedule: Iterable[Move]) -> None:
        """Take the steps of a schedule, in its order."""
        for move in schedule:
            if isinstance(move, int):
                self.step(move)
            else:
                self.advance()

    def turn(self) -> Happening:
        """Let the replica whose turn it is take a step; when all of them wait, the clock jumps first."""
        return self.step(self._next_replica())

    # --- whole stretches ----------------------------------------------------------------------------------------------

    def run_until(self, over: Callable[[Happening], bool]) -> Happening:
        """Let the replicas take turns until something happens; when all of them wait, the clock jumps.

        Raises:
            SimulationStuck: when it does not happen within `MOST_STEPS` steps.
        """
        for _ in range(MOST_STEPS):
            happening = self.turn()
            if over(happening):
                return happening
        story = self.store.state(self.name).ingestion.story()
        raise SimulationStuck(f"{MOST_STEPS:,} steps, and what was waited for did not happen; {story}")

    def run_cycle(self) -> int:
        """Run until an ingestion rests that has not rested before; returns its number."""
        rested = self.rested
        self.run_until(lambda _: self.rested > rested)
        return self.rested

    def run_until_idle(self) -> None:
        """Run until every replica waits, without moving the clock."""
        while any(map(self._is_ready, self.replicas)):
            self.turn()

    def panel(self) -> Panel:
        """Watch it in a notebook, and let it take its steps by hand or one after the other.

        Raises:
            MissingExtra: when ipywidgets is not installed.
        """
        return panels.panel("simulation_panel", self)

    def _next_replica(self) -> int:
        if not any(map(self._is_ready, self.replicas)):
            self.clock.advance_to(min(each.waits_until for each in self.replicas if each.waits_until is not None))
        while True:
            self._turn = (self._turn + 1) % len(self.replicas)
            if self._is_ready(self.replicas[self._turn]):
                return self._turn

    def _is_ready(self, replica: Replica) -> bool:
        return replica.waits_until is None or replica.waits_until <= self.clock.now()

    def _note(self, number: int, happening: Happening) -> Happening:
        number = self.replicas[number].number
        self.trace.add(number, happening)
        # A sweep whose answer was lost is heard of when somebody asks what is due.
        if isinstance(happening, SweepCommitted) or (
            isinstance(happening, Waiting) and happening.reason == Status.RESTING
        ):
            self.rested = max(self.rested, happening.ingestion)
        for watcher in self._watchers:
            watcher(number, happening)
        return happening

    def _engine(self, number: int, holder: str) -> Engine:
        engine = Engine(
            provider=self._provider,
            options=self.options,
            store=self.store,
            clock=self.clock,
            host=self._host,
            holder=holder,
        )
        return self._fit(number, engine)
