"""A provider that commits one chosen sin: for tests of an engine, and of whatever watches one.

The sins are listed in `hostile_pages.py` and `hostile_shapes.py` beside it, and those that last in
`hostile_habits.py`; `SINNERS` there has one for each rule of `incrsim check`.

Without a sin its source has four components: `a` and `b` on one page, `c` and `d` on the next. A sin strikes where the
second page is asked for, or where its name says. Set `sin = ""`, and it is good again.

Run it with `incrsim run providers.hostile:Hostile --set sin=cursor-loop --once`, and check it with
`incrsim check providers.hostile:Hostile --set sin=all`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from types import MethodType
from typing import Any

import incrsim
from providers.hostile_habits import (
    ALL,
    CHANGES,
    CONTEXTS,
    HABITS,
    MANY_NAMES,
    NEEDS_MORE,
    another_name,
    needs_more,
)
from providers.hostile_pages import FIRST_PAGES, SECOND_PAGES
from providers.hostile_shapes import AROUNDS, ASYNC_PAGES

SINS = (*SECOND_PAGES, *FIRST_PAGES, *ASYNC_PAGES, *AROUNDS)
Body = dict[str, Any]


class Hostile:
    """Commits a sin of `SINS` or `HABITS`, as its name says; several, when they are named with commas.

    Options to add it with: `reject_empty_source_collections=True` and `reject_removals_above_percentage=25`, since two
    sins are lies that no engine can tell from the truth; `page_timeout="1s"`, since some never answer.

    Args:
        sin: which one; none when empty, and `all` for as many as can be had at once.
        victim: name of a component of another provider, for the sin that claims it.
        name: the provider's name.
        seconds: how long a slow page takes.

    Raises:
        ValueError: there is no such sin.
    """

    def __init__(self, sin: str = "", victim: str = "victim", name: str = "hostile", seconds: float = 1.0) -> None:
        self.sin = sin
        for each in self.sins:
            if each not in (*SINS, *HABITS):
                known = ", ".join((*SINS, *HABITS))
                raise ValueError(f"Hostile(sin={sin!r}): there is no such sin as {each!r}; write one of {known}")
        self.victim: str = victim
        self.name = another_name(name) if MANY_NAMES in self.sins else name
        self.seconds = seconds
        self.free = Event()
        """What hangs, and what is slow, waits for this."""
        self.tasks: list[Any] = []
        """What is left running on the burst's event loop."""
        self.given: list[Body] = []
        """The entities of the page before."""
        self.calls = 0
        """How often one who keeps his place was asked."""
        self.asked: list[Any] = []
        """What one who gives each page once has given."""
        self.items = [f"item-{number:02}" for number in range(30)]
        """What one who counts his pages reads."""

    @property
    def sins(self) -> tuple[str, ...]:
        """What is committed."""
        return ALL if self.sin == "all" else tuple(filter(None, self.sin.split(",")))

    @property
    def around(self) -> Callable[..., Any]:
        """A context manager, upstream's callback, or nonsense."""
        sins = self._of({**CONTEXTS, **AROUNDS})
        return MethodType(sins[0], self) if sins else self._good

    @property
    def next(self) -> Callable[..., Any]:
        """A coroutine function for sins that need one."""
        if NEEDS_MORE in self.sins:
            return needs_more
        return self._async if self._of(ASYNC_PAGES) else self._sync

    def add(self, count: int) -> None:
        """As a source that can be changed: new items."""
        first = int(self.items[-1].rpartition("-")[2]) + 1
        self.items += [f"item-{number:02}" for number in range(first, first + count)]

    def remove(self, *, count: int) -> None:
        """As a source that can be changed: the first items vanish."""
        del self.items[:count]

    @contextmanager
    def _good(self) -> Iterator[None]:
        yield

    def _sync(self, context: object, cursor: Any = None) -> Any:
        strikes = self._of(FIRST_PAGES if cursor is None else SECOND_PAGES if cursor == 1 else {})
        page = _together([sin(self) for sin in strikes]) if strikes else self.page(cursor)
        for habit in self._of(CHANGES):
            page = habit(self, cursor, page)
        return page

    async def _async(self, context: object, cursor: Any = None) -> Any:
        return self.page(cursor) if cursor is None else await self._of(ASYNC_PAGES)[0](self)

    def _of(self, sins: Mapping[str, Callable[..., Any]]) -> list[Callable[..., Any]]:
        """Those of some sins that are committed."""
        return [sins[each] for each in self.sins if each in sins]

    def page(self, cursor: Any = 1) -> incrsim.Page:
        """What the source really has."""
        return self.of("a", "b", cursor=1) if cursor is None else self.of("c", "d", done=True)

    def of(self, *names: str, **fields: Any) -> incrsim.Page:
        """A page of components."""
        self.given = [self.body(each) for each in names]
        return incrsim.Page(self.given, **fields)

    def body(self, name: Any, **spec: Any) -> Body:
        """A component, as a mapping that can be changed."""
        return incrsim.component(name, provider=self, spec=spec).body

    def also(self, *odd: Any) -> incrsim.Page:
        """The second page, with something beside what belongs there."""
        return incrsim.Page([self.body("c"), *odd, self.body("d")], done=True)


def _together(pages: list[Any]) -> Any:
    """What several sins that strike at once return."""
    if len(pages) == 1:
        return pages[0]
    entities = [entity for page in pages for entity in page.entities]
    return incrsim.Page(entities, done=True, problems=[each for page in pages for each in page.problems])
