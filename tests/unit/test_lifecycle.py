from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given, strategies as st

from incrsim import lifecycle
from incrsim.clock import EPOCH as NOW
from incrsim.errors import InvalidTransition
from incrsim.guards import Census, Guard, Verdict
from incrsim.ingestion import Consequence, Counts, Failure, Ingestion, NextAction, Outcome, Status
from incrsim.lifecycle import OPERATORS, TRANSITIONS, Cause, Decision, Effect, Operator
from incrsim.options import ProviderOptions

S, C = Status, Cause
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OPTIONS = ProviderOptions()
BOOM = Failure("ValueError", "the source answered with 500", page=3, cursor="2")
OPEN = [status for status in Status if status is not S.COMPLETE]

THE_CONTRACTS_TABLE = {
    (S.SCHEDULED, C.CLAIMED, S.BURSTING),
    (S.BURSTING, C.PAGE, S.BURSTING),
    (S.BURSTING, C.DONE_PAGE, S.SWEEPING),
    (S.BURSTING, C.BURST_SPENT, S.INTERSTITIAL),
    (S.BURSTING, C.RATE_LIMITED, S.INTERSTITIAL),
    (S.BURSTING, C.FAILURE, S.BACKING_OFF),
    (S.BURSTING, C.ATTEMPTS_USED_UP, S.COMPLETE),
    (S.BURSTING, C.FATAL, S.COMPLETE),
    (S.BURSTING, C.CURSOR_EXPIRED, S.COMPLETE),
    (S.BURSTING, C.TOO_MANY_INVALID, S.COMPLETE),
    (S.BURSTING, C.CLAIMED, S.BURSTING),
    (S.INTERSTITIAL, C.CLAIMED, S.BURSTING),
    (S.BACKING_OFF, C.CLAIMED, S.BURSTING),
    (S.BACKING_OFF, C.CLAIMED_TO_SWEEP, S.SWEEPING),
    (S.SWEEPING, C.CLAIMED_TO_SWEEP, S.SWEEPING),
    (S.SWEEPING, C.SWEPT, S.RESTING),
    (S.SWEEPING, C.REFUSED, S.RESTING),
    (S.SWEEPING, C.FAILURE, S.BACKING_OFF),
    (S.RESTING, C.REST_OVER, S.COMPLETE),
    *((status, C.OPERATOR, S.COMPLETE) for status in OPEN),
}

DUE_NOW, NOTHING, NOW_AGAIN, IN_A_DAY = Effect.DUE_NOW, Effect.NOTHING, Effect.RESTART_NOW, Effect.RESTART_LATER
THE_CONTRACTS_OPERATORS = {
    Operator.TRIGGER: [DUE_NOW, NOTHING, DUE_NOW, DUE_NOW, NOTHING, Effect.END_REST],
    Operator.START: [NOW_AGAIN] * 6,
    Operator.CANCEL: [IN_A_DAY] * 6,
    Operator.PAUSE: [Effect.SET_PAUSED] * 6,
    Operator.RESUME: [Effect.CLEAR_PAUSED] * 6,
    Operator.DELETE: [Effect.PURGE] * 6,
    Operator.DELETE_MARKS: [NOW_AGAIN] * 6,
}
"""In the order of `Status`."""


def at(status: Status, **more: object) -> Ingestion:
    """An ingestion in that status."""
    fields: dict[str, object] = {
        "due_at": None if status is S.COMPLETE else NOW,
        "sweep_due": status in (S.SWEEPING, S.RESTING),
        "outcome": Outcome.SWEPT if status is S.RESTING else None,
    }
    made = Ingestion(number=7, status=status, due_at=NOW, scheduled_at=NOW - HOUR)
    return replace(made, **(fields | more))  # type: ignore[arg-type]  # keywords of the test


def failed(ingestion: Ingestion, consequence: Consequence = Consequence.RETRY, **more: object) -> Decision:
    """What follows from a failure, now."""
    failure = replace(BOOM, consequence=consequence, **more)  # type: ignore[arg-type]  # keywords of the test
    return lifecycle.failed(ingestion, failure, OPTIONS, NOW)


