"""The steps of the exhaustive model: each one calls the real store, and says what the contract wants of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from incrsim.cursor import canonical_cursor, read_cursor
from incrsim.draft import draft_page
from incrsim.errors import IncrsimError
from incrsim.ingestion import Consequence, Failure
from incrsim.lifecycle import Operator
from incrsim.options import ProviderOptions
from incrsim.simulation import exhaustive_contract as contract
from incrsim.simulation.exhaustive_book import NOBODY, Book
from incrsim.simulation.exhaustive_source import EDITIONS, NAME, SmallSource, entity, ref
from incrsim.simulation.exhaustive_world import World, lease_of
from incrsim.store.memory import MemoryStore
from incrsim.store.mutating import DeltaDraft
from incrsim.store.page import PageDraft

DONE = "done"
FENCED = "Fenced"

Rules = Mapping[str, str]
"""Field of `Seen` → the rule that is broken when a step leaves it other than it must be."""

RULES_OF_ALL: Rules = {
    "catalog": "C-20",
    "number": "C-15",
    "status": "C-14",
    "due": "C-14",
    "attempts": "C-17",
    "pages": "C-10",
    "done": "C-10",
    "expired": "C-17",
    "ended": "C-15",
    "fence": "C-37",
    "leased_until": "C-37",
    "paused": "C-33",
    "judged": "C-26",
    "stale": "C-26",
}


@dataclass(frozen=True, slots=True)
class Step(ABC):
    """One call of the store."""

    rules: ClassVar[Rules] = {}

    @abstractmethod
    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """Call the store."""

    @abstractmethod
    def due(self, world: World, options: ProviderOptions) -> tuple[Book, str]:
        """How everything must be afterwards, and what the caller must hear."""

    def answer(self, store: MemoryStore, world: World, options: ProviderOptions) -> tuple[str, Any]:
        """Call the store, and hear what it says."""
        try:
            result = self.do(store, world, options)
        except IncrsimError as error:
            return type(error).__name__, error
        return (type(result).__name__ if isinstance(self, Claim) else DONE), result


@dataclass(frozen=True, slots=True)
class Claim(Step):
    """A replica asks for the lease."""

    rules: ClassVar[Rules] = {"catalog": "C-10", "status": "C-14", "ended": "C-15"}

    def __str__(self) -> str:
        return "asks for the lease"

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        return store.claim(NAME, "replica", options)

    def due(self, world: World, options: ProviderOptions) -> tuple[Book, str]:
        """See `Step.due`."""
        return contract.claimed(world.book, world.now, options)


@dataclass(frozen=True, slots=True)
class Write(Step):
    """A step that carries a fence.

    Args:
        behind: whether its writer was overtaken.
    """

    behind: bool

    def due(self, world: World, options: ProviderOptions) -> tuple[Book, str]:
        """See `Step.due`: who was overtaken, or has given its lease back, changes nothing (C-37)."""
        if self.behind or world.book.seen.leased_until is None:
            return world.book, FENCED
        return self.written(world, options), DONE

    @abstractmethod
    def written(self, world: World, options: ProviderOptions) -> Book:
        """How everything must be after a write that was let through."""


@dataclass(frozen=True, slots=True)
class CommitPage(Write):
    """A page that a replica has in hand is committed.

    Args:
        edition: of the source, when it was fetched.
        index: of the page.
        deltas: how many there had been.
    """

    edition: int
    index: int
    deltas: int
    rules: ClassVar[Rules] = {"catalog": "C-10", "status": "C-10"}

    def __str__(self) -> str:
        return f"commits page {self.index + 1}"

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        lease = lease_of(store, options, behind=self.behind)
        return store.commit_page(lease, _draft(self.edition, self.index, self.deltas), options)

    def written(self, world: World, options: ProviderOptions) -> Book:
        """See `Write.written`."""
        return contract.page_committed(world.book, EDITIONS[self.edition][self.index], self.deltas, world.now, options)


@dataclass(frozen=True, slots=True)
class EndBurst(Write):
    """A burst ends at a page boundary."""

    def __str__(self) -> str:
        return "ends its burst"

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        return store.end_burst(lease_of(store, options, behind=self.behind), options)

    def written(self, world: World, options: ProviderOptions) -> Book:
        """See `Write.written`."""
        return contract.burst_ended(world.book, world.now, options)


@dataclass(frozen=True, slots=True)
class Fail(Write):
    """A failure is recorded.

    Args:
        consequence: what follows from it.
    """

    consequence: Consequence = Consequence.RETRY
    rules: ClassVar[Rules] = {"status": "C-17", "due": "C-17"}

    def __str__(self) -> str:
        return f"records a failure ({self.consequence})"

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        limited = self.consequence is Consequence.RATE_LIMITED
        until = world.now + contract.RATE_LIMIT if limited else None
        failure = Failure("ConnectionError", "no answer", consequence=self.consequence, until=until)
        return store.record_failure(lease_of(store, options, behind=self.behind), failure, options)

    def written(self, world: World, options: ProviderOptions) -> Book:
        """See `Write.written`."""
        return contract.failed(world.book, self.consequence, world.now, options)


@dataclass(frozen=True, slots=True)
class Sweep(Write):
    """The sweep is committed."""

    rules: ClassVar[Rules] = {"catalog": "C-20", "judged": "C-23", "status": "C-27"}

    def __str__(self) -> str:
        return "sweeps"

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        return store.commit_sweep(lease_of(store, options, behind=self.behind), options)

    def written(self, world: World, options: ProviderOptions) -> Book:
        """See `Write.written`."""
        return contract.swept(world.book, world.now, options)


@dataclass(frozen=True, slots=True)
class Operate(Step):
    """An operator's call.

    Args:
        operator: what is asked for.
    """

    operator: Operator
    rules: ClassVar[Rules] = dict.fromkeys(
        ("number", "status", "due", "attempts", "pages", "done", "leased_until", "fence"), "C-33"
    )

    def __str__(self) -> str:
        return f"asks for `{self.operator}`"

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        return store.operate(NAME, self.operator)

    def due(self, world: World, options: ProviderOptions) -> tuple[Book, str]:
        """See `Step.due`."""
        book, now = world.book, world.now
        match self.operator:
            case Operator.TRIGGER:
                book = contract.triggered(book, now)
            case Operator.START | Operator.DELETE_MARKS:
                book = contract.ended(book, now)
            case Operator.CANCEL:
                book = contract.ended(book, now + contract.DAY)
            case Operator.DELETE:
                book = contract.purged(book, now)
            case Operator.PAUSE | Operator.RESUME:
                book = book.seeing(paused=self.operator is Operator.PAUSE)
        return book, DONE


@dataclass(frozen=True, slots=True)
class Approve(Step):
    """The last refused removal is approved."""

    rules: ClassVar[Rules] = {"catalog": "C-26"}

    def __str__(self) -> str:
        return "approves what was refused"

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        verdict = store.state(NAME).last_verdict
        return store.approve(NAME, verdict.id if verdict is not None else 0)

    def due(self, world: World, options: ProviderOptions) -> tuple[Book, str]:
        """See `Step.due`."""
        judged = world.book.seen.judged
        if judged is None or not judged.refused:
            return world.book, "SupersededVerdict"
        return contract.approved(world.book), DONE


@dataclass(frozen=True, slots=True)
class Retire(Step):
    """The provider is retired by somebody who counted its entities right, or wrong.

    Args:
        off: by how much they are wrong.
    """

    off: int = 0
    rules: ClassVar[Rules] = dict.fromkeys(("catalog", "number", "status", "due", "fence"), "C-34")

    def __str__(self) -> str:
        return "retires the provider" + (" with a wrong count" if self.off else "")

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        return store.retire(NAME, store.count(NAME) + self.off)

    def due(self, world: World, options: ProviderOptions) -> tuple[Book, str]:
        """See `Step.due`."""
        return (world.book, "WrongCount") if self.off else (contract.retired(world.book, world.now), DONE)


@dataclass(frozen=True, slots=True)
class Event(Step):
    """An event adds a second version of one entity, or removes another.

    Args:
        added: its name.
        removed: the other's.
    """

    added: str = ""
    removed: str = ""
    rules: ClassVar[Rules] = {"catalog": "C-29"}

    def __str__(self) -> str:
        return f"sends an event that adds {self.added}" if self.added else f"sends an event that removes {self.removed}"

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        added = [entity(self.added, 2)] if self.added else []
        removed = [ref(self.removed)] if self.removed else []
        return store.apply_delta(NAME, DeltaDraft(added, removed), options)

    def due(self, world: World, options: ProviderOptions) -> tuple[Book, str]:
        """See `Step.due`."""
        added = {self.added: 2} if self.added else {}
        removed = frozenset({self.removed}) if self.removed else NOBODY
        return contract.event_applied(world.book, added, removed), DONE


FROM_OUTSIDE: tuple[Step, ...] = (
    *(Operate(each) for each in Operator if each is not Operator.RESUME),
    Approve(),
    Retire(),
    Retire(off=1),
    Event(added="b"),
    Event(removed="c"),
)
"""What somebody may do from outside, once in a history."""

RESUME = Operate(Operator.RESUME)


@cache
def _draft(edition: int, index: int, deltas: int) -> PageDraft:
    cursor = None if index == 0 else read_cursor(canonical_cursor({"page": index}))
    page = SmallSource(edition).next(None, cursor)
    draft = draft_page(page, index + 1, None if page.done else canonical_cursor(page.cursor))
    return PageDraft(draft.sequence, draft.entities, draft.cursor, draft.done, draft.returned, deltas=deltas)
