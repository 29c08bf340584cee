"""What a whole cycle would do, without doing it (C-28)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from incrsim import guards, lifecycle
from incrsim.clock import SystemClock
from incrsim.cursor import canonical_cursor, read_cursor
from incrsim.draft import draft_page
from incrsim.entity import Entity
from incrsim.errors import ProviderBusy, UnknownProvider
from incrsim.guards import Census, Verdict
from incrsim.host import BurstSession, Host
from incrsim.ingestion import Counts, Status
from incrsim.logs import about
from incrsim.options import ProviderOptions
from incrsim.planning_ledger import Ledger
from incrsim.planning_values import Plan
from incrsim.provider import Page, Problem
from incrsim.store import Store
from incrsim.store.contract import ProviderState
from incrsim.store.mutating import OwnedRef
from incrsim.store.page import (
    Compared,
    FoundProblem,
    PageDraft,
    ProblemKind,
    Stored,
    check_length,
    cursor_repeated,
    decide,
    problem_key,
    without_repeated_problems,
)

log = logging.getLogger("incrsim.planning")

READ_AHEAD = 10_000
"""How many rows of the catalog one query brings."""


Told = Callable[[int, Counts], None]
"""Hears of each page: how many there were so far, and what they counted."""


def _untold(pages: int, counts: Counts) -> None:
    """For plans that nobody watches."""


def plan(  # what a burst has, and who watches
    provider: Any,
    options: ProviderOptions,
    store: Store,
    host: Host,
    told: Told = _untold,
    stopping: Callable[[], bool] = lambda: False,
) -> Plan:
    """Read a whole cycle of a provider and say what it would do; nothing is written to the store.

    The store is read while pages come in: what others change meanwhile may be seen or not. A provider that was never
    registered is planned as if it were.

    Args:
        provider: the provider, checked.
        options: its options.
        store: where its entities are.
        host: where its code runs.
        told: hears of each page.
        stopping: asked at each page boundary; there is no plan when it says yes.

    Raises:
        ProviderBusy: when a thread of the provider is stuck in this process (C-16), or `stopping` said yes.
        Exception: whatever would fail the cycle: what the provider raises, a cursor that repeats, too many pages.
    """
    if host.is_stuck(provider.name):
        raise ProviderBusy(
            f"a thread of the provider {provider.name!r} is stuck in this process; plan it once that has ended"
        )
    ledger = Ledger()
    try:
        planning = _Planning(provider.name, options, store, ledger, _state(store, provider.name))
        planning.begin()
        _read(planning, host.begin(provider, options.page_timeout.total_seconds()), told, stopping)
        return planning.result()
    except BaseException:
        ledger.close()
        raise


def _state(store: Store, provider: str) -> ProviderState:
    try:
        return store.state(provider)
    except UnknownProvider:
        now = SystemClock().now()
        return ProviderState(provider, 0, lifecycle.first(1, now), None, now)


def _read(planning: _Planning, session: BurstSession, told: Told, stopping: Callable[[], bool]) -> None:
    try:
        session.enter()
        cursor: str | None = None
        going = True
        while going:
            going = planning.take(session.fetch(None if cursor is None else read_cursor(cursor)))
            cursor = planning.cursor
            told(planning.pages, planning.counts)
            if going and stopping():
                raise ProviderBusy(
                    f"the plan of {planning.provider!r} was given up after {planning.pages} pages: this process stops, "
                    "or serves the provider no longer; plan it elsewhere, or once that is done"
                )
    except BaseException as error:
        try:
            session.leave(error)
        except Exception:
            log.exception("%s: leaving its context failed too", planning.provider, extra=about(planning.provider))
        raise
    session.leave()


@dataclass(slots=True)
class _Planning:
    """A cycle that is being read."""

    provider: str
    options: ProviderOptions
    store: Store
    ledger: Ledger
    state: ProviderState
    pages: int = 0
    cursor: str | None = None
    counts: Counts = field(default_factory=Counts)

    @property
    def is_scheduled(self) -> bool:
        """Whether the open ingestion is the one that is planned: what events marked in it is marked already."""
        return self.state.ingestion.status is Status.SCHEDULED

    @property
    def ingestion(self) -> int:
        """The number of the ingestion that is planned."""
        return self.state.ingestion.number + (not self.is_scheduled)

    def begin(self) -> None:
        """Begin with what events have recorded in the ingestion that is planned."""
        before = self.state.ingestion.counts
        if not self.is_scheduled or not before.invalid + before.lost:
            return
        self.counts = Counts(invalid=before.invalid, lost=before.lost)
        after = 0
        while found := self.store.problems(self.provider, after=after, limit=READ_AHEAD):
            mine = [each for each in found if each.ingestion == self.ingestion and each.ref is not None]
            self.ledger.add_problems(
                FoundProblem(each.kind, Problem(each.message, each.ref), problem_key(each.kind, each.ref or ""))
                for each in mine
            )
            self.ledger.mark(each.ref for each in mine if each.ref is not None and each.kind is ProblemKind.INVALID)
            after = found[-1].id

    def take(self, page: Page) -> bool:
        """Take one page; says whether another one follows."""
        self.cursor = None if page.done else canonical_cursor(page.cursor)
        draft = draft_page(page, self.pages + 1, self.cursor)
        check_length(draft.sequence, self.options)
        changes = self._compare(draft)
        if draft.cursor_digest is not None and not self.ledger.add_cursor(draft.cursor_digest):
            raise cursor_repeated(draft)
        self.pages += 1
        self.counts += changes
        return not page.done

    def _compare(self, draft: PageDraft) -> Counts:
        refs = [each.ref for each in draft.entities if each.ref is not None]
        stored = self._stored(refs)
        same = [each for each in draft.entities if self._is_same(each.digest, stored.get(each.ref or ""))]
        unchanged = {each.ref for each in same}
        compared = Compared(
            same=[0] * len(same),
            written_before=0,
            differing={ref: each for ref, each in stored.items() if ref not in unchanged},
            candidates=[each for each in draft.entities if each.ref not in unchanged],
        )
        changes = decide(draft, compared, self.provider, self.ingestion, self.options, _writing_nothing)
        known = self.ledger.known_problems([found.key for found in changes.problems])
        problems, counts = without_repeated_problems(changes, known)
        self.ledger.write((each.ref or "", each.digest, each.digest, each.location_key) for each in same)
        self.ledger.write((each.ref or "", old.digest, each.digest, each.location_key) for old, each in changes.update)
        new = [*changes.insert, *(each for _, each in changes.take_over)]
        self.ledger.write((each.ref or "", None, each.digest, each.location_key) for each in new)
        self._mark(problems)
        return counts

    def _stored(self, refs: list[str]) -> dict[str, Stored]:
        catalog = {
            each.ref: Stored(0, each.provider, each.location_key, each.digest, 0) for each in self.store.known(refs)
        }
        return catalog | self.ledger.written(refs, self.provider, self.ingestion)

    def _is_same(self, digest: bytes, stored: Stored | None) -> bool:
        return stored is not None and stored.owner == self.provider and stored.digest == digest

    def _mark(self, problems: list[FoundProblem]) -> None:
        self.ledger.add_problems(problems)
        reported = [each.problem.ref for each in problems if each.kind is ProblemKind.REPORTED and each.problem.ref]
        others = [each.problem.ref for each in problems if each.kind is not ProblemKind.REPORTED and each.problem.ref]
        # What a provider could not read is marked only where something is stored (C-7).
        self.ledger.mark([*others, *(each.ref for each in self.store.known(reported))])

    def _owned(self, after: str) -> list[OwnedRef]:
        try:
            return self.store.owned(self.provider, after=after, limit=READ_AHEAD)
        except UnknownProvider:
            return []

    def result(self) -> Plan:
        """What comes of it, once all pages are in."""
        after = ""
        while owned := self._owned(after):
            self.ledger.own(owned)
            after = owned[-1].ref
        self.ledger.settle(self.options.removal_grace_cycles, marks_count=self.is_scheduled)
        made = Plan(self.ledger, self.state, self.ingestion, self.pages, self.counts)
        bad = self.counts.invalid
        distinct = self.ledger.count_distinct(marks_count=self.is_scheduled)
        if not guards.too_many_invalid(bad, distinct, self.options):
            made.verdict = self._verdict(made.added)
        return made

    def _verdict(self, added: int) -> Verdict:
        owned = self.ledger.count_owned()
        grace = self.options.removal_grace_cycles
        stale, approved, removable = self.ledger.count_stale(grace, marks_count=self.is_scheduled)
        census = Census(
            marked=owned + added - stale,
            stale=stale,
            removable=removable,
            base=owned - approved,
            valid=self.counts.valid,
            unreadable=self.counts.unreadable,
            approved=approved,
        )
        refused_by = guards.judge(census, self.options)
        removed = 0 if refused_by else removable + approved
        when = {"id": 0, "ingestion": self.ingestion, "decided_at": self.state.now}
        return Verdict.of(census, refused_by, removed, self.options, **when)


def _writing_nothing(_: Sequence[Entity]) -> None:
    """What a plan does with new entities (C-28)."""
