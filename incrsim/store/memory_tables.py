"""The tables of the memory store.

Bodies are kept as the bytes that Postgres would keep, not as trees of dicts: a tenth of the memory, and nobody can
change one in passing.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from incrsim.clock import Clock
from incrsim.ingestion import Ingestion
from incrsim.store.contract import Lease, Mark, RecordedProblem
from incrsim.store.memory_listening import Listeners
from incrsim.store.memory_outbox import Outboxes
from incrsim.store.operating import Serving
from incrsim.store.page import Stored
from incrsim.store.rows import ProviderRow


@dataclass(slots=True)
class EntityRow:
    """A row of the entity table: `Stored`, and what only the store needs."""

    stored: Stored
    canonical: bytes
    added_in: int


class StaleRow(NamedTuple):
    """A ref that the last verdict removed or would have removed.

    Args:
        ref: the entity.
        id: the entity's, which never comes back once it is removed.
        approved: whether the next sweep may remove it although a guard refused (C-26).
        marked: whether an ingestion marked it since and is complete.
    """

    ref: str
    id: int
    approved: bool = False
    marked: bool = False


@dataclass(slots=True)
class ProviderRows:
    """The rows of one provider."""

    row: ProviderRow
    lease: Lease | None = None
    ingestion: Ingestion | None = None
    history: list[Ingestion] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    seen: array[int] = field(default_factory=lambda: array("q"))
    cursors: set[bytes] = field(default_factory=set)
    problems: list[RecordedProblem] = field(default_factory=list)
    problem_keys: set[bytes] = field(default_factory=set)
    stale: list[StaleRow] = field(default_factory=list)
    streaks: dict[int, int] = field(default_factory=dict)
    delta_refs: dict[str, int] = field(default_factory=dict)

    def copy(self) -> ProviderRows:
        """The same rows, apart from what happens to these."""
        return ProviderRows(
            self.row,
            self.lease,
            self.ingestion,
            self.history[:],
            self.marks[:],
            self.seen[:],
            self.cursors.copy(),
            self.problems[:],
            self.problem_keys.copy(),
            self.stale[:],
            self.streaks.copy(),
            self.delta_refs.copy(),
        )


class Tables:
    """All rows of a `MemoryStore`.

    Args:
        clock: the store's time.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.providers: dict[str, ProviderRows] = {}
        self.entities: dict[str, EntityRow] = {}
        self.listeners = Listeners()
        self.serving: dict[tuple[str, str], Serving] = {}
        """By provider and holder."""
        self.outboxes = Outboxes()
        self._sorted_refs: list[str] | None = None
        self._last_id = 0

    def next_id(self) -> int:
        """An identifier that was never given out before; one that a failed transaction took is lost, as in a
        database.
        """
        self._last_id += 1
        return self._last_id

    def sorted_refs(self) -> list[str]:
        """All refs by code point, sorted again only after one came or went."""
        if self._sorted_refs is None:
            self._sorted_refs = sorted(self.entities)
        return self._sorted_refs

    def fork(self, clock: Clock) -> Tables:
        """The same rows of providers and the same catalog, apart from what happens to these; without sinks and without
        those who listen.

        Args:
            clock: the time of the new ones.
        """
        forked = Tables(clock)
        forked.providers = {name: rows.copy() for name, rows in self.providers.items()}
        forked.entities = dict(self.entities)
        forked._last_id = self._last_id
        return forked

    def snapshot(self, provider: ProviderRows) -> Callable[[], None]:
        """What takes back all that is done to the entities, to a provider's rows and to its outbox from now on."""
        entities, rows = dict(self.entities), provider.copy()
        outbox = self.outboxes.of(rows.row.name)
        last = outbox.last

        def undo() -> None:
            self.entities, self._sorted_refs = entities, None
            self.providers[rows.row.name] = rows
            outbox.take_back(last)

        return undo

    def put(self, rows: Mapping[str, EntityRow]) -> None:
        """Write rows, new or not."""
        before = len(self.entities)
        self.entities.update(rows)
        if len(self.entities) != before:
            self._sorted_refs = None

    def remove(self, refs: Sequence[str]) -> None:
        """Remove rows."""
        self._sorted_refs = None
        for ref in refs:
            del self.entities[ref]
