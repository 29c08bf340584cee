from __future__ import annotations

from collections.abc import Callable

import pytest

from incrsim.errors import InvalidEntity, UnknownProvider
from incrsim.guards import Guard
from incrsim.ingestion import Outcome, Status
from incrsim.options import ProviderOptions
from incrsim.store.mutating import DeltaDraft
from incrsim.store.page import ProblemKind
from tests.contract.base import Contract, everything
from tests.contract.driver import Driver
from tests.contract.samples import broken, good, ref

Steps = Callable[[Driver], object]

IN_EVERY_STATUS: dict[Status, Steps] = {
    Status.SCHEDULED: lambda p: None,
    Status.BURSTING: lambda p: p.begin(),
    Status.INTERSTITIAL: lambda p: (p.begin(), p.page(good("a"), good("b")), p.end_burst()),
    Status.BACKING_OFF: lambda p: (p.begin(), p.fail()),
    Status.SWEEPING: lambda p: (p.begin(), p.page(good("a"), good("b"), done=True)),
    Status.RESTING: lambda p: p.cycle(good("a"), good("b")),
}
"""How to come there from the start."""


def body_of(p: Driver, name: str) -> bytes:
    """What the catalog holds of an entity."""
    return p.bodies().get(ref(name), b"")


class DeltaContract(Contract):
    """Events and direct deltas (C-22, C-23, C-29, C-30)."""

    # --- what they do -------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-29", "C-30")
    @pytest.mark.parametrize("status", IN_EVERY_STATUS)
    def test_applied_at_once_in_every_status(self, p: Driver, status: Status) -> None:
        """Whatever the provider is doing, what was added is there and what was removed is gone, and nothing else
        changed.
        """
        p.delta(good("a"), good("b"))
        IN_EVERY_STATUS[status](p)
        before = p.store.state("p")
        applied = p.delta(good("a", "new"), good("c"), removed=["b", "nobody"])
        assert p.names() == ["a", "c"]
        assert b'"new"' in body_of(p, "a")
        counts = applied.counts
        assert (counts.added, counts.updated, counts.unchanged, counts.removed) == (1, 1, 0, 1)
        after = p.store.state("p")
        assert applied.ingestion == after.ingestion
        assert (after.ingestion.status, after.ingestion.due_at, after.lease, after.fence) == (
            status,
            before.ingestion.due_at,
            before.lease,
            before.fence,
        )

    @pytest.mark.rule("C-29")
    def test_the_open_ingestion_counts_it(self, p: Driver) -> None:
        """What events added, changed and removed during an ingestion is part of its counts, once."""
        p.cycle(good("a"), good("b"), good("c"))
        p.begin()
        p.page(good("b"))
        p.delta(good("a", "new"), good("d"), removed=["c"])
        p.page(good("a", "new"), good("d"), done=True)
        counts = p.sweep().counts
        assert (counts.added, counts.updated, counts.unchanged, counts.removed) == (1, 1, 1, 1)

    @pytest.mark.rule("C-29")
    def test_an_event_needs_no_first_page(self, p: Driver) -> None:
        """An event before the first page of the first ingestion is kept (U11)."""
        assert p.delta(good("a")).ingestion.number == 1
        assert p.names() == ["a"]

    def test_a_delta_of_an_unknown_provider(self, p: Driver) -> None:
        """A delta for a provider that was never registered is an error."""
        with pytest.raises(UnknownProvider, match="known: p"):
            p.store.apply_delta("x", DeltaDraft([good("a")], []), ProviderOptions())

    # --- marks --------------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-29")
    @pytest.mark.parametrize("note", ["", "new"], ids=["unchanged", "changed"])
    def test_marked_in_the_open_ingestion(self, p: Driver, note: str) -> None:
        """What an event added is not swept by the ingestion that is under way, changed or not, and by the next one if
        that does not return it.
        """
        p.cycle(good("a"), good("b"))
        p.begin()
        p.delta(good("a", note), good("c"))
        p.page(good("b"), done=True)
        assert p.sweep().counts.removed == 0
        assert p.names() == ["a", "b", "c"]
        assert p.cycle(good("b")).counts.removed == 2

    @pytest.mark.rule("C-29")
    def test_marked_in_the_scheduled_one(self, p: Driver) -> None:
        """What comes before an ingestion's first page is marked in that ingestion (U11)."""
        p.delta(good("a"))
        assert p.cycle(good("b")).counts.removed == 0
        p.cycle(good("b"))
        assert p.names() == ["b"]

    @pytest.mark.rule("C-29")
    def test_marked_in_the_one_that_rests(self, p: Driver) -> None:
        """Between two cycles the resting ingestion gets the mark: if the source never lists it, the next sweep removes
        it (U11: it was never removed).
        """
        p.cycle(good("b"))
        p.delta(good("a"))
        assert p.names() == ["a", "b"]
        p.cycle(good("b"))
        assert p.names() == ["b"]

    @pytest.mark.rule("C-25")
    def test_an_event_resets_grace(self, p: Driver) -> None:
        """What an event added has its whole grace again."""
        p.setting(removal_grace_cycles=1)
        p.cycle(good("a"), good("b"))
        p.cycle(good("b"))
        p.delta(good("a"))
        p.cycle(good("b"))
        assert p.names() == ["a", "b"]
        p.cycle(good("b"))
        assert p.names() == ["b"]

    # --- guards -------------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-29")
    def test_guards_do_not_apply(self, p: Driver) -> None:
        """An event may remove more than any guard would let a sweep remove."""
        p.setting(reject_removals_above_percentage=0, reject_removals_above_count=0)
        p.cycle(good("a"), good("b"))
        assert p.delta(removed=["a", "b"]).counts.removed == 2
        assert p.names() == []

    @pytest.mark.rule("C-22")
    def test_events_do_not_make_a_source_look_full(self, p: Driver) -> None:
        """An ingestion whose pages returned nothing valid removes nothing, whatever events brought."""
        p.setting(reject_empty_source_collections=True)
        p.cycle(good("a"))
        p.begin()
        p.delta(good("b"))
        p.page(done=True)
        verdict = p.sweep().verdict
        assert verdict is not None
        assert verdict.refused_by == (Guard.EMPTY,)
        assert p.names() == ["a", "b"]

    @pytest.mark.rule("C-22")
    def test_an_event_does_not_make_a_source_look_empty(self, p: Driver) -> None:
        """A page whose only entity an event has set meanwhile returned one all the same."""
        p.setting(reject_empty_source_collections=True)
        p.cycle(good("a"), good("b"))
        p.begin()
        p.delta(good("a", "new"))
        p.page(good("a"), done=True, fetched_after=0)
        assert p.sweep().outcome is Outcome.SWEPT

    @pytest.mark.rule("C-23")
    def test_what_came_before_the_first_page_is_in_the_base(self, p: Driver) -> None:
        """The base holds what existed before the ingestion's first page, and an event after that does not dilute it."""
        p.cycle(good("a"))
        p.begin()
        p.delta(good("b"))
        p.page(good("b"))
        p.delta(good("c"))
        p.page(good("c"), done=True)
        verdict = p.sweep().verdict
        assert verdict is not None
        assert (verdict.census.base, verdict.census.marked, verdict.census.stale) == (2, 2, 1)

    # --- pages that were fetched before -------------------------------------------------------------------------------

    @pytest.mark.rule("C-29")
    def test_an_older_page_does_not_bring_back(self, p: Driver) -> None:
        """What an event removed after a page was fetched stays away, though the page has it."""
        p.cycle(good("a"), good("b"))
        granted = p.begin()
        p.delta(removed=["a"])
        counts = p.page(good("a"), good("b"), done=True, fetched_after=granted.deltas).counts
        assert (counts.added, counts.unchanged, counts.returned, counts.valid) == (0, 1, 2, 2)
        p.sweep()
        assert p.names() == ["b"]

    @pytest.mark.rule("C-29")
    def test_an_older_page_does_not_overwrite(self, p: Driver) -> None:
        """What an event added after a page was fetched stays as the event had it, and is marked."""
        p.cycle(good("a"), good("b"))
        granted = p.begin()
        p.delta(good("a", "event"), good("c", "event"))
        p.page(good("a", "page"), good("b"), good("c", "page"), done=True, fetched_after=granted.deltas)
        p.sweep()
        assert p.names() == ["a", "b", "c"]
        assert b'"event"' in body_of(p, "a")
        assert b'"event"' in body_of(p, "c")

    @pytest.mark.rule("C-29")
    def test_a_page_fetched_after_the_event_counts(self, p: Driver) -> None:
        """A page whose fetch began after an event is newer than that event, in the same burst and in a later one."""
        p.cycle(good("a"), good("b"))
        p.begin()
        applied = p.delta(good("a", "event"), removed=["b"])
        assert applied.counts.removed == 1
        p.delta(good("z"))
        p.page(good("a", "page"), good("b"), fetched_after=1)
        assert b'"page"' in body_of(p, "a")
        p.delta(good("a", "event"), removed=["b"])
        p.end_burst()
        p.begin()
        p.page(good("a", "page"), good("b"), done=True)
        assert b'"page"' in body_of(p, "a")
        assert p.names() == ["a", "b", "z"]

    @pytest.mark.rule("C-29")
    def test_each_page_knows_how_many_events_there_were(self, p: Driver) -> None:
        """Claims and commits tell how many deltas there were, which is what the next page's fetch begins with."""
        assert p.begin().deltas == 0
        p.delta(good("a"))
        p.delta(good("b"))
        assert p.page(good("c"), fetched_after=0).deltas == 2
        p.end_burst()
        p.delta(good("b"))
        assert p.begin().deltas == 3

    # --- whose it is --------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-29", "C-9")
    def test_another_providers_entity_is_left_alone(self, p: Driver, q: Driver) -> None:
        """An event neither removes nor overwrites what another provider owns; a lost claim is a problem."""
        q.cycle(good("a", "q"), good("b", "q"))
        before = q.bodies()
        counts = p.delta(good("a", "p"), removed=["b"]).counts
        assert (counts.added, counts.removed, counts.lost) == (0, 0, 1)
        assert q.bodies() == before
        (problem,) = p.store.problems("p")
        assert (problem.kind, problem.ref, problem.sequence) == (ProblemKind.LOST_CLAIM, ref("a"), 0)

    @pytest.mark.rule("C-9")
    def test_an_event_takes_over_by_location_key(self, p: Driver, q: Driver) -> None:
        """With the same location key an event takes an entity over."""
        q.cycle(good("a", "q", key="k"))
        assert p.delta(good("a", "p", key="k")).counts.added == 1
        assert (p.names(), q.names()) == (["a"], [])

    # --- invalid ones -------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-29", "C-7")
    def test_invalid_ones_are_quarantined(self, p: Driver) -> None:
        """The others of a delta are stored; the bad one is a problem, once per ingestion, and its ref is marked."""
        p.cycle(good("a"), good("b"))
        p.begin()
        counts = p.delta(broken("a"), good("c")).counts
        assert (counts.invalid, counts.added) == (1, 1)
        assert p.delta(broken("a")).counts.invalid == 0
        (problem,) = p.store.problems("p")
        assert (problem.kind, problem.ref, problem.sequence) == (ProblemKind.INVALID, ref("a"), 0)
        p.page(good("b"), done=True)
        assert p.sweep().counts.invalid == 1
        assert p.names() == ["a", "b", "c"]

    @pytest.mark.rule("C-29")
    def test_a_delta_that_fails_keeps_nothing(self, p: Driver) -> None:
        """With `on_invalid_entity="fail"` one bad entity refuses the whole delta."""
        p.setting(on_invalid_entity="fail").cycle(good("a"))
        p.begin()
        before = everything(p.store)
        with pytest.raises(InvalidEntity):
            p.delta(good("b"), broken("c"), removed=["a"])
        assert everything(p.store) == before
        assert p.delta(good("a", "event")).counts.updated == 1


