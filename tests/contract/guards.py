from __future__ import annotations

import pytest

from incrsim.entity import Entity
from incrsim.guards import Guard
from incrsim.ingestion import Outcome, Status
from incrsim.lifecycle import Operator
from tests.contract.base import Contract
from tests.contract.driver import Driver
from tests.contract.samples import broken, good, ref

TEN = [good(f"e{number}") for number in range(10)]


class GuardContract(Contract):
    """What a sweep may not do, and what stays known of it (C-21 to C-24, C-26)."""

    @pytest.mark.rule("C-26")
    def test_a_refused_sweep_removes_nothing_and_says_so(self, p: Driver) -> None:
        """A refused sweep removes nothing, rests as usual, and keeps verdict and refs through rest and next pages."""
        p.setting(reject_removals_above_count=2)
        p.cycle(*TEN)
        refused = p.cycle(*TEN[3:])
        assert (refused.status, refused.outcome, refused.counts.removed) == (Status.RESTING, Outcome.REFUSED, 0)
        assert refused.due_at == p.clock.now() + p.options.rest_length
        assert refused.verdict is not None
        verdict, census = refused.verdict, refused.verdict.census
        assert (verdict.id, verdict.ingestion, verdict.decided_at) == (2, 2, p.clock.now())
        assert (census.marked, census.stale, census.removable, census.base) == (7, 3, 3, 10)
        assert (verdict.refused_by, verdict.removed, verdict.percentage) == ((Guard.COUNT,), 0, 30.0)
        assert len(p.names()) == 10
        stale = [ref("e0"), ref("e1"), ref("e2")]
        assert p.store.stale("p") == stale
        p.begin()
        p.page(*TEN)
        assert p.store.stale("p") == stale

    @pytest.mark.rule("C-26")
    def test_the_refs_of_a_verdict_last_until_the_next(self, p: Driver) -> None:
        """The refs are those of the last verdict: a refusal puts its own in their place, a sweep that went on none."""
        p.setting(reject_removals_above_count=1)
        p.cycle(*TEN)
        p.cycle(*TEN[2:])
        p.cycle(*TEN[:-3])
        assert p.store.stale("p") == [ref("e7"), ref("e8"), ref("e9")]
        p.cycle(*TEN[1:])
        assert p.store.stale("p") == []

    @pytest.mark.rule("C-21")
    def test_what_was_refused_is_not_forgotten(self, p: Driver) -> None:
        """The next sweep that is not refused removes what earlier ones were not allowed to (U3)."""
        p.setting(reject_removals_above_percentage=20)
        p.cycle(*TEN)
        for _ in range(2):
            assert p.cycle(*TEN[5:]).outcome is Outcome.REFUSED
            assert len(p.names()) == 10
        assert p.setting(reject_removals_above_percentage=50).cycle(*TEN[5:]).counts.removed == 5
        assert p.names() == ["e5", "e6", "e7", "e8", "e9"]

    @pytest.mark.rule("C-21")
    def test_a_canceled_ingestion_forgets_nothing_that_was_refused(self, p: Driver) -> None:
        """Nor does it matter when an ingestion is canceled between the refusal and the next sweep."""
        p.setting(reject_removals_above_count=0)
        p.cycle(*TEN)
        p.cycle(*TEN[1:])
        p.begin()
        p.page(*TEN)
        p.store.operate("p", Operator.CANCEL)
        assert p.setting(reject_removals_above_count=1).cycle(*TEN[1:]).counts.removed == 1

    @pytest.mark.rule("C-22")
    def test_an_empty_source_can_be_refused(self, p: Driver) -> None:
        """With the option an ingestion whose pages returned no valid entity removes nothing; without it, all goes."""
        p.setting(reject_empty_source_collections=True)
        p.cycle(*TEN)
        empty: list[list[list[Entity]]] = [[[]], [[], []], [[], [broken("e0")]]]
        for pages in empty:
            refused = p.cycle_of(pages)
            assert refused.verdict is not None
            assert (refused.verdict.refused_by, len(p.names())) == ((Guard.EMPTY,), 10)
        assert p.cycle_of([[], [TEN[0]], []]).counts.removed == 9
        assert p.setting(reject_empty_source_collections=False).cycle().counts.removed == 1

    @pytest.mark.rule("C-22")
    def test_a_lost_claim_is_a_valid_entity(self, p: Driver, q: Driver) -> None:
        """What is valid but owned by another provider shows that the source is not empty."""
        q.cycle(good("a"))
        p.setting(reject_empty_source_collections=True).cycle(good("b"))
        assert p.cycle(good("a")).counts.removed == 1

    @pytest.mark.rule("C-23")
    def test_the_base_is_what_was_there_before(self, p: Driver) -> None:
        """New entities do not dilute the percentage: half of what was there is half."""
        p.setting(reject_removals_above_percentage=49)
        p.cycle(*TEN)
        refused = p.cycle_of([TEN[:5], [good(f"new{number}") for number in range(90)]])
        assert refused.verdict is not None
        assert (refused.verdict.census.base, refused.verdict.percentage) == (10, 50.0)
        assert (refused.verdict.refused_by, len(p.names())) == ((Guard.PERCENTAGE,), 100)

    @pytest.mark.rule("C-23")
    def test_the_base_holds_no_takeovers(self, p: Driver, q: Driver) -> None:
        """What this ingestion took over from another provider did not exist before it, as far as this one goes."""
        q.cycle(*(good(f"moved{number}", key="k") for number in range(90)))
        p.setting(reject_removals_above_percentage=49).cycle(*TEN)
        refused = p.cycle(*TEN[:5], *(good(f"moved{number}", "mine", key="k") for number in range(90)))
        assert refused.verdict is not None
        assert (refused.verdict.census.base, refused.verdict.census.marked) == (10, 95)
        assert refused.outcome is Outcome.REFUSED

    @pytest.mark.rule("C-23")
    def test_what_a_canceled_ingestion_added_was_there_before(self, p: Driver) -> None:
        """An entity is new in the ingestion that added it, and in no other, also when it is written again."""
        p.cycle(good("a"))
        p.begin()
        p.page(good("b"))
        p.store.operate("p", Operator.START)
        swept = p.cycle(good("a", "new"), good("b", "new"), good("c"))
        assert swept.verdict is not None
        assert swept.verdict.census.base == 2

    @pytest.mark.rule("C-23")
    def test_the_limit_is_exact_and_the_first_ingestion_passes(self, p: Driver) -> None:
        """Exactly the limit passes, one more is refused, 0 removes nothing, and an empty catalog has no base (U4)."""
        p.setting(reject_removals_above_percentage=0)
        assert p.cycle(*TEN).outcome is Outcome.SWEPT
        assert p.cycle(*TEN[1:]).outcome is Outcome.REFUSED
        p.setting(reject_removals_above_percentage=40)
        assert p.cycle(*TEN[5:]).outcome is Outcome.REFUSED
        assert p.cycle(*TEN[4:]).counts.removed == 4
        assert p.setting(reject_removals_above_percentage=100).cycle().counts.removed == 6

    @pytest.mark.rule("C-24")
    def test_the_count_is_exact(self, p: Driver) -> None:
        """As many as allowed may go and not one more; 0 removes nothing."""
        p.setting(reject_removals_above_count=0).cycle(*TEN)
        assert p.cycle(*TEN[1:]).outcome is Outcome.REFUSED
        p.setting(reject_removals_above_count=3)
        assert p.cycle(*TEN[4:]).outcome is Outcome.REFUSED
        assert p.cycle(*TEN[3:]).counts.removed == 3

    @pytest.mark.rule("C-26")
    def test_only_the_removable_are_kept(self, p: Driver) -> None:
        """What is stale but within its grace counts in no limit, and is not among a verdict's refs."""
        p.setting(removal_grace_cycles=1, reject_removals_above_count=0).cycle(*TEN)
        assert p.cycle(*TEN[1:]).outcome is Outcome.SWEPT
        refused = p.cycle(*TEN[3:])
        assert refused.verdict is not None
        assert (refused.verdict.census.stale, refused.verdict.census.removable) == (3, 1)
        assert p.store.stale("p") == [ref("e0")]
