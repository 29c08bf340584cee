"""Providers that lose what their source holds, though it neither lies nor drifts: the oracle sees what they cost."""

from __future__ import annotations

from typing import Any

from incrsim.provider import Page
from incrsim.simulation.source import FakeSource
from incrsim.testing.mutants.mutant import BrokenSource, breaks


@breaks("C-20")
class SkipsAtEachBoundary(BrokenSource):
    """The first entity of each page but the first one is skipped."""

    def next(self, context: Any, cursor: Any = None) -> Page:
        """The page, or what is left of it."""
        page = self.source.next(context, cursor)
        entities = list(page.entities)
        return Page(entities if cursor is None else entities[1:], page.cursor, page.done)


@breaks("C-20")
class EndsAtTheSecondPage(BrokenSource):
    """The second page says that it is the last one."""

    def next(self, context: Any, cursor: Any = None) -> Page:
        """The page, and that there is no more."""
        page = self.source.next(context, cursor)
        return page if cursor is None else Page(page.entities, done=True)


@breaks("C-20")
class RemembersWhereItWas(BrokenSource):
    """It goes on where it was itself, whatever cursor it is given: what was not committed is never returned again."""

    def __init__(self, source: FakeSource) -> None:
        super().__init__(source)
        self._cursor: Any = None

    def next(self, context: Any, cursor: Any = None) -> Page:
        """The page behind the last one that it returned."""
        page = self.source.next(context, None if cursor is None else self._cursor)
        self._cursor = page.cursor
        return page


@breaks("C-20")
class DriftsUnawares(BrokenSource):
    """It counts entities where the source has keys: what vanishes before a page moves others past it."""

    def next(self, context: Any, cursor: Any = None) -> Page:
        """The page at an offset."""
        answer = self.source.ask(cursor, "offset")
        return Page(answer.items, answer.cursor, answer.done)


@breaks("C-38")
class NeverComesToItsEnd(BrokenSource):
    """It always says that there is more, and returns nothing then."""

    def next(self, context: Any, cursor: Any = None) -> Page:
        """The page, or an empty one that is not the last."""
        if isinstance(cursor, dict) and "empty" in cursor:
            return Page([], {"empty": cursor["empty"] + 1}, done=False)
        page = self.source.next(context, cursor)
        return Page(page.entities, {"empty": 1}, done=False) if page.done else page
