"""The oracle's model: what it believes of each provider and of the catalog, in sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from incrsim.ingestion import Counts
from incrsim.options import ProviderOptions
from incrsim.simulation.observation import Returned
from incrsim.simulation.oracle.record import Record
from incrsim.simulation.oracle.story import Story
from incrsim.simulation.violation import Finding, Violation
from incrsim.store import Store


class Held(NamedTuple):
    """What the catalog holds under a ref."""

    owner: str
    digest: bytes
    location_key: str | None


@dataclass(slots=True)
class Cycle:
    """What is known of the open ingestion.

    Args:
        marked: refs that a page returned or named as a problem, or that an event added.
        returned: refs that pages returned, valid or not.
        fresh: owned refs that were not there before its first page: the rest is the base of its guards (C-23).
        written: owned refs that it wrote or an event marked: what counts no second time (C-8).
        cursors: those that its pages returned (C-5).
        invalid: what was invalid: refs, or digests of those without a readable one (C-7).
        spared: refs that are marked though no page returned them as they should be: quarantined, or named as unreadable
            (C-7).
        lost: refs whose claim was recorded as lost (C-9).
        unreadable: digests of entities without a readable ref.
        parts: how often a page reported a part of the source that it could not read; the store counts the same message
            once.
        valid: how many valid entities pages returned at least, and at most: a page may hold the same ref twice (C-22).
        did: what pages and events added, updated and removed, each entity once.
        by_events: refs that events added or removed, or another provider took: whether they are among its distinct
            entities is open to reading.
    """

    marked: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)
    fresh: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    cursors: set[str] = field(default_factory=set)
    invalid: set[str | bytes] = field(default_factory=set)
    spared: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    unreadable: set[bytes] = field(default_factory=set)
    parts: int = 0
    valid: tuple[int, int] = (0, 0)
    did: Counts = field(default_factory=Counts)
    by_events: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Hand:
    """What a replica has in hand of a provider.

    Args:
        fence: of the lease that it was last granted.
        page: the last page that the provider returned to it.
        since: refs that events have set since that page's fetch began (C-29).
        perhaps: refs that an event may have removed since, whose answer was lost and which left nothing to see.
        claimed_at: when it was granted.
        entered_at: when the burst had begun at the latest.
        committed_at: when its last page of this burst was committed.
        unsure: the number and cursor of a page that was committed, and whose replica may not know it.
        blocked: whether a sink blocked this burst (C-12).
        paused: whether the provider was paused when its last page was committed: the burst must end there (C-33).
        leaving: whether its burst may end early, since the process was told to go.
    """

    fence: int = -1
    page: Returned | None = None
    since: set[str] = field(default_factory=set)
    perhaps: set[str] = field(default_factory=set)
    claimed_at: datetime | None = None
    entered_at: datetime | None = None
    committed_at: datetime | None = None
    unsure: tuple[int, str | None] | None = None
    blocked: bool = False
    paused: bool = False
    leaving: bool = False


@dataclass(slots=True)
class Refused:
    """What the last verdict, which refused, did not remove (C-26).

    Args:
        ingestion: the one that was swept.
        refs: all of it, sorted.
        stale: what was stale at all, also within its grace: the next sweep finds it as it was (C-25).
        open: what an approval would remove: still owned, and not marked or added since.
        approved: what the next sweep may remove, since an operator said so.
    """

    ingestion: int
    refs: list[str]
    stale: set[str]
    open: set[str]
    approved: set[str] = field(default_factory=set)

    def forget(self, refs: AbstractSet[str]) -> None:
        """These are no longer among what an approval removes."""
        self.open -= refs
        self.approved -= refs


class Book:
    """What is kept of one provider.

    Args:
        name: its name.
        line: tells the number of the trace's last line.
    """

    def __init__(self, name: str, line: Callable[[], int]) -> None:
        self.name = name
        self.record: Record | None = None
        self.cycle = Cycle()
        self.owned: set[str] = set()
        self.streaks: dict[str, int] = {}
        self.refused: Refused | None = None
        self.verdicts = 0
        self.completed = 0
        self.last_problem = 0
        self.outbox = 0
        self.held: AbstractSet[str] | None = None
        self.protected: set[str] = set()
        self.hands: dict[int, Hand] = {}
        self.quiet_since: int | None = None
        self.story = Story()
        self._line = line

    def violated(self, rule: str, expected: str, found: str) -> Violation:
        """A rule does not hold, since the step that is under way."""
        return Violation(Finding(rule, self.name, self._line() + 1, expected, found, self.story.tell()))

    def hand(self, replica: int) -> Hand:
        """What a replica has in hand."""
        hand = self.hands.get(replica)
        if hand is None:
            hand = self.hands[replica] = Hand()
        return hand

    def mark(self, refs: AbstractSet[str]) -> None:
        """The open ingestion marks these: they have their whole grace again (C-25), and no approval removes them."""
        self.cycle.marked |= refs
        if self.streaks:
            for ref in refs & self.streaks.keys():
                del self.streaks[ref]
        if self.refused is not None:
            self.refused.forget(refs)

    def lose(self, refs: AbstractSet[str]) -> None:
        """It owns these no longer."""
        self.owned -= refs
        self.cycle.fresh -= refs
        self.cycle.written -= refs
        for ref in refs & self.streaks.keys():
            del self.streaks[ref]
        if self.refused is not None:
            self.refused.forget(refs)

    def begin_cycle(self) -> None:
        """An ingestion is complete, another one open."""
        self.cycle = Cycle()


class Model:
    """All that the oracle believes, and the store that it is compared with.

    Args:
        store: the true one, without faults around it; only its reading side is used.
        line: tells the number of the trace's last line.
        protects: whether nothing may be lost: pagination is stable and the source does not lie (C-20).
    """

    def __init__(self, store: Store, line: Callable[[], int], *, protects: bool) -> None:
        self.store = store
        self.protects = protects
        self.catalog: dict[str, Held] = {}
        self.books: dict[str, Book] = {}
        self.sinks: set[str] = set()
        self.losses: dict[tuple[str, int], int] = {}
        self._line = line

    def book(self, provider: str) -> Book:
        """What is kept of a provider."""
        book = self.books.get(provider)
        if book is None:
            book = self.books[provider] = Book(provider, self._line)
        return book

    def remove(self, book: Book, refs: AbstractSet[str]) -> None:
        """A provider's entities are gone."""
        for ref in refs:
            del self.catalog[ref]
        book.lose(refs)
        book.cycle.marked -= refs
        book.outbox += len(refs)

    def truth(self) -> dict[str, Held]:
        """The whole catalog as the store has it."""
        found: dict[str, Held] = {}
        after = ""
        while page := self.store.entities(after=after, limit=_PART):
            for each in page:
                found[each.ref] = Held(each.provider, each.digest, each.location_key)
            after = page[-1].ref
        return found

    def known(self, refs: Iterable[str]) -> dict[str, Held]:
        """What the store has under these refs."""
        return {each.ref: Held(each.provider, each.digest, each.location_key) for each in self.store.known(list(refs))}


_PART = 10_000


@dataclass(slots=True)
class Asked:
    """A step that was taken, or not, and all that is needed to judge it.

    Args:
        model: what is believed.
        book: of its provider.
        replica: who asked, or `OPERATOR`.
        arguments: of the call.
        now: when it was taken, by the store's clock.
        before: the provider's record as it was.
        found: as it is now.
        options: of the provider at that replica.
        hand: what the replica has in hand.
        result: what was answered, if anything.
    """

    model: Model
    book: Book
    replica: int
    arguments: tuple[object, ...]
    now: datetime
    before: Record
    found: Record
    options: ProviderOptions
    hand: Hand
    result: object
