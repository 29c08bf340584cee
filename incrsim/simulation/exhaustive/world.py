"""One place of the exhaustive model: the store, the source, the time, and what an observer wrote down.

A place is never changed: a step is done to a fork of its store. Two places are the same when nothing that may ever be
done can tell them apart; for that, ids, fences, the numbers of ingestions and instants are renumbered.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from incrsim.clock import EPOCH
from incrsim.ingestion import Ingestion, Status
from incrsim.options import ProviderOptions
from incrsim.simulation.exhaustive.book import Book, Judged, Seen
from incrsim.simulation.exhaustive.source import NAME, OTHER, THEIRS, entity, ref, versions
from incrsim.store.contract import Lease
from incrsim.store.memory import MemoryStore
from incrsim.store.memory_tables import ProviderRows, Tables
from incrsim.store.mutating import DeltaDraft

_VERSIONS = versions()
_SHORT = {ref(name): name for name in "abcdez"}
_PAST = timedelta(0)


class Instant:
    """A clock that stands still.

    Args:
        at: where.
    """

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """The instant."""
        return self._at

    def monotonic(self) -> float:
        """Its seconds since the epoch of virtual clocks."""
        return (self._at - EPOCH).total_seconds()

    def wait(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Nothing that is asked of a store waits.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("a store waited in the middle of a step")


@dataclass(frozen=True)
class World:
    """A place.

    Args:
        store: never changed.
        book: what an observer wrote down on the way here.
        now: the instant.
        edition: of the source.
    """

    store: MemoryStore
    book: Book
    now: datetime = EPOCH
    edition: int = 0

    @cached_property
    def rows(self) -> Hashable:
        """What the store holds, renumbered."""
        return rows_key(self.store, self.now)

    @cached_property
    def key(self) -> Hashable:
        """Equal for places with the same future."""
        return self.rows, self.book.memory, self.edition


def first_world(store: MemoryStore) -> World:
    """Where every history begins: the provider is registered and due, and another one owns an entity.

    Args:
        store: an empty one.
    """
    clock = Instant(EPOCH)
    store = store.fork(clock)
    for name in (NAME, OTHER):
        store.register(name)
    store.apply_delta(OTHER, DeltaDraft([entity(THEIRS, 2)], []), ProviderOptions())
    return World(store, Book(Seen(catalog=frozenset(), number=1, status=Status.SCHEDULED, due=EPOCH)))


def tables_of(store: MemoryStore) -> Tables:
    """The rows themselves: what only the store sees tells places apart, too."""
    return store._tables  # noqa: SLF001 -- no reading method of a store shows ids


def rows_key(store: MemoryStore, now: datetime) -> Hashable:
    """All that decides what the store will do, renumbered.

    Left out are texts, counts that nothing reads, past instants and the complete ingestions. Of numbers that only grow
    it is kept whether they are the present ones: nothing in a store compares them in any other way.
    """
    tables = tables_of(store)
    rows = tables.providers[NAME]
    return _catalog_key(tables, rows), _ingestion_key(rows, now), _rest_key(tables, rows, now)


def foreign(tables: Tables) -> object:
    """What belongs to the other provider."""
    rows = tables.providers[OTHER]
    theirs = [(each, row.stored, row.canonical) for each, row in tables.entities.items() if row.stored.owner != NAME]
    return theirs, rows.row, rows.ingestion, rows.lease


def seen_in(store: MemoryStore) -> Seen:
    """What anybody who reads the store sees now."""
    tables = tables_of(store)
    rows = tables.providers[NAME]
    ingestion, row = _open(rows), rows.row
    ended = rows.history[-1] if rows.history else None
    verdict = row.verdict
    return Seen(
        catalog=frozenset(
            (_SHORT[each], _VERSIONS[held.stored.digest])
            for each, held in tables.entities.items()
            if held.stored.owner == NAME
        ),
        number=ingestion.number,
        status=ingestion.status,
        due=ingestion.due_at or EPOCH,
        attempts=ingestion.attempts,
        pages=ingestion.pages,
        done=ingestion.sweep_due,
        expired=ingestion.expired_before,
        ended=None if ended is None else (ended.number, str(ended.outcome)),
        fence=row.fence,
        leased_until=None if rows.lease is None else rows.lease.expires_at,
        paused=row.paused,
        judged=None if verdict is None else Judged(verdict.refused, verdict.census.removable, verdict.census.base),
        stale=frozenset(_SHORT[each.ref] for each in rows.stale),
    )


def lease_of(store: MemoryStore, options: ProviderOptions, *, behind: bool) -> Lease:
    """The lease of a replica, as it holds it; all that a store looks at is the fence, and whether it is the present
    one.

    Args:
        store: where it was given.
        options: say how long it lasts.
        behind: whether it was overtaken since.
    """
    fence = tables_of(store).providers[NAME].row.fence
    return Lease(NAME, "replica", fence - behind, options.lease_length, EPOCH)


def _open(rows: ProviderRows) -> Ingestion:
    if rows.ingestion is None:
        raise LookupError("the provider has no ingestion that is not complete")
    return rows.ingestion


def _catalog_key(tables: Tables, rows: ProviderRows) -> Hashable:
    number, seen = _open(rows).number, set(rows.seen)
    return tuple(
        sorted(
            (
                _SHORT[each],
                row.stored.owner,
                _VERSIONS[row.stored.digest],
                row.stored.written_in == number,
                row.added_in == number,
                row.stored.id in seen,
            )
            for each, row in tables.entities.items()
        )
    )


def _ingestion_key(rows: ProviderRows, now: datetime) -> Hashable:
    ingestion = _open(rows)
    return (
        ingestion.status,
        max((ingestion.due_at or now) - now, _PAST),
        ingestion.attempts,
        ingestion.sweep_due,
        ingestion.expired_before,
        ingestion.cursor,
        ingestion.pages,
        ingestion.outcome,
    )


def _rest_key(tables: Tables, rows: ProviderRows, now: datetime) -> Hashable:
    row, lease = rows.row, rows.lease
    ids = {each.stored.id: name for name, each in tables.entities.items()}
    verdict = row.verdict
    return (
        lease and (row.fence == lease.fence, max(lease.expires_at - now, _PAST)),
        row.paused,
        row.approved,
        row.deltas,
        verdict and (verdict.refused, verdict.ingestion == _open(rows).number),
        tuple(sorted((each.ref, each.approved, each.marked, each.id in ids) for each in rows.stale)),
        tuple(sorted(rows.delta_refs.items())),
        tuple(sorted((ids[each], cycles) for each, cycles in rows.streaks.items() if each in ids)),
        len(rows.marks),
        len(rows.cursors),
        len(rows.problem_keys),
    )
