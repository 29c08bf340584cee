"""Stores in which ingestions live wrongly: claims, leases, waits, ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from incrsim.ingestion import Consequence, Failure, Ingestion, Status
from incrsim.lifecycle import Decision
from incrsim.options import ProviderOptions
from incrsim.store.contract import Claim, Granted, Held, Lease, Mark
from incrsim.store.memory_rows import MemoryTransaction
from incrsim.testing.mutants.broken import BrokenStore
from incrsim.testing.mutants.mutant import breaks

MINUTE = timedelta(minutes=1)


# --- claims and leases ------------------------------------------------------------------------------------------------


@breaks("C-37")
class ReusesFence(BrokenStore):
    """A claim gives the fence of the one before: who was overtaken is not told from who overtook."""

    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        """See `Store.claim`."""
        rows = self.rows(provider)
        fence = rows.row.fence
        claim = super().claim(provider, holder, options)
        if isinstance(claim, Granted) and fence:
            rows.row = replace(rows.row, fence=fence)
            rows.lease = replace(claim.lease, fence=fence)
            return replace(claim, lease=rows.lease)
        return claim


@breaks("C-14")
class ClaimsTooEarly(BrokenStore):
    """Who is due within the next minute is due now."""

    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        """See `Store.claim`."""
        due_at = self.open(provider).due_at
        if due_at is not None and self.now < due_at < self.now + MINUTE:
            self.change(provider, due_at=self.now)
        return super().claim(provider, holder, options)


@breaks("C-14", "C-38")
class WaitsForTheDead(BrokenStore):
    """A lease that has expired keeps all others out: who died with it is waited for, for ever."""

    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        """See `Store.claim`."""
        lease = self.rows(provider).lease
        if lease is not None and lease.holder != holder:
            return Held(lease.holder, self.now + MINUTE)
        return super().claim(provider, holder, options)


@breaks("C-39")
class BeginsAgainWithEachBurst(BrokenStore):
    """Each burst says that its ingestion has begun only now."""

    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        """See `Store.claim`."""
        claim = super().claim(provider, holder, options)
        if isinstance(claim, Granted):
            self.change(provider, started_at=self.now)
        return claim


# --- failures ---------------------------------------------------------------------------------------------------------


@breaks("C-17")
class SkipsFirstWait(BrokenStore):
    """The n-th failure in a row waits as the one after it should."""

    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        """See `Store.record_failure`."""
        later = (*options.backoff[1:], options.backoff[-1] * 2)
        return super().record_failure(lease, failure, replace(options, backoff=later))


@breaks("C-17")
class GivesUpOneTooEarly(BrokenStore):
    """The last wait of the list is never waited: the ingestion is given up instead."""

    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        """See `Store.record_failure`."""
        fewer = options.backoff[:-1] or options.backoff
        return super().record_failure(lease, failure, replace(options, backoff=fewer))


@breaks("C-17")
class CountsRateLimits(BrokenStore):
    """A rate limit costs an attempt."""

    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        """See `Store.record_failure`."""
        if failure.consequence is Consequence.RATE_LIMITED:
            failure = replace(failure, consequence=Consequence.RETRY)
        return super().record_failure(lease, failure, options)


@breaks("C-17")
class StartsOverWithoutEnd(BrokenStore):
    """A cursor that expires again and again starts over at once each time."""

    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        """See `Store.record_failure`."""
        if self.holds(lease):
            self.change(lease.provider, expired_before=False)
        return super().record_failure(lease, failure, options)


@breaks("C-37")
class FailsAndKeepsLease(BrokenStore):
    """Whoever fails keeps the lease: nobody goes on before it has expired."""

    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        """See `Store.record_failure`."""
        held = self.rows(lease.provider).lease
        decision = super().record_failure(lease, failure, options)
        self.rows(lease.provider).lease = held
        return decision


@breaks("C-27")
class ReadsAgainAfterFailedSweep(BrokenStore):
    """A failure once the source is done is taken for one of its last page, which is asked for again."""

    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        """See `Store.record_failure`."""
        if self.holds(lease) and self.open(lease.provider).status is Status.SWEEPING:
            self.change(lease.provider, status=Status.BURSTING, sweep_due=False)
        return super().record_failure(lease, failure, options)


@breaks("C-27")
class RepeatsSweepAtOnce(BrokenStore):
    """A sweep that has used up the list of waits is tried again at once, and without end."""

    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        """See `Store.record_failure`."""
        sweeps = self.holds(lease) and self.open(lease.provider).status is Status.SWEEPING
        decision = super().record_failure(lease, failure, options)
        if sweeps and self.open(lease.provider).attempts > len(options.backoff):
            self.change(lease.provider, due_at=self.now)
        return decision


# --- ends -------------------------------------------------------------------------------------------------------------


@breaks("C-14")
class TakesBurstForAll(BrokenStore):
    """The end of a burst is taken for the end of the source: the sweep removes what was not read yet."""

    def end_burst(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.end_burst`."""
        super().end_burst(lease, options)
        self.change(lease.provider, status=Status.SWEEPING, sweep_due=True, due_at=self.now)
        return self.open(lease.provider)


@breaks("C-14")
class NeverPausesBetweenBursts(BrokenStore):
    """The next burst begins at once, whatever `burst_interval` says."""

    def end_burst(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.end_burst`."""
        return super().end_burst(lease, replace(options, burst_interval=timedelta(0)))


@breaks("C-14")
class RestsFromTheFirstPage(BrokenStore):
    """`rest_length` counts from the beginning of the ingestion, and not from its sweep."""

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.commit_sweep`."""
        ingestion = super().commit_sweep(lease, options)
        self.change(lease.provider, due_at=(ingestion.started_at or self.now) + options.rest_length)
        return self.open(lease.provider)


@breaks("C-19")
class RemembersThree(MemoryTransaction):
    """Only the last three ingestions can be read."""

    def archive(self, ingestion: Ingestion) -> None:
        """See `Transaction.archive`."""
        super().archive(ingestion)
        self._writes.append(self._forget)

    def _forget(self) -> None:
        del self._rows.history[:-3]


@breaks("C-19", "C-10")
class KeepsOldMarks(MemoryTransaction):
    """The marks of an ingestion stay when it is complete, and are taken for the next one's."""

    def archive(self, ingestion: Ingestion) -> None:
        """See `Transaction.archive`."""
        marks: Sequence[Mark] = self._rows.marks
        super().archive(ingestion)
        self._writes.append(lambda: self._rows.marks.extend(marks))


@breaks("C-21")
class CountsMarksOfThePast(MemoryTransaction):
    """What the ingestion before has seen counts as marked in this one, too: what vanished is removed a cycle late."""

    def archive(self, ingestion: Ingestion) -> None:
        """See `Transaction.archive`."""
        seen = self._rows.seen
        super().archive(ingestion)
        self._writes.append(lambda: self._rows.seen.extend(seen))