def verdict(*refused_by: Guard, removed: int = 0) -> Verdict:
    """A verdict on a sweep that found 2 of 9 stale."""
    census = Census(marked=8, stale=2, removable=2, base=9, valid=8, unreadable=0)
    return Verdict(4, 7, NOW, census, refused_by, removed, None, None)


# --- the table (C-14) -------------------------------------------------------------------------------------------------


@pytest.mark.rule("C-14")
def test_the_table_is_the_contracts() -> None:
    """The transitions are exactly those of the contract's table."""
    assert {(before, cause, after) for (before, cause), after in TRANSITIONS.items()} == THE_CONTRACTS_TABLE


@pytest.mark.rule("C-14")
@pytest.mark.parametrize(("status", "cause"), list(product(Status, Cause)))
def test_every_pair_moves_or_tells_the_story(status: Status, cause: Cause) -> None:
    """Each cause in each status either leads where the table says, or is an error that tells the ingestion's story."""
    ingestion = at(status, pages=2, last_error=BOOM)
    expected = {after for before, why, after in THE_CONTRACTS_TABLE if (before, why) == (status, cause)}
    if expected:
        assert {lifecycle._move(ingestion, cause).status} == expected
        return
    with pytest.raises(InvalidTransition) as caught:
        lifecycle._move(ingestion, cause)
    for part in (cause, f"ingestion 7: scheduled {(NOW - HOUR).isoformat()}", "2 pages", BOOM.message, status):
        assert part in str(caught.value)


@pytest.mark.rule("C-14")
@pytest.mark.parametrize("status", Status)
def test_the_next_action_follows_from_the_status(status: Status) -> None:
    """What happens next is what the contract's table says of each status."""
    expected = {S.SWEEPING: NextAction.SWEEP, S.RESTING: NextAction.REST, S.COMPLETE: NextAction.NONE}
    assert at(status).next_action is expected.get(status, NextAction.INGEST)
    if status is S.BACKING_OFF:
        assert at(status, sweep_due=True).next_action is NextAction.SWEEP


@pytest.mark.rule("C-14")
def test_a_life_from_first_page_to_the_next_ingestion() -> None:
    """A cycle goes from scheduled over bursts, sweep and rest to complete, and its successor is due now."""
    one = lifecycle.claimed(lifecycle.first(1, NOW), NOW)
    assert (one.status, one.started_at) == (S.BURSTING, NOW)
    one = lifecycle.page_committed(one, "5", Counts(returned=5, added=5), now=NOW + MINUTE)
    assert (one.status, one.cursor, one.pages, one.counts.added) == (S.BURSTING, "5", 1, 5)
    one = lifecycle.burst_spent(one, OPTIONS, NOW + MINUTE)
    assert (one.status, one.due_at) == (S.INTERSTITIAL, NOW + MINUTE + OPTIONS.burst_interval)
    one = lifecycle.claimed(one, NOW + HOUR)
    assert (one.status, one.started_at, one.cursor) == (S.BURSTING, NOW, "5")
    one = lifecycle.source_done(lifecycle.page_committed(one, None, Counts(), now=NOW + HOUR), now=NOW + HOUR)
    assert (one.status, one.sweep_due, one.due_at) == (S.SWEEPING, True, NOW + HOUR)
    one = lifecycle.swept(one, verdict(removed=2), OPTIONS, NOW + HOUR)
    assert (one.status, one.due_at, one.outcome) == (S.RESTING, NOW + HOUR + OPTIONS.rest_length, Outcome.SWEPT)
    over = lifecycle.rest_over(one, NOW + 3 * DAY)
    assert (over.ingestion.status, over.ingestion.outcome) == (S.COMPLETE, Outcome.SWEPT)
    assert (over.ingestion.due_at, over.ingestion.completed_at) == (None, NOW + 3 * DAY)
    assert over.successor == lifecycle.first(2, NOW + 3 * DAY)
    assert over.current is over.successor


