"""Stores that lose, mix up or tear apart what they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim import draft, entity, lifecycle
from incrsim.store import contract, operations, page, transactions
from incrsim.store.memory import MemoryStore
from incrsim.store.memory_rows import MemoryTransaction
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch


# --- atomic pages (C-5, C-10, C-40) -----------------------------------------------------------------------------------


@mutant(("C-10", "C-40"), "what a failed page had written stays (U1)")
def half_a_page(patch: Patch) -> None:
    patch.rewrite(MemoryStore._transact, "tx.roll_back()", "tx.commit()")


@mutant("C-10", "the cursor is not committed with its page")
def cursor_is_lost(patch: Patch) -> None:
    patch.rewrite(lifecycle.page_committed, "cursor=cursor,", "cursor=ingestion.cursor,")


@mutant("C-10", "a page can be committed again, or out of order")
def any_sequence(patch: Patch) -> None:
    patch.rewrite(transactions._check_sequence, "if draft.sequence != ingestion.pages + 1:", "if False:")


@mutant("C-5", "the same cursor may come for ever (U12)")
def cursors_may_repeat(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.compare, "cursor in self._rows.cursors", "False")


@mutant("C-5", "cursors of earlier ingestions may not be used again")
def cursors_for_ever(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.archive, "rows.cursors, rows.problem_keys =", "_, rows.problem_keys =")


@mutant("C-5", "the last page that `max_pages` allows is one too many")
def one_page_too_few(patch: Patch) -> None:
    patch.rewrite(page.check_length, "sequence > options.max_pages", "sequence >= options.max_pages")


# --- invalid entities (C-7) -------------------------------------------------------------------------------------------


@mutant("C-7", "one invalid entity always fails its page (U2)")
def invalid_always_fails(patch: Patch) -> None:
    patch.rewrite(page.decide, 'if options.on_invalid_entity == "fail":', "if True:")


@mutant("C-7", "an invalid entity never fails its page")
def invalid_never_fails(patch: Patch) -> None:
    patch.rewrite(page.decide, 'if options.on_invalid_entity == "fail":', "if False:")


@mutant("C-7", "a typo deletes what was stored (U2)")
def typo_deletes(patch: Patch) -> None:
    patch.rewrite(page._quarantine, "changes.seen.append(stored.id)", "pass")


@mutant("C-7", "problems are recorded on every page anew")
def problems_repeat(patch: Patch) -> None:
    patch.rewrite(page.without_repeated_problems, " if found.key not in known", "")


@mutant("C-7", "any problem counts as an unreadable part of the source")
def every_problem_is_unreadable(patch: Patch) -> None:
    patch.rewrite(page.without_repeated_problems, "found.problem.ref is None", "True")


@mutant("C-7", "an entity that its provider could not read is removed")
def reported_is_removed(patch: Patch) -> None:
    patch.rewrite(transactions.write_page, "seen.extend(tx.ids_of(reported))", "pass")


@mutant("C-7", "a source may be as broken as it likes")
def any_number_invalid(patch: Patch) -> None:
    patch.rewrite(transactions._after_done_page, "if guards.too_many_invalid(bad, distinct, options):", "if False:")


@mutant("C-7", "repetitions dilute the percentage of invalid entities")
def repetitions_dilute(patch: Patch) -> None:
    patch.rewrite(transactions._after_done_page, "tx.count_distinct(ingestion.number)", "ingestion.counts.returned")


# --- repetitions, owners, digests (C-8, C-9, C-11) --------------------------------------------------------------------


@mutant("C-8", "the first one of a page wins")
def first_one_wins(patch: Patch) -> None:
    patch.rewrite(
        draft._each_once, "latest.pop(entity.ref, None)", "if entity.ref in latest:\n                continue"
    )


@mutant("C-8", "refs differ by case")
def refs_by_case(patch: Patch) -> None:
    patch.rewrite(entity._ref, '{name}".lower()', '{name}"')


@mutant("C-8", "what this ingestion wrote before counts as updated again")
def rewritten_counts(patch: Patch) -> None:
    patch.rewrite(page._count, "len(changes.update) - rewritten", "len(changes.update)")


@mutant("C-9", "without location keys the newer provider wins")
def no_key_is_the_same_key(patch: Patch) -> None:
    patch.rewrite(page._judge, "stored.location_key is not None and ", "")


@mutant("C-9", "a location key moves nothing")
def keys_move_nothing(patch: Patch) -> None:
    patch.rewrite(page._judge, "elif stored.location_key is not None and", "elif False and")


@mutant("C-11", "a changed entity is marked, but not written")
def changes_are_not_written(patch: Patch) -> None:
    patch.rewrite(page._judge, "changes.update.append((stored, entity))", "changes.seen.append(stored.id)")


@mutant("C-11", "the digest does not cover the location key")
def digest_without_key(patch: Patch) -> None:
    patch.rewrite(entity._digest_of, "if location_key is not None:", "if False:")


@mutant("C-11", "unchanged entities are written again")
def unchanged_is_written(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.compare, "and row.stored.digest == entity.digest", "and False")


# --- one open ingestion, and the past (C-15, C-19) --------------------------------------------------------------------


@mutant("C-15", "registering begins anew while an ingestion is open")
def registering_begins_anew(patch: Patch) -> None:
    patch.rewrite(transactions.register, "if tx.ingestion is None:", "if True:")


@mutant("C-15", "a successor has the number of the one before")
def numbers_repeat(patch: Patch) -> None:
    patch.rewrite(lifecycle._end, "ingestion.number + 1", "ingestion.number")


@mutant("C-19", "one ingestion less stays readable")
def short_history(patch: Patch) -> None:
    patch.replace(contract, "HISTORY_LENGTH", contract.HISTORY_LENGTH - 1)


@mutant("C-19", "marks stay when their ingestion is complete")
def marks_stay(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.archive, "rows.marks, rows.seen,", "rows.seen, rows.seen,")


# --- sweeps (C-20, C-21, C-25 to C-27) --------------------------------------------------------------------------------


@mutant("C-20", "only the marks of the last page count")
def only_the_last_page(patch: Patch) -> None:
    patch.rewrite(
        MemoryTransaction.add_mark, "self._rows.seen.extend(mark.seen)", 'self._rows.seen = array("q", mark.seen)'
    )


@mutant("C-20", "a sweep removes what other providers own")
def sweeps_everybody(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.collect_stale, "if row.stored.owner == self.provider.name:", "if True:")


@mutant("C-21", "what the ingestion before wrote counts as marked")
def written_before_counts(patch: Patch) -> None:
    patch.rewrite(
        MemoryTransaction._wrote, "row.stored.written_in == ingestion", "row.stored.written_in >= ingestion - 1"
    )


@mutant(("C-21", "C-33", "C-34"), "marks of the ingestion before still count (U8, U9)")
def old_marks_count(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.archive, "rows.marks, rows.seen,", "rows.marks, _,")


@mutant("C-21", "what a guard refused to remove is forgotten (U3)")
def refused_is_forgotten(patch: Patch) -> None:
    patch.rewrite(
        MemoryTransaction.collect_stale,
        "and not self._wrote(row, ingestion):",
        "and not self._wrote(row, ingestion) and ref not in {each.ref for each in self._rows.stale}:",
    )


@mutant("C-22", "lost claims do not show that the source is not empty")
def lost_claims_are_nothing(patch: Patch) -> None:
    patch.rewrite(page._count, " + lost,", ",")


@mutant("C-23", "what this ingestion added counts as having been there before")
def base_holds_new_ones(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.collect_stale, "base += row.added_in != ingestion", "base += 1")


@mutant("C-23", "what this ingestion took over counts as having been there before")
def base_holds_takeovers(patch: Patch) -> None:
    patch.rewrite(
        MemoryTransaction.apply,
        "self._put(entity, stored, ingestion, ingestion)",
        "self._put(entity, stored, ingestion, 0)",
    )


@mutant("C-23", "what this ingestion changed counts as new")
def changed_is_new(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.apply, 'self._tables.entities[entity.ref or ""].added_in', "ingestion")


@mutant("C-25", "an entity has one cycle of grace too many")
def one_cycle_too_many(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.collect_stale, ">= grace", "> grace")


@mutant("C-25", "marks do not reset the grace")
def marks_reset_nothing(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.archive, "self._note_marked(ingestion.number)", "pass")
    patch.rewrite(
        MemoryTransaction.end_removal,
        "[each.id for each in self._stale if grace and each.id not in gone]",
        "{*(each.id for each in self._stale), *self._rows.streaks} - gone if grace else []",
    )


@mutant("C-25", "marks reset the grace only when their ingestion is swept")
def only_sweeps_reset(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.archive, "self._note_marked(ingestion.number)", "pass")


@mutant("C-25", "refused sweeps spend grace")
def refusals_spend_grace(patch: Patch) -> None:
    patch.rewrite(
        transactions.sweep,
        "    verdict = Verdict.of(\n",
        "    if refused_by:\n        tx.end_removal(options.removal_grace_cycles)\n    verdict = Verdict.of(\n",
    )


@mutant("C-25", "grace belongs to the name: an entity that came back has what was left")
def grace_by_name(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction._put, "self._tables.next_id()", 'sum((entity.ref or "").encode())')
    patch.rewrite(MemoryTransaction.end_removal, " and each.id not in gone", "")
    patch.rewrite(MemoryTransaction.archive, "self._note_marked(ingestion.number)", "pass")


@mutant("C-26", "a refused sweep removes all the same")
def refusals_are_ignored(patch: Patch) -> None:
    patch.rewrite(transactions.sweep, "[] if refused_by else ", "")


@mutant("C-26", "the refs of a verdict are not kept")
def refs_are_not_kept(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.collect_stale, 'setattr(self._rows, "stale", removable)', "None")


@mutant("C-26", "what is within its grace is among a verdict's refs")
def refs_within_grace(patch: Patch) -> None:
    patch.rewrite(
        MemoryTransaction.collect_stale,
        'setattr(self._rows, "stale", removable)',
        'setattr(self._rows, "stale", sorted(self._stale, key=lambda each: each.ref))',
    )


@mutant("C-27", "a sweep ends after its first chunk")
def one_chunk(patch: Patch) -> None:
    patch.rewrite(transactions._remove, "tx.renew_lease(lease)", "break")


# --- leases and fences (C-33, C-37) -----------------------------------------------------------------------------------


@mutant("C-33", "start and cancel leave a running burst alone (U6)")
def operators_do_not_fence(patch: Patch) -> None:
    patch.rewrite(operations.operate, "if effect in ENDING:", "if effect is Effect.PURGE:")


@mutant("C-37", "the fence does not grow")
def fence_stands_still(patch: Patch) -> None:
    patch.rewrite(transactions.claim, "fence=tx.provider.fence + 1", "fence=tx.provider.fence")


@mutant("C-37", "two replicas may hold the lease (U10)")
def lease_for_everybody(patch: Patch) -> None:
    patch.rewrite(
        transactions.claim, "if tx.lease is not None and tx.lease.expires_at > tx.now:", "if False and tx.lease:"
    )


@mutant("C-37", "pages do not renew the lease")
def pages_renew_nothing(patch: Patch) -> None:
    patch.rewrite(transactions.commit_page, "replace(lease, expires_at=tx.now + lease.length)", "lease")


@mutant("C-37", "an expired lease commits nothing, though nobody has overtaken it")
def safety_by_the_clock(patch: Patch) -> None:
    patch.rewrite(transactions.held, "or tx.lease is None:", "or tx.lease is None or tx.lease.expires_at <= tx.now:")


@mutant("C-37", "a lease that was given back still commits")
def void_lease_commits(patch: Patch) -> None:
    patch.rewrite(transactions.held, " or tx.lease is None", "")


@mutant("C-14", "a claim does not end a rest")
def rest_without_end(patch: Patch) -> None:
    patch.rewrite(transactions.claim, "ingestion = store_decision(tx, lifecycle.rest_over(ingestion, tx.now))", "pass")


@mutant("C-14", "a page can follow the done page")
def any_status(patch: Patch) -> None:
    patch.rewrite(transactions.require, "if ingestion.status not in statuses:", "if False:")
