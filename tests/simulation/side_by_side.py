"""The exhaustive model beside the shipping engine: the same moves on both, and whether they come to the same place."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from incrsim import events
from incrsim.clock import VirtualClock
from incrsim.errors import CursorExpired, FatalError, RateLimited
from incrsim.ingestion import Consequence
from incrsim.simulation import Fuse, Simulation, crashing_store
from incrsim.simulation.crash import Moment
from incrsim.simulation.exhaustive import OPTIONS
from incrsim.simulation.exhaustive.contract import RATE_LIMIT
from incrsim.simulation.exhaustive.model import Model
from incrsim.simulation.exhaustive.replica import IDLE, Stand
from incrsim.simulation.exhaustive.source import SmallSource
from incrsim.simulation.exhaustive.world import first_world, rows_key
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from incrsim.provider import Page
    from incrsim.simulation.exhaustive.model import Move
    from incrsim.simulation.simulator import Happening

LONGEST = 100
CALLS, JUMPS, FAILURES = 0.02, 0.05, 0.05
"""How often a move is one of these, where there is one."""

PATIENCE = 0.9
"""How often the time passes instead when a replica would ask in vain."""

_STANDS: dict[type, Stand] = {
    events.Claimed: Stand.CLAIMED,
    events.ContextEntered: Stand.ENTERED,
    events.PageFetched: Stand.FETCHED,
    events.PageCommitted: Stand.COMMITTED,
    events.ContextLeft: Stand.LEFT,
}


class Raising(SmallSource):
    """The source, as a provider that raises when it is told to."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self.consequence: Consequence | None = None
        self._clock = clock

    @contextmanager
    def around(self) -> Iterator[None]:
        self._maybe_raise()
        try:
            yield
        finally:
            self._maybe_raise()

    def next(self, context: Any, cursor: Any = None) -> Page:
        self._maybe_raise()
        return super().next(context, cursor)

    def _maybe_raise(self) -> None:
        consequence, self.consequence = self.consequence, None
        match consequence:
            case Consequence.RETRY:
                raise ConnectionError("no answer")
            case Consequence.CURSOR_EXPIRED:
                raise CursorExpired("too old")
            case Consequence.FATAL:
                raise FatalError("never")
            case Consequence.RATE_LIMITED:
                raise RateLimited(self._clock.now() + RATE_LIMIT)


class Armed(Fuse):
    """Blows at the next write of a page, a burst's end or a sweep, once it was armed."""

    def __init__(self) -> None:
        super().__init__()
        self.armed: Moment | None = None

    def moment(self, operation: str) -> Moment | None:
        if operation not in ("commit_page", "end_burst", "commit_sweep"):
            return None
        armed, self.armed = self.armed, None
        return armed


@dataclass(slots=True)
class Walked:
    """What a random walk met."""

    moves: int = 0
    failures: int = 0
    calls: int = 0
    ended: bool = False


class SideBySide:
    """Both, after the same moves.

    Args:
        model: shared by many walks.
        random: decides what happens.
    """

    def __init__(self, model: Model, random: Random) -> None:
        self.model = model
        self.world = model.start
        self.replicas = [IDLE, IDLE]
        self.walked = Walked()
        self.told: list[str] = []
        self._random = random
        self._clock = VirtualClock()
        self._provider = Raising(self._clock)
        self._fuse = Armed()
        self._store = first_world(MemoryStore()).store.fork(self._clock)
        self._run = Simulation(
            self._provider,
            store=crashing_store(self._store, self._fuse),
            clock=self._clock,
            options=OPTIONS,
            replicas=2,
        )

    def walk(self) -> Walked:
        """Do random moves until it is over, and compare after each."""
        while self.walked.moves < LONGEST and not self._is_over():
            self._move()
            self.walked.moves += 1
            world = self.model.worlds[self.world]
            self._provider.edition = world.edition
            here = rows_key(self._store, self._clock.now())
            assert here == world.rows, f"{here}\n{world.rows}\nthe engine differs after {self.told[-3:]}"
        self.walked.ended = self._is_over()
        return self.walked

    def _is_over(self) -> bool:
        return self.model.is_over(self.world) and self.replicas == [IDLE, IDLE]

    def _move(self) -> None:
        dice = self._random.random()
        if dice < CALLS:
            self._call()
        elif dice < CALLS + JUMPS:
            self._jump()
        else:
            self._step()

    def _call(self) -> None:
        outside = self.model.resumes if self.model.is_paused(self.world) else self.model.calls_from_outside
        call = self._random.choice(list(outside(self.world)))
        self.told.append(str(call.step))
        assert not call.breaches
        if call.step is not None:
            heard, _ = call.step.answer(self._store, self.model.worlds[self.world], OPTIONS)
            assert heard == call.heard
        if call.overtakes:
            self.replicas = [each.overtaken() for each in self.replicas]
        self.world = call.world
        self.walked.calls += 1

    def _jump(self) -> None:
        if wait := self.model.wait(self.world, *(each.left for each in self.replicas)):
            self.told.append(f"{wait} later")
            self._clock.advance(wait)
            self.world = self.model.later(self.world, wait)
            self.replicas = [each.later(wait) for each in self.replicas]

    def _step(self) -> None:
        at = self._random.randrange(2)
        moves = list(self.model.moves(self.world, self.replicas[at]))
        if not moves:
            return None
        wrong = [move for move in moves if move.wrong is not None]
        right = [move for move in moves if move.wrong is None]
        move = self._random.choice(wrong if wrong and self._random.random() < FAILURES else right)
        if move.world == self.world and move.replica == IDLE and self._random.random() < PATIENCE:
            return self._jump()
        assert not move.breaches
        self.told.append(f"{'AB'[at]} {move.words}")
        stood = self._engine(at, move)
        assert stood is move.replica.stand, f"the engine stands elsewhere after {self.told}: {stood!r}"
        if move.overtakes:
            self.replicas[1 - at] = self.replicas[1 - at].overtaken()
        self.world, self.replicas[at] = move.world, move.replica
        self.walked.failures += move.wrong is not None
        return None

    def _engine(self, at: int, move: Move) -> Stand:
        match move.wrong:
            case Moment.DIES_BEFORE:
                self._run.crash(at)
                return Stand.IDLE
            case Moment():
                self._fuse.armed = move.wrong
            case Consequence():
                self._provider.consequence = move.wrong
        happening: Happening = self._run.step(at)
        while isinstance(happening, events.IngestionEnded):  # nothing can happen between it and the next tick
            happening = self._run.step(at)
        assert self._fuse.armed is None
        assert self._provider.consequence is None
        return _STANDS.get(type(happening), Stand.IDLE)
