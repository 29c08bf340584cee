"""Searching the catalog of a `MemoryStore`."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from incrsim.store.contract import StoredEntity
from incrsim.store.memory_tables import Tables
from incrsim.store.searching import EntityQuery, bounds, matches


class MemorySearching:
    """`SearchStore` over rows in memory; the lock is held for a row at a time, so that no search stops an engine."""

    _tables: Tables
    _lock: threading.RLock

    def entity(self, ref: str) -> StoredEntity | None:
        """See `Store.entity`."""
        raise NotImplementedError

    def find(self, query: EntityQuery, *, after: str = "", limit: int = 1000) -> Sequence[StoredEntity]:
        """See `Store.find`."""
        return list(islice(self._matching(query, after), limit))

    def count_matching(self, query: EntityQuery) -> int:
        """See `Store.count_matching`."""
        return sum(1 for _ in self._matching(query, ""))

    def count_by_kind(self) -> dict[str, int]:
        """See `Store.count_by_kind`."""
        with self._lock:
            found = Counter(ref.partition(":")[0] for ref in self._tables.entities)
        return dict(sorted(found.items()))

    def count_by_provider(self) -> dict[str, int]:
        """See `Store.count_by_provider`."""
        with self._lock:
            found = Counter(row.stored.owner for row in self._tables.entities.values())
            return {name: found[name] for name in sorted(self._tables.providers)}

    def _matching(self, query: EntityQuery, after: str) -> Iterator[StoredEntity]:
        low, high = bounds(query)
        with self._lock:
            refs = self._tables.sorted_refs()
        for index in range(max(bisect_left(refs, low), bisect_right(refs, after)), bisect_left(refs, high)):
            entity = self.entity(refs[index])  # may be gone by now
            if entity is not None and matches(query, entity):
                yield entity
