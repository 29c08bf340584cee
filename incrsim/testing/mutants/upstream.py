"""The flaws of Backstage's module, each seen by running it: U1 … U14 (docs/from-backstage.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from incrsim.cursor import read_cursor
from incrsim.entity import Entity
from incrsim.errors import InvalidCursor, InvalidTransition, StoreUnavailable
from incrsim.ingestion import Failure, Ingestion, Status
from incrsim.lifecycle import Decision, Operator
from incrsim.options import ProviderOptions
from incrsim.store.contract import Claim, CommittedPage, Lease
from incrsim.store.memory_rows import MemoryTransaction
from incrsim.store.memory_tables import ProviderRows, Tables
from incrsim.store.mutating import AppliedDelta, DeltaDraft
from incrsim.store.operating import Operated
from incrsim.store.outbox import Delivery
from incrsim.store.page import Compared, PageDraft
from incrsim.store.rows import NewMark, SweepCount
from incrsim.testing.mutants.broken import BentGuards, BrokenStore, LosesBaseline
from incrsim.testing.mutants.mutant import BrokenGuard, breaks


@breaks("C-10", upstream="U1")
class MarksFirst(MemoryTransaction):
    """A page's mark and cursor are committed before its entities: who dies in between skips these."""

    def __init__(self, tables: Tables, rows: ProviderRows) -> None:
        super().__init__(tables, rows)
        self._held_back: list[Callable[[], None]] = []
        self._is_marked = False

    def add_mark(self, mark: NewMark) -> None:
        """See `Transaction.add_mark`."""
        self._held_back, self._writes, self._is_marked = self._writes, [], True
        super().add_mark(mark)

    def commit(self) -> None:
        """See `MemoryTransaction.commit`."""
        super().commit()
        for write in self._held_back:
            write()

    def roll_back(self) -> None:
        """See `MemoryTransaction.roll_back`."""
        super().roll_back()
        if self._is_marked:
            super().commit()


class _SkipsPages(BrokenStore):
    def is_skipped(self, draft: PageDraft) -> bool:
        """Whether nothing of a page is stored."""
        raise NotImplementedError

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        """See `Store.commit_page`."""
        if self.is_skipped(draft):
            draft = replace(draft, entities=(), unreadable=())
        return super().commit_page(lease, draft, options)


@breaks("C-7", upstream="U2")
class SkipsPageWithInvalidEntity(_SkipsPages):
    """One invalid entity, and nothing of its page is stored: the sweep deletes the others, which are alive."""

    def is_skipped(self, draft: PageDraft) -> bool:
        """See `_SkipsPages.is_skipped`."""
        return bool(draft.unreadable) or any(entity.violations for entity in draft.entities)


@breaks("C-8", upstream="U2")
class SkipsPageWithRepetition(_SkipsPages):
    """The same entity twice, and nothing of its page is stored: the sweep deletes the others, which are alive."""

    def is_skipped(self, draft: PageDraft) -> bool:
        """See `_SkipsPages.is_skipped`."""
        return draft.returned > len(draft.entities) + len(draft.unreadable)


