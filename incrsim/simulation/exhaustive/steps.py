"""The steps of the exhaustive model: each one calls the real store, and says what the contract wants of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

from incrsim.cursor import canonical_cursor, read_cursor
from incrsim.draft import draft_page
from incrsim.errors import IncrsimError
from incrsim.ingestion import Consequence, Failure, Ingestion, Status
from incrsim.options import ProviderOptions
from incrsim.simulation.exhaustive import contract
from incrsim.simulation.exhaustive.book import Book
from incrsim.simulation.exhaustive.source import EDITIONS, NAME, SmallSource
from incrsim.simulation.exhaustive.world import World, lease_of
from incrsim.store.contract import CommittedPage, Granted
from incrsim.store.memory import MemoryStore
from incrsim.store.page import PageDraft

DONE = "done"
FENCED = "Fenced"

Rules = Mapping[str, str]
"""Field of `Seen`, or `answer` → the rule that is broken when a step leaves it other than it must be."""

_RULES: Rules = {
    "answer": "C-33",
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


class Told(NamedTuple):
    """What a replica learns from a claim that was granted, or from a page that was committed."""

    sweeping: bool
    pages: int
    deltas: int
    paused: bool


@dataclass(frozen=True, slots=True)
class Step(ABC):
    """One call of the store."""

    rules: ClassVar[Rules] = {}

    def rule(self, field: str) -> str:
        """The rule that is broken when a field of `Seen` is not what it must be, or the `answer`."""
        return self.rules.get(field, _RULES[field])

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
        return self.word(result), result

    def word(self, result: object) -> str:
        """What the store returned, in a word."""
        return DONE


@dataclass(frozen=True, slots=True)
class Claim(Step):
    """A replica asks for the lease."""

    rules: ClassVar[Rules] = {"answer": "C-37", "catalog": "C-10"}

    def __str__(self) -> str:
        return "asks for the lease"

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        return store.claim(NAME, "replica", options)

    def due(self, world: World, options: ProviderOptions) -> tuple[Book, str]:
        """See `Step.due`."""
        return contract.claimed(world.book, world.now, options)

    def word(self, result: object) -> str:
        """See `Step.word`: whether it was granted, or why not."""
        return type(result).__name__


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


def told_by(result: object) -> Told | None:
    """What a replica learns from what a call returned or raised, if it goes on from there."""
    match result:
        case Granted(_, ingestion, deltas):
            return Told(_sweeping(ingestion), ingestion.pages, deltas, paused=False)
        case CommittedPage(_, decision, _, deltas, paused):
            return Told(_sweeping(decision.ingestion), decision.ingestion.pages, deltas, paused)
    return None


def _sweeping(ingestion: Ingestion) -> bool:
    return ingestion.status is Status.SWEEPING


@cache
def _draft(edition: int, index: int, deltas: int) -> PageDraft:
    cursor = None if index == 0 else read_cursor(canonical_cursor({"page": index}))
    page = SmallSource(edition).next(None, cursor)
    draft = draft_page(page, index + 1, None if page.done else canonical_cursor(page.cursor))
    return PageDraft(draft.sequence, draft.entities, draft.cursor, draft.done, draft.returned, deltas=deltas)
