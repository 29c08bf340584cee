"""A provider's work on a store, one step at a time: what an engine does, without pages being fetched anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from incrsim.clock import VirtualClock
from incrsim.cursor import JSONValue, canonical_cursor
from incrsim.draft import draft_page
from incrsim.entity import Entity
from incrsim.ingestion import Consequence, Counts, Failure, Ingestion, Status
from incrsim.lifecycle import Decision
from incrsim.options import ProviderOptions
from incrsim.provider import Page, Problem
from incrsim.store import Store
from incrsim.store.contract import Claim, CommittedPage, Granted, Lease
from incrsim.store.mutating import AppliedDelta, AppliedFull, DeltaDraft
from incrsim.store.page import PageDraft
from tests.contract.samples import ref


@dataclass(slots=True)
class Driver:
    """Works for one provider.

    Args:
        store: where it works.
        clock: the store's clock.
        name: the provider.
        holder: the replica's name.
        options: the provider's options; `setting` exchanges some.
    """

    store: Store
    clock: VirtualClock
    name: str = "p"
    holder: str = "r1"
    options: ProviderOptions = field(default_factory=ProviderOptions)
    held: Lease | None = None
    ingestion: Ingestion | None = None
    deltas: int = 0

    def __post_init__(self) -> None:
        self.store.register(self.name)

    @property
    def lease(self) -> Lease:
        """The lease of the last claim, as of its last renewal."""
        assert self.held is not None, "claim first"
        return self.held

    @property
    def now_at(self) -> Ingestion:
        """The ingestion that is not complete, as the store has it."""
        return self.store.state(self.name).ingestion

    def setting(self, **options: object) -> Driver:
        """Change some options from now on; limits on invalid entities included."""
        self.options = ProviderOptions.of(**(self.options.describe() | options))
        return self

    def other(self, holder: str) -> Driver:
        """Another replica that serves the same provider."""
        return Driver(self.store, self.clock, self.name, holder, self.options)

    # --- steps --------------------------------------------------------------------------------------------------------

    def try_claim(self) -> Claim:
        """Claim now, due or not."""
        return self.store.claim(self.name, self.holder, self.options)

    def claim(self) -> Granted:
        """Claim now; it must succeed."""
        granted = self.try_claim()
        assert isinstance(granted, Granted), granted
        self.held, self.ingestion, self.deltas = granted.lease, granted.ingestion, granted.deltas
        return granted

    def begin(self) -> Granted:
        """Wait until the provider is due and free, then claim it."""
        state = self.store.state(self.name)
        if state.ingestion.due_at is not None:
            self.clock.advance_to(state.ingestion.due_at)
        if state.lease is not None:
            self.clock.advance_to(state.lease.expires_at)
        return self.claim()

    def page(  # all that a page may have
        self,
        *entities: Entity,
        done: bool = False,
        cursor: JSONValue = None,
        problems: Iterable[Problem | str] = (),
        sequence: int | None = None,
        fetched_after: int | None = None,
    ) -> CommittedPage:
        """Commit the next page; unless a cursor is given, it is the page's number.

        It was fetched just now, unless `fetched_after` says how many deltas there had been.
        """
        assert self.ingestion is not None, "claim first"
        number = self.ingestion.pages + 1 if sequence is None else sequence
        text = None if done else canonical_cursor(number if cursor is None else cursor)
        draft = draft_page(Page(entities, done=done, problems=problems), number, text)
        draft = replace(draft, deltas=self.deltas if fetched_after is None else fetched_after)
        committed = self.store.commit_page(self.lease, draft, self.options)
        self.held, self.ingestion = committed.lease, committed.decision.ingestion
        self.deltas = committed.deltas
        return committed

    def sweep(self) -> Ingestion:
        """Commit the sweep."""
        self.ingestion = self.store.commit_sweep(self.lease, self.options)
        return self.ingestion

    def fail(self, message: str = "no", **more: object) -> Decision:
        """Record a failure; `consequence=…` says which."""
        failure = Failure("ValueError", message, **more)  # type: ignore[arg-type]  # fields are the caller's business
        return self.store.record_failure(self.lease, failure, self.options)

    def fail_with(self, consequence: Consequence, after: timedelta = timedelta(0)) -> Decision:
        """Record a failure of that consequence; a rate limit lasts for `after`."""
        return self.fail(consequence=consequence, until=self.clock.now() + after)

    def end_burst(self) -> Ingestion:
        """End the burst."""
        return self.store.end_burst(self.lease, self.options)

    # --- events and direct mutations ----------------------------------------------------------------------------------

    def delta(self, *added: Entity, removed: Iterable[str] = ()) -> AppliedDelta:
        """Apply an event; a page that was fetched before stays as old as it is."""
        return self.store.apply_delta(self.name, DeltaDraft(added, tuple(ref(name) for name in removed)), self.options)

    def lease_for_full(self) -> Lease:
        """Take the lease for a full mutation; it must be free."""
        lease = self.store.lease_for_full(self.name, self.holder, self.options)
        assert isinstance(lease, Lease), lease
        self.held = lease
        return lease

    def full(self, *entities: Entity) -> AppliedFull:
        """Apply a full mutation, on one page."""
        return self.full_of([entities])

    def full_of(self, pages: Sequence[Sequence[Entity]]) -> AppliedFull:
        """Apply a full mutation, on several pages."""
        return self.store.apply_full(self.lease_for_full(), drafts(pages), self.options)

    # --- whole cycles -------------------------------------------------------------------------------------------------

    def cycle(self, *entities: Entity, problems: Iterable[Problem | str] = ()) -> Ingestion:
        """A whole ingestion of one page, from when it is due to its sweep."""
        return self.cycle_of([entities], problems)

    def cycle_of(self, pages: Sequence[Sequence[Entity]], problems: Iterable[Problem | str] = ()) -> Ingestion:
        """A whole ingestion of several pages; the problems are reported by the last one."""
        self.begin()
        for entities in pages[:-1]:
            self.page(*entities)
        ended = self.page(*pages[-1], done=True, problems=problems).decision.ingestion
        return ended if ended.status is Status.COMPLETE else self.sweep()

    # --- what came of it ----------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The names of the entities that the provider owns, sorted."""
        return [each.ref.rpartition("/")[2] for each in self.store.entities(self.name)]

    def bodies(self) -> dict[str, bytes]:
        """What the provider owns."""
        return {each.ref: each.body for each in self.store.entities(self.name)}

    def counts(self) -> Counts:
        """What the ingestion did so far."""
        return self.now_at.counts


def drafts(pages: Sequence[Sequence[Entity]]) -> list[PageDraft]:
    """Pages as a full mutation has them: numbered, without cursors, the last one done."""
    return [draft_page(Page(each, done=n == len(pages)), n, None) for n, each in enumerate(pages, start=1)]
