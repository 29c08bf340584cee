"""Simulations that are played by hand, or so many steps a second; no widgets. There are no threads on a virtual clock:
whoever asks lets the steps happen.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from incrsim import events
from incrsim.clock import Clock, SystemClock, VirtualClock
from incrsim.events import Event
from incrsim.glance import moment
from incrsim.options import ProviderOptions
from incrsim.progress import detail, notice
from incrsim.simulation.simulator import Simulation
from incrsim.simulation.staging import Staging
from incrsim.simulation.violation import Violation
from incrsim.store import Store

LONGEST_BATCH = 0.1
"""Seconds of the kernel's time that one look at a playing simulation takes at most."""


class Play(Protocol):
    """Something that takes one step after the other."""

    name: str
    store: Store
    clock: VirtualClock
    options: ProviderOptions
    on_event: Callable[[Event], object]

    @property
    def end(self) -> str | None:
        """How it ended; `None` while it goes on."""

    def step(self) -> None:
        """Take a step, if there is one left."""

    def close(self) -> None:
        """Give back what it took. Repeatable."""


class SimulationPlay:
    """Plays a `Simulation`, which never ends.

    Args:
        simulation: it.
    """

    end: str | None = None

    def __init__(self, simulation: Simulation) -> None:
        self.name = simulation.name
        self.store = simulation.store
        self.clock = simulation.clock
        self.options = simulation.options
        self.on_event: Callable[[Event], object] = lambda _: None
        self._simulation = simulation
        simulation.watch(lambda _, happening: self.on_event(happening) if isinstance(happening, Event) else None)

    def step(self) -> None:
        """See `Play.step`."""
        self._simulation.turn()

    def close(self) -> None:
        """See `Play.close`."""
        self.on_event = lambda _: None


class RunPlay:
    """Plays a run again, from its beginning to its end.

    Args:
        staging: how it was run.
    """

    def __init__(self, staging: Staging) -> None:
        self._stack = ExitStack()
        course = self._stack.enter_context(staging.staged())
        self.name = course.world.name
        self.store = course.world.store
        self.clock = course.world.clock
        self.options = course.world.options[0]
        self.on_event: Callable[[Event], object] = lambda _: None
        self.end: str | None = None
        self._moments = course.moments()
        self._happenings = course.world.happenings
        self._told = 0

    def step(self) -> None:
        """See `Play.step`."""
        if self.end is not None:
            return
        try:
            if next(self._moments, self) is self:
                self.end = "✓ the run is over, and every rule held"
        except Violation as violation:
            self.end = f"✗ {violation}"
        for _, happening in self._happenings[self._told :]:
            if isinstance(happening, Event):
                self.on_event(happening)
        self._told = len(self._happenings)

    def close(self) -> None:
        """See `Play.close`."""
        self.end = self.end or "■ closed"
        self._stack.close()


class Player:
    """Plays steps at a speed.

    Args:
        play: takes them.
        clock: real time.

    Attributes:
        playing: whether steps follow each other by themselves.
        speed: how many in a second.
        steps: how many there were.
        last: what happened in the last one, in words.
    """

    def __init__(self, play: Play, clock: Clock | None = None) -> None:
        self.play = play
        self.playing = False
        self.speed = 10.0
        self.steps = 0
        self.last = "not a step yet"
        self._clock = clock or SystemClock()
        self._since = self._clock.monotonic()
        self._subscribers: list[Callable[[Event], None]] = []
        play.on_event = self._heard

    def subscribe(self, subscriber: Callable[[Event], None]) -> Callable[[], None]:
        """Hear of what happens, as on an app's stream of events; the function that comes back ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber) if subscriber in self._subscribers else None

    def start(self) -> None:
        """Let steps follow each other."""
        self.playing = self.play.end is None
        self._since = self._clock.monotonic()

    def pause(self) -> None:
        """Let none follow by itself."""
        self.playing = False

    def step(self) -> None:
        """Take one."""
        if self.play.end is None:
            self.play.step()
            self.steps += 1

    def catch_up(self) -> None:
        """Take the steps that are owed for the time since the last call; what takes too long is let off."""
        now = self._clock.monotonic()
        if not self.playing:
            return
        owed = int((now - self._since) * self.speed)
        if owed:
            self._since = now
        for _ in range(owed):
            if self.play.end is not None or self._clock.monotonic() - now > LONGEST_BATCH:
                break
            self.step()
        self.playing = self.play.end is None

    @property
    def told(self) -> str:
        """Where the simulation is, in words."""
        steps = "1 step" if self.steps == 1 else f"{self.steps:,} steps"
        return f"{steps} · {moment(self.play.clock.now())} (virtual) · {self.last}"

    def _heard(self, event: Event) -> None:
        self.last = (detail(event) or notice(event) or _named(event)).removeprefix(f"{event.provider}: ")
        for subscriber in self._subscribers:
            subscriber(event)


def _named(event: Event) -> str:
    match event:
        case events.ContextEntered():
            return "a burst begins"
        case events.PageFetched(page=page, entities=entities):
            return f"page {page} fetched, {entities} entities; not committed yet"
        case events.ContextLeft():
            return "the provider's context is left"
        case events.Waiting(reason=reason):
            return f"waiting ({reason})"
    return type(event).__name__
