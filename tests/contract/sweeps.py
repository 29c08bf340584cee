from __future__ import annotations

import pytest

from incrsim.ingestion import Consequence, Outcome, Status
from incrsim.lifecycle import Operator
from incrsim.store import contract
from tests.contract.base import Contract
from tests.contract.driver import Driver
from tests.contract.samples import broken, good, ref


class SweepContract(Contract):
    """What a sweep removes, and what never (C-20, C-21, C-25, C-27)."""

    @pytest.mark.rule("C-20", "C-21")
    def test_exactly_the_unmarked_go(self, p: Driver, q: Driver) -> None:
        """A sweep removes what its provider owns and no page returned: no more, no less, nothing of anybody else."""
        q.cycle(good("theirs"))
        p.cycle(*(good(name) for name in "abcdef"))
        q.begin()
        swept = p.cycle_of([[good("a"), good("b", "changed")], [broken("c")], [good("new")]])
        assert p.names() == ["a", "b", "c", "new"]
        assert q.names() == ["theirs"]
        assert swept.verdict is not None
        census = swept.verdict.census
        assert (census.marked, census.stale, census.removable, census.base) == (4, 3, 3, 6)
        assert (swept.counts.removed, swept.verdict.removed, swept.outcome) == (3, 3, Outcome.SWEPT)
        assert (swept.counts.added, swept.counts.updated, swept.counts.invalid) == (1, 1, 1)

    @pytest.mark.rule("C-20")
    def test_what_any_page_returned_stays(self, p: Driver) -> None:
        """Pages of earlier bursts, before failures and lost leases, count as much as the last one."""
        p.cycle(*(good(name) for name in "abcd"))
        p.begin()
        p.page(good("a"))
        p.end_burst()
        p.begin()
        p.page(good("b"))
        p.fail()
        p.begin()
        p.page(good("c"))
        p.clock.advance_to(p.lease.expires_at)
        other = p.other("r2")
        other.begin()
        other.page(good("d", "changed"), done=True)
        assert (other.sweep().counts.removed, p.names()) == (0, ["a", "b", "c", "d"])

    @pytest.mark.rule("C-20")
    @pytest.mark.parametrize("how", ["fatal", "start", "cancel", "expired", "invalid"])
    def test_no_sweep_without_a_done_page(self, p: Driver, how: str) -> None:
        """However an ingestion ends before its sweep, it removes nothing, and the next page begins at the start."""
        p.cycle(*(good(name) for name in "abcd"))
        p.begin()
        p.page(good("a"))
        match how:
            case "fatal":
                p.fail_with(Consequence.FATAL)
            case "expired":
                p.fail_with(Consequence.CURSOR_EXPIRED)
            case "invalid":
                p.page(broken("x"), broken("y"), done=True)
            case operator:
                p.store.operate("p", Operator(operator))
        assert p.names() == ["a", "b", "c", "d"]
        assert p.store.history("p")[0].verdict is None
        assert (p.begin().ingestion.status, p.now_at.cursor) == (Status.BURSTING, None)

    @pytest.mark.rule("C-21")
    def test_what_a_canceled_ingestion_left_goes_later(self, p: Driver) -> None:
        """What a canceled ingestion brought or failed to remove, the next sweep judges by its own pages (U8, U9)."""
        p.cycle(good("a"), good("b"))
        p.begin()
        p.page(good("a"), good("half"))
        p.store.operate("p", Operator.START)
        assert p.cycle(good("a"), good("c")).counts.removed == 2
        assert p.names() == ["a", "c"]

    @pytest.mark.rule("C-21")
    def test_marks_of_an_earlier_ingestion_do_not_count(self, p: Driver) -> None:
        """An entity that only the previous ingestion returned or wrote goes, however it was marked then."""
        p.cycle(good("same"), good("changed"), good("stays"))
        p.cycle(good("same"), good("changed", "new"), good("added"), good("stays"))
        assert (p.cycle(good("stays")).counts.removed, p.names()) == (3, ["stays"])

    @pytest.mark.rule("C-21")
    def test_what_vanished_can_come_back(self, p: Driver) -> None:
        """A removed entity that the source returns again is a new one, and can be removed again."""
        for _ in range(2):
            assert p.cycle(good("a")).counts.added == 1
            assert p.cycle().counts.removed == 1
        assert (p.names(), p.store.entity(ref("a"))) == ([], None)

    @pytest.mark.rule("C-27")
    def test_a_sweep_is_one_step_of_many_chunks(self, p: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
        """A sweep goes in chunks of at most `SWEEP_CHUNK`; entities, verdict, status and lease change together."""
        monkeypatch.setattr("incrsim.store.transactions.SWEEP_CHUNK", 3)
        assert contract.SWEEP_CHUNK == 10_000
        p.cycle(*(good(f"e{number}") for number in range(11)))
        swept = p.cycle(good("e1"))
        assert (swept.counts.removed, p.names(), p.now_at) == (10, ["e1"], swept)
        assert (swept.status, swept.due_at) == (Status.RESTING, p.clock.now() + p.options.rest_length)
        assert p.store.state("p").lease is None

    # --- removal_grace_cycles (C-25) ----------------------------------------------------------------------------------

    @pytest.mark.rule("C-25")
    @pytest.mark.parametrize("grace", [0, 1, 3])
    def test_an_entity_goes_after_its_grace(self, p: Driver, grace: int) -> None:
        """With k cycles of grace an entity goes in the sweep that finds it stale for the (k+1)-th time in a row."""
        p.setting(removal_grace_cycles=grace)
        p.cycle(good("a"), good("b"))
        for _ in range(grace):
            waiting = p.cycle(good("a"))
            assert waiting.verdict is not None
            census = waiting.verdict.census
            assert (census.stale, census.removable, waiting.counts.removed) == (1, 0, 0)
            assert p.names() == ["a", "b"]
        assert (p.cycle(good("a")).counts.removed, p.names()) == (1, ["a"])

    @pytest.mark.rule("C-25")
    @pytest.mark.parametrize("back", [good("b"), good("b", "changed"), broken("b")])
    def test_a_mark_resets_the_grace(self, p: Driver, back: object) -> None:
        """An entity that any page returns again, changed or even invalid, has its whole grace anew."""
        p.setting(removal_grace_cycles=1)
        p.cycle(good("a"), good("b"))
        p.cycle(good("a"))
        p.cycle(good("a"), back)  # type: ignore[arg-type]  # a parameter
        p.cycle(good("a"))
        assert p.names() == ["a", "b"]
        p.cycle(good("a"))
        assert p.names() == ["a"]

    @pytest.mark.rule("C-25")
    @pytest.mark.parametrize("end", ["refused", "canceled"])
    @pytest.mark.parametrize("back", [good("b"), good("b", "changed")])
    def test_a_mark_resets_the_grace_without_a_sweep(self, p: Driver, end: str, back: object) -> None:
        """A mark resets the grace also when its ingestion's sweep is refused, or never comes."""
        p.setting(removal_grace_cycles=1)
        p.cycle(good("a"), good("b"))
        p.cycle(good("a"))
        p.begin()
        p.page(good("a"), back, done=True, problems=["no /teams"])  # type: ignore[arg-type]  # a parameter
        if end == "refused":
            assert p.sweep().outcome is Outcome.REFUSED
        else:
            p.store.operate("p", Operator.CANCEL)
        p.cycle(good("a"))
        assert p.names() == ["a", "b"]
        p.cycle(good("a"))
        assert p.names() == ["a"]

    @pytest.mark.rule("C-25")
    @pytest.mark.parametrize("refusals", [1, 2, 3])
    def test_a_refused_sweep_spends_no_grace(self, p: Driver, refusals: int) -> None:
        """Refused sweeps do not count: neither do they bring an entity nearer to its end, nor do they spare it."""
        p.setting(removal_grace_cycles=2)
        p.cycle(good("a"), good("b"))
        for problems in ([], *[["no"]] * refusals, []):
            p.cycle(good("a"), problems=problems)
            assert p.names() == ["a", "b"]
        p.cycle(good("a"))
        assert p.names() == ["a"]

    @pytest.mark.rule("C-25")
    def test_a_new_entity_of_the_same_ref_has_its_own_grace(self, p: Driver) -> None:
        """Grace belongs to the entity, not to its name: one that was removed and came back begins anew."""
        p.setting(removal_grace_cycles=1)
        p.cycle(good("b"))
        for _ in range(2):
            p.cycle()
        assert p.names() == []
        p.cycle(good("b"))
        p.cycle()
        assert p.names() == ["b"]
