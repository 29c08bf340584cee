"""What stores with a flaw have in common: the ways into their own rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from incrsim.clock import Clock
from incrsim.ingestion import Ingestion
from incrsim.options import ProviderOptions
from incrsim.store.contract import Lease
from incrsim.store.memory import MemoryStore
from incrsim.store.memory_tables import ProviderRows
from incrsim.testing.mutants.mutant import BrokenGuard


class BrokenStore(MemoryStore):
    """A memory store that meddles with its rows."""

    @property
    def now(self) -> datetime:
        """The store's time."""
        return self._tables.clock.now()

    def rows(self, provider: str) -> ProviderRows:
        """Those of a provider."""
        return self._tables.providers[provider]

    def open(self, provider: str) -> Ingestion:
        """The ingestion that is not complete."""
        return self.state(provider).ingestion

    def change(self, provider: str, **changes: Any) -> None:
        """Write other fields into the open ingestion."""
        self.rows(provider).ingestion = replace(self.open(provider), **changes)

    def change_last(self, provider: str, **changes: Any) -> None:
        """Write other fields into the ingestion that was completed last."""
        history = self.rows(provider).history
        history[-1] = replace(history[-1], **changes)

    def holds(self, lease: Lease) -> bool:
        """Whether a lease was not overtaken."""
        rows = self.rows(lease.provider)
        return rows.lease is not None and rows.row.fence == lease.fence


class BentGuards(BrokenStore, BrokenGuard):
    """A store whose sweeps are judged by other limits than those that were set."""

    def bent(self, options: ProviderOptions) -> ProviderOptions:
        """The limits in their place."""
        raise NotImplementedError

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.commit_sweep`."""
        return super().commit_sweep(lease, self.bent(options))


class LosesBaseline(BrokenStore):
    """A store that forgets some of what it owns: no sweep finds that stale any more.

    Args:
        clock: the store's time.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self._forgotten: dict[str, set[int]] = {}

    def forget(self, provider: str, ids: Iterable[int]) -> None:
        """Forget these."""
        self._forgotten.setdefault(provider, set()).update(ids)

    def unmarked(self, provider: str) -> list[int]:
        """What is owned, and was not marked by the open ingestion."""
        seen, number = set(self.rows(provider).seen), self.open(provider).number
        stored = (row.stored for row in self._tables.entities.values() if row.stored.owner == provider)
        return [each.id for each in stored if each.written_in != number and each.id not in seen]

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.commit_sweep`."""
        if self.holds(lease):
            self.rows(lease.provider).seen.extend(sorted(self._forgotten.get(lease.provider, ())))
        return super().commit_sweep(lease, options)