class MutationReadingContract(Contract):
    """What `plan` reads (C-28)."""

    def test_known_refs(self, p: Driver, q: Driver) -> None:
        """What the catalog holds under some refs, sorted; free ones are left out, and no text is too odd to ask for."""
        p.cycle(good("b"), good("a", key="k"))
        q.cycle(good("c"))
        known = p.store.known([ref("c"), ref("a"), ref("x"), ref("a"), "\0", "\ud800"])
        assert [(each.ref, each.provider, each.location_key) for each in known] == [
            (ref("a"), "p", "k"),
            (ref("c"), "q", None),
        ]
        assert known[0].digest == good("a", key="k").digest
        assert p.store.known([]) == []

    def test_owned_refs_are_paged(self, p: Driver, q: Driver) -> None:
        """What a provider owns, in the order of refs."""
        p.cycle(*(good(name) for name in "abcd"))
        q.cycle(good("c0"))
        assert [each.ref for each in p.store.owned("p", limit=2)] == [ref("a"), ref("b")]
        assert [each.ref for each in p.store.owned("p", after=ref("b"))] == [ref("c"), ref("d")]
        with pytest.raises(UnknownProvider):
            p.store.owned("x")

    def test_grace_that_is_used_up(self, p: Driver) -> None:
        """How many sweeps have found an entity stale; none once an event, or a page of a refused one, marked it."""
        p.setting(removal_grace_cycles=3, reject_empty_source_collections=True)
        p.cycle(*(good(name) for name in "abc"))
        p.cycle(good("a"))
        p.cycle(good("a"))
        assert self._stale_cycles(p) == {"a": 0, "b": 2, "c": 2}
        p.delta(good("b"))
        assert self._stale_cycles(p) == {"a": 0, "b": 0, "c": 2}
        p.begin()
        p.page(good("c"), done=True, problems=["no /teams"])
        assert p.sweep().outcome is Outcome.REFUSED
        assert self._stale_cycles(p)["c"] == 0

    def test_what_events_marked(self, p: Driver) -> None:
        """What was written or marked in the open ingestion says so."""
        p.cycle(good("a"), good("b"))
        p.clock.advance(p.options.rest_length)
        p.claim()
        p.fail()
        p.delta(good("a"), good("c"))
        marked = {each.ref: each.marked for each in p.store.owned("p")}
        assert marked == {ref("a"): True, ref("b"): False, ref("c"): True}

    @staticmethod
    def _stale_cycles(p: Driver) -> dict[str, int]:
        return {each.ref.rpartition("/")[2]: each.stale_cycles for each in p.store.owned("p")}
