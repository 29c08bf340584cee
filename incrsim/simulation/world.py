"""The world of a scenario: sources, store, replicas and operators, and what happens to them, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from incrsim import events
from incrsim.clock import VirtualClock
from incrsim.engine import Engine
from incrsim.simulation.dice import Dice
from incrsim.simulation.observation import Observer
from incrsim.simulation.scenario import RIVAL, Scenario
from incrsim.simulation.simulator import Happening, Replica, Simulation
from incrsim.simulation.source import FakeSource
from incrsim.simulation.timeline import Timeline
from incrsim.simulation.trace import Trace
from incrsim.simulation.violation import Finding, Violation
from incrsim.simulation.world_happenings import QuietBegan, WorldEvent
from incrsim.simulation.world_outfit import Paced, watched
from incrsim.store import Store

STEPS_OF_QUIET = 20_000
"""A quiet phase of more steps than this, and of as many again for each page of the source, never ends."""

WORLD = -2
"""In place of a replica's number in the trace: the world did it."""


@dataclass(slots=True)
class Lane:
    """A replica as the scheduler sees it.

    Args:
        run: the simulation that it belongs to.
        index: its place there.
        replica: itself.
        frozen_until: it does nothing before that.
    """

    run: Simulation
    index: int
    replica: Replica
    frozen_until: datetime | None = None

    @property
    def ready_at(self) -> datetime | None:
        """When it takes its next step at the earliest; `None` for at once."""
        waits = self.replica.waits_until
        if self.frozen_until is None:
            return waits
        return self.frozen_until if waits is None else max(waits, self.frozen_until)


