"""A source behind a provider that ships here, that can be told to change: files, rows, what an API serves."""

from __future__ import annotations

from collections.abc import Callable


class Shelf:
    """Numbered items, kept somewhere by whoever it is told.

    Args:
        keep: puts the numbers where the provider reads them, in the place of those that were there.
        count: how many there are at first.
    """

    def __init__(self, keep: Callable[[list[int]], object], count: int = 60) -> None:
        self._numbers = list(range(count))
        self._next = count
        self._keep = keep
        keep(self._numbers)

    def add(self, count: int) -> None:
        """New ones, behind all others."""
        self._numbers += range(self._next, self._next + count)
        self._next += count
        self._keep(self._numbers)

    def remove(self, *, count: int) -> None:
        """The first ones vanish, so that all others move up: the worst for those who count."""
        del self._numbers[:count]
        self._keep(self._numbers)
