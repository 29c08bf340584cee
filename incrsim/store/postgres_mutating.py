"""Events, direct mutations and `plan` on a `PostgresStore`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from incrsim.options import ProviderOptions
from incrsim.store import deltas, full
from incrsim.store.contract import Held, Lease
from incrsim.store.full import MutatingRows
from incrsim.store.mutating import AppliedDelta, AppliedFull, DeltaDraft, Known, OwnedRef
from incrsim.store.page import PageDraft
from incrsim.store.postgres_reading import PostgresReading
from incrsim.store.postgres_records import can_hold

Result = TypeVar("Result")


class PostgresMutating(PostgresReading):
    """`MutationStore` over named SQL."""

    @abstractmethod
    def _transact(self, provider: str, work: Callable[[MutatingRows], Result]) -> Result:
        """Run a step and commit it."""

    @abstractmethod
    def _heartbeat(self, lease: Lease) -> AbstractContextManager[None]:
        """Renew a lease meanwhile."""

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
        with self._heartbeat(lease):
            return self._transact(lease.provider, lambda tx: full.apply_full(tx, lease, pages, options))

    def known(self, refs: Sequence[str]) -> list[Known]:
        """See `MutationStore.known`."""
        rows = self._rows("known", refs=[ref for ref in refs if can_hold(ref)])
        return [Known(ref, provider, bytes(digest), key) for ref, provider, digest, key in rows]

    def owned(self, provider: str, *, after: str = "", limit: int = 1000) -> list[OwnedRef]:
        """See `MutationStore.owned`."""
        rows = self._dicts_of("owned", provider, provider=self._id_of(provider), after=after, limit=limit)
        return [OwnedRef(**row) for row in rows]


class PostgresDeltaRows:
    """`DeltaRows` of a `PostgresTransaction`."""

    if TYPE_CHECKING:

        def _later(self, name: str, **parameters: Any) -> None: ...
        def _execute(self, name: str, **parameters: Any) -> int: ...
        def _all(self, name: str, **parameters: Any) -> list[tuple[Any, ...]]: ...

    def later_deltas(self, refs: Sequence[str], after: int) -> set[str]:
        """See `Transaction.later_deltas`."""
        return {ref for (ref,) in self._all("later_deltas", refs=list(refs), after=after)}

    def mark_refs(self, refs: Sequence[str], ingestion: int) -> None:
        """See `DeltaRows.mark_refs`."""
        if refs:
            self._later("mark_refs", refs=list(refs), ingestion=ingestion)

    def remove_refs(self, refs: Sequence[str]) -> list[str]:
        """See `DeltaRows.remove_refs`."""
        return [ref for (ref,) in self._all("remove_refs", refs=list(refs))] if refs else []

    def record_delta(self, refs: Sequence[str], delta: int) -> None:
        """See `DeltaRows.record_delta`."""
        if refs:
            self._later("record_delta", refs=list(refs), delta=delta)