class World:
    """Runs one scenario.

    Args:
        scenario: what happens.
        store: where it happens, empty; its time must be `clock`.
        clock: the time.
        observe: makes who watches, once the world is there.
        trace: takes down every step.
        provider: what reads the source, unmodified; the source itself when left out.
        source: what the scenario's changes happen to; made from the scenario when left out.
        engine: what a replica's engine is replaced by.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        store: Store,
        clock: VirtualClock,
        observe: Callable[[World], Observer],
        trace: Trace | None = None,
        source: FakeSource | None = None,
        provider: Any = None,
        engine: Callable[[Engine], Engine] = lambda engine: engine,
    ) -> None:
        self.scenario = scenario
        self.store = store
        self.clock = clock
        self.trace = trace or Trace()
        self.dice = Dice(scenario.seed, scenario.faults)
        self.source = source or source_of(scenario)
        self.happenings: list[tuple[int, Happening | WorldEvent]] = []
        self.options = [scenario.provider_options()] * scenario.replicas
        self.steps = 0
        self._engine = engine
        self._schedule = Random(f"{scenario.seed} schedule")
        self._timeline: Timeline[Callable[[], None]] = Timeline([])
        self._rested = 0
        main = self._simulation(provider or self.source, scenario.replicas, 0)
        self.name = main.name
        self._lanes = _lanes(main)
        if scenario.rival is not None:
            self._lanes += _lanes(self._simulation(rival_of(scenario), 1, scenario.replicas))
        self.observer = observe(self)

    # --- the run ------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run the scenario to its end.

        Raises:
            Violation: when the observer finds that a rule does not hold, or when nothing comes to rest.
        """
        self._begin()
        self._until(self.clock.now() + timedelta(days=self.scenario.days))
        self._rest()
        self.observer.ended()

    def _begin(self) -> None:
        self._source_changed()
        for number, options in enumerate(self.options):
            self.observer.redeployed(number, options)

    def _until(self, end: datetime) -> None:
        while self.clock.now() < end:
            for act in self._timeline.due(self.clock.now()):
                act()
            lane = self._ready()
            if lane is not None:
                self._step(lane)
            elif not self._jump(end):
                return

    def _rest(self) -> None:
        """The quiet phase: nothing disturbs, until enough sweeps were let through."""
        self.dice.be_quiet()
        self._note(QuietBegan(at=self.clock.now(), provider=self.name))
        self.observer.quiet()
        wanted = self._rested + 1 + max(options.removal_grace_cycles for options in self.options) + 1
        bound = self.steps + STEPS_OF_QUIET
        while self._rested < wanted:
            lane = self._ready()
            if lane is not None:
                self._step(lane)
            else:
                self._jump(None)
            if self.steps > bound:
                raise self._stuck()

    def _stuck(self) -> Violation:
        story = self.store.state(self.name).ingestion.story()
        return Violation(Finding("C-38", self.name, self.trace.length, "an end of the quiet phase", story))

    # --- whose turn it is ---------------------------------------------------------------------------------------------

    def _ready(self) -> Lane | None:
        now = self.clock.now()
        ready = [lane for lane in self._lanes if (at := lane.ready_at) is None or at <= now]
        if len(ready) <= 1:
            return ready[0] if ready else None
        return ready[int(self._schedule.random() * len(ready))]

    def _step(self, lane: Lane) -> None:
        self.steps += 1
        self._timeline.step += 1
        lane.run.step(lane.index)

    def _jump(self, end: datetime | None) -> bool:
        """The clock goes on to the next instant at which something can happen; says whether that is before the end."""
        instants = [at for lane in self._lanes if (at := lane.ready_at) is not None]
        planned = self._timeline.next_instant
        instants += [planned] if planned is not None else []
        instant = min(instants)
        if end is not None and instant >= end:
            self.clock.advance_to(end)
            return False
        self.clock.advance_to(instant)
        return True

    def _stepped(self, number: int, happening: Happening) -> None:
        self.happenings.append((number, happening))
        self.observer.happened(number, happening)
        if isinstance(happening, events.Event):
            if happening.provider == self.name:
                self._timeline.arrived_in(happening.ingestion)
                self._rested += isinstance(happening, events.SweepCommitted)
            if isinstance(happening, events.BurstEnded | events.Failed | events.SweepCommitted | events.IngestionEnded):
                self._wake(happening.provider, happening.due_at)

    def _wake(self, provider: str, due_at: datetime | None) -> None:
        """Whoever waits for a provider looks again when it is due, as a live replica that hears of it does."""
        for lane in self._lanes:
            waits = lane.replica.waits_until
            if lane.run.name == provider and waits is not None:
                lane.replica.waits_until = waits if due_at is None else min(waits, due_at)

    # --- what the world does ------------------------------------------------------------------------------------------

    def _note(self, event: WorldEvent) -> None:
        self.trace.add(WORLD, event)
        self.happenings.append((WORLD, event))

    def _source_changed(self) -> None:
        self.observer.source_changed(self.name, {ref for ref, _ in self.source.snapshot().lazily()})

    def _simulation(self, provider: Any, replicas: int, first: int) -> Simulation:
        run = Simulation(
            provider,
            store=self.store,
            clock=self.clock,
            options=self.options[0],
            replicas=replicas,
            trace=self.trace,
            fit=self._fit,
            first=first,
        )
        run.watch(self._stepped)
        return run

    def _fit(self, number: int, engine: Engine) -> Engine:
        """A replica begins: it has its own options, and is watched."""
        options = self.options[number] if number < len(self.options) else engine.options
        paced = Paced(engine.provider, self.clock, self.scenario.source.seconds, self.observer, number)
        store = watched(self.store, number, self.observer)
        return self._engine(replace(engine, provider=paced, store=store, options=options))


def source_of(scenario: Scenario) -> FakeSource:
    """The source of a scenario, as it is at first."""
    spec = scenario.source
    return FakeSource(spec.entities, spec.page_size, seed=scenario.seed, name=spec.name, namespace=spec.name)


def rival_of(scenario: Scenario) -> FakeSource:
    """The other provider of a scenario's catalog."""
    spec = scenario.rival
    if spec is None:
        raise ValueError("this scenario has no rival")
    return FakeSource(spec.entities, spec.page_size, seed=scenario.seed + 1, name=RIVAL, namespace=RIVAL)


def _lanes(run: Simulation) -> list[Lane]:
    return [Lane(run, index, replica) for index, replica in enumerate(run.replicas)]
