"""When what happens: statuses, waits, leases and fences of a provider, to the microsecond (C-14, C-15, C-17, C-27,
C-37, C-39). A table of the oracle's own: it does not ask the engine's.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from incrsim import errors
from incrsim.errors import Fenced, InvalidTransition
from incrsim.ingestion import Consequence, Failure, Outcome, Status
from incrsim.options import ProviderOptions
from incrsim.simulation.oracle import bursts
from incrsim.simulation.oracle.book import Asked, Hand
from incrsim.simulation.oracle.plan import Plan, all_of, overtaken, refusal
from incrsim.simulation.oracle.record import Completed, Kept, Record, Tenure
from incrsim.store.contract import Granted, Held, NotDue, Paused

DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)
SINK_WAIT = timedelta(seconds=5)
MOST_KEPT = 16_384
"""Bytes of an error's text that are kept at most (C-18)."""

CLAIM = {"status": "C-14", "number": "C-15", "attempts": "C-17", "cursor": "C-14", "pages": "C-14"}
FAILURE = dict.fromkeys(("status", "due_at", "number", "sweep_due", "outcome"), "C-17") | {"cursor": "C-14"}
FAILED_SWEEP = dict.fromkeys(("status", "due_at", "number", "sweep_due", "attempts"), "C-27")


def register(asked: Asked) -> Plan:
    """A provider that has an ingestion keeps it (C-15)."""
    return Plan(asked.before, all_of("C-15"))


# --- leases -----------------------------------------------------------------------------------------------------------


def claim(asked: Asked) -> Plan:
    """Whoever finds a provider due, and nobody at work, may work."""
    before, now = asked.before, asked.now
    if before.lease is not None and before.lease.until > now:
        return Plan(before, all_of("C-37"), answer=(Held, "C-37"))
    if before.paused:
        return Plan(before, all_of("C-33"), answer=(Paused, "C-33"))
    if before.due_at is not None and before.due_at > now:
        return Plan(before, all_of("C-14"), answer=(NotDue, "C-14"))
    completed: tuple[Completed, ...] = ()
    if before.status is Status.RESTING:
        completed = (ended(before, now, before.outcome),)
        before = before.succeeded(now)
    record = before._replace(
        status=Status.SWEEPING if before.sweep_due else Status.BURSTING, started_at=before.started_at or now
    )

    def granted() -> None:
        book = asked.book
        if completed:
            book.begin_cycle()
        if not record.pages and book.held is not None:
            book.protected = set(book.held)
        # Whoever is granted a lease begins anew, also where the answer is lost: no lease of before commits any more.
        book.hands[asked.replica] = hand = Hand()
        if isinstance(asked.result, Granted):
            hand.fence = asked.result.lease.fence
        hand.claimed_at = now

    return Plan(with_lease(asked, record), CLAIM, effect=granted, completed=completed, answer=(Granted, "C-14"))


def with_lease(asked: Asked, record: Record) -> Record:
    """A lease is given: the fence grows (C-37)."""
    fence = record.fence + 1
    holder = str(asked.arguments[1])
    return record._replace(fence=fence, lease=Tenure(holder, fence, asked.now + asked.options.lease_length))


def ended(record: Record, now: datetime, outcome: Outcome | None) -> Completed:
    """What the history must say of an ingestion that ends now."""
    return Completed(record.number, outcome, now, record.pages)


# --- the end of a burst -----------------------------------------------------------------------------------------------


def end_burst(asked: Asked) -> Plan:
    """A burst that is spent goes on after `burst_interval`; a sweep that is due stays due."""
    before = asked.before
    if (refused := overtaken(asked)) is not None:
        return refused
    if before.status is Status.SWEEPING:
        return Plan(before._replace(lease=None), all_of("C-33"))  # only a pause parts a sweep from its burst
    if before.status is not Status.BURSTING:
        return refusal(asked, "C-14", InvalidTransition)
    interval = asked.options.burst_interval
    if asked.hand.blocked:
        interval = max(interval, SINK_WAIT)
    record = before._replace(status=Status.INTERSTITIAL, due_at=asked.now + interval, lease=None)
    rules = {"due_at": "C-12"} if asked.hand.blocked else {}
    return Plan(record, rules, examine=lambda: bursts.ends(asked))


