"""A full mutation as one atomic step, written once for every store (C-30); see `transactions`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from incrsim import lifecycle
from incrsim.errors import CallerError
from incrsim.ingestion import Counts, Ingestion, Status
from incrsim.lifecycle import Decision
from incrsim.options import ProviderOptions
from incrsim.store.contract import Held, Lease
from incrsim.store.deltas import DeltaRows
from incrsim.store.mutating import AppliedFull
from incrsim.store.page import PageDraft
from incrsim.store.rows import Transaction
from incrsim.store.transactions import held, open_ingestion, require, store_decision, sweep, write_page

OPEN_TO_FULL = (Status.SCHEDULED, Status.RESTING)
"""Where a full mutation takes no ingestion's pages away (C-30)."""


class FullRows(Transaction, Protocol):
    """What a full mutation needs beside the rows of its pages and sweep."""

    def flush(self) -> None:
        """Let what follows in this transaction read what was written so far; nobody else does before the commit."""


class MutatingRows(DeltaRows, FullRows, Protocol):
    """What deltas and full mutations need, together."""


def lease_for_full(tx: Transaction, holder: str, options: ProviderOptions) -> Lease | Held:
    """Take the lease and leave the ingestion as it is."""
    if tx.lease is not None and tx.lease.expires_at > tx.now:
        return Held(tx.lease.holder, tx.lease.expires_at)
    require(open_ingestion(tx), *OPEN_TO_FULL)
    provider = replace(tx.provider, fence=tx.provider.fence + 1)
    lease = Lease(provider.name, holder, provider.fence, options.lease_length, tx.now + options.lease_length)
    tx.save_provider(provider)
    tx.save_lease(lease)
    return lease


def give_back(tx: Transaction, lease: Lease) -> None:
    """Give the lease back, unless somebody overtook it."""
    if tx.lease is not None and tx.provider.fence == lease.fence:
        tx.save_lease(None)


def apply_full(tx: FullRows, lease: Lease, pages: Iterable[PageDraft], options: ProviderOptions) -> AppliedFull:
    """A whole ingestion in one transaction: claimed, read, swept, complete, and the next one due when it was."""
    # The lease's row stays untouched to the end: it is renewed from elsewhere meanwhile (C-27).
    ingestion = held(tx, lease, *OPEN_TO_FULL)
    due_at = ingestion.due_at or tx.now
    if ingestion.status is Status.RESTING:
        ingestion = store_decision(tx, lifecycle.rest_over(ingestion, tx.now))
    decision, counts = _all_pages(tx, lifecycle.claimed(ingestion, tx.now), pages, options)
    verdict = None
    if decision.successor is None:
        rested, verdict = sweep(tx, decision.ingestion, lease, options)
        counts += Counts(removed=verdict.removed)
        decision = lifecycle.rest_over(rested, tx.now)
        store_decision(tx, decision)
    successor = replace(decision.current, due_at=due_at)
    tx.save_ingestion(successor)
    tx.save_lease(None)
    tx.notify()
    return AppliedFull(decision.ingestion, verdict, successor, counts)


def _all_pages(
    tx: FullRows, ingestion: Ingestion, pages: Iterable[PageDraft], options: ProviderOptions
) -> tuple[Decision, Counts]:
    tx.save_ingestion(ingestion)
    decision, total, done = Decision(ingestion), Counts(), False
    for page in pages:
        tx.flush()
        # What events did before is replaced, as is everything else.
        draft = replace(page, deltas=tx.provider.deltas)
        counts, decision = write_page(tx, decision.ingestion, draft, options)
        total += counts
        done = page.done
    if not done:
        raise CallerError(
            f"a full mutation of {tx.provider.name!r} came to its end without a page that is done, "
            "and nothing of it was kept: what it did not name would have been removed"
        )
    tx.flush()
    return decision, total
