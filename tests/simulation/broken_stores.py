"""Stores that break a promise in the small world; most of those that it is tried with are mutants of the package."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from incrsim.errors import Fenced, SupersededVerdict
from incrsim.ingestion import Status
from incrsim.lifecycle import Operator
from incrsim.store.contract import Granted
from incrsim.store.mutating import DeltaDraft
from incrsim.testing.mutants.broken import BrokenStore

if TYPE_CHECKING:
    from incrsim.ingestion import Ingestion
    from incrsim.options import ProviderOptions
    from incrsim.store.contract import Claim, CommittedPage, Lease
    from incrsim.store.operating import Approved, Gone, Operated
    from incrsim.store.page import PageDraft


class TakesPageTwice(BrokenStore):
    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        rows = self.rows(lease.provider)
        if rows.ingestion is not None and draft.sequence <= rows.ingestion.pages < 3 and rows.lease is not None:
            lease = replace(lease, fence=rows.row.fence)
            draft = replace(draft, sequence=rows.ingestion.pages + 1, cursor='{"page":9}')
        return super().commit_page(lease, draft, options)


class WritesAllTheSame(BrokenStore):
    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        try:
            return super().commit_page(lease, draft, options)
        except Fenced:
            self.apply_delta(lease.provider, DeltaDraft(draft.entities, []), options)
            raise


class ForgetsPage(BrokenStore):
    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        claim = super().claim(provider, holder, options)
        if isinstance(claim, Granted) and claim.ingestion.pages:
            return replace(claim, ingestion=replace(claim.ingestion, pages=claim.ingestion.pages - 1))
        return claim


class ForgetsSweep(BrokenStore):
    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        ingestion = super().commit_sweep(lease, options)
        self.change(lease.provider, status=Status.SWEEPING, verdict=None)
        return ingestion


class ApprovesNothing(BrokenStore):
    def approve(self, provider: str, verdict: int) -> Approved:
        raise SupersededVerdict("not now")


class StartKeepsOldOpen(BrokenStore):
    def operate(self, provider: str, operator: Operator) -> Operated:
        done = super().operate(provider, operator)
        if operator is Operator.START:
            self.rows(provider).history[-1] = done.before
        return done


class RetiresUncounted(BrokenStore):
    def retire(self, provider: str, expected: int) -> Gone:
        return super().retire(provider, self.count(provider))
