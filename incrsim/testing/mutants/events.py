"""Stores that take in events and direct mutations wrongly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from incrsim.errors import InvalidTransition
from incrsim.options import ProviderOptions
from incrsim.store.contract import Lease
from incrsim.store.memory_rows import MemoryTransaction
from incrsim.store.mutating import AppliedDelta, AppliedFull, DeltaDraft
from incrsim.store.page import PageDraft
from incrsim.testing.mutants.broken import BrokenStore
from incrsim.testing.mutants.mutant import breaks


@breaks("C-29")
class MarksNoEvent(MemoryTransaction):
    """What an event adds is not marked: the sweep of the same ingestion removes it."""

    def mark_refs(self, refs: Sequence[str], ingestion: int) -> None:
        """See `DeltaRows.mark_refs`."""
        super().mark_refs(refs, 0)


@breaks("C-29")
class UndoesEvents(MemoryTransaction):
    """A page that was fetched before an event, and is committed after it, undoes it."""

    def record_delta(self, refs: Sequence[str], delta: int) -> None:
        """See `DeltaRows.record_delta`."""


@breaks("C-29")
class RemovesLater(MemoryTransaction):
    """What an event removes stays until the next sweep."""

    def remove_refs(self, refs: Sequence[str]) -> list[str]:
        """See `DeltaRows.remove_refs`."""
        return []


@breaks("C-29")
class WaitsForTheBurst(BrokenStore):
    """An event that comes while a burst runs is refused."""

    def apply_delta(self, provider: str, delta: DeltaDraft, options: ProviderOptions) -> AppliedDelta:
        """See `MutationStore.apply_delta`."""
        if self.rows(provider).lease is not None:
            raise InvalidTransition("a burst is running")
        return super().apply_delta(provider, delta, options)


@breaks("C-30")
class FullBringsForward(BrokenStore):
    """After a full mutation the next ingestion is due at once, and not when it was."""

    def apply_full(self, lease: Lease, pages: Iterable[PageDraft], options: ProviderOptions) -> AppliedFull:
        """See `MutationStore.apply_full`."""
        applied = super().apply_full(lease, pages, options)
        self.change(lease.provider, due_at=self.now)
        return applied


@breaks("C-22", "C-23", "C-24", "C-30")
class FullAsksNoGuard(BrokenStore):
    """A full mutation removes whatever it does not name, past all guards."""

    def apply_full(self, lease: Lease, pages: Iterable[PageDraft], options: ProviderOptions) -> AppliedFull:
        """See `MutationStore.apply_full`."""
        unguarded = replace(
            options,
            reject_empty_source_collections=False,
            reject_removals_above_percentage=None,
            reject_removals_above_count=None,
        )
        return super().apply_full(lease, pages, unguarded)
