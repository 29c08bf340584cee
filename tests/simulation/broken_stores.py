"""Memory stores that break a promise, each by one slip."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from incrsim.errors import Fenced, SupersededVerdict
from incrsim.ingestion import Status
from incrsim.lifecycle import Operator
from incrsim.store.contract import Granted
from incrsim.store.memory import MemoryStore
from incrsim.store.mutating import DeltaDraft

if TYPE_CHECKING:
    from incrsim.ingestion import Failure, Ingestion
    from incrsim.lifecycle import Decision
    from incrsim.options import ProviderOptions
    from incrsim.store.contract import Claim, CommittedPage, Lease
    from incrsim.store.memory_tables import ProviderRows
    from incrsim.store.mutating import AppliedDelta
    from incrsim.store.operating import Approved, Gone, Operated
    from incrsim.store.page import PageDraft


class Broken(MemoryStore):
    def rows(self, provider: str) -> ProviderRows:
        return self._tables.providers[provider]

    def change(self, provider: str, **changes: Any) -> None:
        rows = self.rows(provider)
        assert rows.ingestion is not None
        rows.ingestion = replace(rows.ingestion, **changes)

    def holds(self, lease: Lease) -> bool:
        rows = self.rows(lease.provider)
        return rows.lease is not None and rows.row.fence == lease.fence


class AsksNoFence(Broken):
    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        return super().commit_page(replace(lease, fence=self.rows(lease.provider).row.fence), draft, options)


class TakesPageTwice(Broken):
    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        rows = self.rows(lease.provider)
        if rows.ingestion is not None and draft.sequence <= rows.ingestion.pages < 3 and rows.lease is not None:
            lease = replace(lease, fence=rows.row.fence)
            draft = replace(draft, sequence=rows.ingestion.pages + 1, cursor='{"page":9}')
        return super().commit_page(lease, draft, options)


class WritesAllTheSame(Broken):
    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        try:
            return super().commit_page(lease, draft, options)
        except Fenced:
            self.apply_delta(lease.provider, DeltaDraft(draft.entities, []), options)
            raise


class ForgetsCursor(Broken):
    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        committed = super().commit_page(lease, draft, options)
        self.change(lease.provider, cursor=None)
        return committed


class ForgetsPage(Broken):
    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        claim = super().claim(provider, holder, options)
        if isinstance(claim, Granted) and claim.ingestion.pages:
            return replace(claim, ingestion=replace(claim.ingestion, pages=claim.ingestion.pages - 1))
        return claim


class SweepsWhatIsMarked(Broken):
    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        if self.holds(lease):
            del self.rows(lease.provider).seen[:]
        return super().commit_sweep(lease, options)


class SweepsForeign(Broken):
    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        if self.holds(lease):
            rows = self._tables.entities.items()
            self._tables.entities = {ref: row for ref, row in rows if row.stored.owner == lease.provider}
        return super().commit_sweep(lease, options)


class SweepsNothing(Broken):
    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        if self.holds(lease):
            self.rows(lease.provider).seen.extend(row.stored.id for row in self._tables.entities.values())
        return super().commit_sweep(lease, options)


class ForgetsSweep(Broken):
    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        ingestion = super().commit_sweep(lease, options)
        self.change(lease.provider, status=Status.SWEEPING, verdict=None)
        return ingestion


class RefusesAtLimit(Broken):
    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        limit = options.reject_removals_above_percentage
        assert limit is not None
        return super().commit_sweep(lease, replace(options, reject_removals_above_percentage=limit - 1))


class ApprovesNothing(Broken):
    def approve(self, provider: str, verdict: int) -> Approved:
        raise SupersededVerdict("not now")


class GrantsLeaseTwice(Broken):
    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        self.rows(provider).lease = None
        return super().claim(provider, holder, options)


class KeepsFence(Broken):
    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        rows = self.rows(provider)
        if rows.row.fence > 1:
            rows.row = replace(rows.row, fence=rows.row.fence - 1)
        return super().claim(provider, holder, options)


class IgnoresPause(Broken):
    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        rows = self.rows(provider)
        rows.row = replace(rows.row, paused=False)
        return super().claim(provider, holder, options)


class FailsForEver(Broken):
    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        decision = super().record_failure(lease, failure, options)
        self.change(lease.provider, attempts=0)
        return decision


class KeepsLeaseOfFailure(Broken):
    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        held = self.rows(lease.provider).lease
        decision = super().record_failure(lease, failure, options)
        self.rows(lease.provider).lease = held
        return decision


class StartKeepsOldOpen(Broken):
    def operate(self, provider: str, operator: Operator) -> Operated:
        done = super().operate(provider, operator)
        if operator is Operator.START:
            self.rows(provider).history[-1] = done.before
        return done


class StartOvertakesNobody(Broken):
    def operate(self, provider: str, operator: Operator) -> Operated:
        rows = self.rows(provider)
        row, lease = rows.row, rows.lease
        done = super().operate(provider, operator)
        if operator is Operator.START:
            rows.row, rows.lease = row, lease
        return done


class CancelsTooShort(Broken):
    def operate(self, provider: str, operator: Operator) -> Operated:
        done = super().operate(provider, operator)
        if operator is Operator.CANCEL:
            self.change(provider, due_at=self._tables.clock.now())
        return done


class FenceIsBornAgain(Broken):
    def operate(self, provider: str, operator: Operator) -> Operated:
        done = super().operate(provider, operator)
        if operator is Operator.DELETE:
            rows = self.rows(provider)
            rows.row = replace(rows.row, fence=0)
        return done


class DeleteForgetsEntities(Broken):
    def operate(self, provider: str, operator: Operator) -> Operated:
        done = super().operate(provider, operator)
        if operator is Operator.DELETE:
            self._tables.remove([ref for ref, row in self._tables.entities.items() if row.stored.owner == provider])
        return done


class RetiresUncounted(Broken):
    def retire(self, provider: str, expected: int) -> Gone:
        return super().retire(provider, self.count(provider))


class UndoesEvents(Broken):
    def apply_delta(self, provider: str, delta: DeltaDraft, options: ProviderOptions) -> AppliedDelta:
        applied = super().apply_delta(provider, delta, options)
        self.rows(provider).delta_refs.clear()
        return applied


class EventIsNotMarked(Broken):
    def apply_delta(self, provider: str, delta: DeltaDraft, options: ProviderOptions) -> AppliedDelta:
        applied = super().apply_delta(provider, delta, options)
        for entity in delta.added:
            row = self._tables.entities[entity.ref or ""]
            self._tables.entities[entity.ref or ""] = replace(row, stored=replace(row.stored, written_in=0))
        return applied
