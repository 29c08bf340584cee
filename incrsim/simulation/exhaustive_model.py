"""What may happen next at each place of the exhaustive model.

A step of a store is a function of its rows and of what it is called with. So each call is made once at each place,
judged once, and remembered: that two replicas, what goes wrong and what comes from outside combine in hundreds of
thousands of ways costs no further call.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple, TypeAlias

from incrsim.ingestion import Consequence
from incrsim.options import ProviderOptions
from incrsim.simulation.crash import Moment
from incrsim.simulation.exhaustive_outside import FROM_OUTSIDE, RESUME
from incrsim.simulation.exhaustive_replica import IDLE, Replica, Stand
from incrsim.simulation.exhaustive_rules import Breach, Taken
from incrsim.simulation.exhaustive_source import EDITIONS
from incrsim.simulation.exhaustive_steps import Claim, CommitPage, EndBurst, Fail, Step, Sweep, Told, Write, told_by
from incrsim.simulation.exhaustive_world import Instant, World, first_world
from incrsim.store.memory import MemoryStore

SWEEPS = 2
"""After so many nothing new begins."""

Wrong: TypeAlias = Moment | Consequence
"""What goes wrong with a step: its replica dies, its store fails, or its provider raises what has this consequence."""


class Call(NamedTuple):
    """A call of the store, and what came of it.

    Args:
        world: the place that it leads to.
        step: the call; `None` for a change of the source.
        heard: what its caller heard, in a word.
        told: what a replica learns from it.
        overtakes: whether the fence moved.
        breaches: what must not be.
    """

    world: int
    step: Step | None
    heard: str = ""
    told: Told | None = None
    overtakes: bool = False
    breaches: tuple[Breach, ...] = ()


class Move(NamedTuple):
    """What a replica may do next.

    Args:
        world: the place that it leads to.
        replica: how the replica stands then.
        words: what it does.
        wrong: what goes wrong with it.
        overtakes: whether the other replica's lease is lost by it.
        breaches: what must not be.
    """

    world: int
    replica: Replica
    words: str
    wrong: Wrong | None = None
    overtakes: bool = False
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
        self._taken: dict[tuple[int, Step], Call] = {}
        self._later: dict[tuple[int, timedelta], int] = {}
        self.start = self._met(first_world(store))

    def take(self, world: int, step: Step) -> Call:
        """Call the store at a place, if nobody has done so before."""
        call = self._taken.get((world, step))
        if call is None:
            call = self._taken[world, step] = self._take(world, step)
        return call

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

    def is_paused(self, world: int) -> bool:
        """Whether somebody may resume the provider."""
        return self.worlds[world].book.seen.paused

    def waits(self, world: int) -> Iterator[timedelta]:
        """How long it is until something is due or expires here; not more than zero when it has."""
        here = self.worlds[world]
        seen = here.book.seen
        yield seen.due - here.now
        if seen.leased_until is not None:
            yield seen.leased_until - here.now

    def calls_from_outside(self, world: int) -> Iterator[Call]:
        """What operators, events and the source may do at any moment."""
        for step in FROM_OUTSIDE:
            yield self.take(world, step)
        here = self.worlds[world]
        if here.edition + 1 < len(EDITIONS):
            yield Call(self._met(replace(here, edition=here.edition + 1)), None)

    def resumes(self, world: int) -> Iterator[Call]:
        """What ends a pause; it is no call of its own."""
        yield self.take(world, RESUME)

    def _met(self, world: World) -> int:
        number = self._ids.setdefault(world.key, len(self.worlds))
        if number == len(self.worlds):
            self.worlds.append(world)
        return number

    def _take(self, number: int, step: Step) -> Call:
        self.calls += 1
        world = self.worlds[number]
        book, due = step.due(world, self.options)
        store = world.store.fork(Instant(world.now))
        heard, result = step.answer(store, world, self.options)
        after = World(store, book, world.now, max(world.edition, book.memory.sweeps > 0))
        breaches = Taken(step, world, after, heard, result, due).breaches()
        there = number if after.key == world.key else self._met(after)
        return Call(there, step, heard, told_by(result), book.seen.fence > world.book.seen.fence, breaches)

    # --- moves of a replica -------------------------------------------------------------------------------------------

    def moves(self, world: int, replica: Replica) -> Iterator[Move]:
        """All that a replica may do next, well or wrong."""
        match replica.stand:
            case Stand.IDLE:
                if not self.is_over(world):
                    yield self._claim(world)
                return
            case Stand.CLAIMED if not replica.sweeping:
                yield Move(world, replica.entered(self.options.burst_length), "enters its context")
                yield self._fails(world, replica, Consequence.RETRY, "enters its context")
            case Stand.ENTERED:
                yield from self._fetches(world, replica)
            case Stand.COMMITTED if not replica.leaves:
                yield from self._fetches(world, replica)
            case Stand.COMMITTED:
                yield Move(world, replica.left_context(), "leaves its context")
                yield self._fails(world, replica, Consequence.RETRY, "leaves its context")
            case _:
                yield from self._writes(world, replica)
        yield Move(world, IDLE, "dies", Moment.DIES_BEFORE)

    def _claim(self, world: int) -> Move:
        call = self.take(world, Claim())
        replica = IDLE if call.told is None else Replica.claimed(*call.told[:3])
        return Move(call.world, replica, f"{call.step}: {call.heard}", None, call.overtakes, call.breaches)

    def _fetches(self, world: int, replica: Replica) -> Iterator[Move]:
        words = f"fetches page {replica.pages + 1}"
        yield Move(world, replica.fetched(self.worlds[world].edition), words)
        for consequence in Consequence:
            yield self._fails(world, replica, consequence, words)

    def _writes(self, world: int, replica: Replica) -> Iterator[Move]:
        call = self.take(world, _write_of(replica))
        words = str(call.step)
        after = IDLE
        if call.told is not None and replica.stand is Stand.FETCHED:
            after = replica.committed(*call.told)
        yield Move(call.world, after, f"{words}: {call.heard}", None, call.overtakes, call.breaches)
        yield self._fails(world, replica, Moment.FAILS_BEFORE, words)
        lost = self._fails(call.world, replica, Moment.ANSWER_LOST, words)
        yield lost._replace(breaches=call.breaches + lost.breaches)

    def _fails(self, world: int, replica: Replica, wrong: Wrong, words: str) -> Move:
        """What went wrong is recorded, as `tick` does it in the same step."""
        consequence = wrong if isinstance(wrong, Consequence) else Consequence.RETRY
        call = self.take(world, Fail(replica.behind, consequence))
        words = f"{words}, which goes wrong ({wrong}); {call.step}: {call.heard}"
        return Move(call.world, IDLE, words, wrong, call.overtakes, call.breaches)


def _write_of(replica: Replica) -> Write:
    if replica.stand is Stand.FETCHED:
        return CommitPage(replica.behind, replica.edition, replica.pages, replica.deltas)
    if replica.stand is Stand.LEFT and (replica.paused or not replica.sweeping):
        return EndBurst(replica.behind)
    return Sweep(replica.behind)
