"""A small world to crash in: a source with a story, a provider that takes its time, and somebody who watches every
step.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from incrsim.cursor import canonical_cursor
from incrsim.ingestion import Status
from incrsim.options import ProviderOptions
from incrsim.simulation import (
    NOTHING,
    CrashingProvider,
    CrashPoint,
    FakeSource,
    Fuse,
    Moment,
    Simulation,
    Trace,
    compare,
    crashing_store,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from incrsim.clock import VirtualClock
    from incrsim.guards import Census, Guard
    from incrsim.provider import Page
    from incrsim.simulation.simulator import Happening
    from incrsim.store import Store

    Change = Callable[[FakeSource], object]

PAGE_SIZE = 4
EVENT = "event"
"""The operation of a crash between two events of a tick."""

OPTIONS = ProviderOptions.of(
    burst_length=timedelta(seconds=1.5),  # two pages of a second each
    reject_removals_above_percentage=50,
)


def hung_up() -> str:
    """What a source says that fails."""
    return "the source hung up (simulated)"


def as_it_was(source: FakeSource) -> None:
    """Nothing happens."""


def some_go(source: FakeSource) -> None:
    """A little of everything."""
    source.remove(count=2)
    source.change(count=2)
    source.add(1)


def most_go(source: FakeSource) -> None:
    """More than the guard lets through."""
    source.remove(count=6)


def half_return(source: FakeSource) -> None:
    """Few enough are gone now."""
    source.bring_back(percent=50)


STORY: tuple[Change, ...] = (as_it_was, some_go, most_go, half_return)
"""What happens before each cycle: load, sweep, refused sweep, sweep of what was refused."""


class Unhurried:
    """A provider that takes a second for a page, fails where it is told to, and notes which cursors it is given.

    Args:
        source: the provider behind it.
        run: whose clock and store to use.
        failing: which calls of `next` fail, from 1.
    """

    def __init__(self, source: FakeSource, store: Store, clock: VirtualClock, failing: tuple[int, ...]) -> None:
        self.name = source.name
        self.complaints: list[str] = []
        self._source = source
        self._store = store
        self._clock = clock
        self._failing = failing
        self._calls = 0

    def around(self) -> AbstractContextManager[None]:
        return nullcontext()

    def next(self, context: Any, cursor: Any = None) -> Page:
        marks = self._store.marks(self.name)
        asked = None if cursor is None else canonical_cursor(cursor)
        committed = marks[-1].cursor if marks else None
        if asked != committed:
            self.complaints.append(f"asked for {asked} after the last committed page, which ended at {committed}")
        self._calls += 1
        self._clock.advance(timedelta(seconds=1))
        if self._calls in self._failing:
            raise ConnectionError(hung_up())
        return self._source.next(context, cursor)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a cycle ended: what must not depend on where a process died."""

    census: Census
    refused_by: tuple[Guard, ...]
    removed: int


class Watch:
    """Looks at the catalog after every step.

    Args:
        run: the simulation.
        source: its source.
        store: the store as it is, without crashes.
        is_looking: whether this step is worth a look.
    """

    def __init__(self, run: Simulation, source: FakeSource, store: Store, is_looking: Callable[[], bool]) -> None:
        self._is_looking = is_looking
        self._run = run
        self._source = source
        self._store = store
        self._safe: set[str] = set()
        self._bodies: dict[str, bytes] = {}
        self.begin_cycle()

    def begin_cycle(self) -> None:
        """The source has changed."""
        self._bodies = {ref: entity.canonical or b"" for ref, entity in self._source.snapshot()}
        # What is in the catalog now and stays in the source must be there at every step from now on.
        self._safe = {held.ref for held in self._store.entities(self._source.name)} & self._bodies.keys()

    def __call__(self, replica: int, happening: Happening) -> None:
        """Nothing that the source held all along is missing, and everything that a mark speaks of is there (C-10)."""
        if not self._is_looking():
            return
        name = self._source.name
        catalog = {held.ref: held.canonical for held in self._store.entities(name)}
        assert not self._safe - catalog.keys(), f"missing after {happening}"
        self._safe |= catalog.keys() & self._bodies.keys()
        marks = self._store.marks(name)
        assert [mark.sequence for mark in marks] == list(range(1, len(marks) + 1))
        if marks and marks[-1].ingestion > self._run.rested:
            cursor = marks[-1].cursor
            last = None if cursor is None else orjson.loads(cursor)["after"]
            for ref, body in self._bodies.items():
                if last is None or int(ref[-9:]) <= last:
                    assert catalog.get(ref) == body, f"{ref} is not as a committed page had it, after {happening}"


def play(
    store: Store,
    clock: VirtualClock,
    name: str,
    point: CrashPoint | None = None,
    story: Sequence[Change] = STORY,
    trace: Trace | None = None,
) -> tuple[Fuse, list[Ending]]:
    """Run the story with one replica that dies, or loses its store, at one point; check the catalog after each cycle.

    Args:
        store: where to run.
        clock: its time.
        name: of the provider, and of its entities' namespace.
        point: where something goes wrong, if anywhere.
        story: what happens to the source before each cycle.
        trace: takes down every step.
    """
    fuse = Fuse(point)
    source = FakeSource(entities=10, page_size=PAGE_SIZE, name=name, namespace=name)
    provider = Unhurried(source, store, clock, failing=(2,))
    run = Simulation(
        CrashingProvider(provider, fuse), store=crashing_store(store, fuse), clock=clock, options=OPTIONS, trace=trace
    )
    # Up to its point, a run is the one without a point, which was watched from its start.
    watch = Watch(run, source, store, lambda: (point is None or fuse.blown) and name in store.providers())
    run.watch(watch)

    def die_between_events(replica: int, happening: Happening) -> None:
        if fuse.moment(EVENT):
            run.crash(replica)

    run.watch(die_between_events)
    endings: list[Ending] = []
    expected = NOTHING
    for change in story:
        change(source)
        watch.begin_cycle()
        run.run_cycle()
        ingestion = store.state(name).ingestion
        assert ingestion.status is Status.RESTING
        assert ingestion.verdict is not None
        verdict = ingestion.verdict
        expected = source.snapshot().over(expected) if verdict.refused else source.snapshot()
        compared = compare(store, name, expected)
        assert compared.ok, str(compared)
        endings.append(Ending(verdict.census, verdict.refused_by, verdict.removed))
    assert not provider.complaints
    return fuse, endings


def points_of(fuse: Fuse) -> Iterator[CrashPoint]:
    """Every point of a run that went well; between two events a process can only die."""
    return (point for point in fuse.points() if point.operation != EVENT or point.moment is Moment.DIES_AFTER)
