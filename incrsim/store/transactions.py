"""The atomic steps, written once for every store (C-10, C-27, C-37).

Each function runs inside one transaction that a store has begun, with the provider's row locked. What may happen is
decided by `lifecycle`, `guards` and `page`, which are pure; here the decision and its rows come together. A store
brings the rows: `rows.Transaction`. What operators do is in `operations`.
"""

from __future__ import annotations

from dataclasses import replace

from incrsim import guards, lifecycle
from incrsim.errors import CursorRepeated, Fenced, InvalidTransition, TooManyPages
from incrsim.guards import Census, Verdict
from incrsim.ingestion import Failure, Ingestion, NextAction, Status
from incrsim.lifecycle import Decision
from incrsim.options import ProviderOptions
from incrsim.store.contract import SWEEP_CHUNK, Claim, CommittedPage, Granted, Held, Lease, NotDue, Paused
from incrsim.store.page import PageDraft, cursor_digest, decide, without_repeated_problems
from incrsim.store.rows import NewMark, Transaction


def register(tx: Transaction) -> None:
    """Give a provider its first ingestion, if it has none."""
    if tx.ingestion is None:
        tx.save_ingestion(lifecycle.first(1, tx.now))


def claim(tx: Transaction, holder: str, options: ProviderOptions) -> Claim:
    """Take the lease if the provider is due and nobody holds it."""
    if tx.lease is not None and tx.lease.expires_at > tx.now:
        return Held(tx.lease.holder, tx.lease.expires_at)
    ingestion = open_ingestion(tx)
    if tx.provider.paused:
        return Paused(ingestion)
    if ingestion.due_at is not None and ingestion.due_at > tx.now:
        return NotDue(ingestion)
    if ingestion.next_action is NextAction.REST:
        ingestion = store_decision(tx, lifecycle.rest_over(ingestion, tx.now))
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
    compared = tx.compare(sorted(draft.entities, key=lambda entity: entity.ref or ""), ingestion.number)
    with tx.inserting(ingestion.number) as new:
        changes = decide(draft, compared, tx.provider.name, ingestion.number, options, new)
    known = (
        tx.known_problems([found.key for found in changes.problems], ingestion.number) if changes.problems else set()
    )
    problems, counts = without_repeated_problems(changes, known)
    if reported := [found.problem.ref for found in draft.reported if found.problem.ref is not None]:
        # What the provider says it could not read has not vanished (C-7).
        changes.seen.extend(tx.ids_of(reported))
    tx.apply(changes, ingestion.number)
    tx.outbox_upserts(changes.written(), ingestion.number)
    digest = None if draft.cursor is None else cursor_digest(draft.cursor)
    mark = NewMark(ingestion.number, draft.sequence, draft.cursor, digest, [*compared.same, *changes.seen], counts)
    if not tx.add_mark(mark):
        raise CursorRepeated(
            f"page {draft.sequence} returned the cursor {draft.cursor}, "
            "which this ingestion has seen before, so it would never finish; "
            "let each page's cursor point past that page, and return done=True on the last one"
        )
    if problems:
        tx.add_problems(problems, ingestion.number, draft.sequence)
    ingestion = lifecycle.page_committed(ingestion, draft.cursor, counts, now=tx.now)
    decision = _after_done_page(tx, ingestion, options) if draft.done else Decision(ingestion)
    store_decision(tx, decision)
    # An ingestion that ended here (too many invalid) gives its lease back with the same commit.
    renewed = replace(lease, expires_at=tx.now + lease.length)
    tx.save_lease(None if decision.successor else renewed)
    return CommittedPage(counts, decision, renewed, paused=tx.provider.paused)


def end_burst(tx: Transaction, lease: Lease, options: ProviderOptions) -> Ingestion:
    """End a burst at a page boundary; after the done page only the lease is given back."""
    ingestion = _held(tx, lease, Status.BURSTING, Status.SWEEPING)
    if ingestion.status is Status.BURSTING:
        ingestion = lifecycle.burst_spent(ingestion, options, tx.now)
        tx.save_ingestion(ingestion)
    tx.save_lease(None)
    return ingestion


def record_failure(tx: Transaction, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
    """Keep a failure and what follows from it."""
    ingestion = _held(tx, lease, Status.BURSTING, Status.SWEEPING)
    decision = lifecycle.failed(ingestion, failure, options, tx.now)
    store_decision(tx, decision)
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
        approved=count.approved,
    )
    refused_by = guards.judge(census, options)
    removed = 0
    if not refused_by:
        removed = _remove(tx, ingestion, lease, options)
    verdict = _verdict(tx, ingestion, census, refused_by, removed, options)
    ingestion = lifecycle.swept(ingestion, verdict, options, tx.now)
    tx.save_provider(replace(tx.provider, last_verdict=verdict.id, verdict=verdict, approved=False))
    tx.save_ingestion(ingestion)
    tx.save_lease(None)
    return ingestion


def open_ingestion(tx: Transaction) -> Ingestion:
    """The ingestion that is not complete.

    Raises:
        InvalidTransition: when the provider has none yet.
    """
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
    ingestion = open_ingestion(tx)
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


def _after_done_page(tx: Transaction, ingestion: Ingestion, options: ProviderOptions) -> Decision:
    bad = ingestion.counts.invalid
    # Counting the distinct ones reads all marks: only where it can matter.
    if bad >= guards.FEWEST_INVALID:
        distinct = tx.count_distinct(ingestion.number)
        if guards.too_many_invalid(bad, distinct, options):
            return lifecycle.too_many_invalid(ingestion, distinct, options, tx.now)
    return Decision(lifecycle.source_done(ingestion, now=tx.now))


def store_decision(tx: Transaction, decision: Decision) -> Ingestion:
    """Write what was decided; returns the ingestion that is not complete now."""
    if decision.successor is None:
        tx.save_ingestion(decision.ingestion)
    else:
        tx.archive(decision.ingestion)
        tx.save_ingestion(decision.successor)
    return decision.current


def _remove(tx: Transaction, ingestion: Ingestion, lease: Lease, options: ProviderOptions) -> int:
    removed = 0
    for chunk in tx.remove_stale(ingestion.number, SWEEP_CHUNK):
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
