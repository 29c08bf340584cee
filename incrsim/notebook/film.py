"""A run as a film: what source, catalog, marks and leases were at each step of its trace; no widgets.

Nothing of it is recorded beforehand: a run happens the same way each time (C-41), so whatever somebody wants to see is
run again up to there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import orjson

from incrsim.simulation.staging import Staging
from incrsim.simulation.trace import Trace
from incrsim.simulation.violation import Finding, Violation
from incrsim.simulation.world.world import World
from incrsim.store.contract import Mark, ProviderState

MOST_ENTITIES = 2_000
"""How many entities of a side are compared: a film is about small worlds, and shows the beginning of large ones."""

KEPT = 200
"""How many pictures are kept, for those who go to and fro."""

WHO = {-1: "operator", -2: "world"}
"""Who acts where the trace has no replica's number."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the trace.

    Args:
        step: its number, from 1.
        at: when, as text.
        who: a replica, an operator or the world.
        event: what happened.
        told: the rest of it, in a few words.
    """

    step: int
    at: str
    who: str
    event: str
    told: str

    def __str__(self) -> str:
        return f"{self.step}  {self.at}  {self.who}: {self.event} {self.told}".rstrip()


@dataclass(frozen=True, slots=True)
class Side:
    """A ref, on both sides.

    Args:
        ref: it.
        in_source: whether the source holds it.
        owner: who owns it in the catalog; `None` when it is not there.
        same: whether both say the same of it.
    """

    ref: str
    in_source: bool
    owner: str | None
    same: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """How everything was after a step.

    Args:
        step: how many lines of the trace there were.
        at: the virtual time.
        sides: source and catalog, by ref.
        states: the providers.
        marks: of the open ingestion, by provider.
    """

    step: int
    at: datetime
    sides: tuple[Side, ...]
    states: tuple[ProviderState, ...]
    marks: tuple[Mark, ...]

    @property
    def held(self) -> int:
        """How many entities the source holds."""
        return sum(each.in_source for each in self.sides)

    @property
    def owned(self) -> int:
        """How many the catalog does."""
        return sum(each.owner is not None for each in self.sides)

    @property
    def differing(self) -> int:
        """How many refs are not the same on both sides."""
        return sum(not each.same for each in self.sides)


class Film:
    """Shows a run at any of its steps.

    Args:
        staging: how it is run.
        finding: what did not hold in it, if that is what the film is about.
    """

    def __init__(self, staging: Staging, finding: Finding | None = None) -> None:
        self._staging = staging
        self.finding = finding
        self._raw: list[bytes] = []
        self._pictures: OrderedDict[int, Picture] = OrderedDict()
        self._showing: _Showing | None = None
        self._read_all()

    @property
    def length(self) -> int:
        """The number of the last picture. One more than there are lines when the run broke off: the step that broke it
        has no line.
        """
        return len(self._raw) + (self.finding is not None)

    def line(self, step: int) -> Line | None:
        """A line of the trace; `None` where there is none: before the first, and for the step that broke the run."""
        return _line(step, self._raw[step - 1]) if 1 <= step <= len(self._raw) else None

    def picture(self, step: int) -> Picture:
        """How everything was after a step; 0 is before the first."""
        if step not in self._pictures:
            self._show(step)
        self._pictures.move_to_end(step)
        return self._pictures[step]

    def close(self) -> None:
        """Give back what it took. Repeatable."""
        if self._showing is not None:
            self._showing.close()
            self._showing = None

    def _read_all(self) -> None:
        showing = _Showing(self._staging, self._raw.append)
        try:
            showing.run_to(None)
            self.finding = showing.finding or self.finding
        finally:
            showing.close()

    def _show(self, step: int) -> None:
        if self._showing is None or self._showing.step >= step:
            self.close()
            self._showing = _Showing(self._staging, lambda _: self._shoot(step))
            self._shoot(step)
        self._showing.shoot = lambda _: self._shoot(step)
        self._showing.run_to(step)
        if step not in self._pictures:  # the step that broke the run
            self._keep(shoot(self._showing.world, step))

    def _shoot(self, wanted: int) -> None:
        """Those just before are kept, too: who goes back a step goes back another."""
        showing = self._showing
        if showing is not None and wanted - KEPT // 4 < showing.step <= wanted:
            self._keep(shoot(showing.world, showing.step))

    def _keep(self, picture: Picture) -> None:
        self._pictures[picture.step] = picture
        if len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)


class _Showing:
    """A run that is under way, up to a step.

    Args:
        staging: how it is run.
        shoot: is called with each line, when it is written.
    """

    def __init__(self, staging: Staging, shoot: Any) -> None:
        self.shoot = shoot
        self.finding: Finding | None = None
        self.step = 0
        self._stack = ExitStack()
        course = self._stack.enter_context(staging.staged(Trace(self._written)))
        self.world = course.world
        self._moments = course.moments()

    def run_to(self, step: int | None) -> None:
        """Until so many lines are written, or to the end."""
        try:
            while (step is None or self.step < step) and next(self._moments, self) is not self:
                pass
        except Violation as violation:
            self.finding = violation.finding

    def close(self) -> None:
        """End it."""
        self._stack.close()

    def _written(self, line: bytes) -> None:
        self.step += 1
        self.shoot(line)


def shoot(world: World, step: int) -> Picture:
    """How a world is now.

    Args:
        world: the world.
        step: how many lines its trace has.
    """
    store, name = world.store, world.name
    state = world.state(name)
    states = tuple(store.states())
    marks = () if state is None else tuple(store.marks(name))
    return Picture(step, world.clock.now(), tuple(_sides(world)), states, marks)


def _sides(world: World) -> Iterator[Side]:
    held = {ref: make().digest for ref, make in islice(world.source.snapshot().lazily(), MOST_ENTITIES)}
    owned = {each.ref: each for each in world.store.entities(limit=MOST_ENTITIES)}
    for ref in sorted({*held, *owned}):
        stored = owned.get(ref)
        owner = None if stored is None else stored.provider
        if ref not in held and owner != world.name:
            continue  # another provider's, and none of our business
        same = stored is not None and owner == world.name and stored.digest == held.get(ref)
        yield Side(ref, ref in held, owner, same)


def _line(step: int, raw: bytes) -> Line:
    values: dict[str, Any] = orjson.loads(raw)
    who = WHO.get(values["replica"], f"replica {values['replica']}")
    left_out = {"at", "event", "replica", "provider", "ingestion", "total", "record"}
    told = ", ".join(f"{name} {_plain(value)}" for name, value in values.items() if name not in left_out)
    return Line(step, str(values["at"])[5:19].replace("T", " "), who, values["event"], told)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {_plain(each)}" for name, each in value.items() if each) + ")"
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    return str(value)