# --- waits (C-17) -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("C-17")
@given(minutes=st.lists(st.integers(1, 1000), min_size=1, max_size=8))
def test_the_nth_failure_in_a_row_waits_the_nth_wait(minutes: list[int]) -> None:
    """Each failure in a row waits its own entry of the list; one more cancels, and the next begins after the last."""
    options = ProviderOptions.of(backoff=[timedelta(minutes=each) for each in minutes])
    ingestion = at(S.BURSTING)
    for number, wait in enumerate(options.backoff, start=1):
        decision = lifecycle.failed(ingestion, BOOM, options, NOW)
        assert decision.successor is None
        assert (decision.ingestion.status, decision.ingestion.due_at) == (S.BACKING_OFF, NOW + wait)
        assert (decision.ingestion.attempts, decision.ingestion.last_error) == (number, BOOM)
        ingestion = lifecycle.claimed(decision.ingestion, NOW)
    used_up = lifecycle.failed(ingestion, BOOM, options, NOW)
    assert (used_up.ingestion.status, used_up.ingestion.outcome) == (S.COMPLETE, Outcome.CANCELED)
    assert used_up.successor is not None
    assert (used_up.successor.number, used_up.successor.attempts) == (8, 0)
    assert used_up.successor.due_at == NOW + options.backoff[-1]


@pytest.mark.rule("C-17")
def test_retries_end() -> None:
    """Thirty failures in a row are several ingestions, not one that always waits the last wait (U5)."""
    ingestion, ended = lifecycle.first(1, NOW), 0
    for _ in range(30):
        decision = failed(lifecycle.claimed(ingestion, NOW))
        ended += decision.successor is not None
        ingestion = decision.current
    assert ended == 30 // (len(OPTIONS.backoff) + 1)


@pytest.mark.rule("C-17")
def test_the_default_waits() -> None:
    """Unless told otherwise, failures wait 1 minute, 5 minutes, 30 minutes and 3 hours."""
    ingestion, waits = at(S.BURSTING), []
    for _ in range(5):
        decision = failed(ingestion)
        waits.append((decision.current.due_at or NOW) - NOW)
        ingestion = lifecycle.claimed(decision.current, NOW)
    assert waits == [MINUTE, 5 * MINUTE, 30 * MINUTE, 3 * HOUR, 3 * HOUR]


@pytest.mark.rule("C-17")
def test_a_committed_page_resets_attempts() -> None:
    """After a page is in, the next failure waits the first wait again."""
    tried = lifecycle.claimed(failed(at(S.BURSTING, attempts=2)).ingestion, NOW)
    assert tried.attempts == 3
    paged = lifecycle.page_committed(tried, "9", Counts(), now=NOW)
    assert paged.attempts == 0
    assert failed(paged).ingestion.due_at == NOW + MINUTE


@pytest.mark.rule("C-17")
def test_an_expired_cursor_starts_over_at_once() -> None:
    """The first expired cursor ends the ingestion, and the next one is due now, at the first page."""
    decision = failed(at(S.BURSTING, cursor="8", pages=8, attempts=1), Consequence.CURSOR_EXPIRED)
    assert (decision.ingestion.status, decision.ingestion.outcome) == (S.COMPLETE, Outcome.CANCELED)
    assert decision.ingestion.last_error is not None
    assert decision.successor is not None
    assert (decision.successor.due_at, decision.successor.cursor, decision.successor.attempts) == (NOW, None, 0)


@pytest.mark.rule("C-17")
def test_a_second_expired_cursor_is_a_failure() -> None:
    """With no sweep in between, the second expired cursor waits like any failure, so that nothing spins."""
    again = failed(at(S.BURSTING), Consequence.CURSOR_EXPIRED).current
    second = failed(lifecycle.claimed(again, NOW), Consequence.CURSOR_EXPIRED)
    assert (second.ingestion.status, second.ingestion.attempts) == (S.BACKING_OFF, 1)
    assert second.ingestion.due_at == NOW + MINUTE
    third = lifecycle.operate(second.ingestion, Operator.START, NOW)[1].current
    assert failed(lifecycle.claimed(third, NOW), Consequence.CURSOR_EXPIRED).ingestion.status is S.BACKING_OFF


@pytest.mark.rule("C-17")
def test_a_sweep_forgives_an_expired_cursor() -> None:
    """Once a sweep is through, an expired cursor starts over at once again."""
    again = failed(at(S.BURSTING), Consequence.CURSOR_EXPIRED).current
    swept = lifecycle.swept(replace(again, status=S.SWEEPING, sweep_due=True), verdict(), OPTIONS, NOW)
    after = lifecycle.claimed(lifecycle.rest_over(swept, NOW).current, NOW)
    assert failed(after, Consequence.CURSOR_EXPIRED).ingestion.status is S.COMPLETE