def record_failure(asked: Asked) -> Plan:
    """What follows from a failure is read off its class (C-17)."""
    before, failure = asked.before, asked.arguments[1]
    assert isinstance(failure, Failure)  # noqa: S101  # the store's contract
    if (refused := overtaken(asked)) is not None:
        return refused
    if before.status not in (Status.BURSTING, Status.SWEEPING):
        return refusal(asked, "C-14", InvalidTransition)
    _check_kept(asked, failure)
    kept = Kept(failure.error, failure.page, failure.cursor)
    record = before._replace(error=kept, lease=None)
    if before.status is Status.SWEEPING:
        record = record._replace(attempts=before.attempts + 1, status=Status.BACKING_OFF)
        return Plan(record._replace(due_at=asked.now + wait_after(record.attempts, asked.options)), FAILED_SWEEP)
    return _failed_burst(asked, record, failure)


def _failed_burst(asked: Asked, record: Record, failure: Failure) -> Plan:
    now, options = asked.now, asked.options
    consequence = _consequence(asked, failure)
    if consequence is Consequence.RATE_LIMITED:
        until = failure.until or now
        if until < now:
            until = now + max(options.burst_interval, SECOND)
        limited = record._replace(status=Status.INTERSTITIAL, due_at=min(until, now + DAY))
        return Plan(limited, FAILURE, effect=lambda: _tells_of_cut(asked, failure, until))
    if consequence is Consequence.CURSOR_EXPIRED and not record.expired_before:
        return given_up(asked, record._replace(expired_before=True), Outcome.CANCELED, timedelta(0), FAILURE)
    if consequence is Consequence.FATAL:
        return given_up(asked, record, Outcome.CANCELED, options.backoff[-1], FAILURE)
    attempts = record.attempts + 1
    if attempts > len(options.backoff):
        return given_up(asked, record, Outcome.CANCELED, options.backoff[-1], FAILURE)
    due_at = now + wait_after(attempts, options)
    return Plan(record._replace(attempts=attempts, status=Status.BACKING_OFF, due_at=due_at), FAILURE)


def _tells_of_cut(asked: Asked, failure: Failure, until: datetime) -> None:
    """A wait that was cut is recorded as such, and no other (C-17)."""
    kept = asked.model.store.state(asked.book.name).ingestion.last_error
    if kept is None:
        raise asked.book.violated("C-18", f"the error {failure.error} is kept", "none")
    cut = until > asked.now + DAY
    if (kept.message != failure.message) != cut:
        verb = "says" if cut else "does not say"
        raise asked.book.violated("C-17", f"the error {verb} that its wait was cut to 24 h", kept.message)


def given_up(asked: Asked, record: Record, outcome: Outcome, wait: timedelta, rules: dict[str, str]) -> Plan:
    """The ingestion is complete without a sweep."""
    completed = (ended(record, asked.now, outcome),)
    return Plan(record.succeeded(asked.now, wait), rules, effect=asked.book.begin_cycle, completed=completed)


def wait_after(failures: int, options: ProviderOptions) -> timedelta:
    """After so many failures in a row; the last wait repeats (C-17, C-27)."""
    return options.backoff[min(failures, len(options.backoff)) - 1]


def _consequence(asked: Asked, failure: Failure) -> Consequence:
    """What must follow from an error of ours or of Python's; a provider's own class is not known here."""
    if "." in failure.error:
        return failure.consequence
    kind = getattr(errors, failure.error, Exception)
    must = Consequence.RETRY
    for family, consequence in (
        (errors.RateLimited, Consequence.RATE_LIMITED),
        (errors.CursorExpired, Consequence.CURSOR_EXPIRED),
        (errors.FatalError, Consequence.FATAL),
    ):
        must = consequence if issubclass(kind, family) else must
    if failure.consequence is not must:
        raise asked.book.violated("C-17", f"{failure.error} is read as {must}", str(failure.consequence))
    return must


def _check_kept(asked: Asked, failure: Failure) -> None:
    """A failure says which page was asked for, if any was, and with which cursor (C-18)."""
    before, book = asked.before, asked.book
    known = ((before.pages + 1, before.cursor), asked.hand.unsure)
    if len(failure.message.encode()) > MOST_KEPT:
        raise book.violated("C-18", f"at most {MOST_KEPT} bytes of an error", f"{len(failure.message.encode())}")
    if failure.page is not None and (failure.page, failure.cursor) not in known:
        raise book.violated(
            "C-18",
            f"a failure at page {before.pages + 1} with the cursor {before.cursor}",
            f"one at page {failure.page} with the cursor {failure.cursor}",
        )


REFUSALS: dict[type, str] = {
    Fenced: "C-37",
    errors.InvalidCursor: "C-4",
    errors.CursorRepeated: "C-5",
    errors.TooManyPages: "C-5",
    errors.InvalidEntity: "C-7",
    errors.SupersededVerdict: "C-26",
    errors.WrongCount: "C-34",
    errors.UnknownProvider: "C-35",
}
"""To which rule an error belongs that nothing gave a reason for."""
