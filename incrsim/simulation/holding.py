"""What a source holds at one moment, its own entities and those that it claims, in its order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from typing import Any, NamedTuple

from incrsim.entity import Entity
from incrsim.simulation.formula import Formula, in_state
from incrsim.simulation.population import Population
from incrsim.simulation.states import State

FIRST_CLAIM = 10**9
"""The index of the first claimed ref: they come behind all of the source's own."""

KEPT = 4096
"""How many entities are kept ready, for sources that are read again and again: those with the lowest indexes."""

_STRIDE = 256


class Claim(NamedTuple):
    """A ref that the source returns though another provider may own it.

    Args:
        ref: which one.
        entity: what is returned for it.
    """

    ref: str
    entity: Entity


Entry = int | State | Claim
"""What a source holds at an index: the entity of a version, perhaps in a special state, or a claim."""

Row = tuple[int, Entry]
"""An index, and what is there."""

Item = Entity | Mapping[str, Any]
"""What a page holds for an entity."""


class Holding:
    """What a source holds at one moment; it never changes.

    Args:
        population: its own entities.
        claims: what it claims, by index, in order.
    """

    def __init__(self, population: Population, claims: Mapping[int, Claim]) -> None:
        self.population = population
        self.claims = claims

    @cached_property
    def size(self) -> int:
        """How many there are."""
        return len(self.population) + len(self.claims)

    def behind(self, start: int = 0) -> Iterator[Row]:
        """What there is from an index on."""
        own = self.population.present(start)
        return chain(own, (row for row in self.claims.items() if row[0] >= start)) if self.claims else own

    def stretch(self, start: int, stop: int) -> list[Row]:
        """What there is from one position to another, 0 being that of the first."""
        if start >= min(stop, self.size):
            return []
        mark = start // _STRIDE
        first = self._marks[mark] if mark else 0
        return list(islice(self.behind(first), start - mark * _STRIDE, stop - mark * _STRIDE))

    @cached_property
    def _marks(self) -> list[int]:
        # Where every 256th of them is, so that a page far behind costs no walk from the beginning.
        return [index for index, _ in islice(self.behind(), None, None, _STRIDE)]

    def differences(self, older: Holding) -> Iterator[tuple[int, Entry | None, Entry | None]]:
        """Each index where something else is than was: what was there, and what is there now."""
        for index, was, now in self.population.differences(older.population):
            yield index, was.entry if was and was.present else None, now.entry if now.present else None
        for index in sorted(self.claims.keys() ^ older.claims.keys()):
            yield index, older.claims.get(index), self.claims.get(index)


class Shelf:
    """Makes what a source holds, and keeps what it made while that is little.

    Args:
        formula: what entities are called.
        make: what the source's pages hold, from an index and a version.
    """

    def __init__(self, formula: Formula, make: Callable[[int, int], Item]) -> None:
        self.formula = formula
        self._make = make
        self._kept: dict[int, tuple[Entry, Entity]] = {}

    def ref(self, index: int, entry: Entry) -> str:
        """The ref of an entity; of one whose name is spoiled, that which it would have."""
        if isinstance(entry, Claim):
            return entry.ref
        return self.formula.ref(index, 0 if isinstance(entry, int) else entry.renamed)

    def items(self, rows: Iterable[Row]) -> list[Item]:
        """What a page holds for them."""
        kept, make, special = self._kept, self._make, self._special
        # In one expression: a source that is slower than the store would be measured in its place.
        return [
            make(index, entry)
            if index >= KEPT and type(entry) is int
            else ready[1]
            if (ready := kept.get(index)) is not None and ready[0] == entry
            else special(index, entry)
            for index, entry in rows
        ]

    def entity(self, index: int, entry: Entry) -> Entity:
        """The entity."""
        [item] = self.items([(index, entry)])
        return item if isinstance(item, Entity) else Entity(item)

    def _special(self, index: int, entry: Entry) -> Item:
        if isinstance(entry, Claim):
            return entry.entity
        if isinstance(entry, State):
            item = in_state(self._make(index, entry.version), entry)
        else:
            item = self._make(index, entry)
        # What a subclass gives as a mapping may be changed by who gets it.
        if index < KEPT and isinstance(item, Entity):
            self._kept[index] = (entry, item)
        return item
