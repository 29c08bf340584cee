"""Which page is asked for next, and when a burst ends (C-10, C-16, C-27)."""

from __future__ import annotations

from datetime import datetime

from incrsim import events
from incrsim.ingestion import Status
from incrsim.options import ProviderOptions
from incrsim.simulation.observation import Returned
from incrsim.simulation.oracle.book import Asked, Book, Hand
from incrsim.simulation.simulator import Happening


def returned(book: Book, page: Returned, options: ProviderOptions | None) -> None:
    """A provider was asked for a page, and returned it; one that was overtaken may ask for what it likes."""
    hand, record = book.hand(page.replica), book.record
    hand.page = page
    if record is None or record.lease is None or hand.fence != record.fence:
        return
    if record.sweep_due:
        raise book.violated("C-27", "no page is asked for once the source is done", f"one behind {page.asked}")
    if record.status is Status.BURSTING and page.asked != record.cursor:
        raise book.violated(
            "C-10", f"the page behind the last committed one, at the cursor {record.cursor}", f"one at {page.asked}"
        )
    if hand.paused:
        raise book.violated("C-33", "a burst of a provider that is paused ends at its next page", "another page")
    if options is not None and _spent(hand, options):
        raise book.violated("C-16", "a burst ends at the first page boundary past burst_length", "another page")


def _spent(hand: Hand, options: ProviderOptions) -> bool:
    """Whether the burst was surely over at its last page boundary. Seconds are floats to the engine: of a burst that is
    just over, it is sure only where both instants are whole seconds.
    """
    if hand.entered_at is None or hand.committed_at is None:
        return False
    spent = hand.committed_at - hand.entered_at
    exact = not hand.entered_at.microsecond and not hand.committed_at.microsecond
    return spent > options.burst_length or (exact and spent == options.burst_length)


def happened(book: Book, replica: int, happening: Happening, now: datetime) -> None:
    """A replica's step ended."""
    hand = book.hand(replica)
    match happening:
        case events.ContextEntered():
            hand.entered_at = now
        case events.SinkBlocked():
            hand.blocked = True


def ends(asked: Asked) -> None:
    """A burst may end only at a boundary past its length, unless it is paused, blocked by a sink or told to go."""
    hand, before, book = asked.hand, asked.before, asked.book
    if before.status is not Status.BURSTING or before.paused or hand.paused or hand.blocked or hand.leaving:
        return
    if hand.committed_at is None:
        raise book.violated("C-16", "a burst makes one page of progress at least", "it ended without a page")
    if hand.claimed_at is not None and asked.now - hand.claimed_at < asked.options.burst_length:
        raise book.violated(
            "C-16",
            f"a burst goes on for {asked.options.burst_length}",
            f"it ended after {asked.now - hand.claimed_at}",
        )
