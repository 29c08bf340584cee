from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from incrsim.errors import CallerError, Fenced, InvalidEntity, InvalidTransition, UnknownProvider
from incrsim.guards import Guard
from incrsim.ingestion import Outcome, Status
from incrsim.lifecycle import Operator
from incrsim.store.contract import Held
from incrsim.store.page import PageDraft
from tests.contract.base import Contract, everything
from tests.contract.deltas import IN_EVERY_STATUS
from tests.contract.driver import Driver, drafts
from tests.contract.samples import broken, good, unreadable
from tests.contract.sinks import told

OPEN = (Status.SCHEDULED, Status.RESTING)


class FullContract(Contract):
    """Full mutations (C-30)."""

    # --- what they do -------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-30")
    def test_the_catalog_is_made_equal(self, p: Driver) -> None:
        """What is new is added, what differs changed, what is not named removed, over any number of pages."""
        p.cycle(good("a"), good("b"), good("c"))
        applied = p.full_of([[good("a"), good("d")], [good("b", "new")]])
        assert p.names() == ["a", "b", "d"]
        assert b'"new"' in b"".join(p.bodies().values())
        counts = applied.ingestion.counts
        assert (counts.added, counts.updated, counts.unchanged, counts.removed) == (1, 1, 1, 1)

    @pytest.mark.rule("C-30")
    def test_it_is_an_ingestion_of_its_own(self, p: Driver) -> None:
        """In the history it is a complete ingestion with counts and verdict; the resting one before it keeps its
        outcome, and the next is due when the rest would have ended.
        """
        rested = p.cycle(good("a"))
        p.clock.advance(timedelta(hours=1))
        applied = p.full(good("b"))
        done, before = p.store.history("p")
        assert (before.number, before.outcome, before.completed_at) == (1, Outcome.SWEPT, p.clock.now())
        assert done == applied.ingestion
        assert (done.number, done.status, done.outcome, done.pages) == (2, Status.COMPLETE, Outcome.SWEPT, 1)
        assert done.verdict == applied.verdict
        assert p.now_at == applied.next
        assert (p.now_at.number, p.now_at.status, p.now_at.due_at) == (3, Status.SCHEDULED, rested.due_at)
        assert p.store.state("p").lease is None

    @pytest.mark.rule("C-30")
    def test_a_scheduled_ingestion_is_used(self, p: Driver) -> None:
        """Before the first cycle it takes the scheduled ingestion, and leaves the next one due when that was."""
        due_at = p.now_at.due_at
        p.clock.advance(timedelta(hours=1))
        applied = p.full(good("a"))
        assert (applied.ingestion.number, applied.next.number, applied.next.due_at) == (1, 2, due_at)
        p.cycle(good("b"))
        assert p.names() == ["b"]

    def test_the_same_ref_twice(self, p: Driver) -> None:
        """Of a ref that comes on two pages the later one wins, and it counts once."""
        applied = p.full_of([[good("a", "1"), good("b")], [good("a", "2")], []])
        assert (applied.ingestion.counts.added, p.names()) == (2, ["a", "b"])
        assert b'"2"' in b"".join(p.bodies().values())

    # --- guards -------------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-30")
    def test_guards_apply(self, p: Driver) -> None:
        """A removal that a guard refuses does not happen; what was added and changed stays, and the verdict's refs are
        kept.
        """
        p.setting(reject_removals_above_percentage=10).cycle(good("a"), good("b"))
        applied = p.full(good("c"))
        assert applied.verdict is not None
        assert applied.verdict.refused_by == (Guard.PERCENTAGE,)
        assert (applied.ingestion.outcome, applied.next.status) == (Outcome.REFUSED, Status.SCHEDULED)
        assert p.names() == ["a", "b", "c"]
        assert len(p.store.stale("p")) == 2

    def test_an_unreadable_entity_refuses_the_removals(self, p: Driver) -> None:
        """What cannot be read may be anything that is stored: nothing is removed."""
        p.cycle(good("a"))
        assert p.full(unreadable(), good("b")).ingestion.outcome is Outcome.REFUSED
        assert p.names() == ["a", "b"]

    @pytest.mark.rule("C-30")
    def test_too_many_invalid(self, p: Driver) -> None:
        """When too much is invalid nothing is removed either, and the next ingestion is due when it was."""
        rested = p.cycle(good("a"))
        applied = p.full(broken("x"), broken("y"), good("b"))
        assert (applied.verdict, applied.ingestion.outcome) == (None, Outcome.FAILED)
        assert p.now_at == applied.next
        assert [each.number for each in p.store.history("p")] == [2, 1]
        assert applied.next.due_at == rested.due_at
        assert p.names() == ["a", "b"]

    @pytest.mark.rule("C-30")
    def test_grace_applies(self, p: Driver) -> None:
        """Its sweep counts as one of those that an entity may miss."""
        p.setting(removal_grace_cycles=1).cycle(good("a"), good("b"))
        p.full(good("b"))
        assert p.names() == ["a", "b"]
        p.full(good("b"))
        assert p.names() == ["b"]

    # --- when ---------------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-30")
    @pytest.mark.parametrize("status", IN_EVERY_STATUS)
    def test_only_between_ingestions(self, p: Driver, status: Status) -> None:
        """A lease for it is given while the ingestion is scheduled or rests, and refused in every other status."""
        IN_EVERY_STATUS[status](p)
        state = p.store.state("p")
        if state.lease is not None:
            p.clock.advance_to(state.lease.expires_at)
        before = everything(p.store)
        if status in OPEN:
            p.lease_for_full()
            assert p.now_at == state.ingestion
            return
        with pytest.raises(InvalidTransition, match="needs an ingestion that is scheduled or resting"):
            p.lease_for_full()
        assert everything(p.store) == before

    @pytest.mark.rule("C-30", "C-37")
    def test_it_takes_the_lease(self, p: Driver) -> None:
        """One at a time works on a provider: a burst, or a full mutation; what was given back is free again."""
        held = p.setting(rest_length="0s").claim().lease
        assert p.other("r2").store.lease_for_full("p", "r2", p.options) == Held("r1", held.expires_at)
        p.page(good("a"), done=True)
        p.sweep()
        lease = p.lease_for_full()
        assert lease.fence == held.fence + 1
        assert p.other("r2").try_claim() == Held("r1", lease.expires_at)
        p.store.give_back(lease)
        assert p.store.state("p").lease is None
        p.store.give_back(lease)
        p.begin()
        p.store.give_back(lease)
        assert p.store.state("p").lease == p.lease

    @pytest.mark.rule("C-30", "C-37")
    @pytest.mark.parametrize("operator", [Operator.START, Operator.CANCEL])
    def test_overtaken(self, p: Driver, operator: Operator) -> None:
        """An operator who starts over or cancels overtakes it: nothing of it is kept."""
        p.cycle(good("a"))
        lease = p.lease_for_full()
        p.store.operate("p", operator)
        before = everything(p.store)
        with pytest.raises(Fenced):
            p.store.apply_full(lease, drafts([[good("b")]]), p.options)
        assert everything(p.store) == before

    @pytest.mark.rule("C-30")
    def test_a_rest_that_ends_meanwhile(self, p: Driver) -> None:
        """An operator who ends the rest does not disturb it: the next ingestion is used."""
        p.cycle(good("a"))
        lease = p.lease_for_full()
        p.store.operate("p", Operator.TRIGGER)
        applied = p.store.apply_full(lease, drafts([[good("b")]]), p.options)
        assert (applied.ingestion.number, applied.next.due_at) == (2, p.clock.now())
        assert p.names() == ["b"]

    def test_a_full_mutation_of_an_unknown_provider(self, p: Driver) -> None:
        """A provider that was never registered has no lease to take."""
        with pytest.raises(UnknownProvider):
            p.store.lease_for_full("x", "r1", p.options)

    # --- one step -----------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-30", "C-40")
    @pytest.mark.parametrize(
        ("error", "pages"),
        [
            (OSError, lambda: _breaking([[good("a", "new"), good("c")], [good("d")]])),
            (InvalidEntity, lambda: drafts([[good("a", "new"), good("c")], [broken("d")]])),
            (CallerError, lambda: drafts([[good("a", "new"), good("c")], [good("d")]])[:1]),
            (CallerError, list),
            (InvalidTransition, lambda: drafts([[good("c")], [good("d")]])[1:]),
        ],
        ids=["source", "invalid", "unfinished", "nothing", "out of order"],
    )
    def test_all_or_nothing(
        self, p: Driver, error: type[Exception], pages: Callable[[], list[PageDraft] | Iterator[PageDraft]]
    ) -> None:
        """One that fails in its middle, or does not come to its end, changes nothing; its lease can be given back."""
        p.setting(on_invalid_entity="fail").cycle(good("a"), good("b"))
        lease = p.lease_for_full()
        before = everything(p.store)
        with pytest.raises(error):
            p.store.apply_full(lease, pages(), p.options)
        assert everything(p.store) == before
        p.store.give_back(lease)
        assert p.full(good("c")).ingestion.counts.removed == 2

    def test_sinks_are_told_of_all_of_it_or_nothing(self, p: Driver) -> None:
        """What it adds, changes and removes goes to the sinks, and one that fails leaves nothing there."""
        p.cycle(good("a"), good("b"))
        p.store.register_sink("s")
        told(p.store)
        lease = p.lease_for_full()
        with pytest.raises(OSError, match="disk"):
            p.store.apply_full(lease, _breaking([[good("x")], [good("y")]]), p.options)
        p.store.give_back(lease)
        assert told(p.store) == []
        p.full_of([[good("a", "new")], [good("c")]])
        assert told(p.store) == [("p", 2, 3, "a c", "b")]

    @pytest.mark.rule("C-30")
    def test_who_dies_is_waited_for(self, p: Driver) -> None:
        """After a crash the lease expires, and the next cycle comes as if nothing had been."""
        rested = p.cycle(good("a"))
        lease = p.lease_for_full()
        p.clock.advance_to(max(lease.expires_at, rested.due_at or lease.expires_at))
        assert p.other("r2").claim().ingestion.number == 2
        with pytest.raises(Fenced):
            p.store.apply_full(lease, drafts([[good("b")]]), p.options)

    def test_pages_are_not_bounded_by_max_pages(self, p: Driver) -> None:
        """`max_pages` is about a source that never ends."""
        p.setting(max_pages=1)
        assert p.full_of([[good("a")], [good("b")]]).ingestion.pages == 2

    def test_it_replaces_what_events_did(self, p: Driver) -> None:
        """It is the newest word on every entity: also on those that events have set before."""
        p.delta(good("a", "event"))
        pages = [replace(each, deltas=0) for each in drafts([[good("a", "full")]])]
        p.store.apply_full(p.lease_for_full(), pages, p.options)
        assert b'"full"' in b"".join(p.bodies().values())


def _breaking(pages: list[list[object]]) -> Iterator[PageDraft]:
    first, *_ = drafts(pages)  # type: ignore[arg-type]  # entities all of them
    yield first
    raise OSError("the disk is gone")
