"""The atomic steps, written once for every store (C-10, C-27, C-37).

Each function runs inside one transaction that a store has begun, with the provider's row locked. What may happen is
decided by `lifecycle`, `guards` and `page`, which are pure; here the decision and its rows come together. A store
brings the rows: `Transaction`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from incrsim import guards, lifecycle
from incrsim.entity import Entity
from incrsim.errors import CursorRepeated, Fenced, InvalidTransition, TooManyPages
from incrsim.guards import Census, Verdict
from incrsim.ingestion import Counts, Failure, Ingestion, NextAction, Status
from incrsim.lifecycle import Decision, Effect, Operator
from incrsim.options import ProviderOptions
from incrsim.store.contract import SWEEP_CHUNK, Claim, CommittedPage, Granted, Held, Lease, NotDue
from incrsim.store.page import (
    Compared,
    FoundProblem,
    Insert,
    PageChanges,
    PageDraft,
    cursor_digest,
    decide,
    without_repeated_problems,
)


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """What is kept of a provider for ever, so that no fence, ingestion or verdict number is ever born again (C-34).

    Args:
        name: its name.
        fence: of the last claim.
        last_verdict: the id of its last verdict.
    """

    name: str
    fence: int
    last_verdict: int


@dataclass(frozen=True, slots=True)
class SweepCount:
    """What `collect_stale` found.

    Args:
        owned: how many entities the provider owns.
        stale: those not marked.
        removable: those of the stale that are past their grace (C-25).
        base: those owned that existed before the ingestion's first page (C-23).
    """

    owned: int
    stale: int
    removable: int
    base: int


class Transaction(Protocol):
    """The rows of one provider inside one transaction; nothing that it does is seen by others before it commits."""

    now: datetime
    provider: ProviderRow
    lease: Lease | None
    ingestion: Ingestion | None
    """The ingestion that is not complete."""

    def save_provider(self, row: ProviderRow) -> None:
        """Write the provider's row."""

    def save_lease(self, lease: Lease | None) -> None:
        """Write the lease, or give it back."""

    def save_ingestion(self, ingestion: Ingestion) -> None:
        """Write the ingestion that is not complete: a new one, or the one that `ingestion` was read from."""

    def archive(self, ingestion: Ingestion) -> None:
        """Write an ingestion that is complete; what it marked has its whole grace again (C-25), its marks go, and so
        does what is older than the last `HISTORY_LENGTH` (C-19).
        """

    def compare(self, entities: Sequence[Entity], ingestion: int, cursor: bytes | None) -> Compared:
        """Compare refs and digests with the catalog, and the cursor's digest with the marks, in few round trips."""

    def ids_of(self, refs: Sequence[str]) -> list[int]:
        """The ids of what is stored under these refs."""

    def inserting(self, ingestion: int) -> AbstractContextManager[Insert]:
        """A way to insert new entities, as written by this ingestion; nothing else may be asked meanwhile."""

    def apply(self, changes: PageChanges, ingestion: int) -> None:
        """Update and take over, in the order of refs; the rows say that this ingestion wrote them."""

    def known_problems(self, keys: Sequence[bytes], ingestion: int) -> set[bytes]:
        """Which of these problems this ingestion has recorded already."""

    def add_problems(self, problems: Sequence[FoundProblem], ingestion: int, sequence: int) -> None:
        """Record problems."""

    def add_mark(self, mark: NewMark) -> None:
        """Record the page."""

    def count_distinct(self, ingestion: int) -> int:
        """How many distinct entities the ingestion's pages returned, invalid ones included (C-7)."""

    def collect_stale(self, ingestion: int, grace: int) -> SweepCount:
        """Count the sweep, and keep the removable refs in place of those of the verdict before (C-26)."""

    def remove_stale(self, chunk: int) -> Iterator[int]:
        """Remove the collected entities that are still owned, at most `chunk` of them a statement; yields how many each
        one removed.
        """

    def end_removal(self, grace: int) -> None:
        """The sweep went through: forget the collected refs, and count one more cycle of grace for what stays stale
        (C-25).
        """

    def renew_lease(self, lease: Lease) -> None:
        """Renew the lease at once, seen by others before this transaction commits (C-27)."""


@dataclass(frozen=True, slots=True)
class NewMark:
    """A mark about to be written.

    Args:
        ingestion: the ingestion's number.
        sequence: the page's number.
        cursor: the cursor after the page, as JSON text.
        cursor_digest: 16 bytes of it; `None` for a done page, whose cursor is ignored.
        seen: ids of the entities that the page returned and that this ingestion did not write.
        counts: what the page did.
    """

    ingestion: int
    sequence: int
    cursor: str | None
    cursor_digest: bytes | None
    seen: Sequence[int]
    counts: Counts


