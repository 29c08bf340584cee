"""The store in memory: for notebooks, tests and simulations; the same behaviour as Postgres, nothing kept when the
process ends.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Self, TypeVar

from incrsim.clock import Clock, SystemClock
from incrsim.errors import UnknownProvider
from incrsim.ingestion import Failure, Ingestion
from incrsim.lifecycle import Decision, Operator
from incrsim.options import ProviderOptions
from incrsim.store import operations, transactions
from incrsim.store.contract import (
    Claim,
    CommittedPage,
    Lease,
    Mark,
    ProviderState,
    RecordedProblem,
    StoredEntity,
)
from incrsim.store.listening import Heard
from incrsim.store.memory_mutating import MemoryMutating
from incrsim.store.memory_operating import MemoryOperating
from incrsim.store.memory_rows import MemoryTransaction
from incrsim.store.memory_searching import MemorySearching
from incrsim.store.memory_sinks import MemorySinks
from incrsim.store.memory_tables import EntityRow, ProviderRows, Tables
from incrsim.store.operating import Approved, Gone, Operated
from incrsim.store.page import PageDraft
from incrsim.store.rows import ProviderRow

Result = TypeVar("Result")


class MemoryStore(MemoryOperating, MemoryMutating, MemorySearching, MemorySinks):
    """A store that lives and dies with its process.

    Args:
        clock: the store's time.
    """

    _transaction = MemoryTransaction

    def __init__(self, clock: Clock | None = None) -> None:
        self._tables = Tables(clock or SystemClock())
        self._lock = threading.RLock()

    def fork(self, clock: Clock) -> Self:
        """A store with the same rows, apart from what happens to this one: for models that follow several histories.
        It has neither sinks nor anybody who listens.

        Args:
            clock: its time.
        """
        forked = type(self)(clock)
        forked._tables = self._tables.fork(clock)  # noqa: SLF001 -- its own kind
        return forked

    # --- what the engine does
    # ---------------------------------------------------------------------------------------------

    def register(self, provider: str) -> None:
        """See `Store.register`."""
        with self._lock:
            self._tables.providers.setdefault(provider, ProviderRows(ProviderRow(provider, fence=0, last_verdict=0)))
        self._transact(provider, transactions.register)

    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        """See `Store.claim`."""
        return self._transact(provider, lambda tx: transactions.claim(tx, holder, options))

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        """See `Store.commit_page`."""
        return self._transact(lease.provider, lambda tx: transactions.commit_page(tx, lease, draft, options))

    def end_burst(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.end_burst`."""
        return self._transact(lease.provider, lambda tx: transactions.end_burst(tx, lease, options))

    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        """See `Store.record_failure`."""
        return self._transact(lease.provider, lambda tx: transactions.record_failure(tx, lease, failure, options))

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.commit_sweep`."""
        return self._transact(lease.provider, lambda tx: transactions.commit_sweep(tx, lease, options))

    # --- what operators do
    # ------------------------------------------------------------------------------------------------

    def operate(self, provider: str, operator: Operator) -> Operated:
        """See `Store.operate`."""
        return self._transact(provider, lambda tx: operations.operate(tx, operator))

    def approve(self, provider: str, verdict: int) -> Approved:
        """See `Store.approve`."""
        return self._transact(provider, lambda tx: operations.approve(tx, verdict))

    def retire(self, provider: str, expected: int) -> Gone:
        """See `Store.retire`."""
        return self._transact(provider, lambda tx: operations.retire(tx, expected))

    def listen(self, heard: Heard) -> AbstractContextManager[None]:
        """See `Store.listen`."""
        return self._tables.listeners.listening(heard)

    def _transact(self, provider: str, work: Callable[[MemoryTransaction], Result]) -> Result:
        with self._lock:
            tx = self._transaction(self._tables, self._provider(provider))
            try:
                result = work(tx)
            except BaseException:
                tx.roll_back()
                raise
            tx.commit()
            return result

    # --- reading
    # ----------------------------------------------------------------------------------------------------------

    def providers(self) -> list[str]:
        """See `Store.providers`."""
        with self._lock:
            return sorted(self._tables.providers)

    def state(self, provider: str) -> ProviderState:
        """See `Store.state`."""
        with self._lock:
            return self._state(self._provider(provider))

    def states(self, *, after: str = "", limit: int = 1000) -> list[ProviderState]:
        """See `Store.states`."""
        with self._lock:
            names = self.providers()
            start = bisect_right(names, after)
            return [self._state(self._tables.providers[name]) for name in names[start : start + limit]]

    def history(self, provider: str) -> list[Ingestion]:
        """See `Store.history`."""
        with self._lock:
            return self._provider(provider).history[::-1]

    def marks(self, provider: str, *, after: int = 0, limit: int = 1000) -> list[Mark]:
        """See `Store.marks`."""
        with self._lock:
            return self._provider(provider).marks[after : after + limit]

    def problems(self, provider: str, *, after: int = 0, limit: int = 1000) -> list[RecordedProblem]:
        """See `Store.problems`."""
        with self._lock:
            problems = self._provider(provider).problems
            start = bisect_right(problems, after, key=lambda problem: problem.id)
            return problems[start : start + limit]

    def stale(self, provider: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """See `Store.stale`."""
        with self._lock:
            refs = self._provider(provider).stale
            start = bisect_right(refs, after, key=lambda each: each.ref)
            return [each.ref for each in refs[start : start + limit]]

    def entity(self, ref: str) -> StoredEntity | None:
        """See `Store.entity`."""
        with self._lock:
            row = self._tables.entities.get(ref)
            return None if row is None else _public(ref, row)

    def entities(self, provider: str | None = None, *, after: str = "", limit: int = 1000) -> Sequence[StoredEntity]:
        """See `Store.entities`."""
        found: list[StoredEntity] = []
        with self._lock:
            refs = self._tables.sorted_refs()
            for index in range(bisect_right(refs, after), len(refs)):
                if len(found) >= limit:
                    break
                row = self._tables.entities[refs[index]]
                if provider is None or row.stored.owner == provider:
                    found.append(_public(refs[index], row))
        return found

    def count(self, provider: str | None = None) -> int:
        """See `Store.count`."""
        with self._lock:
            if provider is None:
                return len(self._tables.entities)
            return sum(row.stored.owner == provider for row in self._tables.entities.values())

    def describe(self) -> str:
        """See `Store.describe`."""
        return "memory"

    def close(self) -> None:
        """See `Store.close`: there is nothing to give back."""

    def _state(self, rows: ProviderRows) -> ProviderState:
        row = rows.row
        if rows.ingestion is None:
            raise UnknownProvider(f"the provider {row.name!r} was never registered")
        return ProviderState(
            name=row.name,
            fence=row.fence,
            ingestion=rows.ingestion,
            lease=rows.lease,
            now=self._tables.clock.now(),
            paused=row.paused,
            last_verdict=row.verdict,
            approved=row.approved,
        )

    def _provider(self, name: str) -> ProviderRows:
        rows = self._tables.providers.get(name)
        if rows is None:
            raise UnknownProvider.of(name, self.providers())
        return rows


def _public(ref: str, row: EntityRow) -> StoredEntity:
    return StoredEntity(ref, row.stored.owner, row.canonical, row.stored.digest, row.stored.location_key)
