"""What may happen next at each place of the exhaustive model; every call of the store is made once for all of them.

A step of a store is a function of its rows and of what it is called with. So each pair of a place and a call is tried
once, judged once, and remembered; that two replicas, what went wrong and what was asked for from outside can be combined
in hundreds of thousands of ways costs no further call.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from incrsim.ingestion import Consequence, Ingestion, Status
from incrsim.options import ProviderOptions
from incrsim.simulation.crash import Moment
from incrsim.simulation.exhaustive_replica import IDLE, Replica, Stand
from incrsim.simulation.exhaustive_rules import Breach, Taken
from incrsim.simulation.exhaustive_source import PAGES
from incrsim.simulation.exhaustive_steps import (
    FENCED,
    RAISED,
    Claim,
    CommitPage,
    EndBurst,
    Fail,
    Step,
    Sweep,
    Write,
)
from incrsim.simulation.exhaustive_world import Instant, World, first_world
from incrsim.store.contract import CommittedPage, Granted
from incrsim.store.memory import MemoryStore

Wrong = Moment | Consequence
"""What goes wrong with a step: its replica dies, its store fails, or its provider raises what has this consequence."""

SWEEPS = 2
"""After so many nothing new begins."""


class After(NamedTuple):
    """What a call of the store led to.

    Args:
        world: the place.
        heard: what its caller heard.
        told: what a claim or a page was told: status, pages, deltas, paused.
        overtakes: whether the fence moved.
        breaches: what must not be.
    """

    world: int
    heard: str
    told: tuple[bool, int, int, bool] | None
    overtakes: bool
    breaches: tuple[Breach, ...]


class Move(NamedTuple):
    """What a replica may do next.

    Args:
        world: the place that it leads to.
        replica: how the replica stands then.
        overtakes: whether another replica's lease is lost by it.
        wrong: what goes wrong with it.
        breaches: what must not be.
    """

    world: int
    replica: Replica
    overtakes: bool = False
    wrong: Wrong | None = None
    breaches: tuple[Breach, ...] = ()


class Model:
    """All places that were met.

    Args:
        store: an empty one.
        options: the provider's.
    """

    def __init__(self, store: MemoryStore, options: ProviderOptions) -> None:
        self.options = options
        self.worlds: list[World] = []
        self.calls = 0
        self._ids: dict[Hashable, int] = {}
        self._taken: dict[tuple[int, Step], After] = {}
        self._later: dict[tuple[int, timedelta], int] = {}
        self.start = self._met(first_world(store))

    # --- places -------------------------------------------------------------------------------------------------------

    def take(self, world: int, step: Step) -> After:
        """Take a step, if nobody has taken it here before."""
        after = self._taken.get((world, step))
        if after is None:
            after = self._taken[world, step] = self._take(world, step)
        return after

    def later(self, world: int, by: timedelta) -> int:
        """The place where nothing but time has passed."""
        found = self._later.get((world, by))
        if found is None:
            here = self.worlds[world]
            found = self._later[world, by] = self._met(replace(here, now=here.now + by))
        return found

    def is_over(self, world: int) -> bool:
        """Whether nothing new begins here."""
        return self.worlds[world].book.memory.sweeps >= SWEEPS

    def _met(self, world: World) -> int:
        number = self._ids.setdefault(world.key(), len(self.worlds))
        if number == len(self.worlds):
            self.worlds.append(world)
        return number

    def _take(self, number: int, step: Step) -> After:
        self.calls += 1
        world = self.worlds[number]
        book, due = step.due(world, self.options)
        store = world.store.fork(Instant(world.now))
        heard, result = step.answer(store, world, self.options)
        breaches = Taken(step, world, store, heard, result, book, due).breaches()
        if book is world.book:
            return After(number, heard, None, overtakes=False, breaches=breaches)
        edition = int(book.memory.sweeps > 0)
        after = self._met(World(store, book, world.now, edition))
        return After(after, heard, _told(result), book.seen.fence > world.book.seen.fence, breaches)

    # --- moves of a replica -------------------------------------------------------------------------------------------

    def moves(self, world: int, replica: Replica) -> Iterator[Move]:
        """All that a replica may do next, well or wrong."""
        match replica.stand:
            case Stand.IDLE:
                if not self.is_over(world):
                    yield self._claim(world)
                return
            case Stand.CLAIMED if not replica.sweeping:
                yield Move(world, replica._replace(stand=Stand.ENTERED, left=self.options.burst_length))
                yield self._fail(world, replica, Consequence.RETRY)
            case Stand.ENTERED:
                yield from self._fetch(world, replica)
            case Stand.COMMITTED if not replica.leaves:
                yield from self._fetch(world, replica)
            case Stand.COMMITTED:
                yield Move(world, replica._replace(stand=Stand.LEFT))
                yield self._fail(world, replica, Consequence.RETRY)
            case _:
                yield from self._write(world, replica)
        yield Move(world, IDLE, wrong=Moment.DIES_BEFORE)

    def _claim(self, world: int) -> Move:
        after = self.take(world, Claim())
        if after.told is None:
            return Move(after.world, IDLE, breaches=after.breaches)
        sweeping, pages, deltas, _ = after.told
        replica = Replica(Stand.CLAIMED, sweeping=sweeping, pages=pages, deltas=deltas)
        return Move(after.world, replica, after.overtakes, breaches=after.breaches)

    def _fetch(self, world: int, replica: Replica) -> Iterator[Move]:
        edition = self.worlds[world].edition
        yield Move(world, replica._replace(stand=Stand.FETCHED, edition=edition))
        for consequence in RAISED:
            yield self._fail(world, replica, consequence)

    def _write(self, world: int, replica: Replica) -> Iterator[Move]:
        step = _write_of(replica)
        after = self.take(world, step)
        yield Move(after.world, _after_write(replica, after), after.overtakes, breaches=after.breaches)
        yield self._fail(world, replica, Moment.FAILS_BEFORE)
        yield self._fail(after.world, replica, Moment.ANSWER_LOST, after.breaches)

    def _fail(self, world: int, replica: Replica, wrong: Wrong, breaches: tuple[Breach, ...] = ()) -> Move:
        """What went wrong is recorded, as `tick` does it in the same step."""
        consequence = wrong if isinstance(wrong, Consequence) else Consequence.RETRY
        after = self.take(world, Fail(replica.behind, consequence))
        return Move(after.world, IDLE, after.overtakes, wrong, breaches + after.breaches)


def _write_of(replica: Replica) -> Write:
    if replica.stand is Stand.FETCHED:
        return CommitPage(replica.behind, replica.edition, replica.pages, replica.deltas)
    if replica.stand is Stand.LEFT and (replica.paused or not replica.sweeping):
        return EndBurst(replica.behind)
    return Sweep(replica.behind)


def _after_write(replica: Replica, after: After) -> Replica:
    if after.told is None or replica.stand is not Stand.FETCHED:
        return IDLE
    sweeping, pages, deltas, paused = after.told
    return replica._replace(
        stand=Stand.COMMITTED, sweeping=sweeping, pages=pages, deltas=deltas, paused=paused, edition=0
    )


def _told(result: object) -> tuple[bool, int, int, bool] | None:
    match result:
        case Granted(_, ingestion, deltas):
            return _sweeping(ingestion), ingestion.pages, deltas, False
        case CommittedPage(_, decision, _, deltas, paused):
            return _sweeping(decision.ingestion), decision.ingestion.pages, deltas, paused
    return None


def _sweeping(ingestion: Ingestion) -> bool:
    return ingestion.status is Status.SWEEPING
