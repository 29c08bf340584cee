"""Faults of the run itself: who dies, stands still or is replaced, who calls, and when; as the dice have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from incrsim.lifecycle import Operator
from incrsim.simulation import faults
from incrsim.simulation.scenario import FULL, NOW, OperatorCall, Redeploy, Webhook
from incrsim.simulation.schedule import Lane
from incrsim.simulation.world.happenings import ClockJumped, ReplicaFroze
from incrsim.simulation.world.people import People
from incrsim.simulation.world.world import World

JUMPS = (5, 90, 600, 4 * 3600, 26 * 3600)
"""Seconds by which the clock may jump: within a lease, past it, past waits, past a rest."""

STANDS_STILL_FOR = (1.0, 1.02, 1.1, 1.5, 3.0)
"""In leases: a replica that stands still comes back while another one takes over, is at work, or is done."""

SINK_DOWN_FOR = (2, 60, 3600, 30 * 3600)
"""Seconds for which the sink may be down."""

PAUSED_FOR = (600, 3 * 3600, 30 * 3600)
"""Seconds after which somebody remembers a provider that was paused."""

OTHER_OPTIONS: tuple[Mapping[str, Any], ...] = (
    {},
    {"removal_grace_cycles": 0},
    {"removal_grace_cycles": 2},
    {"burst_length": "1s"},
    {"burst_length": "20s"},
    {"reject_removals_above_percentage": 10},
    {"reject_empty_source_collections": True},
    {"backoff": ["10s"]},
)
"""What a deployment may change."""


class Troubles:
    """Throws the dice before each step.

    Args:
        world: what they befall.
        people: those who call.
        later: plans something for so many seconds from now.
    """

    def __init__(self, world: World, people: People, later: Callable[[float, Callable[[], object]], None]) -> None:
        self._world = world
        self._people = people
        self._later = later
        self._acts = dict(self._all())
        self._kinds = world.dice.together(self._acts)

    def before(self, lane: Lane) -> bool:
        """What may happen before a replica's step happens; says whether the replica can still take it."""
        for kind in self._kinds.struck():
            if not self._acts[kind](lane, kind):
                self._world.dice.missed(kind)
        return lane.ready_at is None or lane.ready_at <= self._world.clock.now()

    def _all(self) -> list[tuple[str, Callable[[Lane, str], bool]]]:
        return [
            (faults.REPLICA_DIES, self._dies),
            (faults.REPLICA_PAUSED, self._stands_still),
            (faults.CLOCK_JUMP, self._jumps),
            (faults.REDEPLOY, self._redeploys),
            (faults.SINK_DOWN, self._sink_fails),
            *((faults.of_operator(each), partial(self._operates, each)) for each in faults.OPERATORS),
            (faults.FULL_MUTATION, partial(self._operates, FULL)),
            *(
                (faults.of_event(verb, when), partial(self._tells, verb, when))
                for verb in faults.EVENT_VERBS
                for when in faults.EVENT_TIMES
            ),
        ]

    def _dies(self, lane: Lane, _: str) -> bool:
        if not lane.replica.in_tick:
            return False  # one that dies while it waits is missed by nobody
        lane.run.crash(lane.index)
        return True

    def _stands_still(self, lane: Lane, kind: str) -> bool:
        world = self._world
        if not lane.replica.in_tick:
            return False
        lease = world.options_of(lane.run.name, lane.number).lease_length
        lane.frozen_until = world.clock.now() + lease * STANDS_STILL_FOR[world.dice.choose(kind, len(STANDS_STILL_FOR))]
        world.note(
            ReplicaFroze(at=world.clock.now(), provider=lane.run.name, number=lane.number, until=lane.frozen_until)
        )
        return True

    def _jumps(self, _: Lane, kind: str) -> bool:
        world = self._world
        seconds = JUMPS[world.dice.choose(kind, len(JUMPS))]
        world.clock.advance(timedelta(seconds=seconds))
        world.note(ClockJumped(at=world.clock.now(), provider=world.name, seconds=seconds))
        return True

    def _redeploys(self, lane: Lane, kind: str) -> bool:
        if lane.run.name != self._world.name:
            return False
        options = OTHER_OPTIONS[self._world.dice.choose(kind, len(OTHER_OPTIONS))]
        self._people.redeploy(Redeploy(at=NOW, replica=lane.number, options=options))
        return True

    def _sink_fails(self, _: Lane, kind: str) -> bool:
        world = self._world
        if world.sink is None:
            return False
        seconds = SINK_DOWN_FOR[world.dice.choose(kind, len(SINK_DOWN_FOR))]
        world.sink.down_until = world.clock.now() + timedelta(seconds=seconds)
        return True

    def _operates(self, operator: str, _: Lane, kind: str) -> bool:
        if operator == Operator.PAUSE:
            seconds = PAUSED_FOR[self._world.dice.choose(kind, len(PAUSED_FOR))]
            self._later(seconds, lambda: self._call("resume"))
        return self._call(operator)

    def _call(self, operator: str) -> bool:
        return self._people.operate(OperatorCall(at=NOW, operator=operator))

    def _tells(self, verb: str, when: str, _: Lane, kind: str) -> bool:
        # What is new comes at the end, so that its page is still ahead; on a page that was read, something has changed.
        does = "removed" if verb == "removes" else "added" if when == "before" else "changed"
        return self._people.tell(Webhook(at=NOW, where=when, **{does: 1}))
