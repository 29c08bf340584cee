"""Guards that refuse too early or too late, or are fooled."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from incrsim.ingestion import Ingestion
from incrsim.options import ProviderOptions
from incrsim.store.contract import Lease
from incrsim.store.memory_rows import MemoryTransaction
from incrsim.store.mutating import AppliedDelta, DeltaDraft
from incrsim.store.rows import SweepCount
from incrsim.testing.mutants.broken import BentGuards, BrokenStore
from incrsim.testing.mutants.mutant import BrokenGuard, breaks

LITTLE = Fraction(1, 10**9)


@breaks("C-24")
class LetsOneMoreThrough(BentGuards):
    """The limit of a number is off by one."""

    def bent(self, options: ProviderOptions) -> ProviderOptions:
        """See `BentGuards.bent`."""
        limit = options.reject_removals_above_count
        return replace(options, reject_removals_above_count=None if limit is None else limit + 1)


@breaks("C-23")
class RefusesAtTheLimit(BentGuards):
    """Exactly the limit of a percentage is refused, too."""

    def bent(self, options: ProviderOptions) -> ProviderOptions:
        """See `BentGuards.bent`."""
        limit = options.reject_removals_above_percentage
        return replace(options, reject_removals_above_percentage=limit - LITTLE if limit else limit)


@breaks("C-23")
class RoundsPercentagesDown(BentGuards):
    """Percentages are rounded down to whole ones: 5.9 % passes where 5 % is the limit."""

    def bent(self, options: ProviderOptions) -> ProviderOptions:
        """See `BentGuards.bent`."""
        limit = options.reject_removals_above_percentage
        rounded = None if limit is None else min(Fraction(100), limit.__floor__() + 1 - LITTLE)
        return replace(options, reject_removals_above_percentage=rounded)


@breaks("C-23")
class DilutedByNewOnes(MemoryTransaction, BrokenGuard):
    """The percentage is of all that is owned: many new entities let many removals through."""

    def collect_stale(self, ingestion: int, grace: int) -> SweepCount:
        """See `Transaction.collect_stale`."""
        count = super().collect_stale(ingestion, grace)
        return replace(count, base=count.owned)


@breaks("C-22")
class LetsEmptySourceThrough(BentGuards):
    """A source that returned nothing valid empties the catalog, though that was to be refused."""

    def bent(self, options: ProviderOptions) -> ProviderOptions:
        """See `BentGuards.bent`."""
        return replace(options, reject_empty_source_collections=False)


@breaks("C-22")
class FooledByEvents(BrokenStore, BrokenGuard):
    """What an event adds counts as returned by the source: one event, and an empty source empties the catalog."""

    def apply_delta(self, provider: str, delta: DeltaDraft, options: ProviderOptions) -> AppliedDelta:
        """See `MutationStore.apply_delta`."""
        applied = super().apply_delta(provider, delta, options)
        counts = self.open(provider).counts
        self.change(provider, counts=replace(counts, valid=counts.valid + len(delta.added)))
        return applied


@breaks("C-7")
class IgnoresUnreadableParts(BrokenStore, BrokenGuard):
    """What could not be read is taken for gone: a ref without a name does not refuse the sweep."""

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.commit_sweep`."""
        if self.holds(lease):
            self.change(lease.provider, counts=replace(self.open(lease.provider).counts, unreadable=0))
        return super().commit_sweep(lease, options)


@breaks("C-26")
class JudgesApprovedOnes(MemoryTransaction, BrokenGuard):
    """What an operator has approved counts in the guards all the same, and is refused again."""

    def collect_stale(self, ingestion: int, grace: int) -> SweepCount:
        """See `Transaction.collect_stale`."""
        count = super().collect_stale(ingestion, grace)
        return replace(count, approved=0, removable=count.removable + count.approved, base=count.base + count.approved)


@breaks("C-25")
class JudgesWhatIsWithinGrace(MemoryTransaction, BrokenGuard):
    """Guards count all that is stale, also what its grace keeps."""

    def collect_stale(self, ingestion: int, grace: int) -> SweepCount:
        """See `Transaction.collect_stale`."""
        count = super().collect_stale(ingestion, grace)
        return replace(count, removable=count.stale - count.approved)
