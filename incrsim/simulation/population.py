"""Which of a generated source's entities are there, and in which state, in memory that grows with what happened to
them and not with their number (C-13).

Each entity has an index, its place in the source's order, and a *rank*: the index, shuffled by the seed within the
batch that it was added with. Everything that happens to a part of them happens to a stretch of ranks, so that a few
segments of ranks say all, any share can be met exactly, and the entities met lie scattered over the source.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise, repeat
from operator import attrgetter, itemgetter
from random import Random
from typing import NamedTuple

from incrsim.simulation.states import State

BLOCK = 1024
"""So many indexes are ranked at once."""

_STOP = itemgetter(0)
_NOTHING = (sys.maxsize, None)


class Segment(NamedTuple):
    """A stretch of ranks of which the same is true.

    Args:
        stop: the first rank behind it; it begins where the one before it stops.
        state: of each of them.
    """

    stop: int
    state: State


@dataclass(frozen=True, slots=True)
class Population:
    """The entities of a generated source at one moment; every change gives a new value.

    Args:
        seed: shuffles indexes into ranks.
        batches: for each batch of added entities the first index behind it.
        segments: all ranks, in order.
    """

    seed: int
    batches: tuple[int, ...] = ()
    segments: tuple[Segment, ...] = ()

    def __len__(self) -> int:
        """How many entities are present."""
        return self.count(attrgetter("present"))

    def count(self, chosen: Callable[[State], bool]) -> int:
        """How many entities are in a chosen state."""
        number = start = 0
        for stop, state in self.segments:
            if chosen(state):
                number += stop - start
            start = stop
        return number

    def within(self, chosen: Callable[[State], bool]) -> Iterator[tuple[int, State]]:
        """The entities in a chosen state, by rank: those of states that few are in are found without looking at all."""
        start = 0
        for stop, state in self.segments:
            if chosen(state):
                yield from ((self._index(rank), state) for rank in range(start, stop))
            start = stop

    def grown(self, count: int) -> Population:
        """`count` new entities, behind all others in the source's order."""
        if not count:
            return self
        stop = (self.batches[-1] if self.batches else 0) + count
        return Population(self.seed, (*self.batches, stop), _merged([*self.segments, Segment(stop, State())]))

    def altered(
        self,
        chosen: Callable[[State], bool],
        change: Callable[[State], State],
        count: int,
        skip: int,
    ) -> Population:
        """Change `count` of the entities in a chosen state: in order of rank after the first `skip` of them, and round
        to the first ones when the last is reached.

        Args:
            chosen: which states count.
            change: what becomes of a state.
            count: how many entities to change, at most as many as there are in a chosen state.
            skip: less than that.
        """
        if not count:
            return self
        total = self.count(chosen)
        # Where among the chosen ones what happens to them begins and ends.
        cuts = iter([*sorted({skip, (skip + count) % total}), total])
        cut, met = next(cuts), -skip % total < count
        result: list[Segment] = []
        start = passed = 0
        for segment in self.segments:
            stop, state = segment
            if not chosen(state):
                result.append(segment)
            else:
                here = passed + stop - start
                while cut < here:
                    if cut > passed:
                        result.append(Segment(stop - here + cut, change(state) if met else state))
                    met = (cut - skip) % total < count
                    cut = next(cuts)
                result.append(Segment(stop, change(state)) if met else segment)
                passed = here
            start = stop
        return Population(self.seed, self.batches, _merged(result))

    def altered_at(self, index: int, change: Callable[[State], State]) -> Population:
        """Change the one entity at an index."""
        batch = bisect_right(self.batches, index)
        first = self.batches[batch - 1] if batch else 0
        rank = first + shuffle(self.batches[batch] - first, f"{self.seed} {first}")(index - first)
        return self.altered(lambda _: True, change, 1, rank)

    def present(self, start: int = 0) -> Iterator[tuple[int, int | State]]:
        """The present entities from an index on, in the source's order, each with its `State.entry`."""
        return chain.from_iterable(
            self._present_of(first, stop, max(start, first))
            for first, stop in pairwise((0, *self.batches))
            if stop > start
        )

    def _present_of(self, first: int, stop: int, start: int) -> Iterator[tuple[int, int | State]]:
        """Those of one batch, the indexes from `first` to `stop`, from an index on."""
        segments = self.segments[_segment_of(self.segments, first) : _segment_of(self.segments, stop - 1) + 1]
        entries = [segment.state.entry if segment.state.present else None for segment in segments]
        if not any(entries):
            return iter(())
        if len(entries) == 1 and entries[0]:
            return zip(range(start, stop), repeat(entries[0]))
        stops = [segment.stop - first for segment in segments]
        return chain.from_iterable(
            _present_among(
                first + block * BLOCK, start, ranks(stop - first, f"{self.seed} {first}", block), stops, entries
            )
            for block in range((start - first) // BLOCK, (stop - first - 1) // BLOCK + 1)
        )

    def differences(self, older: Population) -> Iterator[tuple[int, State | None, State]]:
        """Each entity whose state is another than it was: its index, the older state if it had one, and its state.

        Args:
            older: what this population came from, in any number of steps.
        """
        before = iter(older.segments)
        was, old = next(before, _NOTHING)
        start = 0
        for stop, state in self.segments:
            while start < stop:
                end = min(stop, was)
                if old != state:
                    yield from ((self._index(rank), old, state) for rank in range(start, end))
                if was == end:
                    was, old = next(before, _NOTHING)
                start = end

    def _index(self, rank: int) -> int:
        batch = bisect_right(self.batches, rank)
        first = self.batches[batch - 1] if batch else 0
        return first + unshuffle(self.batches[batch] - first, f"{self.seed} {first}")(rank - first)


def _present_among(
    first: int, start: int, ranked: Sequence[int], stops: list[int], entries: list[int | State | None]
) -> Iterator[tuple[int, int | State]]:
    """Those of one block.

    Args:
        first: the block's first index.
        start: the first index that counts.
        ranked: the rank of each index.
        stops: where the segments of ranks end.
        entries: how those of each segment are told, `None` for those that are gone.
    """
    skipped = max(0, start - first)
    for index, rank in enumerate(ranked[skipped:], first + skipped):
        if entry := entries[bisect_right(stops, rank)]:
            yield index, entry


def _segment_of(segments: tuple[Segment, ...], rank: int) -> int:
    return bisect_right(segments, rank, key=_STOP)


@lru_cache(maxsize=256)
def shuffle(size: int, seed: str) -> Callable[[int], int]:
    """A permutation of the numbers below `size` that takes no memory.

    It multiplies and folds within the next power of two, each step of which can be undone, and goes on from there until
    it is below `size` again.

    Args:
        size: how many numbers, at least 1.
        seed: which permutation.
    """
    mask, fold, (a, b, c, d) = _mixing(size, seed)

    def rank(number: int) -> int:
        while True:
            number = (number * a + b) & mask
            number ^= number >> fold
            number = (number * c + d) & mask
            number ^= number >> fold
            if number < size:
                return number

    return rank


@lru_cache(maxsize=256)
def unshuffle(size: int, seed: str) -> Callable[[int], int]:
    """The permutation that undoes `shuffle`.

    Args:
        size: how many numbers, at least 1.
        seed: which permutation.
    """
    mask, fold, (a, b, c, d) = _mixing(size, seed)
    a, c = pow(a, -1, mask + 1), pow(c, -1, mask + 1)

    def number(rank: int) -> int:
        while True:
            # A fold by half of the bits or more undoes itself.
            rank ^= rank >> fold
            rank = ((rank - d) * c) & mask
            rank ^= rank >> fold
            rank = ((rank - b) * a) & mask
            if rank < size:
                return rank

    return number


@lru_cache(maxsize=64)
def ranks(size: int, seed: str, block: int) -> array[int]:
    """The shuffled numbers of one block, fewer in the last one: kept, since sources are read again and
    again.
    """
    return array("Q", map(shuffle(size, seed), range(block * BLOCK, min(size, (block + 1) * BLOCK))))


def _mixing(size: int, seed: str) -> tuple[int, int, tuple[int, int, int, int]]:
    bits = max(1, (size - 1).bit_length())
    random = Random(seed)
    a, b, c, d = (random.getrandbits(bits) for _ in range(4))
    return (1 << bits) - 1, (bits + 1) // 2, (a | 1, b, c | 1, d)


def _merged(segments: list[Segment]) -> tuple[Segment, ...]:
    merged: list[Segment] = []
    for segment in segments:
        if merged and merged[-1].state == segment.state:
            merged.pop()
        merged.append(segment)
    return tuple(merged)
