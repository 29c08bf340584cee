"""What comes of asking a provider for its pages: once through, again, and out of order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from incrsim.entity import Entity
from incrsim.glance import entities, many
from incrsim.preview_values import Preview
from incrsim.provider import Page
from incrsim.testing.conformance_seen import Seen, advice, failed, not_applicable, passed, raised, short
from incrsim.testing.conformance_subject import Held, Place, Subject, sample

NOTHING_NEW = 5
"""After so many pages in a row that hold nothing but what came before, a provider is taken to go round in circles."""


def pages(subject: Subject) -> Seen:
    """Every page of the first reading came."""
    reading = subject.reading
    for each in reading.findings:
        if each.rule in ("C-3", "C-16", "C-17"):
            return failed(f"page {each.page}: {short(each.message)}")
    if not reading.pages:
        return not_applicable("no page could be asked for; see what failed above")
    slowest = max(page.seconds for page in reading.pages)
    return passed(f"{many(len(reading.pages), 'page')}, the slowest in {slowest:.3f} s")


def cursor(subject: Subject) -> Seen:
    """Every cursor of the first reading can be kept, and is new."""
    for each in subject.reading.findings:
        if each.rule in ("C-4", "C-5"):
            return failed(f"page {each.page}: {short(each.message)}")
    cursors = [page.cursor for page in subject.reading.pages if page.cursor is not None]
    longest = max(map(len, cursors), default=0)
    return passed(f"{many(len(cursors), 'cursor')}, the longest of {many(longest, 'byte')}")


def ends(subject: Subject) -> Seen:
    """The last page of the first reading is done, or at least something new came to its end."""
    found = subject.reading.pages
    if found[-1].done:
        return passed(f"with page {len(found)}")
    idle = _idle(subject.reading)
    if idle >= NOTHING_NEW and any(page.entities for page in found[-idle:]):
        return failed(f"the last {idle} of {many(len(found), 'page')} held nothing that had not come before")
    if idle >= NOTHING_NEW:
        return advice(f"the last {idle} of {many(len(found), 'page')} held nothing")
    if len(found) < subject.max_pages:
        return not_applicable(f"nothing came after page {len(found)}; see what failed above")
    return not_applicable(
        f"not within {many(len(found), 'page')}, and more were not read",
        f"To see its end, let max_pages be more than {len(found)}.",
    )


def stateless(subject: Subject) -> Seen:
    """Pages by other instances, in other bursts, the last one first: nothing can lean on the page before."""
    again = sample(subject.reading)
    difference = subject.compared(lambda reading: next(_out_of_order(subject, reading), None))
    if difference is not None:
        return failed(difference)
    how = "a fresh instance" if subject.made_anew else "the same object, since no factory was given, in a fresh context"
    return passed(f"{many(len(again), 'page')}, each by {how}, the last one first")


def repeatable(subject: Subject) -> Seen:
    """Pages twice in a row."""
    difference = subject.compared(lambda reading: next(_twice(subject, reading), None))
    return difference or passed(f"{many(len(sample(subject.reading)), 'page')}, twice each")


def _idle(reading: Preview) -> int:
    """How many pages at the end held nothing that is new."""
    seen: set[str] = set()
    idle = 0
    for page in reading.pages:
        refs = set(Held.by(page).entities)
        idle = idle + 1 if refs <= seen else 0
        seen |= refs
    return idle


def _out_of_order(subject: Subject, reading: Preview) -> Iterator[str]:
    for place in reversed(sample(reading)):
        try:
            with subject.burst(subject.fresh()) as session:
                differs = Held.by(session.fetch(place.cursor)).differs_from(Held.by(place.page))
        except Exception as error:  # noqa: BLE001  # a provider may raise anything
            differs = raised(error)
        if differs is not None:
            yield f"page {place.page.number}, read by itself, {differs}"


def _twice(subject: Subject, reading: Preview) -> Iterator[Seen]:
    changed: Seen | None = None  # told last, since a page that differs as a whole is worse
    place: Place | None = None
    try:
        with subject.burst(subject.fresh()) as session:
            for place in sample(reading):
                first, second = session.fetch(place.cursor), session.fetch(place.cursor)
                differs = Held.by(second).differs_from(Held.by(first))
                if differs is None:
                    changed = changed or _changed(place, first, second)
                else:
                    yield failed(f"page {place.page.number}, asked for again at once, {differs}")
    except Exception as error:  # noqa: BLE001  # likewise
        yield failed(f"page {place.page.number if place else 1}, asked for again at once, {raised(error)}")
    if changed is not None:
        yield changed


def _changed(place: Place, first: Page, second: Page) -> Seen | None:
    """Entities that are there in both readings, and differ."""
    before, after = _by_ref(first), _by_ref(second)
    differing = [ref for ref, entity in before.items() if entity.digest != after[ref].digest]
    if not differing:
        return None
    ref = differing[0]
    where = _difference(before[ref].body, after[ref].body) or "location_key"
    share = f"{len(differing):,} of {entities(len(before))} on page {place.page.number}"
    return advice(f"{share} say something else at each reading, for instance {ref} at {where}")


def _by_ref(page: Page) -> dict[str, Entity]:
    return {each.ref: each for each in page.entities if isinstance(each, Entity) and each.ref is not None}


def _difference(before: Any, after: Any, path: str = "") -> str:
    """Where two bodies differ first."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                return _difference(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    return path