@pytest.mark.rule("C-17")
@pytest.mark.parametrize("after", [timedelta(0), MINUTE, DAY])
def test_a_rate_limit_is_no_failure(after: timedelta) -> None:
    """A source that asks to wait ends the burst: due when it said, attempts unchanged, the reason kept."""
    decision = failed(at(S.BURSTING, attempts=2), Consequence.RATE_LIMITED, until=NOW + after)
    assert (decision.ingestion.status, decision.ingestion.due_at) == (S.INTERSTITIAL, NOW + after)
    assert (decision.ingestion.attempts, decision.successor) == (2, None)
    assert decision.ingestion.last_error is not None
    assert decision.ingestion.last_error.message == BOOM.message


@pytest.mark.rule("C-17")
def test_a_long_rate_limit_is_cut() -> None:
    """A source may ask for 24 hours at most; that more was asked for is recorded."""
    decision = failed(at(S.BURSTING), Consequence.RATE_LIMITED, until=NOW + DAY + timedelta(microseconds=1))
    assert decision.ingestion.due_at == NOW + DAY
    assert decision.ingestion.last_error is not None
    assert f"cut to {(NOW + DAY).isoformat()}" in decision.ingestion.last_error.message


@pytest.mark.rule("C-17")
def test_a_rate_limit_in_the_past_is_due_now() -> None:
    """An instant that has passed means now."""
    assert (
        failed(at(S.BURSTING), Consequence.RATE_LIMITED, until=NOW - DAY).ingestion.due_at
        == NOW + OPTIONS.burst_interval
    )


@pytest.mark.rule("C-17")
@pytest.mark.parametrize("attempts", [0, 3])
def test_a_fatal_error_cancels(attempts: int) -> None:
    """A fatal error ends the ingestion whatever was tried before, and the next begins after the last wait."""
    decision = failed(at(S.BURSTING, attempts=attempts), Consequence.FATAL)
    assert (decision.ingestion.status, decision.ingestion.outcome) == (S.COMPLETE, Outcome.CANCELED)
    assert decision.ingestion.last_error == replace(BOOM, consequence=Consequence.FATAL)
    assert decision.current.due_at == NOW + OPTIONS.backoff[-1]


# --- sweeps (C-7, C-26, C-27) -----------------------------------------------------------------------------------------


@pytest.mark.rule("C-27")
@pytest.mark.parametrize("consequence", Consequence)
def test_a_failing_sweep_is_never_given_up(consequence: Consequence) -> None:
    """Whatever it fails with, a sweep waits through the list, then repeats the last wait for ever."""
    ingestion, waits = at(S.SWEEPING), []
    for attempt in range(1, 9):
        decision = failed(ingestion, consequence, until=NOW + DAY)
        assert (decision.successor, decision.ingestion.status) == (None, S.BACKING_OFF)
        assert (decision.ingestion.attempts, decision.ingestion.next_action) == (attempt, NextAction.SWEEP)
        waits.append((decision.ingestion.due_at or NOW) - NOW)
        ingestion = lifecycle.claimed(decision.ingestion, NOW)
        assert ingestion.status is S.SWEEPING
    assert waits == [*OPTIONS.backoff, *([3 * HOUR] * 4)]


@pytest.mark.rule("C-26")
def test_a_refused_sweep_rests_as_usual() -> None:
    """A refused sweep rests, and keeps its verdict and that it was refused through the end of the rest."""
    refused = lifecycle.swept(at(S.SWEEPING, attempts=2), verdict(Guard.COUNT), OPTIONS, NOW)
    assert (refused.status, refused.due_at, refused.attempts) == (S.RESTING, NOW + OPTIONS.rest_length, 0)
    over = lifecycle.rest_over(refused, NOW + DAY).ingestion
    assert (over.outcome, over.verdict) == (Outcome.REFUSED, verdict(Guard.COUNT))


@pytest.mark.rule("C-8")
def test_the_sweep_counts_repetitions_once() -> None:
    """An entity that came on three pages is one unchanged entity once the sweep has counted the marked ones."""
    counted = at(S.SWEEPING, counts=Counts(returned=30, added=1, updated=2, unchanged=27))
    assert lifecycle.swept(counted, verdict(), OPTIONS, NOW).counts.unchanged == 8 - 1 - 2


