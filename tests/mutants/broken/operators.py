"""Operators who are not obeyed, told half of it, or given what is not theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from incrsim import glance, guards, lifecycle, operators_health, operators_input, operators_values
from incrsim.errors import UnknownProvider
from incrsim.lifecycle import Effect, Operator
from incrsim.operators import Operators
from incrsim.store import operations, transactions
from incrsim.store.memory_operating import MemoryOperating, MemoryOperatingRows
from incrsim.store.memory_rows import MemoryTransaction
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch


# --- the table (C-14) -------------------------------------------------------------------------------------------------


@mutant("C-14", "deleting marks waits a day")
def delete_marks_waits(patch: Patch) -> None:
    later = dict.fromkeys(lifecycle.OPERATORS[Operator.DELETE_MARKS], Effect.RESTART_LATER)
    patch.replace(lifecycle, "OPERATORS", {**lifecycle.OPERATORS, Operator.DELETE_MARKS: later})


@mutant("C-14", "what an operator ended stays open")
def ended_stays_open(patch: Patch) -> None:
    patch.rewrite(operations.operate, "store_decision(tx, decision)", "tx.save_ingestion(before)")


# --- pause (C-33) -----------------------------------------------------------------------------------------------------


@mutant("C-33", "a pause is forgotten with the next thing that is done to the provider")
def pause_is_forgotten(patch: Patch) -> None:
    patch.rewrite(operations._overtake, "fence=tx.provider.fence + 1", "fence=tx.provider.fence + 1, paused=False")


@mutant("C-33", "a paused provider is claimed when it is due")
def paused_is_claimed(patch: Patch) -> None:
    patch.rewrite(transactions.claim, "if tx.provider.paused:", "if False:")


@mutant("C-33", "a running burst does not hear of a pause")
def pause_is_not_heard(patch: Patch) -> None:
    patch.rewrite(transactions.commit_page, ", paused=tx.provider.paused", "")


@mutant("C-33", "a pause ends a running burst at once")
def pause_is_rude(patch: Patch) -> None:
    patch.rewrite(operations.operate, "if effect in ENDING:", "if effect in ENDING or effect is Effect.SET_PAUSED:")


@mutant("C-33", "resume does not end a pause")
def resume_does_nothing(patch: Patch) -> None:
    patch.rewrite(operations.operate, "paused=effect is Effect.SET_PAUSED", "paused=True")


@mutant("C-33", "a pause that comes with the done page ends in the next burst")
def sweep_is_lost_in_a_pause(patch: Patch) -> None:
    patch.rewrite(
        transactions.end_burst,
        "held(tx, lease, Status.BURSTING, Status.SWEEPING)",
        "held(tx, lease, Status.BURSTING)",
    )


# --- delete, delete marks, cleanup, retire (C-34) ---------------------------------------------------------------------


@mutant("C-34", "who retires is taken for one who hangs", also=("postgres",))
def retiring_outlives_its_lease(patch: Patch) -> None:
    patch.rewrite(operations._remove_owned, "tx.renew_lease(tx.lease)", "pass")


@mutant("C-34", "delete begins anew at once")
def delete_begins_at_once(patch: Patch) -> None:
    patch.rewrite(lifecycle.operate, "timedelta(0) if effect is Effect.RESTART_NOW else CANCEL_WAIT", "timedelta(0)")


@mutant("C-34", "delete keeps problems")
def problems_are_kept(patch: Patch) -> None:
    patch.rewrite(MemoryOperatingRows.purge, "rows.problems, rows.problem_keys,", "_, rows.problem_keys,")


@mutant("C-34", "delete keeps history")
def history_is_kept(patch: Patch) -> None:
    patch.rewrite(MemoryOperatingRows.purge, "rows.history, rows.marks,", "_, rows.marks,")


@mutant("C-34", "delete lets entities go")
def delete_disowns(patch: Patch) -> None:
    patch.rewrite(operations._purge, "gone = tx.purge(", "list(tx.remove_owned(9))\n    gone = tx.purge(")


@mutant("C-34", "numbers begin anew after a delete")
def numbers_begin_anew(patch: Patch) -> None:
    patch.rewrite(
        operations._purge, "tx.save_ingestion(decision.current)", "tx.save_ingestion(lifecycle.first(1, tx.now))"
    )


@mutant(("C-25", "C-34"), "what a deleted ingestion marked has used up its grace")
def purge_forgets_marks(patch: Patch) -> None:
    patch.rewrite(MemoryOperatingRows.purge, "self._note_marked(ingestion.number)", "pass")


@mutant("C-34", "what was deleted is not counted")
def uncounted(patch: Patch) -> None:
    patch.rewrite(operations.operate, "gone = _purge(tx, decision)", "_purge(tx, decision)")


@mutant("C-34", "how many marks went is not said")
def marks_uncounted(patch: Patch) -> None:
    patch.rewrite(operations.operate, "Gone(marks=before.pages if decision.successor else 0)", "Gone()")


@mutant("C-34", "cleanup deletes one provider")
def cleanup_stops_early(patch: Patch) -> None:
    patch.rewrite(
        Operators.cleanup,
        "total += self._store.operate(state.name, Operator.DELETE).gone",
        "total += self._store.operate(state.name, Operator.DELETE).gone\n                break",
    )


@mutant("C-34", "retire takes any count")
def retire_takes_any_count(patch: Patch) -> None:
    patch.rewrite(operations.retire, "if removed != expected:", "if False:")


@mutant("C-34", "retire ends after one chunk")
def retire_one_chunk(patch: Patch) -> None:
    patch.rewrite(operations.retire, "_remove_owned(tx) if", "next(tx.remove_owned(SWEEP_CHUNK), 0) or owned if")


@mutant("C-34", "retire removes what others own")
def retire_removes_all(patch: Patch) -> None:
    patch.rewrite(MemoryOperatingRows._owned, "if row.stored.owner == self.provider.name", "")


@mutant("C-34", "a burst goes on after a delete (U7)")
def delete_leaves_a_burst_alone(patch: Patch) -> None:
    patch.rewrite(operations.operate, "if effect in ENDING:", "if effect in ENDING and effect is not Effect.PURGE:")


# --- approve (C-26) ---------------------------------------------------------------------------------------------------


@mutant("C-26", "an approval waits for the next sweep also at rest")
def approval_always_waits(patch: Patch) -> None:
    patch.rewrite(operations.approve, "if ingestion.number == verdict.ingestion:", "if False:")


@mutant("C-26", "an approval removes at once also while the next ingestion is open")
def approval_never_waits(patch: Patch) -> None:
    patch.rewrite(operations.approve, "if ingestion.number == verdict.ingestion:", "if True:")


@mutant("C-26", "any verdict can be approved")
def any_verdict(patch: Patch) -> None:
    patch.rewrite(operations.approve, "or verdict.id != verdict_id or not verdict.refused:", ":")


@mutant("C-26", "what others own by now is removed")
def approval_takes_from_others(patch: Patch) -> None:
    patch.rewrite(MemoryOperatingRows._still_owned, " and row.stored.owner == self.provider.name", "")


@mutant("C-26", "what came back under its name is removed")
def approval_by_name(patch: Patch) -> None:
    patch.rewrite(MemoryOperatingRows._still_owned, "row.stored.id == stale.id and", "")


@mutant("C-26", "what was marked since is removed")
def approval_ignores_marks(patch: Patch) -> None:
    patch.rewrite(MemoryOperatingRows.approve_stale, " and each.id not in marked", "")


@mutant("C-26", "what an event added since is removed")
def approval_ignores_events(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.remove_stale, " and not self._written(each, ingestion)", "")


@mutant("C-26", "what a canceled ingestion marked since is removed")
def approval_ignores_canceled_marks(patch: Patch) -> None:
    patch.rewrite(MemoryOperatingRows._note_marked, "each._replace(marked=True) if each.id in marked else each", "each")


@mutant("C-26", "the guards count what was approved")
def approved_counts(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.collect_stale, "len(removable) - let_through, base", "len(removable), base")


@mutant("C-26", "what was approved stays in the base")
def approved_stays_in_the_base(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.collect_stale, "base - let_through", "base")


@mutant("C-26", "an approval outlasts the refusal of the next sweep")
def approval_never_lapses(patch: Patch) -> None:
    patch.rewrite(transactions.sweep, "verdict=verdict, approved=False", "verdict=verdict")
    patch.rewrite(
        MemoryTransaction.collect_stale,
        "self._stale.append(StaleRow(ref, row.stored.id))",
        "self._stale.append(next((it for it in self._rows.stale if it.ref == ref), StaleRow(ref, row.stored.id)))",
    )


@mutant("C-26", "an approval does not end a longer grace")
def approval_within_grace(patch: Patch) -> None:
    patch.rewrite(MemoryTransaction.collect_stale, " or each.id in approved", "")


@mutant("C-26", "an approved source that is empty on purpose is refused again")
def empty_is_refused_again(patch: Patch) -> None:
    patch.rewrite(guards.judge, "census.stale > census.approved", "census.stale > 0")


@mutant("C-26", "an approval lets a source through that could not be read")
def approval_lets_anything_through(patch: Patch) -> None:
    patch.rewrite(guards.judge, "census.unreadable > 0", "census.unreadable > 0 and not census.approved")


@mutant("C-26", "a superseded verdict does not tell the numbers")
def superseded_without_numbers(patch: Patch) -> None:
    patch.rewrite(operations._superseded, "that is {last.id}: {last}", "that is another one")


@mutant("C-26", "a verdict goes with its ingestion")
def verdict_goes_with_its_ingestion(patch: Patch) -> None:
    patch.rewrite(operations._overtake, "fence=tx.provider.fence + 1", "fence=tx.provider.fence + 1, verdict=None")


@mutant("C-26", "what was refused can be approved after a delete")
def verdict_outlives_a_delete(patch: Patch) -> None:
    patch.rewrite(operations._purge, "verdict=None, ", "")


@mutant("C-26", "an approval removes one chunk")
def approval_one_chunk(patch: Patch) -> None:
    patch.rewrite(
        operations.approve,
        "sum(tx.remove_stale(verdict.ingestion, SWEEP_CHUNK))",
        "next(tx.remove_stale(verdict.ingestion, SWEEP_CHUNK), 0)",
    )


@mutant("C-26", "a second approval counts again")
def approval_forgets_refs(patch: Patch) -> None:
    patch.rewrite(operations.approve, "kept=verdict.collected - removed - waiting", "kept=0")


# --- health (C-31) ----------------------------------------------------------------------------------------------------


@mutant("C-31", "only backing off is failing")
def given_up_is_fine(patch: Patch) -> None:
    patch.rewrite(operators_health._ended_by_error, " or ingestion.attempts > 0 or at_once", "")


@mutant("C-31", "an error is never over")
def errors_last(patch: Patch) -> None:
    patch.rewrite(operators_health.Known.failing, "if ingestion.attempts > 0:", "if ingestion.last_error:")


@mutant("C-31", "an approved refusal is still a reason")
def approval_does_not_heal(patch: Patch) -> None:
    patch.rewrite(operators_health._refused, " and not known.state.approved", "")


@mutant("C-31", "overdue at the first moment")
def overdue_at_once(patch: Patch) -> None:
    patch.replace(operators_health, "OVERDUE_AFTER", timedelta(0))
    patch.rewrite(operators_health._overdue, "> lease_length + OVERDUE_AFTER", "> timedelta(0)")


@mutant("C-31", "what is worked on is overdue")
def busy_is_overdue(patch: Patch) -> None:
    patch.rewrite(operators_health._overdue, " or known.working_until is not None", "")


@mutant("C-31", "a paused provider must be served")
def paused_must_be_served(patch: Patch) -> None:
    patch.rewrite(operators_health._unserved, " and not known.state.paused", "")


@mutant("C-31", "what this process serves does not count")
def here_does_not_count(patch: Patch) -> None:
    patch.rewrite(operators_health._unserved, " and known.here is None", "")


@mutant("C-31", "replicas never stop serving")
def replicas_live_for_ever(patch: Patch) -> None:
    patch.rewrite(MemoryOperating.serving, " and each.seen_at > seen_after", "")


@mutant("C-31", "a replica cannot withdraw")
def no_withdrawal(patch: Patch) -> None:
    patch.rewrite(MemoryOperating.announce, "if each.holder != holder and", "if")


@mutant("C-31", "a stuck thread is nobody's business")
def stuck_is_fine(patch: Patch) -> None:
    patch.rewrite(operators_health._stuck, "if each.stuck)", "if False)")


@mutant("C-31", "quarantine is told at its whole limit")
def quarantine_at_the_limit(patch: Patch) -> None:
    patch.rewrite(operators_health._quarantine, "200 * invalid", "100 * invalid")


@mutant("C-31", "a sink may fall behind for ever")
def sinks_may_sleep(patch: Patch) -> None:
    patch.rewrite(operators_health.sink_reasons, "if sink.behind > SINK_BEHIND:", "if False:")


@mutant("C-31", "health lists everybody")
def everybody_is_ill(patch: Patch) -> None:
    patch.rewrite(Operators.health, "if (why := reasons(known))", "if (why := reasons(known)) or True")


@mutant("C-31", "health knows providers alone")
def sinks_are_not_asked(patch: Patch) -> None:
    patch.rewrite(Operators._unhealthy_sinks, "if why := sink_reasons(sink, now):", "if why := ():")


# --- lists and status (C-32) ------------------------------------------------------------------------------------------


@mutant("C-32", "the last page of a list is never the last")
def endless_pages(patch: Patch) -> None:
    patch.rewrite(operators_values.Listing.of, "len(rows) > limit", "len(rows) >= limit")


@mutant("C-32", "lists end after their first page")
def first_page_only(patch: Patch) -> None:
    patch.rewrite(operators_values.Listing.of, "key(items[-1]) if len(rows) > limit else None", "None")


@mutant("C-32", "a page may have any size")
def any_page_size(patch: Patch) -> None:
    patch.rewrite(operators_input.page_size, "if not 1 <= limit <= LARGEST_PAGE:", "if False:")


@mutant("C-32", "who works is told after they are done")
def working_for_ever(patch: Patch) -> None:
    patch.rewrite(operators_values.status_of, "next_action_at=ingestion.due_at", "next_action_at=state.now")


@mutant("C-32", "the error that ended the ingestion before is not told")
def error_before_is_not_told(patch: Patch) -> None:
    patch.rewrite(operators_health.Known.last_error, "return self.previous.last_error", "return None")


@mutant("C-32", "the last verdict is the open ingestion's")
def verdict_of_the_open_one(patch: Patch) -> None:
    patch.rewrite(operators_values.status_of, "last_verdict=state.last_verdict", "last_verdict=ingestion.verdict")


# --- who, and what was done (C-35) ------------------------------------------------------------------------------------


@mutant("C-35", "an unknown provider is not told the known ones")
def unknown_without_names(patch: Patch) -> None:
    patch.rewrite(UnknownProvider.of, "; known: {told}{more}", "")


@mutant("C-35", "errors show all that was passed", raises=(OverflowError, ValueError, TypeError))
def errors_without_end(patch: Patch) -> None:
    patch.rewrite(UnknownProvider.of, "shortened(name)", "repr(name)")


@mutant("C-35", "numbers are not looked at", also=("slow",), raises=(TypeError, OverflowError, ValueError))
def any_number(patch: Patch) -> None:
    patch.rewrite(operators_input.checked_number, "if not 0 <= number <= LARGEST_NUMBER:", "if False:")


@mutant("C-35", "what was done is said without counts")
def done_without_counts(patch: Patch) -> None:
    patch.rewrite(glance.many, "{count:,} ", "")
