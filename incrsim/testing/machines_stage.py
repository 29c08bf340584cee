"""A simulated world that somebody else leads, step by step; every step is judged."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import timedelta

from incrsim.simulation.faults import KINDS, Seam
from incrsim.simulation.scenario import NOW, Change, OperatorCall, Webhook
from incrsim.simulation.schedule import FOR_SOMEBODY, Lane
from incrsim.simulation.trace import Trace
from incrsim.simulation.violation import Finding, Violation
from incrsim.simulation.world.course import Course
from incrsim.simulation.world.happenings import ClockJumped
from incrsim.simulation.world.world import World

ARMED = frozenset({Seam.SOURCE, Seam.PROVIDER, Seam.STORE})
"""Where faults happen at the next opportunity that somebody gives them; all others are acts of whoever leads."""


class Untraced(Trace):
    """Counts its lines: whoever shrinks a failure needs no digest of each attempt."""

    def add(self, replica: int, happening: object) -> None:
        """One more."""
        self.length += 1


class Stage:
    """What may be done in a world.

    Args:
        world: not begun yet; its scenario names the kinds of faults that may happen.

    Attributes:
        kinds: of the faults that can be planned.
        is_over: whether a rule did not hold, or all has come to rest.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.kinds = tuple(each.kind for each in world.scenario.faults if KINDS[each.kind].seam in ARMED)
        self.is_over = False
        self._course = Course(world)
        world.begin()

    def step(self, replica: int) -> None:
        """A replica takes its next step, whatever it waits for."""
        self._acting(lambda: self._course.step(self._lane(replica)))

    def run(self, steps: int) -> None:
        """All go on as they would by themselves, for so many steps."""
        self._acting(lambda: self._run(steps))

    def crash(self, replica: int) -> None:
        """A replica's process dies, and another one takes its place."""
        lane = self._lane(replica)
        self._acting(lambda: lane.run.crash(lane.index))

    def wait(self, seconds: float) -> None:
        """Time passes, and nobody does anything meanwhile."""
        world = self.world
        world.clock.advance(timedelta(seconds=seconds))
        world.note(ClockJumped(at=world.clock.now(), provider=world.name, seconds=seconds))

    def change(self, verb: str, *, count: int | None = None, percent: float | None = None) -> None:
        """Something becomes of the source's entities."""
        self._acting(
            lambda: self._course.people.change(Change(at=NOW, verb=verb, count=count, percent=percent)),
        )

    def operate(self, operator: str) -> None:
        """An operator calls."""
        self._acting(lambda: self._course.people.operate(OperatorCall(at=NOW, operator=operator)))

    def tell(self, webhook: Webhook) -> None:
        """The source changes, and tells of it by an event."""
        self._acting(lambda: self._course.people.tell(webhook))

    def plan(self, kind: str) -> None:
        """A fault happens at its next opportunity."""
        self.world.dice.plan(kind)

    def rest(self) -> None:
        """Nothing disturbs any more, and all must come to rest; once, and only if every rule has held."""
        if not self.is_over:
            self._acting(lambda: deque(self._course.rest(), maxlen=0))
            self.is_over = True

    def _acting(self, act: Callable[[], object]) -> None:
        finding = self._found(act)
        if finding is not None:
            # From here only: Hypothesis shrinks what is raised elsewhere as one more failure.
            raise Violation(finding)
        self.world.note_faults()

    def _found(self, act: Callable[[], object]) -> Finding | None:
        try:
            act()
        except Violation as violation:
            self.is_over = True
            return violation.finding
        except BaseException:
            self.is_over = True
            raise
        return None

    def _run(self, steps: int) -> None:
        schedule, clock = self._course.schedule, self.world.clock
        for _ in range(steps):
            lane = schedule.next()
            if lane is not None:
                self._course.step(lane)
            elif schedule.next_instant == FOR_SOMEBODY:
                return  # all wait for somebody to resume
            else:
                clock.advance_to(schedule.next_instant)

    def _lane(self, replica: int) -> Lane:
        return self._course.schedule.lanes[replica]
