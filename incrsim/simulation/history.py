"""What a source held at every instant."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from heapq import merge
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from incrsim.clock import Clock
from incrsim.entity import Entity
from incrsim.simulation.holding import Holding, Row, Shelf
from incrsim.simulation.states import is_spoiled
from incrsim.simulation.view import View

Instant = datetime | int
"""A moment of a source's past: a time of its clock, or the number of changes until then."""

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class Held(View):
    """What a source held at one moment, or throughout a time; also what is spoiled.

    Args:
        holding: what it held at the end of that time.
        shelf: makes its entities.
        without: the indexes that do not count.
    """

    def __init__(self, holding: Holding, shelf: Shelf, without: frozenset[int] = frozenset()) -> None:
        self._holding = holding
        self._shelf = shelf
        self._without = without

    def lazily(self) -> Iterator[tuple[str, Callable[[], Entity]]]:
        """See `View.lazily`. An entity whose name is spoiled stands at the ref that it would have."""
        shelf = self._shelf
        for ref, (index, entry) in self._rows():
            yield ref, lambda index=index, entry=entry: shelf.entity(index, entry)  # type: ignore[misc]  # mypy infers no lambda with a default

    def entities(self) -> list[Entity]:
        """All of them at once, in the order of their refs."""
        items = self._shelf.items(row for _, row in self._rows())
        return [item if isinstance(item, Entity) else Entity(item) for item in items]

    def __len__(self) -> int:
        """How many there are."""
        return sum(1 for _ in self._rows()) if self._without else self._holding.size

    @cached_property
    def refs(self) -> frozenset[str]:
        """All refs."""
        return frozenset(ref for ref, _ in self._rows())

    @cached_property
    def spoiled(self) -> Mapping[str, Entity]:
        """What is invalid on purpose, by ref."""
        shelf, found = self._shelf, self._holding.population.within(is_spoiled)
        rows = ((index, state) for index, state in found if state.present and index not in self._without)
        return {shelf.ref(index, state): shelf.entity(index, state) for index, state in rows}

    def since(self, older: Held) -> Differences:
        """What has become different."""
        before, after = set(), set()
        for index, was, now in self._holding.differences(older._holding):
            if was is not None:
                before.add(self._shelf.ref(index, was))
            if now is not None:
                after.add(self._shelf.ref(index, now))
        return Differences(*(tuple(sorted(refs)) for refs in (after - before, before - after, before & after)))

    def newer(self, older: Held) -> list[Entity]:
        """The entities that were not there before, or say something else now."""
        there = self._holding.differences(older._holding)
        return [self._shelf.entity(index, now) for index, _, now in there if now is not None]

    def _rows(self) -> Iterator[tuple[str, Row]]:
        """What counts, by ref."""
        ref, without = self._shelf.ref, self._without
        own, claims = self._holding.population.present(), self._holding.claims.items()
        named = ((ref(index, entry), (index, entry)) for index, entry in own if index not in without)
        if not claims:
            return named
        claimed = sorted((claim.ref, (index, claim)) for index, claim in claims if index not in without)
        return merge(named, claimed, key=itemgetter(0))


class Differences(NamedTuple):
    """What differs between two moments of a source.

    Args:
        appeared: the refs that were not there before, sorted.
        vanished: the refs that are not there any more, sorted.
        changed: the refs of entities that say something else, also those that were spoiled or healed, sorted.
    """

    appeared: tuple[str, ...]
    vanished: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """Something happened to a source.

    Args:
        verb: what: `add`, `remove` and so on.
        number: which of its changes, from 1.
        at: when, by its clock if it has one.
        before: what it held until then.
        after: what it holds since.
    """

    verb: str
    number: int
    at: datetime | None
    before: Held
    after: Held

    @cached_property
    def differences(self) -> Differences:
        """Which refs it met; found when asked for, since most observers look at few of the changes."""
        return self.after.since(self.before)


class History:
    """All that a source ever held.

    Args:
        first: what it held at first.
        shelf: makes its entities.
    """

    def __init__(self, first: Holding, shelf: Shelf) -> None:
        self._shelf = shelf
        self._holdings = [first]
        self._instants = [_BEFORE_ALL]

    @property
    def now(self) -> Holding:
        """What it holds now."""
        return self._holdings[-1]

    @property
    def number(self) -> int:
        """How many changes there were."""
        return len(self._holdings) - 1

    def after(self, number: int) -> Holding | None:
        """What it held after so many changes; `None` when there were not that many."""
        return self._holdings[number] if 0 <= number < len(self._holdings) else None

    def add(self, verb: str, holding: Holding, clock: Clock | None) -> Change:
        """It holds something else from now on."""
        before, at = self.now, clock.now() if clock else None
        self._holdings.append(holding)
        self._instants.append(at or self._instants[-1])
        held = Held(before, self._shelf), Held(holding, self._shelf)
        return Change(verb, self.number, at, *held)

    def held(self, at: Instant) -> Held:
        """What it held at an instant, after all changes that happened at it."""
        return Held(self._holdings[self._last(at)], self._shelf)

    def held_throughout(self, start: Instant, end: Instant) -> Held:
        """What it held, under the same ref, from an instant to another without a break, as it was at the end.

        Whatever vanished or appeared at the first instant does not count: it may have been a moment later.
        """
        first = start if isinstance(start, int) else max(0, bisect_left(self._instants, start) - 1)
        stretch = self._holdings[first : self._last(end) + 1]
        ref = self._shelf.ref
        touched = {
            index
            for before, after in pairwise(stretch)
            for index, was, now in after.differences(before)
            if was is None or now is None or ref(index, was) != ref(index, now)
        }
        return Held(stretch[-1], self._shelf, frozenset(touched))

    def _last(self, at: Instant) -> int:
        return at if isinstance(at, int) else max(0, bisect_right(self._instants, at) - 1)
