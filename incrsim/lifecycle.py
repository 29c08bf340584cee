"""The life of an ingestion: every status, every way from one to the next, and what operators do in each (C-14).

Pure: a record and an instant go in, a `Decision` comes out; stores act on it. Everything that may change a status is in
`TRANSITIONS`, everything that an operator may do in `OPERATORS`; the diagram in the docs is drawn from both.

An ingestion is `scheduled` until a replica claims it, `bursting` while pages are read, `interstitial` between bursts,
`backing off` after a failure, `sweeping` once the done page is committed, `resting` after the sweep, and then
`complete`, for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from incrsim import guards
from incrsim.errors import InvalidTransition, TooManyInvalid
from incrsim.guards import Verdict
from incrsim.ingestion import Consequence, Counts, Failure, Ingestion, Outcome, Status
from incrsim.options import ProviderOptions

LONGEST_RATE_LIMIT = timedelta(hours=24)
"""A source may ask to wait so long; a later instant is cut (C-17)."""

SHORTEST_RATE_LIMIT = timedelta(seconds=1)
"""How long a source is left alone that asks to wait until an instant which has passed (C-17)."""

CANCEL_WAIT = timedelta(hours=24)
"""How long `cancel` and `delete` put off the next ingestion (C-33, C-34)."""


class Cause(StrEnum):
    """What moves an ingestion from one status to the next."""

    CLAIMED = "claimed"
    CLAIMED_TO_SWEEP = "claimed to sweep"
    PAGE = "page committed"
    DONE_PAGE = "done page committed"
    BURST_SPENT = "burst length spent"
    RATE_LIMITED = "rate limited"
    FAILURE = "failure"
    ATTEMPTS_USED_UP = "attempts used up"
    FATAL = "fatal error"
    CURSOR_EXPIRED = "cursor expired"
    TOO_MANY_INVALID = "too many invalid"
    SWEPT = "sweep committed"
    REFUSED = "sweep refused"
    REST_OVER = "rest over"
    OPERATOR = "ended by an operator"


S, C = Status, Cause
TRANSITIONS: dict[tuple[Status, Cause], Status] = {
    (S.SCHEDULED, C.CLAIMED): S.BURSTING,
    (S.INTERSTITIAL, C.CLAIMED): S.BURSTING,
    (S.BACKING_OFF, C.CLAIMED): S.BURSTING,
    (S.BURSTING, C.CLAIMED): S.BURSTING,  # the lease expired: any replica goes on
    (S.BACKING_OFF, C.CLAIMED_TO_SWEEP): S.SWEEPING,
    (S.SWEEPING, C.CLAIMED_TO_SWEEP): S.SWEEPING,  # the same for a sweep
    (S.BURSTING, C.PAGE): S.BURSTING,
    (S.BURSTING, C.DONE_PAGE): S.SWEEPING,
    (S.BURSTING, C.BURST_SPENT): S.INTERSTITIAL,
    (S.BURSTING, C.RATE_LIMITED): S.INTERSTITIAL,
    (S.BURSTING, C.FAILURE): S.BACKING_OFF,
    (S.BURSTING, C.ATTEMPTS_USED_UP): S.COMPLETE,
    (S.BURSTING, C.FATAL): S.COMPLETE,
    (S.BURSTING, C.CURSOR_EXPIRED): S.COMPLETE,
    (S.BURSTING, C.TOO_MANY_INVALID): S.COMPLETE,
    (S.SWEEPING, C.FAILURE): S.BACKING_OFF,  # then sweeps again; never given up (C-27)
    (S.SWEEPING, C.SWEPT): S.RESTING,
    (S.SWEEPING, C.REFUSED): S.RESTING,
    (S.RESTING, C.REST_OVER): S.COMPLETE,
    **{(status, C.OPERATOR): S.COMPLETE for status in S if status is not S.COMPLETE},
}


class Operator(StrEnum):
    """What a person may do to a provider's ingestion (C-33, C-34)."""

    TRIGGER = "trigger"
    START = "start"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    DELETE = "delete"
    DELETE_MARKS = "delete marks"


class Effect(StrEnum):
    """What an operator call does to the ingestion that is not complete."""

    DUE_NOW = "due now, attempts unchanged"
    END_REST = "the rest ends, the next ingestion is due now"
    NOTHING = "nothing to hurry"
    RESTART_NOW = "complete, the next is due now"
    RESTART_LATER = "complete, the next is due in 24 h"
    PURGE = "all ingestions, marks and problems go, the next is due in 24 h"
    SET_PAUSED = "no burst or sweep begins; a running burst ends at its next page"
    CLEAR_PAUSED = "goes on where it was"


