"""From what was measured to a page size and a burst length; pure, and with its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

FIXED_SHARE = 0.05
"""What a page costs whatever it holds should be at most this part of it."""

SMALLEST_PAGE = 100
"""Fewer entities are never advised, unless more would take too long: on another database a page costs more."""

LONGEST_PAGE = 1.0
"""Seconds: a burst ends, and a stop is heard, at the next page."""

PAGE_MEGABYTES = 32
"""What a page's entities may take in memory."""

OVERHEAD = 8
"""Bytes of Python objects for each byte of an entity's JSON, roughly."""

SHORTEST_BURST, LONGEST_BURST = 3, 60
"""Seconds: incrsim's default, and as long as a stop of a replica should have to wait for."""

PAGES_PER_BURST = 10

_SIZES = (*(digit * 10**power for power in range(4) for digit in (1, 2, 5)), 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What advice is made of; times in seconds.

    Args:
        entities: over all pages.
        pages: how many.
        source: in the provider's own code, over all pages.
        work: in reading, checking and storing, over all pages.
        empty_page: to commit a page without entities.
        entering: the provider's context.
        entity_bytes: mean size of an entity as JSON.
    """

    entities: int
    pages: int
    source: float
    work: float
    empty_page: float
    entering: float
    entity_bytes: float


@dataclass(frozen=True, slots=True)
class Advice:
    """What would serve the provider well.

    Args:
        page_size: entities on a page, as far as the source allows it.
        burst_length: seconds.
        reasons: a sentence each.
    """

    page_size: int
    burst_length: int
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        """What to write."""
        return f"pages of {self.page_size:,} entities, burst_length={self.burst_length}s"


def advise(measured: Measured) -> Advice:
    """Say what page size and burst length follow from what was measured.

    Args:
        measured: see there.
    """
    if not measured.entities:
        return Advice(1000, SHORTEST_BURST, ("the pages held no entities, so nothing but the usual can be advised",))
    size, reasons = _page_size(measured)
    length, reason = _burst_length(measured, size)
    return Advice(size, length, (*reasons, reason))


def _page_size(measured: Measured) -> tuple[int, list[str]]:
    each = (measured.source + measured.work) / measured.entities
    work = max(1e-9, (measured.work - measured.pages * measured.empty_page) / measured.entities)
    least = ceil(measured.empty_page * (1 / FIXED_SHARE - 1) / work)
    by_time, by_memory = (
        int(LONGEST_PAGE / each),
        int(PAGE_MEGABYTES * 2**20 / (OVERHEAD * max(1.0, measured.entity_bytes))),
    )
    most = max(1, min(by_time, by_memory, _SIZES[-1]))
    size = next(
        (size for size in _SIZES if max(least, SMALLEST_PAGE) <= size <= most),
        max(size for size in _SIZES if size <= most),
    )
    fixed = (
        f"a page costs {1000 * measured.empty_page:.1f} ms to commit whatever it holds, and an entity "
        f"{1e6 * work:.0f} µs more: from {least:,} entities on, the first is at most {FIXED_SHARE:.0%} of it"
    )
    bounds = (
        f"at most {most:,}: a page should take no longer than {LONGEST_PAGE:g} s ({by_time:,} entities at the speed "
        f"measured) and {PAGE_MEGABYTES} MB ({by_memory:,} of {measured.entity_bytes:,.0f} bytes each)"
    )
    return size, [fixed, bounds, *_remarks(measured, size, most)]


def _remarks(measured: Measured, size: int, most: int) -> Iterator[str]:
    if measured.source > measured.work:
        yield (
            "most of the time is the source's own; if that is per request rather than per entity, larger pages are "
            f"better, up to {most:,}"
        )
    now = measured.entities / measured.pages
    close = size / 2 <= now <= 2 * size
    yield f"the pages measured held {now:,.0f}" + (", close enough" if close else "; the provider decides")


def _burst_length(measured: Measured, size: int) -> tuple[int, str]:
    page = size * (measured.source + measured.work) / measured.entities
    wanted = max(SHORTEST_BURST, measured.entering / FIXED_SHARE, PAGES_PER_BURST * page)
    told = f"entering the context takes {1000 * measured.entering:.1f} ms and such a page {1000 * page:.0f} ms"
    if wanted > LONGEST_BURST:
        return LONGEST_BURST, f"{told}, but nobody should wait longer than {LONGEST_BURST} s for a burst to end"
    share = f"{PAGES_PER_BURST} such pages or more, and the context is at most {FIXED_SHARE:.0%} of it"
    return ceil(wanted), f"{told}: a burst of {ceil(wanted)} s has {share}"
