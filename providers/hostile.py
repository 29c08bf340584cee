"""A provider that commits one chosen sin: for tests of an engine, and of whatever watches one.

The sins are listed in `hostile_pages.py` and `hostile_shapes.py` beside it.

Without a sin its source has four components: `a` and `b` on one page, `c` and `d` on the next. A sin strikes where the
second page is asked for, or where its name says. Set `sin = ""`, and it is good again.

Run it with `incrsim run providers.hostile:Hostile --set sin=cursor-loop --once`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from types import MethodType
from typing import Any

import incrsim
from providers.hostile_pages import FIRST_PAGES, SECOND_PAGES
from providers.hostile_shapes import AROUNDS, ASYNC_PAGES

SINS = (*SECOND_PAGES, *FIRST_PAGES, *ASYNC_PAGES, *AROUNDS)
Body = dict[str, Any]


class Hostile:
    """Commits a sin of `SINS`, as its name says.

    Options to add it with: `reject_empty_source_collections=True` and `reject_removals_above_percentage=25`, since two
    sins are lies that no engine can tell from the truth; `page_timeout="1s"`, since some never answer.

    Args:
        sin: which one; none when empty.
        victim: name of a component of another provider, for the sin that claims it.
        name: the provider's name.
        seconds: how long a slow page takes.

    Raises:
        ValueError: there is no such sin.
    """

    def __init__(self, sin: str = "", victim: str = "victim", name: str = "hostile", seconds: float = 1.0) -> None:
        if sin and sin not in SINS:
            raise ValueError(f"Hostile(sin={sin!r}): there is no such sin; write one of {', '.join(SINS)}")
        self.sin = sin
        self.victim: str = victim
        self.name = name
        self.seconds = seconds
        self.free = Event()
        """What hangs, and what is slow, waits for this."""
        self.tasks: list[Any] = []
        """What is left running on the burst's event loop."""
        self.given: list[Body] = []
        """The entities of the page before."""

    @property
    def around(self) -> Callable[..., Any]:
        """A context manager, upstream's callback, or nonsense."""
        sin = AROUNDS.get(self.sin)
        return self._good if sin is None else MethodType(sin, self)

    @property
    def next(self) -> Callable[..., Any]:
        """A coroutine function for sins that need one."""
        return self._async if self.sin in ASYNC_PAGES else self._sync

    @contextmanager
    def _good(self) -> Iterator[None]:
        yield

    def _sync(self, context: object, cursor: Any = None) -> Any:
        sin = (FIRST_PAGES if cursor is None else SECOND_PAGES if cursor == 1 else {}).get(self.sin)
        return self.page(cursor) if sin is None else sin(self)

    async def _async(self, context: object, cursor: Any = None) -> Any:
        return self.page(cursor) if cursor is None else await ASYNC_PAGES[self.sin](self)

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
