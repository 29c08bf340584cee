"""The catalog's processing downstream, as a sink: a queue that all providers share, and that is served at some rate.

It is Backstage's processing loop reduced to what makes others wait: whoever is due longest comes next, a change makes
an entity due at once and so puts it behind all that wait, a removed one waits no longer, and a second serves so many.
"""

from __future__ import annotations

from array import array
from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from incrsim.clock import Clock
from incrsim.errors import CallerError
from incrsim.sinks import Mutation

ENTERED, SUPERSEDED, WITHDRAWN, WAITING = "entered", "superseded", "withdrawn", "waiting"


@dataclass(frozen=True, slots=True)
class Point:
    """The queue at one instant; between two points its length changes evenly.

    Args:
        seconds: since the clock's start.
        waiting: how many entities wait, of all providers.
        oldest: for how many seconds the next one has waited.
    """

    seconds: float
    waiting: int
    oldest: float


@dataclass(frozen=True, slots=True)
class Share:
    """What became of one provider's entities; as many entered as were served, superseded or withdrawn, or wait.

    Args:
        entered: how many joined the queue.
        superseded: of these, how many changed again before it was their turn, and joined anew at its end.
        withdrawn: how many were removed before it was their turn.
        waiting: how many wait.
        changed: seconds since the clock's start at which each one that was served had changed, in the order of service;
            of several changes that one turn served it is the first.
        served: seconds since the clock's start at which it had been processed.
    """

    entered: int
    superseded: int
    withdrawn: int
    waiting: int
    changed: tuple[float, ...]
    served: tuple[float, ...]

    @property
    def delays(self) -> list[float]:
        """Seconds from the commit of a change to the end of its processing, for each entity that was served."""
        return [served - changed for changed, served in zip(self.changed, self.served, strict=True)]

    @property
    def mean_delay(self) -> float:
        """Their mean; 0 when nothing was served."""
        return sum(self.delays) / (len(self.served) or 1)

    @property
    def worst_delay(self) -> float:
        """The longest of them."""
        return max(self.delays, default=0.0)


@dataclass(slots=True)
class _Book:
    """What a `Share` is made of, while it goes on."""

    counts: Counter[str] = field(default_factory=Counter)
    changed: array[float] = field(default_factory=lambda: array("d"))
    served: array[float] = field(default_factory=lambda: array("d"))


class _Place(NamedTuple):
    """An entity's place in the queue.

    Args:
        provider: whose entity it is.
        joined: when it took this place.
        changed: since when it waits to be processed, in this place and those that it gave up for it.
    """

    provider: str
    joined: float
    changed: float


class ProcessingQueue:
    """A sink that takes in all that it is told at once, and works it off one entity after the other. What there was
    before it was attached counts as processed.

    Args:
        clock: the time that it is served by.
        service_rate: how many entities a second are processed.
        name: the sink's name.

    Raises:
        CallerError: when nothing would ever be processed.
    """

    def __init__(self, clock: Clock, service_rate: float, name: str = "processing") -> None:
        if not service_rate > 0:
            raise CallerError(f"service_rate={service_rate}: nothing would ever be processed; write 1 or more a second")
        self.name = name
        self._clock = clock
        self._curve: list[Point] = []
        self._seconds_each = 1 / service_rate
        self._line: OrderedDict[str, _Place] = OrderedDict()
        self._books: defaultdict[str, _Book] = defaultdict(_Book)
        self._free_since = clock.monotonic()
        self._note(self._free_since)

    def share(self, provider: str) -> Share:
        """What became of a provider's entities up to the last `serve`."""
        book = self._books[provider]
        counts = {name: book.counts[name] for name in (ENTERED, SUPERSEDED, WITHDRAWN, WAITING)}
        return Share(**counts, changed=tuple(book.changed), served=tuple(book.served))

    @property
    def curve(self) -> tuple[Point, ...]:
        """The queue over time, up to the last `serve`."""
        return tuple(self._curve)

    @property
    def seconds_to_empty(self) -> float:
        """How long it takes until nothing waits, should nothing more join."""
        if not self._line:
            return 0.0
        return self._next_served() + (len(self._line) - 1) * self._seconds_each - self._clock.monotonic()

    def apply_mutation(self, mutation: Mutation) -> None:
        """Take in what has changed: from now on it waits."""
        if mutation.resync is not None:
            return
        self.serve()
        now = self._clock.monotonic()
        for ref in mutation.removed:
            if (place := self._leave(ref)) is not None:
                self._books[place.provider].counts[WITHDRAWN] += 1
        for entity in mutation.added:
            place = self._leave(entity.ref)
            if place is not None:
                self._books[place.provider].counts[SUPERSEDED] += 1
            self._join(entity.ref, _Place(mutation.provider, now, now if place is None else place.changed))
        self._note(now)

    def serve(self) -> None:
        """Process what has had its turn by now."""
        now = self._clock.monotonic()
        while self._line and (at := self._next_served()) <= now:
            _, place = self._line.popitem(last=False)
            book = self._books[place.provider]
            book.counts[WAITING] -= 1
            book.changed.append(place.changed)
            book.served.append(at)
            self._free_since = at
            if not self._line:
                self._note(at)
        self._note(now)

    def _next_served(self) -> float:
        """When the next one has been processed."""
        return max(self._free_since, self._first().joined) + self._seconds_each

    def _first(self) -> _Place:
        return next(iter(self._line.values()))

    def _join(self, ref: str, place: _Place) -> None:
        counts = self._books[place.provider].counts
        counts[ENTERED] += 1
        counts[WAITING] += 1
        self._line[ref] = place

    def _leave(self, ref: str) -> _Place | None:
        """The place that an entity gives up, if it was waiting."""
        place = self._line.pop(ref, None)
        if place is not None:
            self._books[place.provider].counts[WAITING] -= 1
        return place

    def _note(self, at: float) -> None:
        """One more point; of one instant there are two at most, before and after."""
        oldest = at - self._first().joined if self._line else 0.0
        point = Point(at, len(self._line), oldest)
        if [each.seconds for each in self._curve[-2:]] == [at, at]:
            self._curve[-1] = point
        else:
            self._curve.append(point)
