"""May a sweep remove that much? The oracle's own arithmetic, in integers (C-7, C-22 to C-26)."""

from __future__ import annotations

from dataclasses import dataclass

from incrsim.guards import Guard
from incrsim.options import ProviderOptions
from incrsim.simulation.oracle.book import Book


@dataclass(slots=True)
class Tally:
    """What a sweep finds, in sets.

    Args:
        marked: owned refs that a page returned or an event added.
        stale: the other owned ones.
        approved: the stale ones whose removal an operator approved (C-26).
        removable: of the others, those that are past their grace (C-25).
        base: how many owned ones were there before the first page, approved ones left out (C-23).
        valid: how many valid entities the pages returned, at least and at most.
        unreadable: whether anything could not be read.
    """

    marked: set[str]
    stale: set[str]
    approved: set[str]
    removable: set[str]
    base: int
    valid: tuple[int, int]
    unreadable: bool

    @classmethod
    def of(cls, book: Book, options: ProviderOptions) -> Tally:
        """Count the open ingestion of a provider."""
        cycle, grace = book.cycle, options.removal_grace_cycles
        marked = book.owned & cycle.marked
        stale = book.owned - marked
        approved = stale & book.refused.approved if book.refused is not None else set()
        removable = stale - approved
        if grace:
            removable = {ref for ref in removable if book.streaks.get(ref, 0) >= grace}
        base = len(book.owned - cycle.fresh) - len(approved)
        return cls(
            marked, stale, approved, removable, base, cycle.valid, unreadable=bool(cycle.unreadable) or cycle.parts > 0
        )

    @property
    def goes(self) -> set[str]:
        """What goes if no guard refuses."""
        return self.removable | self.approved

    def refused_by(self, options: ProviderOptions) -> dict[Guard, bool]:
        """Each guard, and whether it refuses."""
        percentage, count = options.reject_removals_above_percentage, options.reject_removals_above_count
        share = 100 * len(self.removable)
        return {
            Guard.UNREADABLE: self.unreadable,
            Guard.EMPTY: options.reject_empty_source_collections
            and self.valid[0] == 0
            and bool(self.stale - self.approved),
            Guard.PERCENTAGE: percentage is not None
            and share * percentage.denominator > percentage.numerator * self.base,
            Guard.COUNT: count is not None and len(self.removable) > count,
        }


GUARD_RULES = {
    Guard.UNREADABLE: "C-7",
    Guard.EMPTY: "C-22",
    Guard.PERCENTAGE: "C-23",
    Guard.COUNT: "C-24",
}