ENDING = frozenset({Effect.RESTART_NOW, Effect.RESTART_LATER, Effect.PURGE})
"""What ends the ingestion overtakes whoever works on it: the fence moves (C-33, C-34)."""


def _in_every_open_status(effect: Effect) -> dict[Status, Effect]:
    return {status: effect for status in Status if status is not Status.COMPLETE}


OPERATORS: dict[Operator, dict[Status, Effect]] = {
    Operator.TRIGGER: {
        S.SCHEDULED: Effect.DUE_NOW,
        S.INTERSTITIAL: Effect.DUE_NOW,
        S.BACKING_OFF: Effect.DUE_NOW,
        S.RESTING: Effect.END_REST,
        S.BURSTING: Effect.NOTHING,
        S.SWEEPING: Effect.NOTHING,
    },
    Operator.START: _in_every_open_status(Effect.RESTART_NOW),
    Operator.CANCEL: _in_every_open_status(Effect.RESTART_LATER),
    Operator.PAUSE: _in_every_open_status(Effect.SET_PAUSED),
    Operator.RESUME: _in_every_open_status(Effect.CLEAR_PAUSED),
    Operator.DELETE: _in_every_open_status(Effect.PURGE),
    Operator.DELETE_MARKS: _in_every_open_status(Effect.RESTART_NOW),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows: the ingestion as it is now and, when it became complete, the next one.

    Args:
        ingestion: the new record.
        successor: the next ingestion, already scheduled, when this one is complete.
    """

    ingestion: Ingestion
    successor: Ingestion | None = None

    @property
    def current(self) -> Ingestion:
        """The ingestion that is not complete."""
        return self.successor or self.ingestion


def first(number: int, now: datetime) -> Ingestion:
    """A provider's first ingestion, due now."""
    return Ingestion(number=number, status=Status.SCHEDULED, due_at=now, scheduled_at=now)


def claimed(ingestion: Ingestion, now: datetime) -> Ingestion:
    """A replica holds the lease: it reads pages, or sweeps if the done page was committed."""
    cause = Cause.CLAIMED_TO_SWEEP if ingestion.sweep_due else Cause.CLAIMED
    return _move(ingestion, cause, started_at=ingestion.started_at or now)


def page_committed(ingestion: Ingestion, cursor: str | None, counts: Counts, *, now: datetime) -> Ingestion:
    """One more page is in; attempts begin anew (C-17)."""
    return _move(
        ingestion,
        Cause.PAGE,
        due_at=now,
        attempts=0,
        cursor=cursor,
        pages=ingestion.pages + 1,
        counts=ingestion.counts + counts,
    )


def source_done(ingestion: Ingestion, *, now: datetime) -> Ingestion:
    """The done page is in: only the sweep is left."""
    return _move(ingestion, Cause.DONE_PAGE, due_at=now, sweep_due=True)


def burst_spent(ingestion: Ingestion, options: ProviderOptions, now: datetime) -> Ingestion:
    """The burst ended at a page boundary; the next begins after `burst_interval`."""
    return _move(ingestion, Cause.BURST_SPENT, due_at=now + options.burst_interval)


def failed(ingestion: Ingestion, failure: Failure, options: ProviderOptions, now: datetime) -> Decision:
    """A burst or sweep failed; what follows is read off the failure's consequence (C-17)."""
    noted = replace(ingestion, last_error=failure)
    if ingestion.status is Status.BURSTING:
        match failure.consequence:
            case Consequence.RATE_LIMITED:
                return Decision(_rate_limited(ingestion, failure, options, now))
            case Consequence.CURSOR_EXPIRED if not ingestion.expired_before:
                return _end(
                    replace(noted, expired_before=True), Cause.CURSOR_EXPIRED, Outcome.CANCELED, now, timedelta(0)
                )
            case Consequence.FATAL:
                return _end(noted, Cause.FATAL, Outcome.CANCELED, now, options.backoff[-1])
    return _retry(replace(noted, attempts=ingestion.attempts + 1), options, now)


def too_many_invalid(ingestion: Ingestion, distinct: int, options: ProviderOptions, now: datetime) -> Decision:
    """The source is done, but too much of it was invalid: no sweep, and a new try after the last wait (C-7)."""
    message = (
        f"{ingestion.counts.invalid} of {distinct} distinct entities were invalid, more than "
        f"max_invalid_percentage={guards.percentage_text(options.max_invalid_percentage)}; "
        "look at the problems, and mend them in the source or raise the limit"
    )
    noted = replace(ingestion, last_error=Failure(TooManyInvalid.__name__, message))
    return _end(noted, Cause.TOO_MANY_INVALID, Outcome.FAILED, now, options.backoff[-1])


def swept(ingestion: Ingestion, verdict: Verdict, options: ProviderOptions, now: datetime) -> Ingestion:
    """The sweep was committed, or refused by a guard; both rest (C-26)."""
    cause, outcome = (Cause.REFUSED, Outcome.REFUSED) if verdict.refused else (Cause.SWEPT, Outcome.SWEPT)
    # Repetitions are counted once here, where the exact number of marked entities is known (C-8).
    known = ingestion.counts.added + ingestion.counts.updated
    removed = ingestion.counts.removed + verdict.removed  # events may have removed some before
    counts = replace(ingestion.counts, unchanged=max(0, verdict.census.marked - known), removed=removed)
    return _move(
        ingestion,
        cause,
        due_at=now + options.rest_length,
        attempts=0,
        expired_before=False,
        counts=counts,
        outcome=outcome,
        verdict=verdict,
    )


def rest_over(ingestion: Ingestion, now: datetime) -> Decision:
    """The rest has passed: the ingestion is complete and the next one is due now."""
    return _end(ingestion, Cause.REST_OVER, ingestion.outcome, now, timedelta(0))


def operate(ingestion: Ingestion, operator: Operator, now: datetime) -> tuple[Effect, Decision]:
    """What an operator's call does to the ingestion that is not complete (C-33, C-34).

    Raises:
        InvalidTransition: when the ingestion is complete.
    """
    effect = OPERATORS[operator].get(ingestion.status)
    match effect:
        case Effect.DUE_NOW:
            return effect, Decision(replace(ingestion, due_at=min(now, ingestion.due_at or now)))
        case Effect.NOTHING | Effect.SET_PAUSED | Effect.CLEAR_PAUSED:
            return effect, Decision(ingestion)
        case Effect.END_REST:
            return effect, rest_over(ingestion, now)
        case Effect.RESTART_NOW | Effect.RESTART_LATER | Effect.PURGE:
            # A resting ingestion keeps its outcome; any other was cut short.
            outcome = ingestion.outcome if ingestion.status is Status.RESTING else Outcome.CANCELED
            wait = timedelta(0) if effect is Effect.RESTART_NOW else CANCEL_WAIT
            return effect, _end(ingestion, Cause.OPERATOR, outcome, now, wait)
    raise InvalidTransition(f"{operator} does not apply to a record that is {ingestion.status}; {ingestion.story()}")


def _move(ingestion: Ingestion, cause: Cause, **changes: object) -> Ingestion:
    status = TRANSITIONS.get((ingestion.status, cause))
    if status is None:
        raise InvalidTransition(
            f"{cause!s} cannot happen to an ingestion that is {ingestion.status}; {ingestion.story()}"
        )
    return replace(ingestion, status=status, **changes)  # type: ignore[arg-type]  # fields are checked by the callers above


def _end(ingestion: Ingestion, cause: Cause, outcome: Outcome | None, now: datetime, wait: timedelta) -> Decision:
    successor = Ingestion(
        number=ingestion.number + 1,
        status=Status.SCHEDULED,
        due_at=now + wait,
        scheduled_at=now,
        expired_before=ingestion.expired_before,
    )
    return Decision(_move(ingestion, cause, due_at=None, outcome=outcome, completed_at=now), successor)


def _retry(ingestion: Ingestion, options: ProviderOptions, now: datetime) -> Decision:
    if ingestion.attempts <= len(options.backoff):
        return Decision(_move(ingestion, Cause.FAILURE, due_at=now + options.backoff[ingestion.attempts - 1]))
    if ingestion.status is Status.SWEEPING:
        return Decision(_move(ingestion, Cause.FAILURE, due_at=now + options.backoff[-1]))
    return _end(ingestion, Cause.ATTEMPTS_USED_UP, Outcome.CANCELED, now, options.backoff[-1])


def _rate_limited(ingestion: Ingestion, failure: Failure, options: ProviderOptions, now: datetime) -> Ingestion:
    latest = now + LONGEST_RATE_LIMIT
    until = failure.until or now
    if until < now:  # asking again at once, and without an attempt, would never end
        until = now + max(options.burst_interval, SHORTEST_RATE_LIMIT)
    if until > latest:
        failure = replace(failure, message=f"{failure.message} (cut to {latest.isoformat()}: at most 24 hours ahead)")
    return _move(ingestion, Cause.RATE_LIMITED, due_at=min(until, latest), last_error=failure)
