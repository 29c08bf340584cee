"""Two replicas over three pages, in any order, with somebody who checks every step; and a walk through all orders.

A generator cannot be copied, so that each order is played from the start. Two orders that lead to the same place are
followed once: a place is what the store's tables say, and where each replica stands.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from incrsim import events
from incrsim.clock import VirtualClock
from incrsim.ingestion import Status
from incrsim.options import ProviderOptions
from incrsim.simulation import ADVANCE, FakeSource, Move, Simulation, Trace, compare
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from incrsim.provider import Page
    from incrsim.simulation.simulator import Happening
    from incrsim.store import Store

OPTIONS = ProviderOptions.of(burst_length="1s")
MOVES: tuple[Move, ...] = (0, 1, ADVANCE)
LAST_CYCLE = 2
MOST_TURNS = 50

_OVER = (events.Waiting, events.BurstEnded, events.SweepCommitted, events.Overtaken, events.Failed)
"""After these a tick has nothing left to do."""


class Noted:
    """A provider that notes what its last page held."""

    def __init__(self, source: FakeSource) -> None:
        self.name = source.name
        self.last: frozenset[str] = frozenset()
        self._source = source

    def around(self) -> AbstractContextManager[None]:
        return nullcontext()

    def next(self, context: Any, cursor: Any = None) -> Page:
        page = self._source.next(context, cursor)
        self.last = frozenset(entity.ref or "" for entity in page.entities)  # type: ignore[union-attr]  # a source's own pages hold entities with refs
        return page


@dataclass(slots=True)
class Standing:
    """Where a replica stands in its tick.

    Args:
        event: the last one.
        fence: of its lease.
        entered: when its burst began.
        fetched: the refs of the page that it has in hand.
        epoch: how often the source had changed when it fetched that page.
    """

    event: Happening | None = None
    fence: int = 0
    entered: float = 0.0
    fetched: frozenset[str] = frozenset()
    epoch: int = 0

    @property
    def is_idle(self) -> bool:
        return self.event is None or isinstance(self.event, _OVER)


class Duel:
    """Two replicas, one small source that changes once while the provider rests.

    Args:
        store: where they meet; its time must be `clock`.
        clock: the time.
        name: of the provider and of its entities' namespace.
    """

    def __init__(self, store: Store, clock: VirtualClock, name: str = "duel", trace: Trace | None = None) -> None:
        self.store = store
        self.clock = clock
        self.source = FakeSource(entities=12, page_size=4, name=name, namespace=name)
        self.provider = Noted(self.source)
        self.run = Simulation(self.provider, store=store, clock=clock, options=OPTIONS, replicas=2, trace=trace)
        self.standings = [Standing(), Standing()]
        self.returned: dict[int, set[str]] = {}
        self.committed: set[tuple[int, int]] = set()
        self.epoch = 0
        self._stays = {ref for ref, _ in self.source.snapshot().lazily()}
        self._fence = 0
        store.register(name)

    @property
    def name(self) -> str:
        return self.source.name

    def is_over(self) -> bool:
        """The last cycle rests, and nobody has anything left in hand."""
        return self._rests_last() and all(standing.is_idle for standing in self.standings)

    def move(self, move: Move) -> None:
        """Do it, and note what it did."""
        if not isinstance(move, int):
            if not self._rests_last():
                self.run.advance()
            return
        standing = self.standings[move]
        happening = self.run.step(move)
        standing.event = happening
        match happening:
            case events.Claimed():
                standing.fence = happening.fence
            case events.ContextEntered():
                standing.entered = self.clock.monotonic()
            case events.PageFetched():
                standing.fetched, standing.epoch = self.provider.last, self.epoch
            case events.PageCommitted():
                self.returned.setdefault(happening.ingestion, set()).update(standing.fetched)
            case events.SweepCommitted() if not self.epoch:
                self.epoch = 1
                self.source.remove(count=4)
                self.source.change(count=2)
                self._stays &= {ref for ref, _ in self.source.snapshot().lazily()}

    def checked_move(self, move: Move) -> None:
        """Do it, and look for everything that must never happen."""
        if not isinstance(move, int):
            self.move(move)
            return
        standing = self.standings[move]
        overtaken = not standing.is_idle and standing.fence < self._fence
        frozen = self._visible() if overtaken else None
        self.move(move)
        happening = standing.event
        fence = self.store.state(self.name).fence
        assert fence >= self._fence, f"the fence went back from {self._fence} to {fence}"
        self._fence = fence
        if frozen is not None and not isinstance(happening, events.Claimed):
            assert self._visible() == frozen, f"a replica that was overtaken wrote something: {happening}"
        if isinstance(happening, events.PageFetched) and not overtaken:
            marks = len(self.store.marks(self.name))
            assert happening.page == marks + 1, f"asked for page {happening.page} after {marks} committed ones"
        if isinstance(happening, events.PageCommitted | events.SweepCommitted):
            self._check_catalog(happening)

    def replay(self, path: tuple[Move, ...]) -> None:
        """Do moves that were checked before."""
        for move in path:
            self.move(move)
        self._fence = self.store.state(self.name).fence

    def _check_catalog(self, happening: events.PageCommitted | events.SweepCommitted) -> None:
        catalog = {held.ref for held in self.store.entities(self.name)}
        returned = self.returned.get(happening.ingestion, set())
        assert returned <= catalog, f"returned by this ingestion, and gone: {sorted(returned - catalog)}"
        if happening.ingestion > 1:
            assert self._stays <= catalog, f"in the source all along, and gone: {sorted(self._stays - catalog)}"
        if isinstance(happening, events.SweepCommitted):
            assert catalog == returned, f"not returned by this ingestion, and still there: {sorted(catalog - returned)}"
            return
        assert (happening.ingestion, happening.page) not in self.committed, "a page was committed twice"
        self.committed.add((happening.ingestion, happening.page))
        sequences = [mark.sequence for mark in self.store.marks(self.name)]
        assert sequences == list(range(1, happening.page + 1)), f"marks {sequences} after page {happening.page}"

    def finish(self) -> None:
        """Let one after the other do what it can until the last cycle is over, and compare."""
        for _ in range(MOST_TURNS):
            if self.is_over():
                break
            for replica, standing in enumerate(self.standings):
                self.checked_move(replica)
                while not isinstance(standing.event, events.Waiting):
                    self.checked_move(replica)
            self.checked_move(ADVANCE)
        assert self.is_over(), "they never came to an end"
        compared = compare(self.store, self.name, self.source.snapshot())
        assert compared.ok, str(compared)

    def key(self) -> object:
        """The place where this order led to; orders with equal keys go on alike."""
        assert isinstance(self.store, MemoryStore)
        tables = self.store._tables
        rows = tables.providers[self.name]
        now = self.clock.now()
        refs = {row.stored.id: ref for ref, row in tables.entities.items()}
        entities = tuple(
            (ref, row.stored.digest, row.stored.written_in, row.added_in)
            for ref, row in sorted(tables.entities.items())
        )
        ingestion = rows.ingestion
        lease = rows.lease
        return (
            entities,
            frozenset(refs.get(id_) for id_ in rows.seen),
            len(rows.marks),
            ingestion and (ingestion.number, ingestion.status, ingestion.cursor, ingestion.attempts, ingestion.counts),
            ingestion and ingestion.due_at and max(ingestion.due_at - now, timedelta(0)),
            lease and (lease.holder, rows.row.fence - lease.fence, max(lease.expires_at - now, timedelta(0))),
            self.epoch,
            tuple(self._standing_key(standing, rows.row.fence) for standing in self.standings),
        )

    def _standing_key(self, standing: Standing, fence: int) -> object:
        event = standing.event
        if standing.is_idle or not isinstance(event, events.Event):
            return None
        elapsed = self.clock.monotonic() - standing.entered
        return (
            type(event).__name__,
            event.ingestion,
            getattr(event, "page", None),
            fence - standing.fence,
            standing.epoch if isinstance(event, events.PageFetched) else None,
            elapsed >= OPTIONS.burst_length.total_seconds(),
        )

    def _rests_last(self) -> bool:
        ingestion = self.store.state(self.name).ingestion
        return ingestion.number == LAST_CYCLE and ingestion.status is Status.RESTING

    def _visible(self) -> object:
        state = self.store.state(self.name)
        return replace(state, now=self.clock.now()), self.store.marks(self.name), self.store.entities(self.name)


@dataclass(slots=True)
class Walk:
    """What a walk through all orders saw."""

    places: int = 0
    orders: int = 0
    ends: int = 0
    longest: int = 0


def walk(moves: Iterable[Move] = MOVES) -> Walk:
    """Follow every order of moves to its end, or to a place that another one has led to.

    Args:
        moves: what may be done at each step.
    """
    choices = tuple(moves)
    found = Walk()
    start = Duel(*_world())
    seen = {start.key()}
    waiting: list[tuple[Move, ...]] = [(move,) for move in choices]
    while waiting:
        path = waiting.pop()
        found.orders += 1
        duel = Duel(*_world())
        duel.replay(path[:-1])
        while True:
            _checked(duel, path)
            key = duel.key()
            if key in seen:
                break
            seen.add(key)
            found.longest = max(found.longest, len(path))
            if duel.is_over():
                found.ends += 1
                break
            # The first choice goes on from here; the others are played again from the start.
            waiting.extend((*path, move) for move in choices[1:])
            path = (*path, choices[0])
    found.places = len(seen)
    return found


def _checked(duel: Duel, path: tuple[Move, ...]) -> None:
    try:
        duel.checked_move(path[-1])
    except AssertionError as error:
        error.add_note(f"order: {path}")
        raise


def _world() -> tuple[MemoryStore, VirtualClock]:
    clock = VirtualClock()
    return MemoryStore(clock), clock
