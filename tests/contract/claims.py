from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incrsim.clock import EPOCH, VirtualClock
from incrsim.errors import Fenced, InvalidTransition, UnknownProvider
from incrsim.ingestion import Outcome, Status
from incrsim.lifecycle import Effect, Operator
from incrsim.options import ProviderOptions
from incrsim.store import Store
from incrsim.store.contract import Granted, Held, Lease, NotDue
from tests.contract.base import Contract, everything
from tests.contract.driver import Driver
from tests.contract.samples import good

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
TICK = timedelta(microseconds=1)


class ClaimContract(Contract):
    """Leases, fences, operators (C-15, C-33, C-37)."""

    @pytest.mark.rule("C-15")
    def test_registering_twice_changes_nothing(self, p: Driver) -> None:
        """A provider has one open ingestion, however often it is registered and whatever it is doing."""
        fresh = p.now_at
        p.store.register("p")
        assert p.now_at == fresh
        assert (fresh.number, fresh.status, fresh.due_at) == (1, Status.SCHEDULED, p.clock.now())
        p.claim()
        p.page(good("a"))
        before = everything(p.store)
        p.store.register("p")
        assert everything(p.store) == before

    @pytest.mark.rule("C-15")
    def test_each_ingestion_has_one_successor(self, p: Driver) -> None:
        """Ingestions follow each other by number, one open and all others complete, however they end."""
        p.cycle(good("a"))
        p.store.operate("p", Operator.CANCEL)
        p.cycle(good("a"))
        p.store.operate("p", Operator.START)
        p.claim()
        assert (p.now_at.number, [each.number for each in p.store.history("p")]) == (3, [2, 1])
        assert {each.status for each in p.store.history("p")} == {Status.COMPLETE}

    @pytest.mark.rule("C-37")
    def test_a_claim_takes_the_lease(self, p: Driver) -> None:
        """A due provider is claimed: bursting, under a lease of the configured length and a fence that grew."""
        granted = p.claim()
        assert granted.lease == p.store.state("p").lease
        assert (granted.lease.provider, granted.lease.holder, granted.lease.fence) == ("p", "r1", 1)
        assert granted.lease.expires_at == p.clock.now() + p.options.lease_length
        assert granted.ingestion == p.now_at
        assert (granted.ingestion.status, granted.ingestion.started_at) == (Status.BURSTING, p.clock.now())

    @pytest.mark.rule("C-37")
    def test_a_held_lease_is_respected(self, p: Driver) -> None:
        """While the lease lasts nobody else gets it, and hears who holds it until when; nothing changes."""
        lease = p.claim().lease
        other = p.other("r2")
        p.clock.advance_to(lease.expires_at - TICK)
        before = everything(p.store)
        assert other.try_claim() == Held("r1", lease.expires_at)
        assert p.try_claim() == Held("r1", lease.expires_at)
        assert everything(p.store) == before

    @pytest.mark.rule("C-37")
    def test_an_expired_lease_can_be_taken(self, p: Driver) -> None:
        """Once the lease has expired another replica goes on after the last committed page, with a higher fence."""
        p.claim()
        lease = p.page(good("a"), cursor="after a").lease
        p.clock.advance_to(lease.expires_at)
        granted = p.other("r2").claim()
        assert (granted.lease.holder, granted.lease.fence) == ("r2", lease.fence + 1)
        assert (granted.ingestion.cursor, granted.ingestion.pages) == ('"after a"', 1)

    @pytest.mark.rule("C-37")
    def test_each_page_renews_the_lease(self, p: Driver) -> None:
        """The lease lasts its whole length again after every page."""
        p.claim()
        p.clock.advance(60 * SECOND)
        renewed = p.page(good("a")).lease
        assert renewed.expires_at == p.clock.now() + p.options.lease_length
        assert p.store.state("p").lease == renewed

    @pytest.mark.rule("C-37")
    def test_an_expired_lease_still_commits(self, p: Driver) -> None:
        """A lease that expired but was not overtaken still commits: safety rests on fences, not on clocks."""
        lease = p.claim().lease
        p.clock.advance_to(lease.expires_at + DAY)
        assert p.page(good("a"), done=True).lease.expires_at == p.clock.now() + lease.length
        p.clock.advance(2 * lease.length)
        assert p.sweep().status is Status.RESTING

    @pytest.mark.rule("C-37")
    @pytest.mark.parametrize("write", ["page", "end_burst", "fail"])
    def test_an_overtaken_write_keeps_nothing(self, p: Driver, write: str) -> None:
        """Whoever was overtaken is refused with a reason, whatever it writes, and leaves no trace (U10)."""
        p.claim()
        p.page(good("a"))
        p.clock.advance_to(p.lease.expires_at)
        p.other("r2").claim()
        before = everything(p.store)
        with pytest.raises(Fenced, match="r1 held the provider 'p' with fence 1, but the fence is 2 now"):
            p.page(good("b")) if write == "page" else getattr(p, write)()
        assert everything(p.store) == before

    @pytest.mark.rule("C-37")
    def test_an_overtaken_sweep_keeps_nothing(self, p: Driver) -> None:
        """A sweep that was overtaken removes nothing; whoever overtook it sweeps."""
        p.cycle(good("a"), good("b"))
        p.begin()
        p.page(good("a"), done=True)
        p.clock.advance_to(p.lease.expires_at)
        other = p.other("r2")
        assert other.claim().ingestion.status is Status.SWEEPING
        before = everything(p.store)
        with pytest.raises(Fenced):
            p.sweep()
        assert everything(p.store) == before
        assert other.sweep().counts.removed == 1

    @pytest.mark.rule("C-37")
    @pytest.mark.parametrize("give_back", ["end_burst", "fail"])
    def test_a_lease_that_was_given_back_is_void(self, p: Driver, give_back: str) -> None:
        """After the burst's end nothing is accepted under its lease any more, though nobody has claimed since."""
        p.claim()
        getattr(p, give_back)()
        assert p.store.state("p").lease is None
        before = everything(p.store)
        with pytest.raises(Fenced):
            p.page(good("a"))
        assert everything(p.store) == before

    def test_nothing_is_claimed_before_it_is_due(self, p: Driver) -> None:
        """Between bursts, in backoff and while resting there is nothing to claim before its time."""
        for end in (p.end_burst, p.fail, lambda: (p.page(good("a"), done=True), p.sweep())):
            p.begin()
            end()
            due_at = p.now_at.due_at
            assert due_at is not None
            p.clock.advance_to(due_at - TICK)
            assert p.try_claim() == NotDue(p.now_at)
            p.clock.advance(TICK)
            assert isinstance(p.other("r2").try_claim(), Granted)
            p.store.operate("p", Operator.START)

    @pytest.mark.rule("C-14")
    def test_a_rest_ends_with_the_next_claim(self, p: Driver) -> None:
        """Once the rest has passed, the claim completes the ingestion and begins the next one at its first page."""
        rested = p.cycle(good("a"))
        granted = p.begin()
        assert (granted.ingestion.number, granted.ingestion.cursor, granted.ingestion.pages) == (2, None, 0)
        (past,) = p.store.history("p")
        assert (past.status, past.outcome, past.completed_at) == (Status.COMPLETE, Outcome.SWEPT, p.clock.now())
        assert (past.verdict, past.counts) == (rested.verdict, rested.counts)

    @pytest.mark.rule("C-14")
    def test_no_page_after_the_done_page(self, p: Driver) -> None:
        """Once the done page is in, only the sweep is left; anything else is an error that changes nothing."""
        p.claim()
        with pytest.raises(InvalidTransition, match="sweeping"):
            p.sweep()
        p.page(good("a"), done=True)
        before = everything(p.store)
        with pytest.raises(InvalidTransition, match=r"bursting.*; ingestion 1: scheduled"):
            p.page(good("b"))
        assert everything(p.store) == before

    @pytest.mark.rule("C-33")
    @pytest.mark.parametrize(("operator", "wait"), [(Operator.START, 0 * DAY), (Operator.CANCEL, DAY)])
    def test_an_operator_overtakes_a_burst(self, p: Driver, operator: Operator, wait: timedelta) -> None:
        """`start` and `cancel` take effect at once: a running burst is fenced, and the next ingestion has its time."""
        p.claim()
        p.page(good("a"))
        p.clock.advance(SECOND)
        decision = p.store.operate("p", operator).decision
        assert (decision.ingestion.outcome, decision.current) == (Outcome.CANCELED, p.now_at)
        assert p.now_at.due_at == p.clock.now() + wait
        assert (p.store.state("p").lease, p.store.state("p").fence) == (None, 2)
        with pytest.raises(Fenced):
            p.page(good("b"))
        assert p.names() == ["a"]
        p.begin()
        assert (p.lease.fence, p.now_at.pages, p.now_at.cursor) == (3, 0, None)

    @pytest.mark.rule("C-33")
    def test_trigger_keeps_attempts_and_a_running_burst(self, p: Driver) -> None:
        """`trigger` makes a backoff due now with its attempts, and leaves a running burst alone."""
        p.claim()
        assert p.store.operate("p", Operator.TRIGGER).effect is Effect.NOTHING
        p.page(good("a"))
        p.fail()
        assert p.store.operate("p", Operator.TRIGGER).effect is Effect.DUE_NOW
        assert (p.now_at.attempts, p.now_at.due_at) == (1, p.clock.now())
        p.claim()

    @pytest.mark.rule("C-37")
    def test_a_fence_is_never_born_again(self, p: Driver) -> None:
        """Fences, ingestion and verdict numbers only grow, whatever claims, operators and sweeps come in between."""
        fences, numbers, verdicts = [], [], []
        for _ in range(3):
            rested = p.cycle(good("a"))
            verdicts.append(rested.verdict.id if rested.verdict else 0)
            p.store.operate("p", Operator.CANCEL)
            fences.append(p.store.state("p").fence)
            numbers.append(p.now_at.number)
        assert (fences, numbers, verdicts) == ([2, 4, 6], [2, 3, 4], [1, 2, 3])

    @pytest.mark.parametrize(
        "call",
        [
            lambda store: store.claim("gamma", "r1", ProviderOptions()),
            lambda store: store.end_burst(Lease("gamma", "r1", 1, DAY, EPOCH), ProviderOptions()),
            lambda store: store.operate("gamma", Operator.TRIGGER),
            lambda store: store.state("gamma"),
            lambda store: store.history("gamma"),
            lambda store: store.marks("gamma"),
            lambda store: store.problems("gamma"),
            lambda store: store.stale("gamma"),
        ],
    )
    def test_an_unknown_provider_is_named(
        self, store: Store, clock: VirtualClock, call: Callable[[Store], object]
    ) -> None:
        """Asking for a provider that was never registered is an error that lists the known ones."""
        for name in ("beta", "alpha"):
            Driver(store, clock, name)
        with pytest.raises(UnknownProvider, match=r"'gamma'.*alpha, beta"):
            call(store)
