"""Bad weather for a source: what it answers instead of a page, what it does to one, and how it lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from incrsim.clock import VirtualClock
from incrsim.draft import as_entity
from incrsim.entity import Entity
from incrsim.simulation import faults
from incrsim.simulation.dice import Dice
from incrsim.simulation.weather import Cut, RateLimit, SourceCall, SourcePage, TokenExpired, Unavailable

LIMITED_FOR = tuple(timedelta(hours=hours) for hours in (0.01, 1, 24, 48, 0, -1))
"""When a source that asks to wait answers again: soon, later, later than is waited for (C-17), and long ago."""

SLOW_FOR = tuple(timedelta(seconds=seconds) for seconds in (0.25, 1, 4, 20))
"""How long a page may take: more than a burst, and less than the least `page_timeout` by default."""

MISSING_FOR = tuple(timedelta(hours=hours) for hours in (1, 12, 60))
"""For how long half of a source may be missing."""

_Item = Entity | Mapping[str, Any]
_Body = dict[str, Any]
_Spoil = Callable[[_Body], object]

SPOILS: tuple[_Spoil, ...] = (
    lambda body: body["metadata"].pop("annotations"),
    lambda body: body["metadata"].update(labels={"not a key": "x"}),
    lambda body: body["metadata"].update(description="NUL: \0"),
    lambda body: body.update(spec="no mapping"),
    lambda body: body.update(color="red"),
)
"""What makes an entity invalid, and leaves its ref as it is (C-6)."""

UNREADABLE: tuple[_Spoil, ...] = (
    lambda body: body["metadata"].pop("name"),
    lambda body: body["metadata"].update(name="NUL: \0"),
    lambda body: body.update(kind=7),
    lambda body: body.update(metadata=[]),
)
"""What takes an entity its ref."""

_INSTEAD = (faults.SOURCE_DOWN, faults.CONNECTION_CUT, faults.RATE_LIMIT, faults.TOKEN_EXPIRED)
_LIES = (faults.EMPTY_SUCCESS, faults.TRUNCATED)


class SourceWeather:
    """The weather of one run: `Weather` for each of its sources.

    Args:
        dice: of the run.
        clock: of the run.
    """

    def __init__(self, dice: Dice, clock: VirtualClock) -> None:
        self._dice = dice
        self._instead = dice.together(_INSTEAD)
        self._lies = dice.together(_LIES)
        self._clock = clock
        self._spoiled: set[bytes] = set()
        self._half_until: datetime = clock.now()
        self._half = 0

    def meant_valid(self, entity: Entity) -> bool:
        """Whether the source meant an entity to be valid: all are but those that this weather has spoiled."""
        return entity.digest not in self._spoiled

    def page(self, call: SourceCall, answer: Callable[[], SourcePage]) -> SourcePage:
        """See `Weather.page`."""
        self._may_be_no_page(call, answer)
        page = self._with_duplicate(self._lied(self._halved(self._slowly(answer))))
        page = self._with_spoiled(page, faults.INVALID_ENTITY, SPOILS)
        return self._with_spoiled(page, faults.UNREADABLE_REF, UNREADABLE)

    def _may_be_no_page(self, call: SourceCall, answer: Callable[[], SourcePage]) -> None:
        match self._instead.first():
            case faults.SOURCE_DOWN:
                raise Unavailable
            case faults.CONNECTION_CUT:
                answer()
                raise Cut
            case faults.RATE_LIMIT:
                chosen = self._dice.choose(faults.RATE_LIMIT, len(LIMITED_FOR))
                raise RateLimit(self._clock.now() + LIMITED_FOR[chosen])
            case faults.TOKEN_EXPIRED if call.cursor is None:
                self._dice.missed(faults.TOKEN_EXPIRED)
            case faults.TOKEN_EXPIRED:
                raise TokenExpired

    def _slowly(self, answer: Callable[[], SourcePage]) -> SourcePage:
        if not self._dice.strikes(faults.SLOW_PAGE):
            return answer()
        which, looks_first = divmod(self._dice.choose(faults.SLOW_PAGE, 2 * len(SLOW_FOR)), 2)
        page = answer() if looks_first else None
        self._clock.advance(SLOW_FOR[which])
        return page or answer()

    # --- lies ---------------------------------------------------------------------------------------------------------

    def _lied(self, page: SourcePage) -> SourcePage:
        match self._lies.first():
            case faults.EMPTY_SUCCESS:
                return SourcePage((), None, done=True)
            case faults.TRUNCATED if page.done:
                self._dice.missed(faults.TRUNCATED)
            case faults.TRUNCATED:
                return replace(page, cursor=None, done=True)
        return page

    def _halved(self, page: SourcePage) -> SourcePage:
        dice, now = self._dice, self._clock.now()
        if dice.strikes(faults.HALF_MISSING):
            which, self._half = divmod(dice.choose(faults.HALF_MISSING, 2 * len(MISSING_FOR)), 2)
            self._half_until = now + MISSING_FOR[which]
        if dice.quiet or now >= self._half_until:
            return page
        return replace(page, items=[item for item in page.items if self._is_shown(item)])

    def _is_shown(self, item: _Item) -> bool:
        return crc32((as_entity(item).ref or "").encode()) % 2 == self._half

    # --- what it does to a page ---------------------------------------------------------------------------------------

    def _with_duplicate(self, page: SourcePage) -> SourcePage:
        if not page.items or not self._dice.strikes(faults.DUPLICATE):
            return page
        items = list(page.items)
        which, to = divmod(self._dice.choose(faults.DUPLICATE, len(items) ** 2), len(items))
        items.insert(to, items[which])
        return replace(page, items=items)

    def _with_spoiled(self, page: SourcePage, kind: str, spoils: Sequence[_Spoil]) -> SourcePage:
        if not page.items or not self._dice.strikes(kind):
            return page
        items = list(page.items)
        place, how = divmod(self._dice.choose(kind, len(items) * len(spoils)), len(spoils))
        entity = as_entity(items[place])
        body = entity.body  # a copy: sources keep their entities
        spoils[how](body)
        spoiled = Entity(body, location_key=entity.location_key)
        self._spoiled.add(spoiled.digest)
        items[place] = _like(items[place], spoiled)
        return replace(page, items=items)


def _like(item: _Item, spoiled: Entity) -> _Item:
    """A spoiled entity in the form in which the source gives it."""
    if isinstance(item, Entity):
        return spoiled
    return {**item, "entity": spoiled.body} if "entity" in item else spoiled.body
