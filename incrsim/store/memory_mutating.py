"""Events, direct mutations and `plan` on a `MemoryStore`."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from incrsim.options import ProviderOptions
from incrsim.store import deltas, full
from incrsim.store.contract import Held, Lease
from incrsim.store.full import MutatingRows
from incrsim.store.memory_tables import EntityRow, ProviderRows, Tables
from incrsim.store.mutating import AppliedDelta, AppliedFull, DeltaDraft, Known, OwnedRef
from incrsim.store.page import PageDraft
from incrsim.store.rows import ProviderRow

Result = TypeVar("Result")


class MemoryMutating(ABC):
    """`MutationStore` over `Tables`."""

    _tables: Tables
    _lock: threading.RLock

    @abstractmethod
    def _transact(self, provider: str, work: Callable[[MutatingRows], Result]) -> Result:
        """Run a step and commit it."""

    @abstractmethod
    def _provider(self, name: str) -> ProviderRows:
        """The rows of a provider that is known."""

    def apply_delta(self, provider: str, delta: DeltaDraft, options: ProviderOptions) -> AppliedDelta:
        """See `MutationStore.apply_delta`."""
        return self._transact(provider, lambda tx: deltas.apply_delta(tx, delta, options))

    def lease_for_full(self, provider: str, holder: str, options: ProviderOptions) -> Lease | Held:
        """See `MutationStore.lease_for_full`."""
        return self._transact(provider, lambda tx: full.lease_for_full(tx, holder, options))

    def give_back(self, lease: Lease) -> None:
        """See `MutationStore.give_back`."""
        self._transact(lease.provider, lambda tx: full.give_back(tx, lease))

    def apply_full(self, lease: Lease, pages: Iterable[PageDraft], options: ProviderOptions) -> AppliedFull:
        """See `MutationStore.apply_full`."""
        return self._transact(lease.provider, lambda tx: full.apply_full(tx, lease, pages, options))

    def known(self, refs: Sequence[str]) -> list[Known]:
        """See `MutationStore.known`."""
        with self._lock:
            rows = ((ref, self._tables.entities.get(ref)) for ref in sorted(set(refs)))
            return [
                Known(ref, row.stored.owner, row.stored.digest, row.stored.location_key)
                for ref, row in rows
                if row is not None
            ]

    def owned(self, provider: str, *, after: str = "", limit: int = 1000) -> list[OwnedRef]:
        """See `MutationStore.owned`."""
        found: list[OwnedRef] = []
        with self._lock:
            rows = self._provider(provider)
            number = 0 if rows.ingestion is None else rows.ingestion.number
            seen, approved = set(rows.seen), {each.id for each in rows.stale if each.approved and not each.marked}
            refs = self._tables.sorted_refs()
            for index in range(bisect_right(refs, after), len(refs)):
                if len(found) >= limit:
                    break
                stored = self._tables.entities[refs[index]].stored
                if stored.owner == provider:
                    marked = stored.written_in == number
                    is_seen = marked or stored.id in seen
                    cycles = 0 if is_seen else rows.streaks.get(stored.id, 0)
                    found.append(OwnedRef(refs[index], cycles, marked, approved=stored.id in approved and not is_seen))
        return found


class MemoryDeltaRows:
    """`DeltaRows` of a `MemoryTransaction`."""

    _tables: Tables
    _rows: ProviderRows
    _writes: list[Callable[[], None]]
    _put_rows: dict[str, EntityRow]
    provider: ProviderRow

    def later_deltas(self, refs: Sequence[str], after: int) -> set[str]:
        """See `Transaction.later_deltas`."""
        return {ref for ref in refs if self._rows.delta_refs.get(ref, 0) > after}

    def mark_refs(self, refs: Sequence[str], ingestion: int) -> None:
        """See `DeltaRows.mark_refs`."""
        for ref in refs:
            row = self._put_rows.get(ref) or self._tables.entities.get(ref)
            if row is not None and row.stored.owner == self.provider.name:
                self._put_rows[ref] = replace(row, stored=replace(row.stored, written_in=ingestion))
        self._writes.append(lambda: self._tables.put(self._put_rows))

    def remove_refs(self, refs: Sequence[str]) -> list[str]:
        """See `DeltaRows.remove_refs`."""
        table, name = self._tables.entities, self.provider.name
        gone = [ref for ref in refs if ref in table and table[ref].stored.owner == name]
        self._writes.append(lambda: self._tables.remove(gone))
        return gone

    def record_delta(self, refs: Sequence[str], delta: int) -> None:
        """See `DeltaRows.record_delta`."""
        self._writes.append(lambda: self._rows.delta_refs.update(dict.fromkeys(refs, delta)))
