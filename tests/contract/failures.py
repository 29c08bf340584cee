from __future__ import annotations

from datetime import timedelta

import pytest

from incrsim.guards import Guard
from incrsim.ingestion import Consequence, Failure, Outcome, Status
from incrsim.lifecycle import Operator
from incrsim.store.contract import HISTORY_LENGTH
from tests.contract.base import Contract
from tests.contract.driver import Driver
from tests.contract.samples import broken, good


class FailureContract(Contract):
    """What is kept of failures, and of the past (C-17, C-18, C-19, C-27)."""

    @pytest.mark.rule("C-17")
    def test_failures_go_through_the_waits(self, p: Driver) -> None:
        """Each failure in a row waits its entry of the list; one more cancels, and the next begins after the last."""
        for attempt, wait in enumerate(p.options.backoff, start=1):
            p.begin()
            p.fail()
            assert (p.now_at.status, p.now_at.attempts) == (Status.BACKING_OFF, attempt)
            assert p.now_at.due_at == p.clock.now() + wait
        p.begin()
        decision = p.fail()
        assert (decision.ingestion.outcome, p.now_at.number) == (Outcome.CANCELED, 2)
        assert (p.now_at.due_at, p.now_at.attempts) == (p.clock.now() + p.options.backoff[-1], 0)
        assert p.store.history("p") == [decision.ingestion]

    @pytest.mark.rule("C-17")
    def test_a_committed_page_resets_attempts(self, p: Driver) -> None:
        """After a page is in, attempts are 0 in the store, and the waits begin anew."""
        for _ in range(2):
            p.begin()
            p.fail()
        p.begin()
        p.page(good("a"))
        assert p.now_at.attempts == 0
        assert p.fail().ingestion.due_at == p.clock.now() + p.options.backoff[0]

    @pytest.mark.rule("C-17")
    def test_an_expired_cursor_is_remembered_until_a_sweep(self, p: Driver) -> None:
        """The store remembers that a cursor expired across ingestions, until one is swept."""
        for expected in (Status.COMPLETE, Status.BACKING_OFF):
            p.begin()
            assert p.fail_with(Consequence.CURSOR_EXPIRED).ingestion.status is expected
        p.begin()
        p.page(good("a"), done=True)
        p.sweep()
        p.begin()
        assert p.fail_with(Consequence.CURSOR_EXPIRED).ingestion.status is Status.COMPLETE

    @pytest.mark.rule("C-17")
    def test_a_rate_limit_waits_without_an_attempt(self, p: Driver) -> None:
        """A rate limit is kept as the reason, and counts as no attempt."""
        p.claim()
        p.page(good("a"))
        p.fail_with(Consequence.RATE_LIMITED, after=timedelta(minutes=7))
        assert (p.now_at.status, p.now_at.attempts) == (Status.INTERSTITIAL, 0)
        assert p.now_at.due_at == p.clock.now() + timedelta(minutes=7)
        assert p.now_at.last_error is not None
        assert p.now_at.last_error.until == p.now_at.due_at

    @pytest.mark.rule("C-17")
    def test_a_fatal_error_cancels(self, p: Driver) -> None:
        """A fatal error ends the ingestion at once; what its pages brought stays."""
        p.claim()
        p.page(good("a"))
        decision = p.fail_with(Consequence.FATAL)
        assert (decision.ingestion.outcome, p.names()) == (Outcome.CANCELED, ["a"])
        assert p.now_at.due_at == p.clock.now() + p.options.backoff[-1]

    @pytest.mark.rule("C-27")
    def test_a_failing_sweep_is_repeated_for_ever(self, p: Driver) -> None:
        """A sweep that fails waits and is claimed as a sweep again, beyond the list's end, and then is whole."""
        p.cycle(good("a"), good("b"))
        p.begin()
        p.page(good("a"), done=True)
        for attempt in range(1, len(p.options.backoff) + 4):
            assert p.fail().successor is None
            wait = p.options.backoff[min(attempt, len(p.options.backoff)) - 1]
            assert (p.now_at.attempts, p.now_at.due_at) == (attempt, p.clock.now() + wait)
            assert p.begin().ingestion.status is Status.SWEEPING
        assert p.names() == ["a", "b"]
        assert (p.sweep().counts.removed, p.now_at.attempts, p.names()) == (1, 0, ["a"])

    @pytest.mark.rule("C-18")
    def test_a_failure_is_kept(self, p: Driver) -> None:
        """Type, message, page, cursor, consequence and instant of the last error are kept as they were given."""
        p.claim()
        p.page(good("a"))
        until = p.clock.now() + timedelta(microseconds=1)
        failure = Failure("my.Error", 'he said "no"\n\\x00 💥', 2, '{"a":"\\u0000"}', Consequence.RATE_LIMITED, until)
        p.store.record_failure(p.lease, failure, p.options)
        assert p.now_at.last_error == failure

    @pytest.mark.rule("C-18")
    @pytest.mark.parametrize("text", ["", "x" * 16_000, "日本語 🙂 \u202e", "'; DROP TABLE entity; --", "%s {} \\"])
    def test_any_message_is_kept(self, p: Driver, text: str) -> None:
        """Long, odd and hostile messages come back as they were."""
        p.claim()
        p.fail(text, cursor=text)
        assert p.now_at.last_error is not None
        assert (p.now_at.last_error.message, p.now_at.last_error.cursor) == (text, text)

    @pytest.mark.rule("C-18")
    def test_the_last_error_stays_in_the_history(self, p: Driver) -> None:
        """A canceled ingestion keeps why it was canceled; a successor begins without an error."""
        p.claim()
        p.fail_with(Consequence.FATAL)
        (past,) = p.store.history("p")
        assert past.last_error is not None
        assert (past.last_error.message, p.now_at.last_error) == ("no", None)

    # --- the past (C-19) ----------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-19")
    def test_the_last_twenty_stay_readable(self, p: Driver) -> None:
        """The last 20 complete ingestions are kept, the latest first, with their problems and no others."""
        for number in range(1, 24):
            p.cycle(good("a"), broken(f"b{number}"))
        p.begin()
        kept = list(range(23, 3, -1))
        assert len(kept) == HISTORY_LENGTH
        assert [past.number for past in p.store.history("p")] == kept
        assert [problem.ingestion for problem in p.store.problems("p")] == kept[::-1]

    @pytest.mark.rule("C-19")
    def test_the_past_is_kept_whole(self, p: Driver) -> None:
        """Counts, times, verdict, error, cursor and outcome of a past ingestion are what they were when it ended."""
        p.cycle(good("a"), good("b"))
        p.setting(reject_removals_above_percentage="12.5", reject_removals_above_count=0).begin()
        p.page(good("c"), broken("d"), cursor=[1, "x"])
        p.fail("once")
        p.begin()
        p.page(good("a"), done=True)
        refused = p.sweep()
        assert (refused.outcome, refused.counts.added, refused.counts.invalid) == (Outcome.REFUSED, 1, 1)
        assert refused.verdict is not None
        assert refused.verdict.refused_by == (Guard.PERCENTAGE, Guard.COUNT)
        assert (refused.verdict.limit_percentage, refused.verdict.limit_count) == ("12.5", 0)
        decision = p.store.operate("p", Operator.CANCEL).decision
        assert p.store.history("p")[0] == decision.ingestion
        assert decision.ingestion.counts == refused.counts
        assert decision.ingestion.verdict == refused.verdict
        assert decision.ingestion.last_error is not None

    @pytest.mark.rule("C-19")
    def test_marks_go_with_their_ingestion(self, p: Driver) -> None:
        """Marks are of the open ingestion; once it is complete they are gone, and the next begins without any."""
        p.cycle_of([[good("a")], [good("b")]])
        assert [mark.sequence for mark in p.store.marks("p")] == [1, 2]
        p.begin()
        assert p.store.marks("p") == []
        p.page(good("a"))
        assert [(mark.ingestion, mark.sequence) for mark in p.store.marks("p")] == [(2, 1)]
        p.fail_with(Consequence.FATAL)
        assert p.store.marks("p") == []