@breaks("C-21", upstream="U3")
class ForgetsRefusedSweep(LosesBaseline):
    """What a refused sweep would have removed is neither refused nor removed by any later one."""

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.commit_sweep`."""
        ingestion = super().commit_sweep(lease, options)
        self.forget(lease.provider, [each.id for each in self.rows(lease.provider).stale])
        return ingestion


@breaks("C-23", upstream="U4")
class PercentOfWhatStays(MemoryTransaction, BrokenGuard):
    """The percentage is of what stays, and not of what was there: 100 → 60 is 66.67 %."""

    def collect_stale(self, ingestion: int, grace: int) -> SweepCount:
        """See `Transaction.collect_stale`."""
        count = super().collect_stale(ingestion, grace)
        return replace(count, base=count.owned - count.stale)


@breaks("C-23", upstream="U4")
class ZeroPercentIsOff(BentGuards):
    """A limit of 0 % means that there is none."""

    def bent(self, options: ProviderOptions) -> ProviderOptions:
        """See `BentGuards.bent`."""
        limit = options.reject_removals_above_percentage
        return replace(options, reject_removals_above_percentage=limit or None)


@breaks("C-17", upstream="U5")
class RetriesForEver(BrokenStore):
    """When all waits are used up, the last one repeats for ever, and the ingestion is never given up."""

    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        """See `Store.record_failure`."""
        if self.holds(lease):
            attempts = self.open(lease.provider).attempts
            self.change(lease.provider, attempts=min(attempts, len(options.backoff) - 1))
        return super().record_failure(lease, failure, options)


@breaks("C-33", upstream="U6")
class CancelsForEver(BrokenStore):
    """A canceled provider never goes on, and not after 24 hours."""

    def operate(self, provider: str, operator: Operator) -> Operated:
        """See `Store.operate`."""
        done = super().operate(provider, operator)
        if operator is Operator.CANCEL:
            self.change(provider, due_at=datetime.max.replace(tzinfo=self.now.tzinfo))
        return done


@breaks("C-33", upstream="U6")
class CancelsBehindTheBurst(BrokenStore):
    """A burst that runs while it is canceled is not overtaken: it goes on, and writes over the cancel."""

    def operate(self, provider: str, operator: Operator) -> Operated:
        """See `Store.operate`."""
        rows = self.rows(provider)
        row, lease = rows.row, rows.lease
        done = super().operate(provider, operator)
        if operator is Operator.CANCEL:
            rows.row, rows.lease = row, lease
        return done


@breaks("C-34", upstream="U7")
class DeleteLocksItselfOut(BrokenStore):
    """Whoever deletes a provider whose ingestion has begun waits for a lock of its own, and the call fails."""

    def operate(self, provider: str, operator: Operator) -> Operated:
        """See `Store.operate`."""
        if operator is Operator.DELETE and self.open(provider).started_at is not None:
            raise StoreUnavailable("deadlock detected")
        return super().operate(provider, operator)


@breaks("C-21", "C-34", upstream="U8")
class DeletesBaselineWithMarks(LosesBaseline):
    """Deleting marks deletes those of the ingestion before, too: what has vanished meanwhile stays for ever."""

    def operate(self, provider: str, operator: Operator) -> Operated:
        """See `Store.operate`."""
        if operator is Operator.DELETE_MARKS:
            self.forget(provider, self.unmarked(provider))
        return super().operate(provider, operator)


@breaks("C-21", "C-33", upstream="U9")
class StartsWithoutBaseline(LosesBaseline):
    """Sweeps compare with the ingestion before, also with one that `start` has cut short: what that had not marked
    stays for ever.
    """

    def operate(self, provider: str, operator: Operator) -> Operated:
        """See `Store.operate`."""
        if operator is Operator.START and self.open(provider).pages:
            self.forget(provider, self.unmarked(provider))
        return super().operate(provider, operator)


@breaks("C-37", upstream="U10")
class AsksNoFence(BrokenStore):
    """A replica that wakes after its lease, and was overtaken, writes its page all the same."""

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        """See `Store.commit_page`."""
        rows = self.rows(lease.provider)
        if not self.holds(lease) and rows.lease is not None:
            draft = replace(draft, sequence=self.open(lease.provider).pages + 1)
            lease = rows.lease
        return super().commit_page(lease, draft, options)


@breaks("C-37", upstream="U10")
class OverlapsTicks(BrokenStore):
    """Two replicas may read the same pages at the same time: each gets a lease while the other one has it."""

    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        """See `Store.claim`."""
        self.rows(provider).lease = None
        return super().claim(provider, holder, options)


@breaks("C-29", upstream="U11")
class LosesEventBeforeFirstPage(BrokenStore):
    """An event that adds something before the ingestion's first page is refused, and lost."""

    def apply_delta(self, provider: str, delta: DeltaDraft, options: ProviderOptions) -> AppliedDelta:
        """See `MutationStore.apply_delta`."""
        ingestion = self.open(provider)
        if delta.added and ingestion.status is Status.BURSTING and not ingestion.pages:
            raise InvalidTransition("there is no mark yet")
        return super().apply_delta(provider, delta, options)


@breaks("C-21", "C-29", upstream="U11")
class KeepsUnmarkedEventForEver(LosesBaseline):
    """What an event adds between two ingestions is never marked, and never found stale: should the source not list it,
    it stays for ever.
    """

    def apply_delta(self, provider: str, delta: DeltaDraft, options: ProviderOptions) -> AppliedDelta:
        """See `MutationStore.apply_delta`."""
        applied = super().apply_delta(provider, delta, options)
        if applied.ingestion.status in {Status.RESTING, Status.SCHEDULED}:
            rows = (self._tables.entities.get(each.ref or "") for each in delta.added)
            self.forget(provider, [row.stored.id for row in rows if row is not None and row.stored.owner == provider])
        return applied


@breaks("C-5", upstream="U12")
class ReadsInCircles(MemoryTransaction):
    """A cursor that an ingestion has seen before goes unnoticed: it never ends."""

    def compare(self, entities: Sequence[Entity], ingestion: int, cursor: bytes | None) -> Compared:
        """See `Transaction.compare`."""
        return replace(super().compare(entities, ingestion, cursor), cursor_seen=False)


@breaks("C-4", upstream="U13")
class StoresMapsAsNothing(BrokenStore):
    """A cursor that is a map is stored as an empty one."""

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        """See `Store.commit_page`."""
        if draft.cursor is not None and isinstance(read_cursor(draft.cursor), dict):
            draft = replace(draft, cursor="{}")
        return super().commit_page(lease, draft, options)


@breaks("C-4", upstream="U13")
class RefusesTextAsCursor(BrokenStore):
    """A cursor that is a text fails for ever, though JSON holds it."""

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        """See `Store.commit_page`."""
        if self.holds(lease) and draft.cursor is not None and isinstance(read_cursor(draft.cursor), str):
            raise InvalidCursor("invalid input syntax for type json")
        return super().commit_page(lease, draft, options)


@breaks("C-13", upstream="U14")
class SweepsAllAtOnce(MemoryTransaction):
    """All that has vanished is read into one list and removed by one statement, however much it is."""

    def removing(self, refs: Sequence[str], chunk: int, ingestion: int | None) -> Iterator[int]:
        """See `MemoryOutboxRows.removing`."""
        return super().removing(refs, max(chunk, len(refs)), ingestion)


@breaks("C-13", upstream="U14")
class TellsAllAtOnce(BrokenStore):
    """All that has changed is read into one list and sent in one mutation, however much it is."""

    def next_delivery(self, name: str, *, provider: str | None = None, limit: int = 500) -> Delivery | None:
        """See `OutboxStore.next_delivery`."""
        return super().next_delivery(name, provider=provider, limit=max(limit, 1_000_000))
