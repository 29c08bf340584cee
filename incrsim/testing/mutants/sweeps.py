"""Stores that sweep too much, too little, or not in one step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from incrsim.ingestion import Ingestion
from incrsim.options import ProviderOptions
from incrsim.store.contract import Lease
from incrsim.store.memory_rows import MemoryTransaction
from incrsim.store.rows import SweepCount
from incrsim.testing.mutants.broken import BrokenStore
from incrsim.testing.mutants.mutant import breaks


@breaks("C-20")
class SweepsWhatIsMarked(BrokenStore):
    """What pages returned unchanged counts as stale, and is swept."""

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.commit_sweep`."""
        if self.holds(lease):
            del self.rows(lease.provider).seen[:]
        return super().commit_sweep(lease, options)


@breaks("C-20")
class SweepsWhatOthersOwn(BrokenStore):
    """A sweep removes what other providers own."""

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.commit_sweep`."""
        ingestion = super().commit_sweep(lease, options)
        rows = self._tables.entities.items()
        self._tables.remove([ref for ref, row in rows if row.stored.owner != lease.provider])
        return ingestion


@breaks("C-21")
class SweepsNothing(BrokenStore):
    """All that is owned counts as marked: nothing is ever removed."""

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.commit_sweep`."""
        if self.holds(lease):
            self.rows(lease.provider).seen.extend(row.stored.id for row in self._tables.entities.values())
        return super().commit_sweep(lease, options)


@breaks("C-21", "C-27")
class LeavesTheLastOne(MemoryTransaction):
    """A sweep says that it has removed all, and leaves the last one."""

    def removing(self, refs: Sequence[str], chunk: int, ingestion: int | None) -> Iterator[int]:
        """See `MemoryOutboxRows.removing`."""
        for count in super().removing(refs[:-1], chunk, ingestion):
            yield count + 1
        if len(refs) == 1:
            yield 1


@breaks("C-27")
class SweepsOutsideOfTheTransaction(MemoryTransaction):
    """Entities go at once, and the verdict later: a sweep that dies in between is half done."""

    def removing(self, refs: Sequence[str], chunk: int, ingestion: int | None) -> Iterator[int]:
        """See `MemoryOutboxRows.removing`."""
        queued = len(self._writes)
        for count in super().removing(refs, chunk, ingestion):
            self._writes.pop(queued)()
            queued = len(self._writes)
            yield count


@breaks("C-25")
class CountsGraceOnRefusal(MemoryTransaction):
    """A sweep that was refused uses up a cycle of grace."""

    def collect_stale(self, ingestion: int, grace: int) -> SweepCount:
        """See `Transaction.collect_stale`."""
        count = super().collect_stale(ingestion, grace)
        streaks = {each.id: self._rows.streaks.get(each.id, 0) + 1 for each in self._stale if grace}
        self._writes.append(lambda: setattr(self._rows, "streaks", streaks))
        return count


@breaks("C-25")
class ShortensGrace(MemoryTransaction):
    """An entity goes a cycle before its grace is over."""

    def collect_stale(self, ingestion: int, grace: int) -> SweepCount:
        """See `Transaction.collect_stale`."""
        return super().collect_stale(ingestion, max(0, grace - 1))


@breaks("C-25")
class ForgivesNothing(MemoryTransaction):
    """A mark does not reset the grace: cycles in which an entity was missing count together, in a row or not."""

    def end_removal(self, grace: int) -> None:
        """See `Transaction.end_removal`."""
        before = dict(self._rows.streaks)
        super().end_removal(grace)
        self._writes.append(lambda: self._rows.streaks.update({**before, **self._rows.streaks}))

    def _note_marked(self, ingestion: int) -> None:
        streaks = self._rows.streaks
        super()._note_marked(ingestion)
        self._rows.streaks = streaks


@breaks("C-26")
class ForgetsWhatItRefused(BrokenStore):
    """The refs of a refused sweep are not kept: nobody can see or approve them."""

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.commit_sweep`."""
        ingestion = super().commit_sweep(lease, options)
        self.rows(lease.provider).stale = []
        return ingestion


@breaks("C-26")
class RemovesDespiteRefusal(MemoryTransaction):
    """A refused sweep removes what it should have kept for approval."""

    def collect_stale(self, ingestion: int, grace: int) -> SweepCount:
        """See `Transaction.collect_stale`."""
        count = super().collect_stale(ingestion, grace)
        gone = [each.ref for each in self._collected]
        self._writes.append(lambda: self._tables.remove([ref for ref in gone if ref in self._tables.entities]))
        return count

    def removing(self, refs: Sequence[str], chunk: int, ingestion: int | None) -> Iterator[int]:
        """See `MemoryOutboxRows.removing`."""
        first = len(self._writes)
        yield from super().removing(refs, chunk, ingestion)
        del self._writes[first:]
