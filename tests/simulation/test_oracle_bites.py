"""An oracle names the rule that a broken engine or store does not hold: each flaw with a story in which it shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from incrsim import lifecycle
from incrsim.guards import Verdict
from incrsim.ingestion import Counts, Ingestion
from incrsim.simulation.oracle import sweeps
from incrsim.simulation.violation import Violation
from tests.mutants.patch import Patch, plain
from tests.mutants.registry import load
from tests.simulation.judged import Judged
from tests.simulation.stories import STORIES

if TYPE_CHECKING:
    from collections.abc import Callable

BITES: dict[str, dict[str, str]] = {
    "C-4": {
        "any_cursor": "a_sink",
    },
    "C-5": {
        "cursors_for_ever": "changes_of_a_source_are_followed",
        "cursors_may_repeat": "cursors_and_lengths",
        "one_page_too_few": "cursors_and_lengths",
    },
    "C-7": {
        "typo_deletes": "invalid_entities_are_set_aside",
        "too_many_invalid_is_canceled": "invalid_entities_are_set_aside",
        "any_number_invalid": "invalid_entities_are_set_aside",
        "every_problem_is_unreadable": "invalid_entities_are_set_aside",
        "invalid_always_fails": "invalid_entities_are_set_aside",
        "invalid_limit_is_too_much": "as_many_invalid_as_may_be",
        "invalid_never_fails": "a_page_may_fail_for_one_invalid_entity",
        "one_unreadable_is_fine": "invalid_entities_are_set_aside",
        "problems_repeat": "the_same_again",
        "reported_is_removed": "invalid_entities_are_set_aside",
    },
    "C-8": {
        "earlier_wins": "invalid_entities_are_set_aside",
        "first_one_wins": "invalid_entities_are_set_aside",
    },
    "C-9": {
        "keys_move_nothing": "two_providers_keep_apart",
        "no_key_is_the_same_key": "two_providers_keep_apart",
    },
    "C-10": {
        "cursor_is_lost": "changes_of_a_source_are_followed",
        "half_a_page": "cursors_and_lengths",
    },
    "C-11": {
        "unchanged_is_written": "changes_of_a_source_are_followed",
        "changes_are_not_written": "changes_of_a_source_are_followed",
    },
    "C-12": {
        "unchanged_told": "changes_of_a_source_are_followed",
        "told_before_the_commit": "cursors_and_lengths",
        "takeovers_untold": "two_providers_keep_apart",
        "gone_is_forgotten": "changes_of_a_source_are_followed",
        "latecomers_untold": "changes_of_a_source_are_followed",
        "pages_tell_nothing": "changes_of_a_source_are_followed",
        "removals_told_early": "changes_of_a_source_are_followed",
        "removals_untold": "changes_of_a_source_are_followed",
        "blocked_for_no_time": "a_sink",
        "confirmed_first": "a_sink",
        "read_is_delivered": "a_sink",
    },
    "C-14": {
        "successor_keeps_the_cursor": "failures_wait_and_are_given_up",
        "impossible_is_ignored": "changes_of_a_source_are_followed",
        "no_rest": "changes_of_a_source_are_followed",
        "rest_without_end": "changes_of_a_source_are_followed",
    },
    "C-15": {
        "numbers_repeat": "changes_of_a_source_are_followed",
        "registering_begins_anew": "changes_of_a_source_are_followed",
    },
    "C-16": {
        "one_page_more": "operators_at_any_time",
    },
    "C-17": {
        "sweeps_forgive_nothing": "failures_wait_and_are_given_up",
        "always_the_first_wait": "failures_wait_and_are_given_up",
        "by_text": "failures_wait_and_are_given_up",
        "due_in_the_past": "failures_wait_and_are_given_up",
        "endless_rate_limit": "failures_wait_and_are_given_up",
        "expired_cursor_waits": "failures_wait_and_are_given_up",
        "expired_cursors_spin": "failures_wait_and_are_given_up",
        "fatal_is_retried": "failures_wait_and_are_given_up",
        "no_wait_after_the_last_attempt": "failures_wait_and_are_given_up",
        "pages_reset_nothing": "failures_wait_and_are_given_up",
        "rate_limit_is_an_attempt": "failures_wait_and_are_given_up",
    },
    "C-18": {
        "errors_are_not_kept": "failures_wait_and_are_given_up",
        "rate_limit_without_reason": "failures_wait_and_are_given_up",
    },
    "C-19": {
        "verdict_goes_with_the_rest": "changes_of_a_source_are_followed",
        "marks_stay": "changes_of_a_source_are_followed",
    },
    "C-20": {
        "only_the_last_page": "changes_of_a_source_are_followed",
    },
    "C-21": {
        "written_before_counts": "changes_of_a_source_are_followed",
        "old_marks_count": "guards_and_approvals",
        "refused_is_forgotten": "guards_and_approvals",
    },
    "C-22": {
        "empty_is_always_refused": "emptied_without_a_guard",
        "events_are_returned": "events_at_any_time",
        "lost_claims_are_nothing": "two_providers_keep_apart",
        "marks_are_not_empty": "an_empty_source",
    },
    "C-23": {
        "zero_percent_is_off": "guards_at_their_limits",
        "base_holds_new_ones": "changes_of_a_source_are_followed",
        "base_holds_takeovers": "two_providers_keep_apart",
        "changed_is_new": "changes_of_a_source_are_followed",
        "diluted": "guards_at_their_limits",
        "empty_base_is_refused": "guards_and_approvals",
        "events_shrink_the_base": "events_at_any_time",
        "limit_is_refused": "guards_and_approvals",
        "percentage_of_what_is_left": "guards_at_their_limits",
    },
    "C-24": {
        "zero_count_is_off": "guards_at_their_limits",
        "count_is_refused": "guards_at_their_limits",
        "grace_counts": "guards_at_their_limits",
    },
    "C-25": {
        "events_do_not_mark": "grace_is_reset",
        "grace_by_name": "grace_is_reset",
        "marks_reset_nothing": "grace_is_reset",
        "one_cycle_too_many": "changes_of_a_source_are_followed",
        "only_sweeps_reset": "grace_is_reset",
    },
    "C-26": {
        "any_verdict": "calls_that_are_refused",
        "approval_always_waits": "guards_and_approvals",
        "approval_ignores_canceled_marks": "approvals_while_pages_are_read",
        "approval_ignores_events": "approvals_while_pages_are_read",
        "approval_ignores_marks": "approvals_while_pages_are_read",
        "approval_never_lapses": "guards_and_approvals",
        "approval_never_waits": "guards_and_approvals",
        "approved_counts": "guards_and_approvals",
        "approved_stays_in_the_base": "guards_and_approvals",
        "refs_are_not_kept": "guards_and_approvals",
        "refs_within_grace": "refused_with_grace",
        "refusal_is_hidden": "guards_and_approvals",
        "refusals_are_ignored": "guards_and_approvals",
    },
    "C-27": {
        "sweep_is_given_up": "a_sweep_that_fails",
        "one_chunk": "many_at_once",
    },
    "C-29": {
        "events_are_not_counted": "events_at_any_time",
        "events_are_not_recorded": "events_at_any_time",
        "events_are_undone": "events_at_any_time",
        "events_in_no_burst": "events_at_any_time",
        "events_need_a_page": "events_at_any_time",
        "events_remove_from_others": "two_providers_keep_apart",
    },
    "C-30": {
        "full_at_any_time": "calls_that_are_refused",
        "full_ends_the_rest": "retire_and_full_mutations",
        "full_removes_nothing": "retire_and_full_mutations",
        "full_without_guards": "retire_and_full_mutations",
    },
    "C-33": {
        "trigger_forgets_attempts": "operators_at_any_time",
        "trigger_cancels_a_rest": "operators_at_any_time",
        "pause_is_not_heard": "pauses",
        "paused_is_claimed": "pauses",
        "cancel_is_start": "operators_at_any_time",
        "cancel_takes_the_outcome": "operators_at_any_time",
        "operators_do_not_fence": "operators_at_any_time",
        "pause_is_rude": "operators_at_any_time",
        "resume_does_nothing": "operators_at_any_time",
    },
    "C-34": {
        "delete_begins_at_once": "retire_and_full_mutations",
        "history_is_kept": "retire_and_full_mutations",
        "problems_are_kept": "calls_that_are_refused",
        "retire_removes_all": "retire_and_full_mutations",
        "retire_takes_any_count": "calls_that_are_refused",
        "delete_disowns": "operators_at_any_time",
        "delete_leaves_a_burst_alone": "operators_at_any_time",
        "numbers_begin_anew": "operators_at_any_time",
    },
    "C-37": {
        "void_lease_commits": "cut_short_anywhere",
        "fence_stands_still": "changes_of_a_source_are_followed",
        "full_takes_any_lease": "calls_that_are_refused",
        "lease_for_everybody": "changes_of_a_source_are_followed",
        "pages_renew_nothing": "changes_of_a_source_are_followed",
        "fence_is_not_checked": "operators_at_any_time",
    },
}
"""Rule → mutant of `tests.mutants.broken` → story."""

CASES = [(mutant, story, rule) for rule, flaws in BITES.items() for mutant, story in flaws.items()]


class _Undone(Patch):
    """A patch that can be taken back, where functions were rewritten or a class's or module's value replaced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self._monkeypatch = monkeypatch

    def rewrite(self, function: Callable[..., Any] | property, old: str, new: str) -> None:
        target = plain(function)
        self._monkeypatch.setattr(target, "__code__", target.__code__)
        super().rewrite(function, old, new)

    def replace(self, owner: Any, name: str, new: object) -> None:
        old = getattr(owner, name)
        for module, alias in [(owner, name), *self.importers(old)]:
            self._monkeypatch.setattr(module, alias, new)


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture) -> None:
    """The engine tells of each failure, and there are many."""
    caplog.set_level("CRITICAL", "incrsim")


