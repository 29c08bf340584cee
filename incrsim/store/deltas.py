"""Events and direct deltas as one atomic step, written once for every store (C-29, C-30); see `transactions`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from incrsim.ingestion import Status
from incrsim.options import ProviderOptions
from incrsim.store.mutating import AppliedDelta, DeltaDraft
from incrsim.store.page import PageDraft
from incrsim.store.rows import Transaction
from incrsim.store.transactions import open_ingestion, write_entities


class DeltaRows(Transaction, Protocol):
    """The rows that a delta needs beside those of a page."""

    def mark_refs(self, refs: Sequence[str], ingestion: int) -> None:
        """Mark what the provider owns of these: its rows say that this ingestion wrote them, changed or not."""

    def remove_refs(self, refs: Sequence[str]) -> list[str]:
        """Remove what the provider owns of these; says which those were."""

    def record_delta(self, refs: Sequence[str], delta: int) -> None:
        """Keep that this delta has set these refs, until the lease is given back."""


def apply_delta(tx: DeltaRows, delta: DeltaDraft, options: ProviderOptions) -> AppliedDelta:
    """Upsert and mark what was added, remove what is gone, and keep both from pages that were fetched before."""
    ingestion = open_ingestion(tx)
    number = tx.provider.deltas + 1
    added = [each.ref for each in delta.added if each.ref is not None]
    page = PageDraft(sequence=0, entities=delta.added, cursor=None, done=False, returned=len(delta.added))
    # What comes before an ingestion's first page was there before it (C-23).
    written_in = ingestion.number if ingestion.pages else ingestion.number - 1
    written = write_entities(tx, page, ingestion.number, written_in, options)
    tx.mark_refs(sorted(added), ingestion.number)
    gone = tx.remove_refs(sorted(delta.removed))
    removed = len(gone)
    tx.outbox_upserts(written.changes.written(), None)
    tx.outbox_removals(gone, None)
    if ingestion.status is Status.BURSTING:
        tx.record_delta(sorted([*added, *delta.removed]), number)
    # An ingestion counts nothing twice, and as returned only what its pages return (C-8, C-22).
    once = replace(written.counts, returned=0, valid=0, unchanged=0, removed=removed)
    ingestion = replace(ingestion, counts=ingestion.counts + once)
    tx.save_provider(replace(tx.provider, deltas=number))
    tx.save_ingestion(ingestion)
    updated, unchanged = len(written.changes.update), len(written.compared.same)
    tx.notify()
    return AppliedDelta(ingestion, replace(written.counts, updated=updated, unchanged=unchanged, removed=removed))
