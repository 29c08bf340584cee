"""States of the exhaustive model as numbers: a place, two replicas, and what was spent of calls and failures.

What a replica may do depends on the place and on itself alone, so that it is found out once for each such pair; a state
only combines. The two are interchangeable, so that the one with the smaller number comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from incrsim.simulation.exhaustive.model import Model
from incrsim.simulation.exhaustive.replica import IDLE, Replica

State: TypeAlias = int
"""Place, first replica, second replica, calls, failures: each in some bits of one number."""

_REPLICA = 12
_MOST_REPLICAS = 1 << _REPLICA
_SPENT = 4
CALL = 4
"""What a call from outside adds to what was spent; a failure adds 1."""

_MOST = CALL - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may happen in a history from outside, and how much may go wrong.

    Args:
        calls: at most.
        failures: at most.
    """

    calls: int
    failures: int

    def __post_init__(self) -> None:
        for name, value in (("calls", self.calls), ("failures", self.failures)):
            if not 0 <= value <= _MOST:
                raise ValueError(f"exhaust({name}={value}): a history may have 0 to {_MOST} of them")


Ahead: TypeAlias = tuple[int, int, bool, int]
"""What a move does to a state: place, replica, whether the other one is overtaken, failures spent."""


class States:
    """All states of a model, as far as they were asked for.

    Args:
        model: what may happen.
        limits: how often.
    """

    def __init__(self, model: Model, limits: Limits) -> None:
        self.model = model
        self.limits = limits
        self.replicas: list[Replica] = []
        self.broken: set[tuple[int, int]] = set()
        """Place and replica (or -1 for a call from outside) from which a step goes that breaks a rule."""
        self._numbers: dict[Replica, int] = {}
        self.overtaken: list[int] = []
        self._moves: dict[tuple[int, int], list[Ahead]] = {}
        self._calls: dict[tuple[int, bool], list[tuple[int, bool]]] = {}
        self._times: dict[tuple[int, timedelta, timedelta], tuple[int, timedelta]] = {}
        idle = self.number(IDLE)
        self.first = self.state(model.start, idle, idle, 0)

    def state(self, world: int, one: int, other: int, spent: int) -> State:
        """Put a state together."""
        if one > other:
            one, other = other, one
        return ((world << _REPLICA | one) << _REPLICA | other) << _SPENT | spent

    def parts(self, state: State) -> tuple[int, int, int, int]:
        """Take it apart: place, both replicas, what was spent."""
        pair = state >> _SPENT
        other, one = pair & _MOST_REPLICAS - 1, pair >> _REPLICA & _MOST_REPLICAS - 1
        return pair >> 2 * _REPLICA, one, other, state & (1 << _SPENT) - 1

    def after(self, state: State) -> list[State]:
        """The states that may follow."""
        world, one, other, spent = self.parts(state)
        most = self.limits.failures - spent % CALL
        join, overtaken = self.state, self.overtaken
        found = [
            join(there, moved, overtaken[still] if overtakes else still, spent + wrong)
            for own, still in ((one, other), (other, one))[: 1 + (one != other)]
            for there, moved, overtakes, wrong in self._ahead(world, own)
            if wrong <= most
        ]
        if spent // CALL < self.limits.calls:
            for there, overtakes in self._outside(world, resume=False):
                pair = (overtaken[one], overtaken[other]) if overtakes else (one, other)
                found.append(join(there, *pair, spent + CALL))
        if self.model.is_paused(world):
            found += [join(there, one, other, spent) for there, _ in self._outside(world, resume=True)]
        if later := self._later(world, one, other):
            found.append(later | spent)
        return found

    def _later(self, world: int, one: int, other: int) -> State:
        """When time has passed, nothing spent yet; 0 if it never changes anything."""
        first, second = self.replicas[one], self.replicas[other]
        key = world, first.left, second.left
        found = self._times.get(key)
        if found is None:
            wait = self.model.wait(world, first.left, second.left)
            found = self._times[key] = self.model.later(world, wait) if wait else -1, wait
        there, wait = found
        if there < 0:
            return 0
        if first.left or second.left:
            one, other = self.number(first.later(wait)), self.number(second.later(wait))
        return self.state(there, one, other, 0)

    def number(self, replica: Replica) -> int:
        """The number of a replica's stand."""
        number = self._numbers.get(replica)
        if number is None:
            number = self._numbers[replica] = len(self.replicas)
            if number == _MOST_REPLICAS:
                raise OverflowError(f"a replica stands in more than {_MOST_REPLICAS} ways")
            self.replicas.append(replica)
            self.overtaken.append(number)
            self.overtaken[number] = self.number(replica.overtaken())
        return number

    def _ahead(self, world: int, own: int) -> list[Ahead]:
        found = self._moves.get((world, own))
        if found is None:
            moves = list(self.model.moves(world, self.replicas[own]))
            if any(move.breaches for move in moves):
                self.broken.add((world, own))
            found = self._moves[world, own] = [
                (move.world, self.number(move.replica), move.overtakes, int(move.wrong is not None)) for move in moves
            ]
        return found

    def _outside(self, world: int, *, resume: bool) -> list[tuple[int, bool]]:
        found = self._calls.get((world, resume))
        if found is None:
            calls = list(self.model.resumes(world) if resume else self.model.calls_from_outside(world))
            if any(call.breaches for call in calls):
                self.broken.add((world, -1))
            found = self._calls[world, resume] = [(call.world, call.overtakes) for call in calls]
        return found