def register(tx: Transaction) -> None:
    """Give a provider its first ingestion, if it has none."""
    if tx.ingestion is None:
        tx.save_ingestion(lifecycle.first(1, tx.now))


def claim(tx: Transaction, holder: str, options: ProviderOptions) -> Claim:
    """Take the lease if the provider is due and nobody holds it."""
    if tx.lease is not None and tx.lease.expires_at > tx.now:
        return Held(tx.lease.holder, tx.lease.expires_at)
    ingestion = _open_ingestion(tx)
    if ingestion.due_at is not None and ingestion.due_at > tx.now:
        return NotDue(ingestion)
    if ingestion.next_action is NextAction.REST:
        ingestion = _store(tx, lifecycle.rest_over(ingestion, tx.now))
    ingestion = lifecycle.claimed(ingestion, tx.now)
    provider = replace(tx.provider, fence=tx.provider.fence + 1)
    lease = Lease(provider.name, holder, provider.fence, options.lease_length, tx.now + options.lease_length)
    tx.save_provider(provider)
    tx.save_lease(lease)
    tx.save_ingestion(ingestion)
    return Granted(lease, ingestion)


def commit_page(tx: Transaction, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
    """Commit one page: entities, mark, cursor, problems and lease renewal."""
    ingestion = _held(tx, lease, Status.BURSTING)
    _check_sequence(ingestion, draft, options)
    # Written in the order of refs, whatever the page has, no two providers wait for each other in a circle (C-40).
    in_order = sorted(draft.entities, key=lambda entity: entity.ref or "")
    digest = None if draft.cursor is None else cursor_digest(draft.cursor)
    compared = tx.compare(in_order, ingestion.number, digest)
    with tx.inserting(ingestion.number) as insert:
        changes = decide(draft, compared, tx.provider.name, ingestion.number, options, insert)
    known = (
        tx.known_problems([found.key for found in changes.problems], ingestion.number) if changes.problems else set()
    )
    problems, counts = without_repeated_problems(changes, known)
    if reported := [found.problem.ref for found in draft.reported if found.problem.ref is not None]:
        # What the provider says it could not read has not vanished (C-7).
        changes.seen.extend(tx.ids_of(reported))
    tx.apply(changes, ingestion.number)
    _check_cursor(compared, draft)  # fatal: told last, so that what can be mended is told first
    seen = [*compared.same, *changes.seen]
    tx.add_mark(NewMark(ingestion.number, draft.sequence, draft.cursor, digest, seen, counts))
    if problems:
        tx.add_problems(problems, ingestion.number, draft.sequence)
    ingestion = lifecycle.page_committed(ingestion, draft.cursor, counts, now=tx.now)
    decision = _after_done_page(tx, ingestion, options) if draft.done else Decision(ingestion)
    _store(tx, decision)
    # An ingestion that ended here (too many invalid) gives its lease back with the same commit.
    renewed = replace(lease, expires_at=tx.now + lease.length)
    tx.save_lease(None if decision.successor else renewed)
    return CommittedPage(counts, decision, renewed)


def end_burst(tx: Transaction, lease: Lease, options: ProviderOptions) -> Ingestion:
    """End a burst at a page boundary."""
    ingestion = lifecycle.burst_spent(_held(tx, lease, Status.BURSTING), options, tx.now)
    tx.save_ingestion(ingestion)
    tx.save_lease(None)
    return ingestion


def record_failure(tx: Transaction, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
    """Keep a failure and what follows from it."""
    ingestion = _held(tx, lease, Status.BURSTING, Status.SWEEPING)
    decision = lifecycle.failed(ingestion, failure, options, tx.now)
    _store(tx, decision)
    tx.save_lease(None)
    return decision


def commit_sweep(tx: Transaction, lease: Lease, options: ProviderOptions) -> Ingestion:
    """Count, ask the guards, remove in chunks, and rest."""
    ingestion = _held(tx, lease, Status.SWEEPING)
    count = tx.collect_stale(ingestion.number, options.removal_grace_cycles)
    census = Census(
        marked=count.owned - count.stale,
        stale=count.stale,
        removable=count.removable,
        base=count.base,
        valid=ingestion.counts.valid,
        unreadable=ingestion.counts.unreadable,
    )
    refused_by = guards.judge(census, options)
    removed = 0
    if not refused_by:
        removed = _remove(tx, lease, options)
    verdict = _verdict(tx, ingestion, census, refused_by, removed, options)
    ingestion = lifecycle.swept(ingestion, verdict, options, tx.now)
    tx.save_provider(replace(tx.provider, last_verdict=verdict.id))
    tx.save_ingestion(ingestion)
    tx.save_lease(None)
    return ingestion


def operate(tx: Transaction, operator: Operator) -> tuple[Effect, Decision]:
    """Do what an operator asks for; one that ends the ingestion overtakes a running burst at once (C-33)."""
    effect, decision = lifecycle.operate(_open_ingestion(tx), operator, tx.now)
    _store(tx, decision)
    if effect in (Effect.RESTART_NOW, Effect.RESTART_LATER):
        tx.save_provider(replace(tx.provider, fence=tx.provider.fence + 1))
        tx.save_lease(None)
    return effect, decision


def _open_ingestion(tx: Transaction) -> Ingestion:
    if tx.ingestion is None:
        raise InvalidTransition(
            f"the provider {tx.provider.name!r} has no ingestion that is not complete; register it first"
        )
    return tx.ingestion


def _held(tx: Transaction, lease: Lease, *statuses: Status) -> Ingestion:
    """The ingestion, if this lease was not overtaken: whether it has *expired* does not matter, safety never rests on
    clocks (C-37).
    """
    if tx.provider.fence != lease.fence or tx.lease is None:
        raise Fenced(
            f"{lease.holder} held the provider {lease.provider!r} with fence {lease.fence}, "
            f"but the fence is {tx.provider.fence} now: "
            "another replica or an operator took over, and this write was refused"
        )
    ingestion = _open_ingestion(tx)
    if ingestion.status not in statuses:
        raise InvalidTransition(f"that needs an ingestion that is {' or '.join(statuses)}; {ingestion.story()}")
    return ingestion


def _check_sequence(ingestion: Ingestion, draft: PageDraft, options: ProviderOptions) -> None:
    if draft.sequence != ingestion.pages + 1:
        raise InvalidTransition(
            f"page {draft.sequence} cannot be committed, the next one is {ingestion.pages + 1}; {ingestion.story()}"
        )
    if options.max_pages is not None and draft.sequence > options.max_pages:
        raise TooManyPages(
            f"page {draft.sequence} is past max_pages={options.max_pages}; "
            "raise it if the source has grown, or mend the cursor"
        )


def _check_cursor(compared: Compared, draft: PageDraft) -> None:
    if compared.cursor_seen:
        raise CursorRepeated(
            f"page {draft.sequence} returned the cursor {draft.cursor}, which this ingestion has seen before, so it "
            "would never finish; let each page's cursor point past that page, and return done=True on the last one"
        )


def _after_done_page(tx: Transaction, ingestion: Ingestion, options: ProviderOptions) -> Decision:
    bad = ingestion.counts.invalid
    # Counting the distinct ones reads all marks: only where it can matter.
    if bad >= guards.FEWEST_INVALID:
        distinct = tx.count_distinct(ingestion.number)
        if guards.too_many_invalid(bad, distinct, options):
            return lifecycle.too_many_invalid(ingestion, distinct, options, tx.now)
    return Decision(lifecycle.source_done(ingestion, now=tx.now))


def _store(tx: Transaction, decision: Decision) -> Ingestion:
    if decision.successor is None:
        tx.save_ingestion(decision.ingestion)
    else:
        tx.archive(decision.ingestion)
        tx.save_ingestion(decision.successor)
    return decision.current


def _remove(tx: Transaction, lease: Lease, options: ProviderOptions) -> int:
    removed = 0
    for chunk in tx.remove_stale(SWEEP_CHUNK):
        removed += chunk
        tx.renew_lease(lease)
    tx.end_removal(options.removal_grace_cycles)
    return removed


def _verdict(
    tx: Transaction,
    ingestion: Ingestion,
    census: Census,
    refused_by: tuple[guards.Guard, ...],
    removed: int,
    options: ProviderOptions,
) -> Verdict:
    limit = options.reject_removals_above_percentage
    return Verdict(
        id=tx.provider.last_verdict + 1,
        ingestion=ingestion.number,
        decided_at=tx.now,
        census=census,
        refused_by=refused_by,
        removed=removed,
        limit_percentage=None if limit is None else guards.percentage_text(limit),
        limit_count=options.reject_removals_above_count,
    )
