"""What a source holds, or a catalog should hold, at one moment: refs and entities in order, in constant memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from incrsim.entity import Entity


class View(ABC):
    """Entities in the order of their refs, by code point."""

    @abstractmethod
    def lazily(self) -> Iterator[tuple[str, Callable[[], Entity]]]:
        """Each ref with a function that makes its entity, for those who look at few of them."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[tuple[str, Entity]]:
        """Each ref with its entity."""
        return ((ref, make()) for ref, make in self.lazily())

    def over(self, older: View) -> View:
        """This view, and behind it what only the older one holds, as it was there.

        That is what a catalog holds after a refused sweep: everything that the source returned, and what the catalog
        held before and the sweep was not allowed to remove (C-26).
        """
        return _Over(self, older)


@dataclass(frozen=True, slots=True)
class FixedView(View):
    """A view of entities that are all in memory.

    Args:
        entities: valid ones, in any order.
    """

    entities: Mapping[str, Entity]

    def lazily(self) -> Iterator[tuple[str, Callable[[], Entity]]]:
        """See `View.lazily`."""
        return ((ref, lambda ref=ref: self.entities[ref]) for ref in sorted(self.entities))  # type: ignore[misc]  # mypy infers no lambda with a default

    def __len__(self) -> int:
        """How many there are."""
        return len(self.entities)


NOTHING: View = FixedView({})
"""What a catalog holds before the first page."""


@dataclass(frozen=True, slots=True)
class _Over(View):
    newer: View
    older: View

    def lazily(self) -> Iterator[tuple[str, Callable[[], Entity]]]:
        older = self.older.lazily()
        behind = next(older, None)
        for item in self.newer.lazily():
            while behind is not None and behind[0] < item[0]:
                yield behind
                behind = next(older, None)
            if behind is not None and behind[0] == item[0]:
                behind = next(older, None)
            yield item
        if behind is not None:
            yield behind
        yield from older

    def __len__(self) -> int:
        return sum(1 for _ in self.lazily())
