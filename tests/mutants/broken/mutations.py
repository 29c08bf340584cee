"""Events that are lost or undone, mutations that do too much or too little, plans that are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim import mutations, planning, planning_ledger
from incrsim.store import deltas, full, transactions
from incrsim.store.memory_mutating import MemoryDeltaRows, MemoryMutating
from incrsim.store.memory_rows import MemoryTransaction
from incrsim.store.postgres_mutating import PostgresDeltaRows
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch

POSTGRES = ("postgres",)


# --- plans (C-28) -----------------------------------------------------------------------------------------------------


@mutant("C-28", "a plan forgets what other pages returned")
def plan_forgets_pages(patch: Patch) -> None:
    patch.rewrite(
        planning._Planning._stored, "catalog | self.ledger.written(refs, self.provider, self.ingestion)", "catalog"
    )
    patch.rewrite(
        planning._Planning._compare,
        "known = self.ledger.known_problems([found.key for found in changes.problems])",
        "known = set()",
    )


@mutant("C-28", "a plan takes quarantined and lost entities for vanished ones")
def plan_forgets_problems(patch: Patch) -> None:
    patch.rewrite(planning._Planning._mark, "self.ledger.mark(", "list(")


@mutant("C-28", "a plan asks no guard")
def plan_without_guards(patch: Patch) -> None:
    patch.rewrite(planning._Planning._verdict, "guards.judge(census, self.options)", "()")


@mutant("C-28", "a plan judges the wrong base")
def plan_with_another_base(patch: Patch) -> None:
    patch.rewrite(planning._Planning._verdict, "base=owned - approved", "base=owned + added")


@mutant("C-28", "a plan does not mind cursors that repeat")
def plan_without_end(patch: Patch) -> None:
    patch.rewrite(planning._Planning.take, "raise cursor_repeated(draft)", "return False")


@mutant("C-28", "a plan does not mind too many pages")
def plan_of_any_length(patch: Patch) -> None:
    patch.rewrite(planning._Planning.take, "check_length(draft.sequence, self.options)", "pass")


@mutant("C-28", "a plan knows no grace")
def plan_without_grace(patch: Patch) -> None:
    patch.rewrite(planning_ledger.Ledger.settle, "stale_cycles >= :grace", "stale_cycles >= 0")


@mutant("C-28", "a plan writes to the store")
def plan_writes(patch: Patch) -> None:
    patch.rewrite(planning._read, "session.enter()", 'session.enter(); planning.store.register("plan")')


@mutant("C-28", "a plan sees no problems, and sweeps in spite of them")
def plan_is_blind(patch: Patch) -> None:
    patch.rewrite(planning._Planning._mark, "self.ledger.add_problems(problems)", "pass")
    patch.rewrite(planning._Planning.result, "if not guards.too_many_invalid(bad, distinct, self.options):", "if True:")


# --- events (C-29) ----------------------------------------------------------------------------------------------------


@mutant("C-29", "a page that was fetched before an event undoes it")
def events_are_undone(patch: Patch) -> None:
    patch.rewrite(transactions._without_superseded, "if tx.provider.deltas == draft.deltas:", "if True:")


@mutant("C-29", "refs of events are not recorded while a burst runs")
def events_are_not_recorded(patch: Patch) -> None:
    patch.rewrite(deltas.apply_delta, "if ingestion.status is Status.BURSTING:", "if False:")


@mutant("C-29", "events win over pages that were fetched after them")
def events_win_for_ever(patch: Patch) -> None:
    patch.rewrite(MemoryDeltaRows.later_deltas, "> after", "> 0")


@mutant("C-29", "nobody counts events")
def events_are_not_counted(patch: Patch) -> None:
    patch.rewrite(deltas.apply_delta, "number = tx.provider.deltas + 1", "number = tx.provider.deltas")


@mutant(("C-25", "C-29"), "what an event added is not marked (U11)")
def events_do_not_mark(patch: Patch) -> None:
    patch.rewrite(
        deltas.apply_delta,
        "tx.mark_refs(sorted(added), ingestion.number)",
        "tx.mark_refs(sorted(added), ingestion.number - 1)",
    )


@mutant("C-23", "what an event added before the first page is not in the base")
def events_shrink_the_base(patch: Patch) -> None:
    patch.rewrite(
        deltas.apply_delta, "ingestion.number if ingestion.pages else ingestion.number - 1", "ingestion.number"
    )


@mutant("C-22", "events make an empty source look full")
def events_are_returned(patch: Patch) -> None:
    patch.rewrite(deltas.apply_delta, "returned=0, valid=0,", "returned=0,")


@mutant("C-22", "what an event has set since does not count as returned")
def superseded_are_not_returned(patch: Patch) -> None:
    patch.rewrite(transactions._without_superseded, "Counts(valid=valid)", "Counts()")


@mutant("C-29", "what an event added is marked for ever (U11)")
def events_mark_for_ever(patch: Patch) -> None:
    patch.rewrite(
        deltas.apply_delta,
        "tx.mark_refs(sorted(added), ingestion.number)",
        "tx.mark_refs(sorted(added), ingestion.number + 1)",
    )


@mutant(("C-9", "C-29"), "events remove what belongs to others")
def events_remove_from_others(patch: Patch) -> None:
    patch.rewrite(MemoryDeltaRows.remove_refs, "if ref in table and table[ref].stored.owner == name", "if ref in table")


@mutant("C-29", "what events did is no part of the ingestion's counts")
def events_count_nothing(patch: Patch) -> None:
    patch.rewrite(deltas.apply_delta, "counts=ingestion.counts + once", "counts=ingestion.counts")


@mutant("C-29", "guards refuse what an event removes")
def guards_refuse_events(patch: Patch) -> None:
    patch.rewrite(
        deltas.apply_delta,
        "gone = tx.remove_refs(sorted(delta.removed))",
        "gone = [] if options.reject_removals_above_count == 0 else tx.remove_refs(sorted(delta.removed))",
    )


@mutant(("C-29", "C-30"), "events are refused while a burst runs")
def events_in_no_burst(patch: Patch) -> None:
    patch.rewrite(
        deltas.apply_delta,
        "number = tx.provider.deltas + 1",
        "number = tx.provider.deltas + 1; assert ingestion.status is not Status.BURSTING",
    )


@mutant("C-29", "an event needs a first page (U11)")
def events_need_a_page(patch: Patch) -> None:
    patch.rewrite(
        deltas.apply_delta, "number = tx.provider.deltas + 1", "number = tx.provider.deltas + 1; assert ingestion.pages"
    )


@mutant("C-29", "a delta that fails keeps what it had written")
def half_a_delta(patch: Patch) -> None:
    patch.rewrite(
        MemoryMutating.apply_delta,
        "lambda tx: deltas.apply_delta(tx, delta, options)",
        "lambda tx: deltas.apply_delta(tx, delta, type(options)())",
    )


@mutant("C-29", "every provider hears of every topic")
def topics_do_not_count(patch: Patch) -> None:
    patch.rewrite(mutations.emit, "if event.topic in topics_of(engine.provider)", "if topics_of(engine.provider)")


@mutant("C-29", "one handler that fails keeps an event from the others")
def one_handler_fails_all(patch: Patch) -> None:
    patch.rewrite(mutations.emit, "failures.append(error)", "raise")


@mutant("C-29", "handlers that fail are ignored")
def handlers_fail_in_silence(patch: Patch) -> None:
    patch.rewrite(mutations.emit, "raise _together(failures)", "pass")


@mutant("C-29", "nobody is told of events; claims and pages do not say how many there were")
def events_in_silence(patch: Patch) -> None:
    patch.rewrite(transactions.claim, "deltas=provider.deltas", "deltas=0")
    patch.rewrite(mutations.apply_delta, "publish(", "str(")


@mutant(("C-29", "C-11"), "each page is compared with events, and refs of events stay", also=POSTGRES)
def events_are_always_asked_for(patch: Patch) -> None:
    patch.rewrite(transactions._without_superseded, "if tx.provider.deltas == draft.deltas:", "if False:")
    patch.rewrite(PostgresDeltaRows.record_delta, 'self._later("record_delta", refs=list(refs), delta=delta)', "pass")


# --- direct mutations (C-30) ------------------------------------------------------------------------------------------


@mutant("C-30", "a full mutation asks no guard")
def full_without_guards(patch: Patch) -> None:
    patch.rewrite(
        full.apply_full,
        "sweep(tx, decision.ingestion, lease, options)",
        "sweep(tx, decision.ingestion, lease, type(options)())",
    )


@mutant("C-30", "a full mutation removes nothing")
def full_removes_nothing(patch: Patch) -> None:
    patch.rewrite(
        full.apply_full,
        "sweep(tx, decision.ingestion, lease, options)",
        "sweep(tx, decision.ingestion, lease, type(options).of(reject_removals_above_count=0))",
    )


@mutant("C-30", "a full mutation may come at any time")
def full_at_any_time(patch: Patch) -> None:
    patch.rewrite(full.lease_for_full, "require(open_ingestion(tx), *OPEN_TO_FULL)", "pass")


@mutant(("C-30", "C-37"), "a full mutation does not mind who works on the provider")
def full_takes_any_lease(patch: Patch) -> None:
    patch.rewrite(full.lease_for_full, "if tx.lease is not None and tx.lease.expires_at > tx.now:", "if False:")
    patch.rewrite(full.apply_full, "held(tx, lease, *OPEN_TO_FULL)", "open_ingestion(tx)")


@mutant("C-30", "the next ingestion is due at once after a full mutation")
def full_ends_the_rest(patch: Patch) -> None:
    patch.rewrite(full.apply_full, "due_at=due_at", "due_at=tx.now")


@mutant(("C-30", "C-40"), "a full mutation that fails leaves its first pages")
def half_a_full(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.roll_back, "self._undo()", "pass")


@mutant("C-30", "the lease of a full mutation that failed is kept")
def full_keeps_its_lease(patch: Patch) -> None:
    patch.rewrite(mutations.apply_full, "store.give_back(lease)", "pass")


@mutant("C-30", "of two of the same ref in a delta the first counts")
def first_of_a_delta(patch: Patch) -> None:
    patch.rewrite(mutations.draft_delta, "added[entity.ref] = entity", "added.setdefault(entity.ref, entity)")


@mutant("C-30", "deltas remove nothing")
def deltas_only_add(patch: Patch) -> None:
    patch.rewrite(mutations.draft_delta, "tuple(removed))", "())")


@mutant("C-30", "of a full mutation only the first page counts")
def full_of_one_page(patch: Patch) -> None:
    patch.rewrite(mutations._spooled, "while chunk := list(islice(left, PAGE_SIZE)):", "while chunk := []:")
