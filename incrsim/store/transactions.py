"""The atomic steps, written once for every store (C-10, C-27, C-37).

Each function runs inside one transaction that a store has begun, with the provider's row locked. What may happen is
decided by `lifecycle`, `guards` and `page`, which are pure; here the decision and its rows come together. A store
brings the rows: `rows.Transaction`. What operators do is in `operations`, what events and direct
mutations do in `deltas` and `full`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter

from incrsim import guards, lifecycle
from incrsim.errors import Fenced, InvalidTransition
from incrsim.guards import Census, Verdict
from incrsim.ingestion import Counts, Failure, Ingestion, NextAction, Status
from incrsim.lifecycle import Decision
from incrsim.options import ProviderOptions
from incrsim.store.contract import SWEEP_CHUNK, Claim, CommittedPage, Granted, Held, Lease, NotDue, Paused
from incrsim.store.page import (
    Compared,
    PageChanges,
    PageDraft,
    check_length,
    cursor_repeated,
    decide,
    without_repeated_problems,
)
from incrsim.store.rows import NewMark, Transaction

NOTHING = Counts()


def register(tx: Transaction) -> None:
    """Give a provider its first ingestion, if it has none."""
    if tx.ingestion is None:
        tx.save_ingestion(lifecycle.first(1, tx.now))
        tx.notify()


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
    return Granted(lease, ingestion, deltas=provider.deltas)


def commit_page(tx: Transaction, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
    """Commit one page: entities, mark, cursor, problems and lease renewal."""
    ingestion = held(tx, lease, Status.BURSTING)
    check_length(draft.sequence, options)
    counts, decision = write_page(tx, ingestion, draft, options)
    # An ingestion that ended here (too many invalid) gives its lease back with the same commit.
    renewed = replace(lease, expires_at=tx.now + lease.length)
    tx.save_lease(None if decision.successor else renewed)
    return CommittedPage(counts, decision, renewed, deltas=tx.provider.deltas, paused=tx.provider.paused)


def write_page(
    tx: Transaction, ingestion: Ingestion, draft: PageDraft, options: ProviderOptions
) -> tuple[Counts, Decision]:
    """Write all of a page but the lease; says what the page did, and what becomes of its ingestion."""
    _check_sequence(ingestion, draft)
    current, superseded = _without_superseded(tx, draft)
    written = write_entities(tx, current, ingestion.number, ingestion.number, options)
    tx.outbox_upserts(written.changes.written(), ingestion.number)
    counts = written.counts if superseded is NOTHING else written.counts + superseded
    seen = [*written.compared.same, *written.changes.seen]
    if reported := [found.problem.ref for found in draft.reported if found.problem.ref is not None]:
        # What the provider says it could not read has not vanished (C-7).
        seen.extend(tx.ids_of(reported))
    if written.compared.cursor_seen:  # fatal: told last, so that what can be mended is told first
        raise cursor_repeated(draft)
    tx.add_mark(NewMark(ingestion.number, draft.sequence, draft.cursor, draft.cursor_digest, seen, counts))
    ingestion = lifecycle.page_committed(ingestion, draft.cursor, counts, now=tx.now)
    decision = _after_done_page(tx, ingestion, options) if draft.done else Decision(ingestion)
    store_decision(tx, decision)
    return counts, decision


@dataclass(frozen=True, slots=True)
class Written:
    """What became of some entities.

    Args:
        compared: what the catalog held.
        changes: what was written.
        counts: what that did; a problem that the ingestion had before is not counted again.
    """

    compared: Compared
    changes: PageChanges
    counts: Counts


def write_entities(
    tx: Transaction, draft: PageDraft, ingestion: int, written_in: int, options: ProviderOptions
) -> Written:
    """Compare entities with the catalog, write those that differ, and record problems.

    Args:
        tx: the transaction.
        draft: the entities.
        ingestion: the number of the ingestion that gets the problems, and in which nothing counts twice.
        written_in: the ingestion that the rows name.
        options: what to do with invalid ones.
    """
    # Written in the order of refs, whatever the page has, no two providers wait for each other in a circle (C-40).
    in_order = sorted(draft.entities, key=attrgetter("ref"))
    compared = tx.compare(in_order, ingestion, draft.cursor_digest)
    with tx.inserting(written_in) as insert:
        changes = decide(draft, compared, tx.provider.name, ingestion, options, insert)
    known = tx.known_problems([found.key for found in changes.problems], ingestion) if changes.problems else set()
    problems, counts = without_repeated_problems(changes, known)
    tx.apply(changes, written_in)
    if problems:
        tx.add_problems(problems, ingestion, draft.sequence)
    return Written(compared, changes, counts)


def _without_superseded(tx: Transaction, draft: PageDraft) -> tuple[PageDraft, Counts]:
    """A page without the refs that an event has set since its fetch began, so that it does not undo that event (C-29);
    and what to count of those: that the source held them (C-22).
    """
    if tx.provider.deltas == draft.deltas:
        return draft, NOTHING
    superseded = tx.later_deltas([each.ref for each in draft.entities if each.ref is not None], draft.deltas)
    valid = sum(each.ref in superseded and not each.violations for each in draft.entities)
    kept = [each for each in draft.entities if each.ref not in superseded]
    return replace(draft, entities=kept), Counts(valid=valid)


def end_burst(tx: Transaction, lease: Lease, options: ProviderOptions) -> Ingestion:
    """End a burst at a page boundary; after the done page only the lease is given back."""
    ingestion = held(tx, lease, Status.BURSTING, Status.SWEEPING)
    if ingestion.status is Status.BURSTING:
        ingestion = lifecycle.burst_spent(ingestion, options, tx.now)
        tx.save_ingestion(ingestion)
    tx.save_lease(None)
    return ingestion


def record_failure(tx: Transaction, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
    """Keep a failure and what follows from it."""
    ingestion = held(tx, lease, Status.BURSTING, Status.SWEEPING)
    decision = lifecycle.failed(ingestion, failure, options, tx.now)
    store_decision(tx, decision)
    tx.save_lease(None)
    return decision


def commit_sweep(tx: Transaction, lease: Lease, options: ProviderOptions) -> Ingestion:
    """Count, ask the guards, remove in chunks, and rest."""
    ingestion, _ = sweep(tx, held(tx, lease, Status.SWEEPING), lease, options)
    tx.save_ingestion(ingestion)
    tx.save_lease(None)
    return ingestion


def sweep(tx: Transaction, ingestion: Ingestion, lease: Lease, options: ProviderOptions) -> tuple[Ingestion, Verdict]:
    """Sweep, or refuse to; gives the ingestion as it rests, which is left to be written, and the verdict."""
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
    batches = [] if refused_by else _remove(tx, ingestion, lease, options)
    verdict = Verdict.of(
        census,
        refused_by,
        sum(batches),
        options,
        largest_batch=max(batches, default=0),
        id=tx.provider.last_verdict + 1,
        ingestion=ingestion.number,
        decided_at=tx.now,
    )
    tx.save_provider(replace(tx.provider, last_verdict=verdict.id, verdict=verdict, approved=False))
    return lifecycle.swept(ingestion, verdict, options, tx.now), verdict


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


def held(tx: Transaction, lease: Lease, *statuses: Status) -> Ingestion:
    """The ingestion, if this lease was not overtaken: whether it has *expired* does not matter, safety never rests on
    clocks (C-37).
    """
    if tx.provider.fence != lease.fence or tx.lease is None:
        raise Fenced(
            f"{lease.holder} held the provider {lease.provider!r} with fence {lease.fence}, "
            f"but the fence is {tx.provider.fence} now: "
            "another replica or an operator took over, and this write was refused"
        )
    return require(open_ingestion(tx), *statuses)


def require(ingestion: Ingestion, *statuses: Status) -> Ingestion:
    """The ingestion, if it is in one of these statuses.

    Raises:
        InvalidTransition: when it is in another.
    """
    if ingestion.status not in statuses:
        raise InvalidTransition(f"that needs an ingestion that is {' or '.join(statuses)}; {ingestion.story()}")
    return ingestion


def _check_sequence(ingestion: Ingestion, draft: PageDraft) -> None:
    if draft.sequence != ingestion.pages + 1:
        raise InvalidTransition(
            f"page {draft.sequence} cannot be committed, the next one is {ingestion.pages + 1}; {ingestion.story()}"
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


def _remove(tx: Transaction, ingestion: Ingestion, lease: Lease, options: ProviderOptions) -> list[int]:
    """Remove what was collected; says how much each statement removed."""
    batches = []
    for batch in tx.remove_stale(ingestion.number, SWEEP_CHUNK):
        batches.append(batch)
        tx.renew_lease(lease)
    tx.end_removal(options.removal_grace_cycles)
    return batches
