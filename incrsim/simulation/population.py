"""Which of a generated source's entities are there, and at which version, in memory that grows with what happened to
them and not with their number (C-13).

Each entity has an index, its place in the source's order, and a *rank*: the index, shuffled by the seed within the
batch that it was added with. Everything that happens to a part of them happens to a stretch of ranks, so that a few
segments of ranks say all, any share can be met exactly, and the entities met lie scattered over the source.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from random import Random


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of ranks of which the same is true.

    Args:
        stop: the first rank behind it; it begins where the one before it stops.
        version: counts the changes, from 1.
        present: whether the source holds them now; what is gone keeps its version, for the day it comes back.
    """

    stop: int
    version: int
    present: bool


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
        return self.count(is_present)

    def count(self, chosen: Callable[[Segment], bool]) -> int:
        """How many entities lie in the chosen segments."""
        return sum(stop - start for start, stop, segment in self._spans() if chosen(segment))

    def grown(self, count: int) -> Population:
        """`count` new entities, behind all others in the source's order."""
        if not count:
            return self
        stop = (self.batches[-1] if self.batches else 0) + count
        return Population(self.seed, (*self.batches, stop), _merged([*self.segments, Segment(stop, 1, present=True)]))

    def altered(
        self,
        chosen: Callable[[Segment], bool],
        change: Callable[[Segment], Segment],
        count: int,
        skip: int,
    ) -> Population:
        """Change `count` of the entities in chosen segments: in order of rank after the first `skip` of them, and round
        to the first ones when the last is reached.

        Args:
            chosen: which segments count.
            change: what becomes of a segment.
            count: how many entities to change, at most as many as there are in the chosen segments.
            skip: less than that.
        """
        total = self.count(chosen)
        if not count:
            return self
        cuts = sorted({skip, (skip + count) % total})
        result: list[Segment] = []
        passed = 0
        for start, stop, segment in self._spans():
            if not chosen(segment):
                result.append(segment)
                continue
            width = stop - start
            inner = [passed, *(cut for cut in cuts if passed < cut < passed + width), passed + width]
            for left, right in pairwise(inner):
                piece = Segment(start + right - passed, segment.version, segment.present)
                result.append(change(piece) if (left - skip) % total < count else piece)
            passed += width
        return Population(self.seed, self.batches, _merged(result))

    def present(self, start: int = 0) -> Iterator[tuple[int, int]]:
        """The present entities from an index on, in the source's order, each with its version."""
        first = 0
        for stop in self.batches:
            if stop > start:
                yield from self._present_of(first, stop, max(start, first))
            first = stop

    def _present_of(self, first: int, stop: int, start: int) -> Iterator[tuple[int, int]]:
        """Those of one batch, the indexes from `first` to `stop`."""
        spans = [span for span in self._spans() if span[0] < stop and span[1] > first]
        if not any(segment.present for _, _, segment in spans):
            return
        if len(spans) == 1:
            version = spans[0][2].version
            yield from ((index, version) for index in range(start, stop))
            return
        rank = shuffle(stop - first, f"{self.seed} {first}")
        stops = [span[1] - first for span in spans]
        versions = [segment.version if segment.present else 0 for _, _, segment in spans]
        for index in range(start, stop):
            version = versions[bisect_right(stops, rank(index - first))]
            if version:
                yield index, version

    def _spans(self) -> Iterator[tuple[int, int, Segment]]:
        start = 0
        for segment in self.segments:
            yield start, segment.stop, segment
            start = segment.stop


def is_present(segment: Segment) -> bool:
    """Whether a segment's entities are there."""
    return segment.present


def is_gone(segment: Segment) -> bool:
    """Whether a segment's entities were removed."""
    return not segment.present


@lru_cache(maxsize=256)
def shuffle(size: int, seed: str) -> Callable[[int], int]:
    """A permutation of the numbers below `size` that takes no memory.

    It multiplies and folds within the next power of two, each step of which can be undone, and goes on from there until
    it is below `size` again.

    Args:
        size: how many numbers, at least 1.
        seed: which permutation.
    """
    bits = max(1, (size - 1).bit_length())
    mask, fold = (1 << bits) - 1, (bits + 1) // 2
    random = Random(seed)
    a, b, c, d = (random.getrandbits(bits) for _ in range(4))
    a, c = a | 1, c | 1

    def rank(number: int) -> int:
        while True:
            number = (number * a + b) & mask
            number ^= number >> fold
            number = (number * c + d) & mask
            number ^= number >> fold
            if number < size:
                return number

    return rank


def _merged(segments: list[Segment]) -> tuple[Segment, ...]:
    merged: list[Segment] = []
    for segment in segments:
        if merged and (merged[-1].version, merged[-1].present) == (segment.version, segment.present):
            merged.pop()
        merged.append(segment)
    return tuple(merged)
