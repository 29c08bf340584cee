"""The shipping engine and a full mutation, side by side before the same processing queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from incrsim.app import App
from incrsim.clock import VirtualClock
from incrsim.errors import CallerError
from incrsim.events import SweepCommitted
from incrsim.frames import frame
from incrsim.glance import brief
from incrsim.host import InlineHost
from incrsim.html import card, table as html_table
from incrsim.options import ProviderOptions
from incrsim.simulation.pressure.queue import Point, ProcessingQueue, Share
from incrsim.simulation.pressure.source import PacedSource
from incrsim.simulation.pressure.table import table, told
from incrsim.simulation.pressure.world import Begin, Bursts, FullRead, play
from incrsim.simulation.source import FakeSource
from incrsim.store import Store
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    import pandas as pd

BURSTS: Mapping[str, Any] = MappingProxyType({"burst_length": "3s", "burst_interval": "3s"})
"""The options of Backstage's example."""

LARGE, SMALL = "large", "small"
"""The names of the two providers that share the queue."""

SMALL_EVERY = 30
"""Seconds between the small provider's ingestions."""

SMALL_ENTITIES = 500
"""How many it has; all of them were in the catalog before, and had been processed."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the processing queue is put under.

    Args:
        entities: of the large provider.
        page_size: entities a page of it.
        page_seconds: how long a page takes.
        service_rate: how many entities a second are processed.
        changes: how many of the small provider's entities change between two of its ingestions.
        seed: of both sources.
    """

    entities: int
    page_size: int
    page_seconds: float
    service_rate: float
    changes: int
    seed: int

    def __post_init__(self) -> None:
        if self.entities < 1:
            raise CallerError(f"entities={self.entities}: there would be nothing to measure; write 1 or more")
        if not 0 <= self.changes <= SMALL_ENTITIES:
            raise CallerError(f"changes={self.changes}: the small provider has {SMALL_ENTITIES}; write 0 to so many")

    def __str__(self) -> str:
        return (
            f"{self.entities:,} entities in pages of {self.page_size:,}, {self.page_seconds:g} s a page; "
            f"{self.service_rate:g} a second are processed; of a small provider {self.changes:,} change every "
            f"{SMALL_EVERY} s"
        )


@dataclass(frozen=True, slots=True)
class Pressure:
    """How it went, one way; all seconds are virtual, since the start.

    Args:
        way: `full` or `bursts`.
        complete: when the whole source was in the catalog.
        large: what became of the large provider's entities in the queue.
        small: of the small provider's.
        curve: the queue over time.
    """

    way: str
    complete: float
    large: Share
    small: Share
    curve: tuple[Point, ...]

    @property
    def first(self) -> float:
        """When the first entity of the large provider had been processed."""
        return self.large.served[0]

    @property
    def last(self) -> float:
        """When its last one had."""
        return self.large.served[-1]

    @property
    def peak(self) -> int:
        """The longest that the queue ever was, in entities."""
        return max(point.waiting for point in self.curve)

    def to_dict(self) -> dict[str, Any]:
        """The numbers of the table, as JSON values."""
        return {
            "way": self.way,
            "first": self.first,
            "complete": self.complete,
            "last": self.last,
            "peak": self.peak,
            "own_delay_mean": self.large.mean_delay,
            "small_delay_mean": self.small.mean_delay,
            "small_delay_worst": self.small.worst_delay,
        }


_WAYS = ("", "full", "bursts")

_ROWS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "first": ("first entity processed after", told),
    "complete": ("whole source in the catalog after", told),
    "last": ("last entity processed after", told),
    "peak": ("longest queue (entities)", "{:,}".format),
    "own_delay_mean": ("its own entities wait (mean)", told),
    "small_delay_mean": ("the small provider waits (mean)", told),
    "small_delay_worst": ("the small provider waits (worst)", told),
}