@pytest.fixture
def patch(monkeypatch: pytest.MonkeyPatch) -> Patch:
    """What breaks the engine for one test."""
    return _Undone(monkeypatch)


@pytest.mark.parametrize(("mutant", "story", "rule"), CASES, ids=[f"{rule}-{mutant}" for mutant, _, rule in CASES])
def test_flaw_is_named(mutant: str, story: str, rule: str, patch: Patch) -> None:
    """The oracle names the rule that the flaw breaks, says what must be and what is, and tells how it came to that."""
    load("tests.mutants.broken")[mutant].apply(patch)
    with pytest.raises(Violation) as found:
        STORIES[story]()
    finding = found.value.finding
    assert finding.rule == rule, str(finding)
    assert finding.expected
    assert finding.found
    assert len(finding.story) <= 10


def test_too_large_a_batch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that removes more in one statement than memory and locks allow breaks C-13 (U14)."""
    monkeypatch.setattr(sweeps, "LARGEST_BATCH", 3)
    with pytest.raises(Violation) as found:
        STORIES["emptied_without_a_guard"]()
    assert found.value.finding.rule == "C-13"


@pytest.mark.parametrize(("says", "value"), [("percentage", 12.5), ("collected", 99), ("word", "done")])
def test_what_a_verdict_says_is_read(says: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict whose own words or sums are wrong breaks C-26, also where its numbers are right."""
    monkeypatch.setattr(Verdict, says, property(lambda _: value))
    with pytest.raises(Violation, match="C-26"):
        STORIES["emptied_without_a_guard"]()


