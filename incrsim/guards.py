"""May this sweep remove that much? Pure decisions with numbers (C-7, C-22 … C-24)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Self

from incrsim.glance import brief
from incrsim.html import card, facts
from incrsim.options import ProviderOptions

FEWEST_INVALID = 2
"""One invalid entity alone never fails an ingestion, however few there are (C-7)."""


class Guard(StrEnum):
    """What can refuse a sweep."""

    EMPTY = "reject_empty_source_collections"
    PERCENTAGE = "reject_removals_above_percentage"
    COUNT = "reject_removals_above_count"
    UNREADABLE = "unreadable"
    """A part of the source, or an entity's ref, could not be read: what it held cannot be told from what vanished
    (C-7)."""


@dataclass(frozen=True, slots=True)
class Census:
    """What a sweep counted before anything was removed.

    Args:
        marked: owned entities that this ingestion returned or an event added during it.
        stale: owned entities that were not marked.
        removable: those of the stale that this sweep would remove; fewer than `stale` within `removal_grace_cycles`
            (C-25).
        base: stale entities, and marked ones that existed before this ingestion's first page (C-23).
        valid: how many valid entities the ingestion's pages returned, events not counted (C-22).
        unreadable: problems without a ref (C-7).
        approved: those of the stale whose removal an operator approved: this sweep removes them, and counts them
            neither in `removable` nor in `base` (C-26).
    """

    marked: int
    stale: int
    removable: int
    base: int
    valid: int
    unreadable: int
    approved: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """A sweep's decision, with its numbers (C-26).

    Args:
        id: grows with every verdict of the provider.
        ingestion: the number of the ingestion that was swept.
        decided_at: when, by the store's clock.
        census: what was counted.
        refused_by: the guards that refused; empty when the sweep went through.
        removed: how many entities it removed.
        limit_percentage: the limit in force, 0 to 100 in decimal writing, or `None`.
        limit_count: the limit in force, or `None`.
        largest_batch: how many of these one statement removed at most: memory and locks are bounded by it (C-13).
    """

    id: int
    ingestion: int
    decided_at: datetime
    census: Census
    refused_by: tuple[Guard, ...]
    removed: int
    limit_percentage: str | None
    limit_count: int | None
    largest_batch: int = 0

    @classmethod
    def of(
        cls,
        census: Census,
        refused_by: tuple[Guard, ...],
        removed: int,
        options: ProviderOptions,
        **which: Any,
    ) -> Self:
        """A decision under a provider's limits.

        Args:
            census: what was counted.
            refused_by: what `judge` said of it.
            removed: how many entities were removed.
            options: the limits in force.
            which: `id`, `ingestion` and `decided_at`; `largest_batch`, where anything was removed.
        """
        limit = options.reject_removals_above_percentage
        return cls(
            census=census,
            refused_by=refused_by,
            removed=removed,
            limit_percentage=None if limit is None else percentage_text(limit),
            limit_count=options.reject_removals_above_count,
            **which,
        )

    @property
    def collected(self) -> int:
        """How many entities the sweep removed or, had no guard refused, would have removed: their refs are kept."""
        return self.census.removable + self.census.approved

    @property
    def refused(self) -> bool:
        """Whether the sweep removed nothing because a guard said so."""
        return bool(self.refused_by)

    @property
    def percentage(self) -> float:
        """How much of the base the sweep would remove, 0 to 100, rounded for people; the guard itself computes in
        integers.
        """
        return 100 * self.census.removable / self.census.base if self.census.base else 0.0

    @property
    def word(self) -> str:
        """`swept` or `refused`."""
        return "refused" if self.refused else "swept"

    def __str__(self) -> str:
        """One sentence for logs and terminals."""
        c = self.census
        if not self.refused:
            return f"swept: removed {self.removed:,} of {c.base:,} ({self.percentage:.2f} %)"
        reasons = ", ".join(_reason(guard, self) for guard in self.refused_by)
        return f"refused to remove {c.removable:,} of {c.base:,} ({self.percentage:.2f} %): {reasons}"

    def __repr__(self) -> str:
        return brief(self, str(self))

    def _repr_html_(self) -> str:
        """For notebooks."""
        c = self.census
        limits = [f"{self.limit_percentage} %"] if self.limit_percentage is not None else []
        limits += [f"{self.limit_count:,} entities"] if self.limit_count is not None else []
        numbers = {
            "marked": f"{c.marked:,} entities",
            "stale": f"{c.stale:,} entities",
            "to remove": f"{c.removable:,} of {c.base:,} entities ({self.percentage:.2f} %)",
            "approved before": f"{c.approved:,} entities" if c.approved else None,
            "limits": ", ".join(limits) or "none",
            "refused by": ", ".join(self.refused_by),
            "removed": f"{self.removed:,} entities",
            "decided": self.decided_at,
        }
        title = f"Verdict {self.id} on ingestion {self.ingestion}" if self.id else "What the sweep would decide"
        return card(title, str(self), facts(numbers), of=self.word)


def judge(census: Census, options: ProviderOptions) -> tuple[Guard, ...]:
    """Which guards refuse this sweep; none means that it may go on."""
    checks = {
        Guard.UNREADABLE: census.unreadable > 0,
        Guard.EMPTY: options.reject_empty_source_collections and census.valid == 0 and census.stale > census.approved,
        Guard.PERCENTAGE: _above_percentage(census, options),
        Guard.COUNT: options.reject_removals_above_count is not None
        and census.removable > options.reject_removals_above_count,
    }
    return tuple(guard for guard, refuses in checks.items() if refuses)


def too_many_invalid(invalid: int, distinct: int, options: ProviderOptions) -> bool:
    """Whether more than `max_invalid_percentage` of an ingestion's distinct entities, and at least two, were invalid
    (C-7).
    """
    numerator, denominator = options.max_invalid_percentage.as_integer_ratio()
    return invalid >= FEWEST_INVALID and 100 * invalid * denominator > numerator * distinct


def percentage_text(limit: Fraction) -> str:
    """A limit in decimal writing, for records and people."""
    return str(Decimal(limit.numerator) / Decimal(limit.denominator))


def _above_percentage(census: Census, options: ProviderOptions) -> bool:
    limit = options.reject_removals_above_percentage
    if limit is None:
        return False
    numerator, denominator = limit.as_integer_ratio()
    return 100 * census.removable * denominator > numerator * census.base


def _reason(guard: Guard, verdict: Verdict) -> str:
    match guard:
        case Guard.EMPTY:
            return "the source returned no valid entity"
        case Guard.UNREADABLE:
            return f"{verdict.census.unreadable:,} part(s) of the source could not be read"
        case Guard.PERCENTAGE:
            return f"above the limit of {verdict.limit_percentage} %"
        case Guard.COUNT:
            return f"above the limit of {verdict.limit_count:,}"
