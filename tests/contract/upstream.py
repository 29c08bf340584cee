"""What upstream's engine does and its documentation does not say: here each behaves as documented (U-numbers)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incrsim.errors import Fenced
from incrsim.ingestion import Outcome, Status
from incrsim.operators import Operators
from tests.contract.base import Contract
from tests.contract.driver import Driver
from tests.contract.samples import good

DAY = timedelta(days=1)
FOUR = [good(name) for name in "abcd"]


class UpstreamContract(Contract):
    """U5 to U9."""

    @pytest.mark.rule("C-17")
    def test_u5_retries_end(self, p: Driver) -> None:
        """After the waits of the list the ingestion is canceled, and a new one begins after the last wait."""
        for wait in p.options.backoff:
            p.begin()
            p.fail()
            assert (p.now_at.status, p.now_at.due_at) == (Status.BACKING_OFF, p.clock.now() + wait)
        p.begin()
        p.fail()
        assert p.store.history("p")[0].outcome is Outcome.CANCELED
        assert p.now_at.due_at == p.clock.now() + p.options.backoff[-1]
        assert p.cycle(*FOUR).number == 2

    @pytest.mark.rule("C-33")
    def test_u6_cancel_begins_anew_in_24_hours(self, p: Driver) -> None:
        """`cancel` overtakes a running burst, which cannot undo it, and a new ingestion begins 24 hours later."""
        p.cycle(*FOUR)
        p.begin()
        p.page(good("a"))
        canceled_at = p.clock.now()
        Operators(p.store).cancel("p")
        with pytest.raises(Fenced):
            p.page(good("b"))
        assert p.now_at.due_at == canceled_at + DAY
        assert p.cycle(good("a")).outcome is Outcome.SWEPT
        assert (p.names(), p.clock.now()) == (["a"], canceled_at + DAY)

    @pytest.mark.rule("C-34")
    def test_u7_delete_with_an_open_ingestion(self, p: Driver) -> None:
        """`delete` goes through while an ingestion is open and has marks, and the next one goes on as ever."""
        p.cycle(*FOUR)
        p.begin()
        p.page(good("a"))
        Operators(p.store).delete("p")
        assert p.names() == ["a", "b", "c", "d"]
        assert (p.cycle(good("a")).counts.removed, p.names()) == (3, ["a"])

    @pytest.mark.rule("C-34")
    def test_u8_delete_marks_keeps_what_the_sweep_needs(self, p: Driver) -> None:
        """What vanished before `delete marks` in mid-cycle is removed by the cycle after it."""
        p.cycle(*FOUR)
        p.begin()
        p.page(good("a"), good("b"))
        Operators(p.store).delete_marks("p")
        assert p.cycle(good("a")).counts.removed == 3
        assert p.names() == ["a"]

    @pytest.mark.rule("C-33")
    def test_u9_start_leaves_nothing_for_ever(self, p: Driver) -> None:
        """What vanished before `start` in mid-cycle is removed by the cycle that it begins, at once."""
        p.cycle(*FOUR)
        for returned in ("b", "c"):
            p.begin()
            p.page(good(returned))
            assert "is due" in Operators(p.store).start("p").message
        assert p.cycle(good("a"), good("d")).counts.removed == 2
        assert p.names() == ["a", "d"]
