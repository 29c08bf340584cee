"""How a source's pages follow each other, each way with its real weaknesses.

*Stable* ones lose nothing that is there throughout, whatever else comes and goes between two pages. *Drifting* ones
count positions: what vanishes before a position moves all behind it to the front, past the cursor.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from incrsim.simulation.history import History
from incrsim.simulation.holding import Holding, Row
from incrsim.simulation.weather import TokenExpired


@dataclass(frozen=True, slots=True)
class Stretch:
    """A page as positions in a source.

    Args:
        rows: what is on it.
        cursor: where the next page begins, `None` when there is none.
    """

    rows: Sequence[Row]
    cursor: Any | None


class Dialect(Protocol):
    """A way of asking for page after page."""

    def stretch(self, history: History, size: int, cursor: Any) -> Stretch:
        """What is on a page, by what the source holds now and held before.

        Args:
            history: of the source.
            size: entities a page.
            cursor: what the page before it gave, `None` for the first page.

        Raises:
            TokenExpired: when the cursor is unknown.
        """


class Keyset:
    """`{"after": index}`: what comes behind a key."""

    def stretch(self, history: History, size: int, cursor: Any) -> Stretch:
        """See `Dialect.stretch`."""
        rows, last = _behind(history.now, size, None if cursor is None else cursor["after"])
        return Stretch(rows, None if last is None else {"after": last})


class Snapshot:
    """`{"snapshot": number, "after": index}`: all pages show what was there at the first one."""

    def stretch(self, history: History, size: int, cursor: Any) -> Stretch:
        """See `Dialect.stretch`."""
        number = history.number if cursor is None else cursor["snapshot"]
        holding = history.after(number)
        if holding is None:
            raise TokenExpired
        rows, last = _behind(holding, size, None if cursor is None else cursor["after"])
        return Stretch(rows, None if last is None else {"snapshot": number, "after": last})


class Token:
    """A text that means something to the source alone; behind it is a key."""

    def stretch(self, history: History, size: int, cursor: Any) -> Stretch:
        """See `Dialect.stretch`."""
        rows, last = _behind(history.now, size, None if cursor is None else _opened(cursor))
        return Stretch(rows, None if last is None else _sealed(last))


class PageNumber:
    """`{"page": number}`, from 1."""

    def stretch(self, history: History, size: int, cursor: Any) -> Stretch:
        """See `Dialect.stretch`."""
        page = 1 if cursor is None else cursor["page"]
        rows = history.now.stretch((page - 1) * size, page * size)
        return Stretch(rows, {"page": page + 1} if page * size < history.now.size else None)


class Offset:
    """`{"offset": number}`: so many are passed over."""

    def stretch(self, history: History, size: int, cursor: Any) -> Stretch:
        """See `Dialect.stretch`."""
        start = 0 if cursor is None else cursor["offset"]
        stop = start + size
        return Stretch(history.now.stretch(start, stop), {"offset": stop} if stop < history.now.size else None)


class NewestFirst:
    """`{"offset": number}` in reverse chronological order: what is new moves everything else back."""

    def stretch(self, history: History, size: int, cursor: Any) -> Stretch:
        """See `Dialect.stretch`."""
        start = 0 if cursor is None else cursor["offset"]
        stop, total = start + size, history.now.size
        rows = history.now.stretch(max(0, total - stop), max(0, total - start))
        return Stretch(rows[::-1], {"offset": stop} if stop < total else None)


_STABLE: Mapping[str, Dialect] = {"keyset": Keyset(), "snapshot": Snapshot(), "token": Token()}
_DRIFTING: Mapping[str, Dialect] = {"page-number": PageNumber(), "offset": Offset(), "newest-first": NewestFirst()}

STABLE = frozenset(_STABLE)
"""Dialects that lose nothing that is there throughout."""

DRIFTING = frozenset(_DRIFTING)
"""Dialects that lose and repeat some of what is there throughout when something else comes or goes meanwhile."""

DIALECTS: Mapping[str, Dialect] = {**_STABLE, **_DRIFTING}
"""All, by name."""


def _behind(holding: Holding, size: int, after: int | None) -> tuple[list[Row], int | None]:
    """A page of what comes behind an index, and the index of its last entity if there is more."""
    # One more than the page holds tells whether it is the last.
    rows = list(islice(holding.behind(0 if after is None else after + 1), size + 1))
    if len(rows) <= size:
        return rows, None
    rows.pop()
    return rows, rows[-1][0]


def _sealed(after: int) -> str:
    return urlsafe_b64encode(f"after {after}".encode()).decode()


def _opened(token: Any) -> int:
    try:
        word, after = urlsafe_b64decode(token).split()
        if word == b"after":
            return int(after)
    except (TypeError, ValueError):
        pass
    raise TokenExpired
