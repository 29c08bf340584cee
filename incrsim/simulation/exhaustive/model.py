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
from incrsim.simulation.exhaustive.outside import FROM_OUTSIDE, RESUME
from incrsim.simulation.exhaustive.replica import IDLE, SPENT, Replica, Stand
from incrsim.simulation.exhaustive.rules import Breach, Taken
from incrsim.simulation.exhaustive.source import EDITIONS
from incrsim.simulation.exhaustive.steps import Claim, CommitPage, EndBurst, Fail, Step, Sweep, Told, Write, told_by
from incrsim.simulation.exhaustive.world import Instant, World, first_world
from incrsim.store.memory import MemoryStore

CLAIM = Claim()

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
        does: what it does, or means to do.
        wrong: what goes wrong with it.
        calls: of the store, in their order.
    """

    world: int
    replica: Replica
    does: str | Step
    wrong: Wrong | None = None
    calls: tuple[Call, ...] = ()

    @property
    def overtakes(self) -> bool:
        """Whether the other replica's lease is lost by it."""
        return any(call.overtakes for call in self.calls)

    @property
    def breaches(self) -> tuple[Breach, ...]:
        """What must not be."""
        return tuple(breach for call in self.calls for breach in call.breaches)

    @property
    def words(self) -> str:
        """What happens."""
        if not self.calls:
            return str(self.does)
        last = self.calls[-1]
        if self.wrong is None:
            return f"{self.does}: {last.heard}"
        return f"{self.does}, which goes wrong ({self.wrong}); {last.step}: {last.heard}"


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

    def wait(self, world: int, *left: timedelta) -> timedelta:
        """How long it is to the next instant at which something is due, a lease expires or a burst is spent; zero if
        there is none.

        Args:
            world: where.
            left: of the replicas' bursts.
        """
        if self.is_over(world):
            return SPENT
        here = self.worlds[world]
        seen = here.book.seen
        instants = [seen.due - here.now, *left]
        if seen.leased_until is not None:
            instants.append(seen.leased_until - here.now)
        return min((each for each in instants if each > SPENT), default=SPENT)

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
        after = World(store, book, world.now, max(world.edition, int(book.memory.sweeps > 0)))
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
        call = self.take(world, CLAIM)
        replica = IDLE if call.told is None else Replica.claimed(*call.told[:3])
        return Move(call.world, replica, CLAIM, calls=(call,))

    def _fetches(self, world: int, replica: Replica) -> Iterator[Move]:
        does = f"fetches page {replica.pages + 1}"
        yield Move(world, replica.fetched(self.worlds[world].edition), does)
        # Of one that was overtaken a store reads nothing but the fence, so that one kind of failure stands for all.
        for consequence in (Consequence.RETRY,) if replica.behind else Consequence:
            yield self._fails(world, replica, consequence, does)

    def _writes(self, world: int, replica: Replica) -> Iterator[Move]:
        step = _write_of(replica)
        call = self.take(world, step)
        yield Move(call.world, IDLE if call.told is None else replica.committed(*call.told), step, calls=(call,))
        yield self._fails(world, replica, Moment.FAILS_BEFORE, step)
        lost = self._fails(call.world, replica, Moment.ANSWER_LOST, step)
        yield lost._replace(calls=(call, *lost.calls))

    def _fails(self, world: int, replica: Replica, wrong: Wrong, does: str | Step) -> Move:
        """What went wrong is recorded, as `tick` does it in the same step."""
        consequence = wrong if isinstance(wrong, Consequence) else Consequence.RETRY
        call = self.take(world, Fail(replica.behind, consequence))
        return Move(call.world, IDLE, does, wrong, (call,))


def _write_of(replica: Replica) -> Write:
    if replica.stand is Stand.FETCHED:
        return CommitPage(replica.behind, replica.edition, replica.pages, replica.deltas)
    if replica.stand is Stand.LEFT and (replica.paused or not replica.sweeping):
        return EndBurst(replica.behind)
    return Sweep(replica.behind)
