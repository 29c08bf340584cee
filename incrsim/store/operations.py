"""What operators do, as atomic steps written once for every store (C-26, C-33, C-34); see `transactions`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from incrsim import lifecycle
from incrsim.errors import SupersededVerdict, WrongCount
from incrsim.guards import Verdict
from incrsim.ingestion import Counts, Ingestion
from incrsim.lifecycle import ENDING, Decision, Effect, Operator
from incrsim.store.contract import SWEEP_CHUNK
from incrsim.store.operating import Approved, Gone, Operated
from incrsim.store.rows import Transaction
from incrsim.store.transactions import open_ingestion, store_decision


class OperatingRows(Transaction, Protocol):
    """The rows that operators' calls need beside those of a burst."""

    def purge(self, ingestion: Ingestion) -> Gone:
        """Remove all ingestions, marks, problems and collected refs; what the open ingestion marked has its whole grace
        again first (C-25). Says how much went.
        """

    def approve_stale(self, ingestion: int) -> int:
        """Let the sweep of this open ingestion remove the collected refs that are still owned and were not marked or
        added since; says how many those are now (C-26).
        """

    def count_owned(self) -> int:
        """How many entities the provider owns."""

    def remove_owned(self, chunk: int) -> Iterator[int]:
        """Remove all that the provider owns, at most `chunk` entities a statement, and tell the sinks; yields how many
        each one removed.
        """


def operate(tx: OperatingRows, operator: Operator) -> Operated:
    """Do what an operator asks for; what ends the ingestion overtakes a running burst at once (C-33, C-34)."""
    before = open_ingestion(tx)
    effect, decision = lifecycle.operate(before, operator, tx.now)
    gone = Gone(marks=before.pages if decision.successor else 0)
    match effect:
        case Effect.SET_PAUSED | Effect.CLEAR_PAUSED:
            tx.save_provider(replace(tx.provider, paused=effect is Effect.SET_PAUSED))
        case Effect.PURGE:
            gone = _purge(tx, decision)
        case Effect.NOTHING:
            pass
        case _:
            store_decision(tx, decision)
    if effect in ENDING:
        _overtake(tx)
    tx.notify()
    return Operated(operator, effect, before, decision, gone, tx.provider.paused)


def approve(tx: OperatingRows, verdict_id: int) -> Approved:
    """Let a refused removal through (C-26)."""
    ingestion, verdict = open_ingestion(tx), tx.provider.verdict
    if verdict is None or verdict.id != verdict_id or not verdict.refused:
        raise SupersededVerdict(_superseded(tx.provider.name, verdict_id, verdict))
    removed = waiting = 0
    if ingestion.number == verdict.ingestion:
        removed = sum(tx.remove_stale(verdict.ingestion, SWEEP_CHUNK))
        tx.save_ingestion(replace(ingestion, counts=ingestion.counts + Counts(removed=removed)))
    else:
        waiting = tx.approve_stale(ingestion.number)
    tx.save_provider(replace(tx.provider, approved=True))
    tx.notify()
    return Approved(verdict, removed, kept=verdict.collected - removed - waiting, waiting=waiting)


def retire(tx: OperatingRows, expected: int) -> Gone:
    """Remove a provider's entities and its records (C-34)."""
    _, decision = lifecycle.operate(open_ingestion(tx), Operator.DELETE, tx.now)
    # Counted before anything is removed, and once more as it goes: another provider may take some over meanwhile (C-9).
    owned = tx.count_owned()
    removed = _remove_owned(tx) if owned == expected else owned
    if removed != expected:
        raise WrongCount(
            f"the provider {tx.provider.name!r} owns {removed:,} entities, not {expected:,}; nothing was changed; "
            f"if all of them are to go, retire it with the count {removed}"
        )
    gone = _purge(tx, decision)
    _overtake(tx)
    tx.notify()
    return replace(gone, entities=removed)


def _remove_owned(tx: OperatingRows) -> int:
    removed = 0
    for chunk in tx.remove_owned(SWEEP_CHUNK):
        removed += chunk
        # The lease of a burst that runs, or died, may expire meanwhile: a claimer would end this session (C-40).
        if tx.lease is not None:
            tx.renew_lease(tx.lease)
    return removed


def _purge(tx: OperatingRows, decision: Decision) -> Gone:
    gone = tx.purge(decision.ingestion)
    tx.save_ingestion(decision.current)
    tx.save_provider(replace(tx.provider, verdict=None, approved=False))
    return gone


def _overtake(tx: Transaction) -> None:
    tx.save_provider(replace(tx.provider, fence=tx.provider.fence + 1))
    tx.save_lease(None)


def _superseded(provider: str, asked: int, last: Verdict | None) -> str:
    if last is None:
        return f"the provider {provider!r} has no verdict to approve: none of its sweeps was judged since it was added"
    if not last.refused:
        return f"verdict {last.id} of {provider!r} is the last one, and needs no approval: {last}"
    return f"verdict {asked} of {provider!r} is not its last one; that is {last.id}: {last}"
