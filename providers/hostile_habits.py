"""Sins of `hostile.py` that last: no engine sees them in one page, and `incrsim check` does.

Several can be had at once, beside one another and beside a sin that strikes once.
"""
# ruff: noqa: ARG001  # every habit gets what there is, needed or not

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from incrsim import Page

if TYPE_CHECKING:
    from providers.hostile import Hostile

_NUMBERS = count(1)
_COUNTED = 3
"""Entities on a page of one who counts his pages."""


class Connection:
    """What a client looks like."""

    closed = False


@contextmanager
def _cleans_up_in_good_times(hostile: Hostile) -> Iterator[Connection]:
    connection = Connection()
    yield connection
    connection.closed = True


def _keeps_its_place(hostile: Hostile, cursor: Any, page: Page) -> Page:
    hostile.calls += 1
    return hostile.page(None if hostile.calls == 1 else 1)


def _gives_each_page_once(hostile: Hostile, cursor: Any, page: Page) -> Page:
    if cursor in hostile.asked:
        return Page(cursor=page.cursor, done=page.done)
    hostile.asked.append(cursor)
    return page


def _says_when_it_was_asked(hostile: Hostile, cursor: Any, page: Page) -> Page:
    clock = [hostile.body("clock", now=next(_NUMBERS))] if cursor is None else []
    return Page([*page.entities, *clock], page.cursor, page.done, page.problems)


def _never_ends(hostile: Hostile, cursor: Any, page: Page) -> Page:
    return Page(page.entities, (cursor or 0) + 1, problems=page.problems)


def _counts_its_pages(hostile: Hostile, cursor: Any, page: Page) -> Page:
    start = cursor or 0
    stop = start + _COUNTED
    return hostile.of(*hostile.items[start:stop], cursor=stop, done=stop >= len(hostile.items))


def another_name(name: str) -> str:
    """A name that nobody has had before."""
    return f"{name}-{next(_NUMBERS)}"


def needs_more(context: Any, cursor: Any, engine: Any) -> Page:
    """A `next` that no engine can call."""
    return Page(done=True)


MANY_NAMES, NEEDS_MORE = "goes-by-many-names", "next-needs-more"
CONTEXTS: dict[str, Callable[[Hostile], Any]] = {"cleans-up-in-good-times-only": _cleans_up_in_good_times}
CHANGES: dict[str, Callable[[Hostile, Any, Page], Page]] = {
    "keeps-its-place": _keeps_its_place,
    "gives-each-page-once": _gives_each_page_once,
    "says-when-it-was-asked": _says_when_it_was_asked,
    "never-ends": _never_ends,
    "counts-its-pages": _counts_its_pages,
}
HABITS = (MANY_NAMES, NEEDS_MORE, *CONTEXTS, *CHANGES)

SINNERS = {
    "name": "goes-by-many-names",
    "shape": "next-needs-more",
    "around": "leave-raises",
    "pages": "returns-nothing",
    "cursor": "cursor-loop",
    "ends": "never-ends",
    "stateless": "keeps-its-place",
    "repeatable": "gives-each-page-once",
    "survives": "cleans-up-in-good-times-only",
    "refs-unique": "duplicate-in-page",
    "entities-valid": "invalid-name",
    "no-problems": "problem-without-ref",
    "not-empty": "empty-success",
    "page-size": "entity-of-ten-megabytes",
    "drift": "counts-its-pages",
}
"""Rule of `incrsim check` → a sin against it."""
ALL = (
    "goes-by-many-names",
    "never-ends",
    "gives-each-page-once",
    "cleans-up-in-good-times-only",
    "duplicate-in-page",
    "invalid-name",
    "problem-without-ref",
    "entity-of-ten-megabytes",
)
"""What `sin="all"` commits: the sins of `SINNERS` that leave room for one another."""
