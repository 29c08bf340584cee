"""Stores that take in pages wrongly."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

from incrsim.entity import Entity
from incrsim.options import ProviderOptions
from incrsim.simulation.crash import Crash
from incrsim.store.contract import CommittedPage, Lease
from incrsim.store.memory_rows import MemoryTransaction
from incrsim.store.page import Compared, FoundProblem, PageChanges, PageDraft, ProblemKind
from incrsim.testing.mutants.broken import BrokenStore
from incrsim.testing.mutants.mutant import breaks

Result = TypeVar("Result")


# --- one atomic step --------------------------------------------------------------------------------------------------


@breaks("C-10")
class WritesEntitiesAtOnce(MemoryTransaction):
    """Entities are written before the page's transaction commits: a page that is refused, or cut off by a crash, leaves
    them behind.
    """

    def apply(self, changes: PageChanges, ingestion: int) -> None:
        """See `Transaction.apply`."""
        super().apply(changes, ingestion)
        self._tables.put(self._put_rows)


@breaks("C-10")
class ForgetsCursor(BrokenStore):
    """The cursor is not committed with its page: the next burst asks for the first one again."""

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        """See `Store.commit_page`."""
        committed = super().commit_page(lease, draft, options)
        self.change(lease.provider, cursor=None)
        return committed


@breaks("C-20")
class LosesUnloggedMarks(BrokenStore):
    """What pages have seen is in a table without a log: it is empty after the database has crashed, and the sweep
    deletes what was in it.
    """

    def _transact(self, provider: str, work: Callable[[MemoryTransaction], Result]) -> Result:
        try:
            return super()._transact(provider, work)
        except Crash:
            self.rows(provider).seen = array("q")
            raise


@breaks("C-37")
class RenewsNoLease(BrokenStore):
    """A page does not renew its burst's lease, which ends while the burst is at work."""

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        """See `Store.commit_page`."""
        held = self.rows(lease.provider).lease
        committed = super().commit_page(lease, draft, options)
        if not committed.decision.successor:
            self.rows(lease.provider).lease = held
        return committed


@breaks("C-17")
class NeverForgivesFailures(BrokenStore):
    """Attempts count on although a page was committed: the ingestion is given up too early."""

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        """See `Store.commit_page`."""
        attempts = self.open(lease.provider).attempts
        committed = super().commit_page(lease, draft, options)
        if not committed.decision.successor:
            self.change(lease.provider, attempts=attempts)
        return committed


# --- what becomes of entities -----------------------------------------------------------------------------------------


@breaks("C-8")
class CountsTwice(MemoryTransaction):
    """An entity that comes again in the same ingestion counts again."""

    def compare(self, entities: Sequence[Entity], ingestion: int, cursor: bytes | None) -> Compared:
        """See `Transaction.compare`."""
        return replace(super().compare(entities, ingestion, cursor), written_before=0)


@breaks("C-11")
class OverlooksChanges(MemoryTransaction):
    """An entity that is there already is taken for unchanged, whatever it says now."""

    def compare(self, entities: Sequence[Entity], ingestion: int, cursor: bytes | None) -> Compared:
        """See `Transaction.compare`."""
        found = super().compare(entities, ingestion, cursor)
        valid = {entity.ref for entity in found.candidates if not entity.violations}
        name = self.provider.name
        same = {ref: old.id for ref, old in found.differing.items() if old.owner == name and ref in valid}
        return replace(
            found,
            same=[*found.same, *same.values()],
            differing={ref: old for ref, old in found.differing.items() if ref not in same},
            candidates=[entity for entity in found.candidates if entity.ref not in same],
        )


@breaks("C-11")
class RewritesWhatIsTheSame(MemoryTransaction):
    """Unchanged entities are written again, each time."""

    def compare(self, entities: Sequence[Entity], ingestion: int, cursor: bytes | None) -> Compared:
        """See `Transaction.compare`."""
        found = super().compare(entities, ingestion, cursor)
        rows = {entity.ref or "": self._tables.entities.get(entity.ref or "") for entity in entities}
        stored = {ref: row.stored for ref, row in rows.items() if row is not None}
        return replace(found, same=(), written_before=0, differing=stored, candidates=entities)


@breaks("C-7")
class DeletesWhatIsInvalidNow(MemoryTransaction):
    """An invalid entity with a readable ref is not marked: a typo deletes what was there before."""

    def apply(self, changes: PageChanges, ingestion: int) -> None:
        """See `Transaction.apply`."""
        changes.seen.clear()
        super().apply(changes, ingestion)


@breaks("C-7")
class KeepsQuietAboutInvalid(MemoryTransaction):
    """Invalid entities are left out, and no problem is recorded."""

    def add_problems(self, problems: Sequence[FoundProblem], ingestion: int, sequence: int) -> None:
        """See `Transaction.add_problems`."""
        told = [found for found in problems if found.kind is not ProblemKind.INVALID]
        super().add_problems(told, ingestion, sequence)


@breaks("C-7")
class SweepsSpoiledSource(BrokenStore):
    """However much of a source is invalid, the ingestion goes on to its sweep."""

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        """See `Store.commit_page`."""
        return super().commit_page(lease, draft, replace(options, max_invalid_percentage=Fraction(100)))


@breaks("C-7")
class ReadsSpoiledSourceAgainAtOnce(BrokenStore):
    """After an ingestion of which too much was invalid, the next one does not wait."""

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        """See `Store.commit_page`."""
        committed = super().commit_page(lease, draft, options)
        if committed.decision.successor:
            self.change(lease.provider, due_at=self.now)
        return committed


@breaks("C-9")
class TakesWhatOthersOwn(MemoryTransaction):
    """Whoever returns an entity last owns it, with a common location key or without."""

    def compare(self, entities: Sequence[Entity], ingestion: int, cursor: bytes | None) -> Compared:
        """See `Transaction.compare`."""
        found = super().compare(entities, ingestion, cursor)
        mine = {ref: replace(old, owner=self.provider.name) for ref, old in found.differing.items()}
        return replace(found, differing=mine)


@breaks("C-9")
class KeepsQuietAboutLostClaims(MemoryTransaction):
    """That another provider owns what this one returns is recorded nowhere."""

    def add_problems(self, problems: Sequence[FoundProblem], ingestion: int, sequence: int) -> None:
        """See `Transaction.add_problems`."""
        told = [found for found in problems if found.kind is not ProblemKind.LOST_CLAIM]
        super().add_problems(told, ingestion, sequence)
