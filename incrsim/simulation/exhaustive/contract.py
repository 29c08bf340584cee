"""What must follow from each step of the exhaustive model, by the contract alone: a second account of the life of an
ingestion, which never looks at what lifecycle, guards or stores did.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from incrsim.ingestion import Consequence, Status
from incrsim.options import ProviderOptions
from incrsim.simulation.exhaustive.book import NOBODY, Book, Judged, Names
from incrsim.simulation.exhaustive.source import PAGES, THEIRS

DAY = timedelta(hours=24)
RATE_LIMIT = timedelta(minutes=10)
"""How long the source asks to be left alone when it limits its rate."""

GRANTED = "Granted"


def claimed(book: Book, now: datetime, options: ProviderOptions) -> tuple[Book, str]:
    """A replica asks for the lease; also says what it must hear (C-13, C-33, C-37)."""
    seen = book.seen
    if seen.leased_until is not None and seen.leased_until > now:
        return book, "Held"
    if seen.paused:
        return book, "Paused"
    if seen.due > now:
        return book, "NotDue"
    if seen.status is Status.RESTING:
        book = book.succeeded(now, book.outcome)
    status = Status.SWEEPING if book.seen.done else Status.BURSTING
    lease = {"fence": seen.fence + 1, "leased_until": now + options.lease_length}
    return book.seeing(status=status, **lease), GRANTED


def page_committed(book: Book, held: Mapping[str, int], deltas: int, now: datetime, options: ProviderOptions) -> Book:
    """A page is in (C-10); what an event has set since its fetch began stays as it is (C-29).

    Args:
        book: before.
        held: what the page holds, name → version.
        deltas: how many events there had been when its fetch began.
        now: the instant.
        options: the provider's.
    """
    later = {name for name, event in book.memory.by_event if event > deltas}
    mine = {name: version for name, version in held.items() if name not in later and name != THEIRS}
    pages = book.seen.pages + 1
    status = Status.SWEEPING if pages == PAGES else Status.BURSTING
    lease = {"leased_until": now + options.lease_length}
    return book.holding(mine).seeing(pages=pages, done=pages == PAGES, status=status, due=now, attempts=0, **lease)


def burst_ended(book: Book, now: datetime, options: ProviderOptions) -> Book:
    """The lease is given back at a page boundary (C-16)."""
    book = book.released()
    if book.seen.status is Status.SWEEPING:
        return book
    return book.seeing(status=Status.INTERSTITIAL, due=now + options.burst_interval)


def failed(book: Book, consequence: Consequence, now: datetime, options: ProviderOptions) -> Book:
    """A failure is recorded (C-17, C-27)."""
    seen, book, bursts = book.seen, book.released(), book.seen.status is Status.BURSTING
    canceled, last = (seen.number, "canceled"), options.backoff[-1]
    if bursts and consequence is Consequence.RATE_LIMITED:
        return book.seeing(status=Status.INTERSTITIAL, due=now + RATE_LIMIT)
    if bursts and consequence is Consequence.FATAL:
        return book.succeeded(now + last, canceled)
    if bursts and consequence is Consequence.CURSOR_EXPIRED and not seen.expired:
        return book.seeing(expired=True).succeeded(now, canceled)
    attempts = seen.attempts + 1
    if bursts and attempts > len(options.backoff):
        return book.succeeded(now + last, canceled)
    wait = options.backoff[min(attempts, len(options.backoff)) - 1]
    return book.seeing(status=Status.BACKING_OFF, due=now + wait, attempts=attempts)


def swept(book: Book, now: datetime, options: ProviderOptions) -> Book:
    """What was not marked goes, unless a guard refuses (C-20, C-21, C-23, C-24, C-26)."""
    memory = book.memory
    stale = book.names - memory.marked
    removable = len(stale - memory.approved)
    base = len(book.names & memory.old) - len(stale & memory.approved)
    judged = Judged(_refuses(removable, base, options), removable, base)
    left = stale if judged.refused else NOBODY
    if not judged.refused:
        book = book.without(stale)
    book = book.remembering(sweeps=memory.sweeps + 1, approvable=left, approved=NOBODY).released()
    rest = {"status": Status.RESTING, "due": now + options.rest_length, "attempts": 0, "expired": False}
    return book.seeing(**rest, judged=judged, stale=left)


def triggered(book: Book, now: datetime) -> Book:
    """What waits, waits no longer (C-33)."""
    match book.seen.status:
        case Status.BURSTING | Status.SWEEPING:
            return book
        case Status.RESTING:
            return book.succeeded(now, book.outcome)
    return book.seeing(due=min(now, book.seen.due))


def ended(book: Book, due: datetime) -> Book:
    """`start`, `cancel`, `delete marks`: whoever is at work is overtaken, and the next ingestion is due then (C-33,
    C-34).
    """
    return book.overtaken().succeeded(due, book.outcome)


def purged(book: Book, now: datetime) -> Book:
    """`delete`: only the entities stay, and the numbers that grow (C-34)."""
    book = book.overtaken().succeeded(now + DAY, None)
    return book.remembering(approvable=NOBODY, approved=NOBODY).seeing(judged=None, stale=NOBODY)


def retired(book: Book, now: datetime) -> Book:
    """`retire`: the entities go, too (C-34)."""
    return purged(book.dropping(book.names), now)


def approved(book: Book) -> Book:
    """What the last sweep was not allowed to remove goes: at once while it rests, else with the next (C-26)."""
    refs = book.memory.approvable
    return book.dropping(refs) if book.seen.status is Status.RESTING else book.remembering(approved=refs)


def event_applied(book: Book, added: Mapping[str, int], removed: Names) -> Book:
    """An event adds and removes; what it adds before the first page was there before it (C-23, C-29)."""
    new = frozenset(added) - book.names
    book = book.dropping(removed).holding(added)
    memory, number = book.memory, book.memory.deltas + 1
    set_now = {(name, number) for name in removed.union(added)} if book.seen.status is Status.BURSTING else set()
    return book.remembering(
        deltas=number,
        old=memory.old if book.seen.pages else memory.old | new,
        by_event=memory.by_event | set_now,
    )


def _refuses(removable: int, base: int, options: ProviderOptions) -> bool:
    limit = options.reject_removals_above_percentage
    if limit is not None and 100 * removable * limit.denominator > limit.numerator * base:
        return True
    count = options.reject_removals_above_count
    return count is not None and removable > count
