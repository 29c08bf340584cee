"""Pages in another order, more than once, or with a cursor that leads nowhere.

Nothing that the source returns is ever left out: where a page comes twice or too early, its cursor leads on to the one
that is due. Such a cursor is a *detour*: it holds the cursors of the provider that it stands for, so that any process
can go on from it, also when no more dice are thrown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from incrsim.burst import ProviderBurst
from incrsim.provider import Page
from incrsim.simulation import faults
from incrsim.simulation.dice import Dice

DETOUR = "incrsim.detour"
"""The key of a cursor that is one."""

NOT_JSON: tuple[Any, ...] = (float("nan"), "\ud800", {1: "one"}, b"bytes", ["x" * 70_000])
"""Cursors that are none (C-4)."""

_SPOILS = (faults.CURSOR_LOOP, faults.CURSOR_NOT_JSON)


class FaultyPages:
    """The pages of one burst.

    Args:
        burst: the provider's, entered.
        dice: of the run.
    """

    def __init__(self, burst: ProviderBurst, dice: Dice) -> None:
        self._burst = burst
        self._dice = dice
        self._spoils = dice.together(_SPOILS)
        self._before: Any = None
        """The cursor of the page that was fetched last in this burst; of the source's first one, if none was."""

    def fetch(self, cursor: Any) -> Page:
        """The page at a cursor, or another one first."""
        if isinstance(cursor, dict) and DETOUR in cursor:
            page = self._after_detour(*cursor[DETOUR])
        else:
            page = self._led_astray(cursor)
        return page if page.done else self._with_cursor_spoiled(cursor, page)

    def _led_astray(self, cursor: Any) -> Page:
        if cursor is not None and self._dice.strikes(faults.REPEATED_PAGE):
            return replace(self._burst.fetch(self._before), cursor={DETOUR: [cursor]}, done=False)
        page = self._plain(cursor)
        if page.done or not self._dice.strikes(faults.OUT_OF_ORDER):
            return page
        early = self._burst.fetch(page.cursor)
        then = None if early.done else early.cursor
        return replace(early, cursor={DETOUR: [cursor, page.cursor, then]}, done=False)

    def _after_detour(self, cursor: Any, following: Any = None, cursor_then: Any = None) -> Page:
        """The page that was put off.

        Args:
            cursor: of that page.
            following: the cursor that it had; what stood there came before it.
            cursor_then: the cursor after that; `None` when that was the last page.
        """
        page = self._plain(cursor)
        # It may reach less far by now: then what came before it comes once more, so that nothing between is lost.
        if following is None or page.done or page.cursor != following:
            return page
        return replace(page, cursor=cursor_then, done=cursor_then is None)

    def _plain(self, cursor: Any) -> Page:
        page = self._burst.fetch(cursor)
        self._before = cursor
        return page

    def _with_cursor_spoiled(self, asked: Any, page: Page) -> Page:
        match self._spoils.first():
            case faults.CURSOR_LOOP if asked is None:
                self._dice.missed(faults.CURSOR_LOOP)
            case faults.CURSOR_LOOP:
                return replace(page, cursor=asked)
            case faults.CURSOR_NOT_JSON:
                return replace(page, cursor=NOT_JSON[self._dice.choose(faults.CURSOR_NOT_JSON, len(NOT_JSON))])
        return page