@pytest.mark.parametrize(
    ("counted", "rule"), [("added", "C-8"), ("updated", "C-8"), ("unchanged", "C-8"), ("removed", "C-19")]
)
def test_what_an_ingestion_counts_is_read(counted: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ingestion that says it did one more than it did is found out when it is swept."""
    swept = lifecycle.swept

    def one_more(*arguments: Any) -> Ingestion:
        ingestion = swept(*arguments)
        return replace(ingestion, counts=ingestion.counts + Counts(**{counted: 1}))

    monkeypatch.setattr(lifecycle, "swept", one_more)
    with pytest.raises(Violation) as found:
        STORIES["emptied_without_a_guard"]()
    assert found.value.finding.rule == rule


def test_loss_is_counted_where_a_source_lies() -> None:
    """What a lie cost is measured, and no finding."""
    world = Judged("abcdefgh", protects=False)
    world.cycles()
    world.source.items = {"a": 1}  # as if the rest were gone: the source still holds it
    world.cycles()
    assert world.oracle.losses == {("written", 2): 7}


def test_loss_is_found_where_nothing_lies() -> None:
    """What the source held all along must not be swept, whatever its pages said."""
    world = Judged("abcdefgh")
    world.cycles()
    world.source.items = {"a": 1}
    with pytest.raises(Violation, match="C-20"):
        world.cycles()
