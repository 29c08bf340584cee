"""A transaction over the tables of the memory store: it reads them and queues its writes, which are applied together at
its end, so that one that fails leaves no trace.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

from incrsim.entity import Entity
from incrsim.ingestion import Ingestion
from incrsim.store.contract import HISTORY_LENGTH, Lease, Mark, RecordedProblem
from incrsim.store.memory_mutating import MemoryDeltaRows
from incrsim.store.memory_operating import MemoryOperatingRows
from incrsim.store.memory_tables import EntityRow, ProviderRows, StaleRow, Tables
from incrsim.store.page import Compared, FoundProblem, Insert, PageChanges, ProblemKind, Stored
from incrsim.store.rows import NewMark, ProviderRow, SweepCount


class MemoryTransaction(MemoryDeltaRows, MemoryOperatingRows):
    """`Transaction` over a `MemoryStore`: writes wait in a queue until `commit`."""

    def __init__(self, tables: Tables, rows: ProviderRows) -> None:
        self._tables = tables
        self._rows = rows
        self._outbox = tables.outboxes.open(rows.row.name)
        self._writes: list[Callable[[], None]] = []
        self._put_rows: dict[str, EntityRow] = {}
        self._new_seen: Sequence[int] = ()
        self._new_problems: list[RecordedProblem] = []
        self._stale: list[StaleRow] = []
        self._collected = rows.stale
        self._undo: Callable[[], None] | None = None
        self.now = tables.clock.now()
        self.provider = rows.row
        self.lease = rows.lease
        self.ingestion = rows.ingestion

    def commit(self) -> None:
        """Apply what was queued."""
        for write in self._writes:
            write()

    def flush(self) -> None:
        """See `FullRows.flush`."""
        if self._undo is None:
            self._undo = self._tables.snapshot(self._rows)
        self.commit()
        self._writes, self._put_rows, self._new_seen, self._new_problems = [], {}, (), []

    def roll_back(self) -> None:
        """Take back what was flushed."""
        if self._undo is not None:
            self._undo()

    def save_provider(self, row: ProviderRow) -> None:
        """See `Transaction.save_provider`."""
        self.provider = row
        self._writes.append(lambda: setattr(self._rows, "row", row))

    def save_lease(self, lease: Lease | None) -> None:
        """See `Transaction.save_lease`."""
        self.lease = lease
        self._writes.append(lambda: setattr(self._rows, "lease", lease))
        if lease is None:
            self._writes.append(self._rows.delta_refs.clear)

    def save_ingestion(self, ingestion: Ingestion) -> None:
        """See `Transaction.save_ingestion`."""
        self.ingestion = ingestion
        self._writes.append(lambda: setattr(self._rows, "ingestion", ingestion))

    def archive(self, ingestion: Ingestion) -> None:
        """See `Transaction.archive`."""

        def write() -> None:
            rows = self._rows
            self._note_marked(ingestion.number)
            rows.history = [*rows.history, ingestion][-HISTORY_LENGTH:]
            rows.marks, rows.seen, rows.cursors, rows.problem_keys = [], array("q"), set(), set()
            oldest = rows.history[0].number
            rows.problems = [problem for problem in rows.problems if problem.ingestion >= oldest]

        self._writes.append(write)

    def compare(self, entities: Sequence[Entity], ingestion: int, cursor: bytes | None) -> Compared:
        """See `Transaction.compare`."""
        same: list[int] = []
        written_before = 0
        differing: dict[str, Stored] = {}
        candidates: list[Entity] = []
        table, name = self._tables.entities, self.provider.name
        for entity in entities:
            row = table.get(entity.ref or "")
            if row is None:
                candidates.append(entity)
            elif row.stored.owner == name and row.stored.digest == entity.digest:
                same.append(row.stored.id)
                written_before += row.stored.written_in == ingestion
            else:
                differing[entity.ref or ""] = row.stored
                candidates.append(entity)
        return Compared(same, written_before, differing, candidates, cursor in self._rows.cursors)

    def ids_of(self, refs: Sequence[str]) -> list[int]:
        """See `Transaction.ids_of`."""
        return [row.stored.id for ref in refs if (row := self._tables.entities.get(ref)) is not None]

    def inserting(self, ingestion: int) -> AbstractContextManager[Insert]:
        """See `Transaction.inserting`."""

        def insert(entities: Sequence[Entity]) -> None:
            for entity in entities:
                self._put(entity, None, ingestion, ingestion)

        return nullcontext(insert)

    def apply(self, changes: PageChanges, ingestion: int) -> None:
        """See `Transaction.apply`."""
        for stored, entity in changes.update:
            self._put(entity, stored, ingestion, self._tables.entities[entity.ref or ""].added_in)
        for stored, entity in changes.take_over:
            self._put(entity, stored, ingestion, ingestion)
        self._writes.append(lambda: self._tables.put(self._put_rows))

    def known_problems(self, keys: Sequence[bytes], ingestion: int) -> set[bytes]:
        """See `Transaction.known_problems`."""
        return self._rows.problem_keys.intersection(keys)

    def add_problems(self, problems: Sequence[FoundProblem], ingestion: int, sequence: int) -> None:
        """See `Transaction.add_problems`."""
        for found in problems:
            problem = found.problem
            recorded = RecordedProblem(
                id=self._tables.next_id(),
                ingestion=ingestion,
                sequence=sequence,
                kind=found.kind,
                message=problem.message,
                ref=problem.ref,
                field=problem.field,
                rule=problem.rule,
            )
            self._new_problems.append(recorded)
        keys = [found.key for found in problems]
        self._writes.append(lambda: self._rows.problem_keys.update(keys))
        self._writes.append(lambda: self._rows.problems.extend(self._new_problems))

    def add_mark(self, mark: NewMark) -> None:
        """See `Transaction.add_mark`."""
        self._new_seen = mark.seen
        record = Mark(mark.ingestion, mark.sequence, mark.cursor, mark.counts, self.now)

        def write() -> None:
            self._rows.marks.append(record)
            self._rows.seen.extend(mark.seen)
            if mark.cursor_digest is not None:
                self._rows.cursors.add(mark.cursor_digest)

        self._writes.append(write)

    def count_distinct(self, ingestion: int) -> int:
        """See `Transaction.count_distinct`: what is committed, and what this transaction is about to commit."""
        rows = {**self._tables.entities, **self._put_rows}
        marked = {*self._rows.seen, *self._new_seen}
        marked.update(row.stored.id for row in rows.values() if self._wrote(row, ingestion))
        problems = [*self._rows.problems, *self._new_problems]
        invalid = [each for each in problems if each.ingestion == ingestion and each.kind is ProblemKind.INVALID]
        return len(marked) + sum(each.ref is None or each.ref not in rows for each in invalid)

    def collect_stale(self, ingestion: int, grace: int) -> SweepCount:
        """See `Transaction.collect_stale`."""
        marked = set(self._rows.seen)
        owned = base = 0
        for ref, row in self._tables.entities.items():
            if row.stored.owner == self.provider.name:
                owned += 1
                base += row.added_in != ingestion
                if row.stored.id not in marked and not self._wrote(row, ingestion):
                    self._stale.append(StaleRow(ref, row.stored.id))
        approved = {each.id for each in self._rows.stale if each.approved and not each.marked}
        past_grace = (
            each for each in self._stale if self._rows.streaks.get(each.id, 0) >= grace or each.id in approved
        )
        removable = self._collected = sorted(past_grace, key=lambda each: each.ref)
        self._writes.append(lambda: setattr(self._rows, "stale", removable))
        let_through = sum(each.id in approved for each in removable)
        return SweepCount(owned, len(self._stale), let_through, len(removable) - let_through, base - let_through)

    def remove_stale(self, ingestion: int, chunk: int) -> Iterator[int]:
        """See `Transaction.remove_stale`."""
        refs = [each.ref for each in self._collected if self._still_owned(each) and not self._written(each, ingestion)]
        return self.removing(refs, chunk, ingestion)

    def end_removal(self, grace: int) -> None:
        """See `Transaction.end_removal`."""
        gone = {each.id for each in self._collected}
        kept = [each.id for each in self._stale if grace and each.id not in gone]
        streaks = {id_: self._rows.streaks.get(id_, 0) + 1 for id_ in kept}
        self._writes.append(lambda: setattr(self._rows, "streaks", streaks))
        self._writes.append(lambda: setattr(self._rows, "stale", []))

    def notify(self) -> None:
        """See `Transaction.notify`."""
        self._writes.append(partial(self._tables.listeners.tell, self.provider.name))

    def renew_lease(self, lease: Lease) -> None:
        """See `Transaction.renew_lease`."""
        self._rows.lease = replace(lease, expires_at=self._tables.clock.now() + lease.length)

    def _put(self, entity: Entity, stored: Stored | None, written_in: int, added_in: int) -> None:
        id_ = self._tables.next_id() if stored is None else stored.id
        row = Stored(id_, self.provider.name, entity.location_key, entity.digest, written_in)
        self._put_rows[entity.ref or ""] = EntityRow(row, self._body_of(entity), added_in)

    def _body_of(self, entity: Entity) -> bytes:
        return entity.canonical or b""
