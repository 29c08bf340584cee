"""The course of a world: what is planned, what befalls it and whose turn it is, until all has come to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from incrsim import events
from incrsim.guards import Verdict
from incrsim.ingestion import Status
from incrsim.simulation.moment import Moment
from incrsim.simulation.scenario import NOW, OperatorCall, Scenario
from incrsim.simulation.schedule import FOR_SOMEBODY, Lane, Schedule
from incrsim.simulation.simulator import Happening, Simulation
from incrsim.simulation.timeline import Timeline
from incrsim.simulation.violation import Finding, Violation
from incrsim.simulation.world.faults import Troubles
from incrsim.simulation.world.happenings import QuietBegan
from incrsim.simulation.world.people import People
from incrsim.simulation.world.world import World

QUIET_STEPS = 1_000
STEPS_A_PAGE = 15
"""A quiet phase of more steps than the first of these, and the second for each page of each of its cycles, never ends:
each page may have a burst of its own."""

_DUE_LATER = (events.BurstEnded, events.Failed, events.SweepCommitted, events.IngestionEnded)

Act = Callable[[], object]


class Course:
    """Runs a world, once.

    Args:
        world: the world.

    Attributes:
        steps: how many replicas took so far.
        schedule: gives them their turns.
        people: everybody outside of them.
    """

    def __init__(self, world: World) -> None:
        self.steps = 0
        self.world = world
        self._clock = world.clock
        self._rested: Counter[str] = Counter()
        runs = [self._simulation(world.provider, world.scenario.replicas, 0)]
        if world.rival is not None:
            runs.append(self._simulation(world.rival, 1, world.scenario.replicas))
        self.schedule = Schedule(runs, world.clock, world.scenario.seed, world.dice)
        self.people = People(world, self.schedule, self._arrived_in)
        self._timeline: Timeline[Act] = Timeline(planned(world.scenario, self.people))
        self._troubles = Troubles(world, self.people, self._later)

    def run(self) -> None:
        """Run the scenario to its end.

        Raises:
            Violation: when the observer finds that a rule does not hold, or when nothing comes to rest.
        """
        for _ in self.moments():
            pass

    def moments(self) -> Iterator[None]:
        """Run it as far as it is asked for: between two moments a replica took a step, or the clock went on.

        Raises:
            Violation: as `run`.
        """
        self.world.begin()
        yield from self._until(self._clock.now() + timedelta(days=self.world.scenario.days))
        yield from self.rest()

    def step(self, lane: Lane) -> None:
        """A replica takes its next step.

        Raises:
            Violation: when the observer finds that a rule does not hold.
        """
        self.steps += 1
        self._timeline.step += 1
        self.world.acting = lane.run.name
        lane.run.step(lane.index)
        self.world.acting = self.world.name

    # --- the fault phase ----------------------------------------------------------------------------------------------

    def _until(self, end: datetime) -> Iterator[None]:
        while self._clock.now() < end:
            for act in self._timeline.due(self._clock.now()):
                act()
            lane = self.schedule.next()
            if lane is None:
                self._jump(end)
            elif self._troubles.before(lane):
                self.step(lane)
            self.world.note_faults()
            yield

    def _jump(self, end: datetime) -> None:
        """The clock goes on to the next instant at which something can happen, or to the end."""
        if self._timeline.next_instant is None and self.schedule.waits_for_somebody(self.world.name):
            self._timeline.hasten(self._clock.now())
        self._clock.advance_to(min(end, self.schedule.next_instant, self._timeline.next_instant or end))

    # --- the quiet phase ----------------------------------------------------------------------------------------------

    def rest(self) -> Iterator[None]:
        """Nothing disturbs any more: as many sweeps as it takes for everything to come to rest; step by step.

        Raises:
            Violation: as `run`.
        """
        self._calm()
        wanted = {name: self._rested[name] + self._cycles_to_rest(name) for name in self.world.names}
        last = self.steps + self._steps_to_rest()
        while any(self._rested[name] < number for name, number in wanted.items()):
            if self.steps > last:
                raise self._stuck(wanted)
            lane = self.schedule.next()
            if lane is None:
                self._clock.advance_to(self.schedule.next_instant)
            else:
                self.step(lane)
                self._approve(lane.run.name)
            yield
        for courier in self.world.couriers.values():
            courier.deliver()
        self.world.observer.ended()

    def _calm(self) -> None:
        world = self.world
        world.note_faults()
        if world.source.snapshot().spoiled:
            world.source.heal()  # a sweep over what cannot be read is refused for as long as it cannot
        world.be_quiet()
        world.note(QuietBegan(at=self._clock.now(), provider=world.name))
        world.observer.quiet()
        self.schedule.thaw()
        for name in world.names:
            state = world.state(name)
            if state is not None and state.paused:
                self._operate("resume", name)

    def _cycles_to_rest(self, name: str) -> int:
        state = self.world.state(name)
        # One that is under way may have read what was so before.
        under_way = state is not None and state.ingestion.started_at is not None and not state.ingestion.outcome
        return 1 + under_way + max(options.removal_grace_cycles for options in self.world.options)

    def _steps_to_rest(self) -> int:
        pages = 2 + len(self.world.source) // self.world.scenario.source.page_size
        cycles = 2 * self._cycles_to_rest(self.world.name)  # each may be refused first
        return QUIET_STEPS + STEPS_A_PAGE * pages * cycles

    def _approve(self, name: str) -> None:
        """A sweep that was refused is let through: by now what is missing has really vanished."""
        state = self.world.state(name)
        if state is None or state.approved or state.ingestion.status is not Status.RESTING:
            return
        if state.last_verdict is not None and _is_to_be_approved(state.last_verdict):
            self._operate("approve", name)

    def _operate(self, operator: str, provider: str) -> None:
        self.people.operate(OperatorCall(at=NOW, operator=operator, provider=provider))

    def _stuck(self, wanted: Mapping[str, int]) -> Violation:
        name = next(name for name, number in wanted.items() if self._rested[name] < number)
        state = self.world.state(name)
        story = "no provider was registered" if state is None else state.ingestion.story()
        return Violation(Finding("C-38", name, self.world.trace.length, "an end of the quiet phase", story))

    # --- between the two ----------------------------------------------------------------------------------------------

    def _simulation(self, provider: object, replicas: int, first: int) -> Simulation:
        world = self.world
        run = Simulation(
            provider,
            store=world.store,
            clock=world.clock,
            replicas=replicas,
            trace=world.trace,
            fit=world.fit,
            first=first,
        )
        run.watch(self._stepped)
        return run

    def _stepped(self, number: int, happening: Happening) -> None:
        self.world.happened(number, happening)
        if not isinstance(happening, events.Event):
            return
        if happening.provider == self.world.name:
            self._timeline.arrived_in(happening.ingestion)
        if type(happening) is events.SweepCommitted and not _is_to_be_approved(happening.verdict):
            self._rested[happening.provider] += 1
        if isinstance(happening, _DUE_LATER):
            if happening.due_at is not None:
                self.schedule.wake(happening.provider, happening.due_at)
        elif type(happening) is events.Waiting and happening.reason == "paused":
            self._wait_for_somebody(number)

    def _wait_for_somebody(self, number: int) -> None:
        self.schedule.lanes[number].replica.waits_until = FOR_SOMEBODY

    def _arrived_in(self, cycle: int) -> None:
        self._timeline.arrived_in(cycle)

    def _later(self, seconds: float, act: Act) -> None:
        self._timeline.add(self._clock.now() + timedelta(seconds=seconds), act)


def _is_to_be_approved(verdict: Verdict) -> bool:
    """Whether a sweep was refused that would have removed something: it does not count for anybody's grace (C-25)."""
    return verdict.refused and bool(verdict.census.removable)


def planned(scenario: Scenario, people: People) -> Iterator[tuple[Moment, Act]]:
    """What a scenario plans, each with its moment."""
    for change in scenario.changes:
        yield change.at, partial(people.change, change)
    for call in scenario.operators:
        yield call.at, partial(people.operate, call)
    for webhook in scenario.webhooks:
        yield webhook.at, partial(people.tell, webhook)
    for redeploy in scenario.redeploys:
        yield redeploy.at, partial(people.redeploy, redeploy)