@dataclass(frozen=True, slots=True)
class PressureReport:
    """A full mutation beside bursts.

    Args:
        load: what both were put under.
        full: everything read, then applied at once.
        bursts: the shipping engine.
    """

    load: Load
    full: Pressure
    bursts: Pressure

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame with a row per way.

        Raises:
            MissingExtra: when pandas is not installed.
        """
        return frame([self.full.to_dict(), self.bursts.to_dict()], ["way", *_ROWS])

    def curves(self) -> pd.DataFrame:
        """A DataFrame of the queue over time: way, seconds, waiting, oldest.

        Raises:
            MissingExtra: when pandas is not installed.
        """
        rows = [
            (each.way, point.seconds, point.waiting, point.oldest)
            for each in (self.full, self.bursts)
            for point in each.curve
        ]
        return frame(rows, ["way", "seconds", "waiting", "oldest"])

    def __str__(self) -> str:
        """For terminals."""
        return f"{self.load}\n{table(_WAYS, self._rows())}"

    def __repr__(self) -> str:
        return brief(self, str(self.load))

    def _repr_html_(self) -> str:
        """For notebooks."""
        return card("Pressure", str(self.load), html_table(_WAYS, self._rows()))

    def _rows(self) -> list[tuple[str, str, str]]:
        full, bursts = self.full.to_dict(), self.bursts.to_dict()
        return [(text, show(full[name]), show(bursts[name])) for name, (text, show) in _ROWS.items()]


def compare(
    *,
    entities: int = 100_000,
    page_size: int = 100,
    page_seconds: float = 1.0,
    service_rate: float = 200,
    changes: int = 10,
    bursts: Mapping[str, Any] = BURSTS,
    seed: int = 1,
    store: Callable[[VirtualClock], Store] = MemoryStore,
) -> PressureReport:
    """Bring a source into the catalog twice, by a full mutation and in bursts, each time beside a small provider.

    Args:
        entities: how many the source has.
        page_size: how many come on a page.
        page_seconds: how long a page takes.
        service_rate: how many entities a second are processed behind the catalog.
        changes: how many of the small provider's entities change every `SMALL_EVERY` seconds.
        bursts: options of the ingestion in bursts.
        seed: of both sources.
        store: makes an empty store that lives by a clock.

    Raises:
        CallerError: when nothing would ever be read or processed.
        InvalidOptions: when an option cannot work.
        SimulationStuck: when the ingestion in bursts never ends.
    """
    load = Load(entities, page_size, page_seconds, service_rate, changes, seed)
    options = ProviderOptions.of(**{**BURSTS, **bursts})
    if page_seconds > (limit := options.page_timeout.total_seconds()):
        raise CallerError(
            f"page_seconds={page_seconds:g}: every page would take longer than page_timeout ({limit:g} s), and fail; "
            f"write {limit:g} or less, or a longer burst_length in `bursts`"
        )
    return PressureReport(
        load,
        full=_run("full", load, store, FullRead),
        bursts=_run("bursts", load, store, partial(Bursts, options=options)),
    )


def _run(way: str, load: Load, open_store: Callable[[VirtualClock], Store], begin: Begin) -> Pressure:
    clock = VirtualClock()
    with App(open_store(clock), clock=clock, host=InlineHost(clock), holder="pressure") as app:
        small = _small(load, app, clock)
        queue = ProcessingQueue(clock, load.service_rate)
        app.attach(queue)
        source = FakeSource(load.entities, load.page_size, seed=load.seed, name=LARGE, namespace=LARGE)
        paced = PacedSource(source, clock, load.page_seconds)
        large = begin(paced, app, clock)
        play(clock, [large, small], lambda: large.done, app.deliver)
        complete = clock.monotonic()
        _drain(queue, clock, small, app)
        return Pressure(way, complete, queue.share(LARGE), queue.share(SMALL), queue.curve)


def _small(load: Load, app: App, clock: VirtualClock) -> Bursts:
    source = FakeSource(SMALL_ENTITIES, seed=load.seed, name=SMALL, namespace=SMALL)
    small = Bursts(source, app, clock, ProviderOptions.of(rest_length=f"{SMALL_EVERY}s"))

    def change(_: int, happening: object) -> None:
        if isinstance(happening, SweepCommitted):
            source.change(count=load.changes)

    small.run.watch(change)
    while not small.done:
        small.step()
    return small


def _drain(queue: ProcessingQueue, clock: VirtualClock, small: Bursts, app: App) -> None:
    """Go on until what waits now has been processed, and what the small provider adds meanwhile."""
    end = clock.now() + _until_empty(queue)
    play(clock, [small], lambda: small.due_at() > end, app.deliver)
    clock.advance(_until_empty(queue))
    queue.serve()


def _until_empty(queue: ProcessingQueue) -> timedelta:
    # A clock counts microseconds: one more, so that the last entity is not just about to be done.
    return timedelta(seconds=queue.seconds_to_empty, microseconds=1)
