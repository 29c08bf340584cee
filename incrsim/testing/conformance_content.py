"""What a provider's pages hold."""

from __future__ import annotations

from incrsim.glance import entities, many
from incrsim.profiling_advice import OVERHEAD, PAGE_MEGABYTES
from incrsim.provider import Problem
from incrsim.testing.conformance_seen import Seen, advice, failed, passed, short
from incrsim.testing.conformance_subject import Subject

LARGEST_PAGE = 10_000
"""Entities: more on a page are never faster, and each takes memory."""

SMALLEST_PAGE = 10
"""Entities: of fewer on a page, each is worth less than its page costs."""

FEW_PAGES = 5
"""Of so many pages nobody minds how small they are."""

_LARGEST_BYTES = PAGE_MEGABYTES * 2**20 // OVERHEAD


def refs_unique(subject: Subject) -> Seen:
    """Refs that came before."""
    again = [each for each in subject.reading.findings if each.rule == "C-8"]
    if not again:
        return passed(f"{entities(subject.reading.entities)}, each once")
    where = again[0]
    return advice(f"{many(len(again), 'repetition')}; on page {where.page} {where.ref} {where.message.split(':')[0]}")


def entities_valid(subject: Subject) -> Seen:
    """Entities that break a rule of Backstage's."""
    wrong = [
        (page.number, entity, entity.violations)
        for page in subject.reading.pages
        for entity in page.entities
        if entity.violations
    ]
    if not wrong:
        return passed(entities(subject.reading.entities))
    number, entity, violations = wrong[0]
    named = entity.ref or "one without a readable ref"
    return failed(
        f"{len(wrong):,} of {entities(subject.reading.entities)} are invalid; "
        f"the first is {named} on page {number}: {short(str(violations[0]))}"
    )


def no_problems(subject: Subject) -> Seen:
    """Problems that pages report."""
    found: list[Problem] = [each for page in subject.reading.pages for each in page.problems]
    if not found:
        return passed("none")
    unclear = sum(each.ref is None for each in found)
    return advice(f"{many(len(found), 'problem')}, {unclear:,} without a ref; the first: {short(found[0].message)}")


def not_empty(subject: Subject) -> Seen:
    """An empty source."""
    if subject.reading.entities or not subject.reading.pages[-1].done:
        return passed(entities(subject.reading.entities))
    if subject.options.reject_empty_source_collections:
        return passed("it is empty, which reject_empty_source_collections refuses to believe")
    return advice("it is empty")


def page_size(subject: Subject) -> Seen:
    """Entities and bytes a page."""
    sizes = [
        (len(page.entities), sum(len(each.canonical or b"") for each in page.entities), page.number)
        for page in subject.reading.pages
    ]
    for count, size, number in sizes:
        if count > LARGEST_PAGE or size > _LARGEST_BYTES:
            return advice(
                f"page {number} holds {entities(count)} of {_bytes(size)}", "Ask the source for less at once."
            )
    most, heaviest = max(size[0] for size in sizes), max(size[1] for size in sizes)
    if len(sizes) > FEW_PAGES and most < SMALLEST_PAGE:
        return advice(f"no page holds more than {entities(most)}")
    return passed(f"at most {entities(most)} and {_bytes(heaviest)} a page")


def _bytes(count: int) -> str:
    kilobytes = count / 1024
    return f"{kilobytes:,.0f} kB" if kilobytes < 1024 else f"{kilobytes / 1024:,.1f} MB"  # noqa: PLR2004 -- kilobytes of a megabyte
