"""What operators need of the memory store: its rows inside a transaction, and its methods."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterator, Sequence

from incrsim.ingestion import Ingestion
from incrsim.store.memory_sinks import MemoryOutboxRows
from incrsim.store.memory_tables import EntityRow, ProviderRows, StaleRow, Tables
from incrsim.store.operating import SERVED_FOR, Announcement, Gone, Serving
from incrsim.store.rows import ProviderRow


class MemoryOperatingRows(MemoryOutboxRows):
    """`OperatingRows`, for a `MemoryTransaction`."""

    provider: ProviderRow
    _rows: ProviderRows
    _new_seen: Sequence[int]

    def purge(self, ingestion: Ingestion) -> Gone:
        """See `OperatingRows.purge`."""
        rows = self._rows

        def write() -> None:
            self._note_marked(ingestion.number)
            rows.history, rows.marks, rows.seen, rows.cursors = [], [], array("q"), set()
            rows.problems, rows.problem_keys, rows.stale = [], set(), []

        self._writes.append(write)
        return Gone(ingestions=len(rows.history) + 1, marks=len(rows.marks), problems=len(rows.problems))

    def approve_stale(self, ingestion: int) -> int:
        """See `OperatingRows.approve_stale`."""
        marked = self._marked(ingestion)
        approved = [
            each._replace(approved=self._still_owned(each) and not each.marked and each.id not in marked)
            for each in self._rows.stale
        ]
        self._writes.append(lambda: setattr(self._rows, "stale", approved))
        return sum(each.approved for each in approved)

    def count_owned(self) -> int:
        """See `OperatingRows.count_owned`."""
        return len(self._owned())

    def remove_owned(self, chunk: int) -> Iterator[int]:
        """See `OperatingRows.remove_owned`."""
        yield from self.removing(self._owned(), chunk, None)
        self._writes.append(self._rows.streaks.clear)

    def _owned(self) -> list[str]:
        return sorted(ref for ref, row in self._tables.entities.items() if row.stored.owner == self.provider.name)

    def _note_marked(self, ingestion: int) -> None:
        """What an ingestion marked has its whole grace again (C-25), and no approval removes it (C-26)."""
        rows = self._rows
        if rows.streaks or rows.stale:
            marked = self._marked(ingestion)
            rows.streaks = {id_: cycles for id_, cycles in rows.streaks.items() if id_ not in marked}
            rows.stale = [each._replace(marked=True) if each.id in marked else each for each in rows.stale]

    def _marked(self, ingestion: int) -> set[int]:
        marked = {*self._rows.seen, *self._new_seen}
        marked.update(row.stored.id for row in self._tables.entities.values() if self._wrote(row, ingestion))
        return marked

    def _wrote(self, row: EntityRow, ingestion: int) -> bool:
        return row.stored.owner == self.provider.name and row.stored.written_in == ingestion

    def _still_owned(self, stale: StaleRow) -> bool:
        row = self._tables.entities.get(stale.ref)
        return row is not None and row.stored.id == stale.id and row.stored.owner == self.provider.name

    def _written(self, stale: StaleRow, ingestion: int) -> bool:
        return self._wrote(self._tables.entities[stale.ref], ingestion)


class MemoryOperating:
    """`OperatorStore`, for a `MemoryStore`, save what changes a provider."""

    _tables: Tables
    _lock: threading.RLock

    def announce(self, holder: str, served: Sequence[Announcement]) -> None:
        """See `OperatorStore.announce`."""
        with self._lock:
            now = self._tables.clock.now()
            others = {
                key: each
                for key, each in self._tables.serving.items()
                if each.holder != holder and each.seen_at > now - SERVED_FOR
            }
            mine = {
                (each.provider, holder): Serving(each.provider, holder, dict(each.options), each.stuck, now)
                for each in served
            }
            self._tables.serving = others | mine

    def serving(self, providers: Sequence[str]) -> list[Serving]:
        """See `OperatorStore.serving`."""
        wanted = set(providers)
        with self._lock:
            seen_after = self._tables.clock.now() - SERVED_FOR
            found = [
                each for each in self._tables.serving.values() if each.provider in wanted and each.seen_at > seen_after
            ]
        return sorted(found, key=lambda each: (each.provider, each.holder))

    def latest(self, providers: Sequence[str]) -> dict[str, Ingestion]:
        """See `OperatorStore.latest`."""
        with self._lock:
            known = {name: self._tables.providers.get(name) for name in providers}
            return {name: rows.history[-1] for name, rows in known.items() if rows is not None and rows.history}
