from __future__ import annotations

from collections.abc import Callable

import pytest

from incrsim.errors import SupersededVerdict
from incrsim.guards import Guard, Verdict
from incrsim.ingestion import Outcome, Status
from incrsim.lifecycle import Operator
from incrsim.operators import Operators
from incrsim.store.mutating import DeltaDraft
from incrsim.store.operating import Approved
from tests.contract.base import Contract, everything
from tests.contract.driver import Driver
from tests.contract.samples import good, ref

TEN = [good(f"e{number}") for number in range(10)]


def refused(p: Driver, **options: object) -> Verdict:
    """A sweep that would have removed e0, e1 and e2 of ten, refused."""
    p.setting(**({"reject_removals_above_count": 2} | options)).cycle(*TEN)
    verdict = p.cycle(*TEN[3:]).verdict
    assert verdict is not None
    assert verdict.refused
    return verdict


def remaining(p: Driver) -> list[str]:
    """Which of the refused three are still there."""
    return [name for name in p.names() if name in ("e0", "e1", "e2")]


class ApprovalContract(Contract):
    """Refused removals that an operator lets through (C-26)."""

    @pytest.mark.rule("C-26")
    def test_at_once_while_resting(self, p: Driver) -> None:
        """While the refused ingestion rests, an approval removes what it refused to, at once, and the rest goes on."""
        verdict = refused(p)
        before = p.now_at
        assert p.store.approve("p", verdict.id) == Approved(verdict, removed=3, kept=0, waiting=0)
        assert (remaining(p), len(p.names())) == ([], 7)
        assert (p.now_at.status, p.now_at.due_at, p.now_at.counts.removed) == (Status.RESTING, before.due_at, 3)
        state = p.store.state("p")
        assert (state.last_verdict, state.approved) == (verdict, True)
        assert p.store.stale("p") == [ref("e0"), ref("e1"), ref("e2")]
        after = p.cycle(*TEN[3:])
        assert (after.outcome, after.counts.removed, p.store.stale("p")) == (Outcome.SWEPT, 0, [])

    @pytest.mark.rule("C-26")
    def test_in_chunks(self, p: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
        """However small the chunks are in which it removes, all that was refused goes."""
        monkeypatch.setattr("incrsim.store.operations.SWEEP_CHUNK", 2)
        assert p.store.approve("p", refused(p).id).removed == 3
        assert remaining(p) == []

    @pytest.mark.rule("C-26")
    def test_what_another_took_over_is_kept(self, p: Driver, q: Driver) -> None:
        """What is owned by another provider by then is not removed, at once or later."""
        keyed = [good(f"e{number}", key="k") for number in range(10)]
        p.setting(reject_removals_above_count=2).cycle(*keyed)
        verdict = p.cycle(*keyed[3:]).verdict
        assert verdict is not None
        q.cycle(keyed[0])
        assert p.store.approve("p", verdict.id) == Approved(verdict, removed=2, kept=1, waiting=0)
        assert (remaining(p), q.names()) == ([], ["e0"])

    @pytest.mark.rule("C-26")
    def test_what_came_back_under_its_name_is_kept(self, p: Driver, q: Driver) -> None:
        """An entity that went and came back is another one, which nobody refused to remove."""
        keyed = [good(f"e{number}", key="k") for number in range(10)]
        p.setting(reject_removals_above_count=2).cycle(*keyed)
        verdict = p.cycle(*keyed[3:]).verdict
        assert verdict is not None
        q.cycle(keyed[0])
        q.cycle()
        p.begin()
        p.page(keyed[0])
        p.store.operate("p", Operator.START)
        approved = p.store.approve("p", verdict.id)
        assert (approved.removed, approved.waiting, approved.kept) == (0, 2, 1)
        swept = p.cycle(*keyed[3:]).verdict
        assert swept is not None
        assert (swept.census.approved, swept.census.removable) == (2, 1)

    @pytest.mark.rule("C-26")
    @pytest.mark.parametrize("note", ["", "changed"])
    def test_what_an_event_added_since_is_kept(self, p: Driver, note: str) -> None:
        """What an event brought during the rest, changed or not, was marked since, and is not removed."""
        verdict = refused(p)
        p.store.apply_delta("p", DeltaDraft([good("e0", note)], ()), p.options)
        assert p.store.approve("p", verdict.id) == Approved(verdict, removed=2, kept=1, waiting=0)
        assert remaining(p) == ["e0"]

    @pytest.mark.rule("C-26")
    def test_twice_is_once(self, p: Driver) -> None:
        """A second approval finds nothing left, at once or waiting, and changes nothing."""
        verdict = refused(p)
        p.store.approve("p", verdict.id)
        before = everything(p.store)
        assert p.store.approve("p", verdict.id) == Approved(verdict, removed=0, kept=3, waiting=0)
        assert everything(p.store) == before
        p.begin()
        p.store.approve("p", verdict.id)
        assert p.store.approve("p", verdict.id).waiting == 0

    @pytest.mark.rule("C-26")
    @pytest.mark.parametrize("wrong", ["superseded", "swept", "none", "unheard of"])
    def test_only_the_last_refusal(self, p: Driver, wrong: str) -> None:
        """A verdict that is not the last, or that refused nothing, is an error with the current numbers."""
        if wrong != "none":
            refused(p)
        if wrong == "superseded":
            p.cycle(*TEN[4:])
        if wrong == "swept":
            p.cycle(*TEN)
        asked = {"superseded": 2, "swept": 3, "none": 1, "unheard of": 7}[wrong]
        expected = {
            "superseded": r"verdict 2 of 'p' is not its last one; that is 3: refused to remove 4 of 10 \(40.00 %\)",
            "swept": r"verdict 3 of 'p' is the last one, and needs no approval: swept: removed 0 of 10",
            "none": "'p' has no verdict to approve",
            "unheard of": "verdict 7 of 'p' is not its last one; that is 2: refused to remove 3 of 10",
        }[wrong]
        before = everything(p.store)
        with pytest.raises(SupersededVerdict, match=expected):
            p.store.approve("p", asked)
        assert everything(p.store) == before

    @pytest.mark.rule("C-26")
    def test_nothing_is_left_to_approve_after_a_delete(self, p: Driver) -> None:
        """With the records the verdict goes, and with it what could have been approved."""
        verdict = refused(p)
        Operators(p.store).delete("p")
        with pytest.raises(SupersededVerdict, match="no verdict"):
            p.store.approve("p", verdict.id)

    # --- while the next ingestion is open -----------------------------------------------------------------------------

    @pytest.mark.rule("C-26")
    @pytest.mark.rule("C-23")
    @pytest.mark.parametrize(("count", "percentage", "outcome"), [(1, None, "swept"), (0, None, "refused")])
    def test_guards_do_not_count_what_was_approved(
        self, p: Driver, count: int, percentage: str | None, outcome: str
    ) -> None:
        """Approved refs are removed with the others, and the count guard sees the others alone."""
        verdict = refused(p)
        p.begin()
        assert p.store.approve("p", verdict.id) == Approved(verdict, removed=0, kept=0, waiting=3)
        assert remaining(p) == ["e0", "e1", "e2"]
        p.setting(reject_removals_above_count=count, reject_removals_above_percentage=percentage)
        p.page(*TEN[4:], good("new"), done=True)
        swept = p.sweep()
        assert swept.outcome == outcome
        assert swept.verdict is not None
        census = swept.verdict.census
        assert (census.stale, census.approved, census.removable, census.base, census.marked) == (4, 3, 1, 7, 7)
        assert swept.verdict.removed == swept.counts.removed == (4 if outcome == "swept" else 0)
        assert remaining(p) == ([] if outcome == "swept" else ["e0", "e1", "e2"])

    @pytest.mark.rule("C-26")
    @pytest.mark.parametrize(("limit", "outcome"), [("14.2857142", "refused"), ("14.2857143", "swept")])
    def test_the_percentage_is_of_what_was_not_approved(self, p: Driver, limit: str, outcome: str) -> None:
        """One of seven, exactly: three approved ones of ten are neither in the removable nor in the base."""
        verdict = refused(p)
        p.begin()
        p.store.approve("p", verdict.id)
        p.setting(reject_removals_above_count=None, reject_removals_above_percentage=limit)
        p.page(*TEN[4:], done=True)
        assert p.sweep().outcome == outcome

    @pytest.mark.rule("C-26")
    def test_an_empty_source_is_let_through_when_all_of_it_was_approved(self, p: Driver) -> None:
        """A source that is empty on purpose is not refused again for being empty, but what is new in it is."""
        p.setting(reject_empty_source_collections=True).cycle(*TEN)
        verdict = p.cycle().verdict
        assert verdict is not None
        assert verdict.refused_by == (Guard.EMPTY,)
        p.begin()
        p.store.approve("p", verdict.id)
        p.page(done=True)
        assert p.sweep().counts.removed == 10

    @pytest.mark.rule("C-26")
    @pytest.mark.parametrize(
        "when", ["before", "after", "in an ingestion that was canceled", "since, and approved then"]
    )
    def test_what_was_marked_since_is_kept(self, p: Driver, when: str) -> None:
        """What a page returned since the verdict is not removed, whether its ingestion lasts or was canceled."""
        verdict = refused(p)
        approved = None
        if when in ("after", "in an ingestion that was canceled"):
            p.begin()
            approved = p.store.approve("p", verdict.id)
        else:
            p.begin()
        p.page(TEN[0])
        if when in ("in an ingestion that was canceled", "since, and approved then"):
            p.store.operate("p", Operator.START)
            p.begin()
        approved = approved or p.store.approve("p", verdict.id)
        assert approved.waiting + approved.kept == 3
        assert approved.waiting == (2 if when in ("before", "since, and approved then") else 3)
        p.setting(reject_removals_above_count=0)
        p.page(*TEN[3:], done=True)
        outcome = p.sweep().outcome
        # Where the page is one of this ingestion's, it marks e0; else e0 is stale, not approved, and one too many.
        canceled = when in ("in an ingestion that was canceled", "since, and approved then")
        assert outcome is (Outcome.REFUSED if canceled else Outcome.SWEPT)
        assert remaining(p) == (["e0", "e1", "e2"] if canceled else ["e0"])

    @pytest.mark.rule("C-26")
    def test_what_was_changed_since_is_kept(self, p: Driver) -> None:
        """What a page wrote since the verdict was added since, and is not removed either."""
        verdict = refused(p)
        p.begin()
        p.page(good("e0", "changed"))
        assert p.store.approve("p", verdict.id) == Approved(verdict, removed=0, kept=1, waiting=2)

    @pytest.mark.rule("C-26")
    def test_an_approval_lapses_with_its_verdict(self, p: Driver) -> None:
        """A sweep that is refused for other reasons removes nothing, and asks for all of it anew."""
        verdict = refused(p)
        p.begin()
        p.store.approve("p", verdict.id)
        p.setting(reject_removals_above_count=0)
        p.page(*TEN[4:], done=True)
        again = p.sweep().verdict
        assert again is not None
        assert (again.refused_by, len(p.names()), p.store.state("p").approved) == ((Guard.COUNT,), 10, False)
        assert p.store.stale("p") == [ref(f"e{number}") for number in range(4)]
        p.begin()
        p.page(*TEN[4:], done=True)
        later = p.sweep().verdict
        assert later is not None
        assert (later.census.approved, later.census.removable, later.census.base) == (0, 4, 10)

    @pytest.mark.rule("C-26")
    def test_an_approval_outlives_canceled_ingestions(self, p: Driver) -> None:
        """What was approved waits for the next sweep, however many ingestions never get there."""
        verdict = refused(p)
        for _ in range(3):
            p.store.operate("p", Operator.START)
        assert p.store.approve("p", verdict.id).waiting == 3
        p.store.operate("p", Operator.START)
        p.setting(reject_removals_above_count=0)
        assert p.cycle(*TEN[3:]).counts.removed == 3

    @pytest.mark.rule("C-26")
    def test_an_approval_ends_a_grace(self, p: Driver) -> None:
        """What was approved goes with the next sweep, also if the grace has been made longer meanwhile."""
        verdict = refused(p)
        p.begin()
        p.store.approve("p", verdict.id)
        p.setting(removal_grace_cycles=2, reject_removals_above_count=0)
        p.page(*TEN[4:], done=True)
        swept = p.sweep()
        assert (swept.counts.removed, remaining(p)) == (3, [])
        assert "e3" in p.names()

    @pytest.mark.rule("C-26")
    @pytest.mark.parametrize("lost", [None, lambda p: p.clock.advance(p.lease.length)])
    def test_a_crash_in_between_loses_no_approval(self, p: Driver, lost: Callable[[Driver], None] | None) -> None:
        """Another replica that goes on after a crash sweeps by the same approval."""
        verdict = refused(p)
        p.begin()
        p.store.approve("p", verdict.id)
        p.page(*TEN[3:], done=lost is None)
        p.clock.advance(p.lease.length)
        other = p.other("r2").setting(reject_removals_above_count=0)
        other.claim()
        if lost is not None:
            other.page(done=True)
        assert other.sweep().counts.removed == 3