@pytest.mark.rule("C-7")
def test_too_many_invalid_is_a_failed_ingestion() -> None:
    """A source that is too broken ends the ingestion as failed; the next begins after the last wait."""
    decision = lifecycle.too_many_invalid(at(S.BURSTING, counts=Counts(invalid=30)), 200, OPTIONS, NOW)
    assert (decision.ingestion.status, decision.ingestion.outcome) == (S.COMPLETE, Outcome.FAILED)
    assert decision.current.due_at == NOW + OPTIONS.backoff[-1]
    assert decision.ingestion.last_error is not None
    assert "30 of 200 distinct entities were invalid" in decision.ingestion.last_error.message


# --- operators (C-14, C-33) -------------------------------------------------------------------------------------------


@pytest.mark.rule("C-14")
def test_the_operators_are_the_contracts() -> None:
    """What each operator call does in each status that is not complete is what the contract says."""
    expected = {
        operator: dict(zip(OPEN, effects, strict=True)) for operator, effects in THE_CONTRACTS_OPERATORS.items()
    }
    assert expected == OPERATORS


@pytest.mark.rule("C-33")
@pytest.mark.parametrize("status", [S.SCHEDULED, S.INTERSTITIAL, S.BACKING_OFF])
def test_trigger_hurries_what_waits(status: Status) -> None:
    """`trigger` makes what waits due now, with attempts unchanged, and never puts off what is due already."""
    for due_at, expected in ((NOW + HOUR, NOW), (NOW - HOUR, NOW - HOUR)):
        waiting = at(status, due_at=due_at, attempts=2)
        assert lifecycle.operate(waiting, Operator.TRIGGER, NOW) == (
            Effect.DUE_NOW,
            Decision(replace(waiting, due_at=expected)),
        )


@pytest.mark.rule("C-33")
@pytest.mark.parametrize("status", [S.BURSTING, S.SWEEPING])
def test_trigger_has_nothing_to_hurry_while_at_work(status: Status) -> None:
    """`trigger` changes nothing while a burst or sweep is on."""
    working = at(status, due_at=NOW + HOUR)
    assert lifecycle.operate(working, Operator.TRIGGER, NOW) == (Effect.NOTHING, Decision(working))


@pytest.mark.rule("C-33")
def test_trigger_ends_a_rest() -> None:
    """`trigger` while resting ends the rest: the outcome stays, and the next ingestion is due now."""
    effect, decision = lifecycle.operate(at(S.RESTING, due_at=NOW + DAY), Operator.TRIGGER, NOW)
    assert (effect, decision.ingestion.outcome) == (Effect.END_REST, Outcome.SWEPT)
    assert (decision.current.number, decision.current.due_at) == (8, NOW)


@pytest.mark.rule("C-33")
@pytest.mark.parametrize("status", OPEN)
@pytest.mark.parametrize(
    ("operator", "wait"),
    [(Operator.START, timedelta(0)), (Operator.CANCEL, DAY), (Operator.DELETE_MARKS, timedelta(0))],
)
def test_start_and_cancel_end_it(operator: Operator, wait: timedelta, status: Status) -> None:
    """Both end the ingestion; the next is due now, or 24 hours from the call; one that rests keeps its outcome."""
    call = NOW + HOUR
    _, decision = lifecycle.operate(at(status), operator, call)
    assert decision.ingestion.status is S.COMPLETE
    assert decision.ingestion.outcome is (Outcome.SWEPT if status is S.RESTING else Outcome.CANCELED)
    assert decision.successor is not None
    assert (decision.successor.status, decision.successor.due_at) == (S.SCHEDULED, call + wait)


@pytest.mark.rule("C-14")
@pytest.mark.parametrize("operator", Operator)
def test_nothing_can_be_done_to_a_complete_ingestion(operator: Operator) -> None:
    """An operator call on a complete ingestion is an error that tells its story."""
    with pytest.raises(InvalidTransition, match=r"ingestion 7: scheduled .* now complete"):
        lifecycle.operate(at(S.COMPLETE), operator, NOW)
