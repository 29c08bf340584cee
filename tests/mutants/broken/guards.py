"""Guards that let too much through, or too little."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim import guards
from incrsim.guards import Verdict
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch


@mutant("C-23", "exactly the limit is refused")
def limit_is_refused(patch: Patch) -> None:
    patch.rewrite(guards._above_percentage, "> numerator", ">= numerator")


@mutant("C-23", "the percentage is of what is left (U4)")
def percentage_of_what_is_left(patch: Patch) -> None:
    patch.rewrite(guards._above_percentage, "census.base", "census.marked")


@mutant("C-23", "new entities dilute the percentage")
def diluted(patch: Patch) -> None:
    patch.rewrite(guards._above_percentage, "census.base", "(census.marked + census.stale)")


@mutant("C-23", "the percentage is computed in floating point")
def floating_point(patch: Patch) -> None:
    patch.rewrite(
        guards._above_percentage,
        "return 100 * census.removable * denominator > numerator * census.base",
        "return census.base > 0 and 100.0 * census.removable / census.base > numerator / denominator",
    )


@mutant("C-23", "a limit of 0 switches the guard off (U4)")
def zero_percent_is_off(patch: Patch) -> None:
    patch.rewrite(guards._above_percentage, "if limit is None:", "if not limit:")


@mutant("C-23", "a sweep with nothing to remove from is refused")
def empty_base_is_refused(patch: Patch) -> None:
    patch.rewrite(guards._above_percentage, "return 100 *", "return census.base == 0 or 100 *")


@mutant("C-24", "exactly the count is refused")
def count_is_refused(patch: Patch) -> None:
    patch.rewrite(
        guards.judge,
        "census.removable > options.reject_removals_above_count",
        "census.removable >= options.reject_removals_above_count",
    )


@mutant("C-24", "a count of 0 switches the guard off")
def zero_count_is_off(patch: Patch) -> None:
    patch.rewrite(
        guards.judge,
        "options.reject_removals_above_count is not None",
        "(options.reject_removals_above_count or 0) > 0",
    )


@mutant("C-24", "what is within its grace counts as removed")
def grace_counts(patch: Patch) -> None:
    patch.rewrite(
        guards.judge,
        "census.removable > options.reject_removals_above_count",
        "census.stale > options.reject_removals_above_count",
    )


@mutant("C-22", "the empty guard is always on")
def empty_is_always_refused(patch: Patch) -> None:
    patch.rewrite(guards.judge, "options.reject_empty_source_collections and", "")


@mutant("C-22", "invalid entities and events keep a source from being empty")
def marks_are_not_empty(patch: Patch) -> None:
    patch.rewrite(guards.judge, "census.valid == 0", "census.marked == 0")


@mutant("C-7", "one unreadable part of the source does not matter")
def one_unreadable_is_fine(patch: Patch) -> None:
    patch.rewrite(guards.judge, "census.unreadable > 0", "census.unreadable > 1")


@mutant("C-7", "exactly the allowed percentage of invalid entities is too much")
def invalid_limit_is_too_much(patch: Patch) -> None:
    patch.rewrite(guards.too_many_invalid, "> numerator", ">= numerator")


@mutant("C-7", "one invalid entity alone fails a small ingestion")
def one_invalid_is_too_much(patch: Patch) -> None:
    patch.replace(guards, "FEWEST_INVALID", 1)


@mutant("C-26", "a refusal does not say the limit")
def refusal_without_limit(patch: Patch) -> None:
    patch.rewrite(guards._reason, "{verdict.limit_percentage}", "{verdict.percentage}")


@mutant("C-26", "a verdict says what was stale, not what was removed")
def verdict_says_stale(patch: Patch) -> None:
    patch.rewrite(Verdict.__str__, "removed {self.removed:,}", "removed {c.stale:,}")
