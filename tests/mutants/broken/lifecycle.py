"""Ingestions that go astray, and operators who do not get what they asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim import ingestion, lifecycle
from incrsim.ingestion import Status
from incrsim.lifecycle import Cause, Effect, Operator
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch


# --- the tables (C-14) ------------------------------------------------------------------------------------------------


@mutant("C-14", "a page can still be committed while the sweep is due")
def page_while_sweeping(patch: Patch) -> None:
    extra = {(Status.SWEEPING, Cause.PAGE): Status.SWEEPING}
    patch.replace(lifecycle, "TRANSITIONS", lifecycle.TRANSITIONS | extra)


@mutant("C-14", "a failing sweep has nowhere to go")
def no_way_from_a_failed_sweep(patch: Patch) -> None:
    shorter = {pair: after for pair, after in lifecycle.TRANSITIONS.items() if pair != (Status.SWEEPING, Cause.FAILURE)}
    patch.replace(lifecycle, "TRANSITIONS", shorter)


@mutant("C-14", "an impossible transition changes nothing and says nothing")
def impossible_is_ignored(patch: Patch) -> None:
    patch.rewrite(lifecycle._move, "TRANSITIONS.get((ingestion.status, cause))", "ingestion.status")


@mutant("C-14", "a failed sweep reads pages again")
def ingest_after_a_failed_sweep(patch: Patch) -> None:
    patch.rewrite(
        ingestion.Ingestion.next_action,
        "NextAction.SWEEP if self.sweep_due else NextAction.INGEST",
        "NextAction.INGEST",
    )


@mutant("C-14", "nobody rests")
def no_rest(patch: Patch) -> None:
    patch.rewrite(lifecycle.swept, "now + options.rest_length", "now")


@mutant("C-14", "triggering a burst makes it due again")
def trigger_hurries_a_burst(patch: Patch) -> None:
    hasty = {**lifecycle.OPERATORS[Operator.TRIGGER], Status.BURSTING: Effect.DUE_NOW}
    patch.replace(lifecycle, "OPERATORS", {**lifecycle.OPERATORS, Operator.TRIGGER: hasty})


@mutant("C-14", "an operator call on a complete ingestion does nothing and says nothing")
def operators_shrug(patch: Patch) -> None:
    patch.rewrite(lifecycle.operate, ".get(ingestion.status)", ".get(ingestion.status, Effect.NOTHING)")


# --- waits (C-17, C-27) -----------------------------------------------------------------------------------------------


@mutant("C-17", "every failure waits the first wait")
def always_the_first_wait(patch: Patch) -> None:
    patch.rewrite(lifecycle._retry, "options.backoff[ingestion.attempts - 1]", "options.backoff[0]")


@mutant("C-17", "retries never end: the last wait repeats for ever (U5)")
def retries_never_end(patch: Patch) -> None:
    patch.rewrite(lifecycle._retry, "if ingestion.status is Status.SWEEPING:", "if True:")


@mutant("C-17", "the ingestion after the last attempt begins at once")
def no_wait_after_the_last_attempt(patch: Patch) -> None:
    patch.rewrite(
        lifecycle._retry, "Outcome.CANCELED, now, options.backoff[-1])", "Outcome.CANCELED, now, timedelta(0))"
    )


@mutant("C-17", "a committed page does not reset attempts")
def pages_reset_nothing(patch: Patch) -> None:
    patch.rewrite(lifecycle.page_committed, "attempts=0,", "attempts=ingestion.attempts,")


@mutant("C-17", "an expired cursor waits")
def expired_cursor_waits(patch: Patch) -> None:
    patch.rewrite(lifecycle.failed, "Outcome.CANCELED, now, timedelta(0)", "Outcome.CANCELED, now, options.backoff[-1]")


@mutant("C-17", "cursors that expire again and again start over at once each time")
def expired_cursors_spin(patch: Patch) -> None:
    patch.rewrite(
        lifecycle.failed,
        "case Consequence.CURSOR_EXPIRED if not ingestion.expired_before:",
        "case Consequence.CURSOR_EXPIRED:",
    )


@mutant("C-17", "a sweep does not forgive an expired cursor")
def sweeps_forgive_nothing(patch: Patch) -> None:
    patch.rewrite(lifecycle.swept, "expired_before=False", "expired_before=ingestion.expired_before")


@mutant("C-17", "a rate limit counts as an attempt")
def rate_limit_is_an_attempt(patch: Patch) -> None:
    patch.rewrite(
        lifecycle._rate_limited,
        "due_at=min(until, latest)",
        "due_at=min(until, latest), attempts=ingestion.attempts + 1",
    )


@mutant("C-17", "a source may ask to wait for years")
def endless_rate_limit(patch: Patch) -> None:
    patch.rewrite(lifecycle._rate_limited, "min(until, latest)", "until")


@mutant("C-17", "that a rate limit was cut is not recorded")
def silently_cut(patch: Patch) -> None:
    patch.rewrite(lifecycle._rate_limited, "if until > latest:", "if False:")


@mutant("C-17", "a rate limit that has passed already is due in the past")
def due_in_the_past(patch: Patch) -> None:
    patch.rewrite(lifecycle._rate_limited, "if until < now:", "if False:")


@mutant("C-17", "a fatal error is tried again")
def fatal_is_retried(patch: Patch) -> None:
    patch.rewrite(lifecycle.failed, "case Consequence.FATAL:", "case Consequence.FATAL if ingestion.attempts > 9:")


@mutant("C-27", "a sweep that keeps failing is given up")
def sweep_is_given_up(patch: Patch) -> None:
    patch.rewrite(lifecycle._retry, "if ingestion.status is Status.SWEEPING:", "if False:")


# --- what is kept (C-18, C-19) ----------------------------------------------------------------------------------------


@mutant("C-18", "errors are not kept")
def errors_are_not_kept(patch: Patch) -> None:
    patch.rewrite(lifecycle.failed, "replace(ingestion, last_error=failure)", "ingestion")


@mutant("C-18", "a rate limit leaves no reason behind")
def rate_limit_without_reason(patch: Patch) -> None:
    patch.rewrite(lifecycle._rate_limited, ", last_error=failure)", ")")


@mutant("C-19", "a verdict is forgotten with the end of the rest")
def verdict_goes_with_the_rest(patch: Patch) -> None:
    patch.rewrite(lifecycle._end, "completed_at=now)", "completed_at=now, verdict=None)")


# --- sweeps (C-7, C-8, C-26) ------------------------------------------------------------------------------------------


@mutant("C-26", "a refused sweep is said to have been swept")
def refusal_is_hidden(patch: Patch) -> None:
    patch.rewrite(lifecycle.swept, "(Cause.REFUSED, Outcome.REFUSED)", "(Cause.REFUSED, Outcome.SWEPT)")


@mutant("C-8", "repetitions on several pages count each time")
def repetitions_count(patch: Patch) -> None:
    patch.rewrite(
        lifecycle.swept, "unchanged=max(0, verdict.census.marked - known)", "unchanged=ingestion.counts.unchanged"
    )


@mutant("C-7", "an ingestion with too many invalid entities counts as canceled")
def too_many_invalid_is_canceled(patch: Patch) -> None:
    patch.rewrite(lifecycle.too_many_invalid, "Outcome.FAILED", "Outcome.CANCELED")


@mutant(("C-20", "C-14"), "an ingestion goes on where the one before it was canceled")
def successor_keeps_the_cursor(patch: Patch) -> None:
    patch.rewrite(
        lifecycle._end, "expired_before=ingestion.expired_before,", "expired_before=False, cursor=ingestion.cursor,"
    )


# --- operators (C-33) -------------------------------------------------------------------------------------------------


@mutant("C-33", "trigger forgets attempts, and puts off what is due already")
def trigger_forgets_attempts(patch: Patch) -> None:
    patch.rewrite(lifecycle.operate, "due_at=min(now, ingestion.due_at or now)", "due_at=now, attempts=0")


@mutant("C-33", "trigger meddles with a burst")
def trigger_meddles(patch: Patch) -> None:
    patch.rewrite(
        lifecycle.operate,
        "return effect, Decision(ingestion)",
        "return effect, Decision(replace(ingestion, due_at=now))",
    )


@mutant("C-33", "trigger at rest cancels what was swept")
def trigger_cancels_a_rest(patch: Patch) -> None:
    patch.rewrite(
        lifecycle.operate,
        "return effect, rest_over(ingestion, now)",
        "return effect, _end(ingestion, Cause.OPERATOR, Outcome.CANCELED, now, timedelta(0))",
    )


@mutant("C-33", "cancel begins anew at once")
def cancel_is_start(patch: Patch) -> None:
    patch.rewrite(lifecycle.operate, "timedelta(0) if effect is Effect.RESTART_NOW else CANCEL_WAIT", "timedelta(0)")


@mutant("C-33", "canceling a rest takes the outcome away")
def cancel_takes_the_outcome(patch: Patch) -> None:
    patch.rewrite(
        lifecycle.operate,
        "ingestion.outcome if ingestion.status is Status.RESTING else Outcome.CANCELED",
        "Outcome.CANCELED",
    )
