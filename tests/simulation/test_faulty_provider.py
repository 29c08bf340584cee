"""Sources and providers go wrong: each kind is seen by the engine as its sentence says, and costs no entity."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from incrsim.entity import Entity
from incrsim.events import Failed, IngestionEnded, PageFetched, SweepCommitted
from incrsim.guards import Guard
from incrsim.ingestion import Consequence, Outcome as Ending
from incrsim.provider import Page
from incrsim.provider_events import Delta
from incrsim.simulation import FakeSource, faults
from incrsim.simulation.dice import Fault
from incrsim.simulation.faults import KINDS, Seam
from incrsim.simulation.faults_presets import draw
from incrsim.simulation.source_weather import SPOILS, UNREADABLE
from tests.simulation.faulty_world import FaultyWorld

pytestmark = pytest.mark.usefixtures("quiet_logs")

Look = Callable[[FaultyWorld], object]


def failed_with(*errors: str) -> Look:
    """The engine has recorded one failure, of one of these classes."""
    return lambda world: len(world.errors()) == 1 and world.errors()[0] in errors


def consequence(expected: Consequence) -> Look:
    """The engine has recorded one failure, with this consequence."""
    return lambda world: [each.failure.consequence for each in world.of(Failed)] == [expected]


def pages(world: FaultyWorld) -> list[tuple[str, ...]]:
    """The refs of each page, in order; empty where there is none."""
    return [tuple(seen.ref or "" for seen in page.entities) for page in world.heard.pages]


def invalid(world: FaultyWorld) -> list[str | None]:
    """The refs of entities that the source did not mean to be valid."""
    return [seen.ref for page in world.heard.pages for seen in page.entities if not seen.valid]


def refused(world: FaultyWorld) -> list[Guard]:
    """What refused sweeps."""
    return [guard for each in world.of(SweepCommitted) for guard in each.verdict.refused_by]


def removed(world: FaultyWorld) -> list[int]:
    """How many entities each sweep removed."""
    return [each.verdict.removed for each in world.of(SweepCommitted)]


EFFECTS: dict[str, Look] = {
    faults.SOURCE_DOWN: failed_with("SourceUnreachable"),
    faults.CONNECTION_CUT: failed_with("SourceUnreachable"),
    faults.RATE_LIMIT: consequence(Consequence.RATE_LIMITED),
    faults.TOKEN_EXPIRED: consequence(Consequence.CURSOR_EXPIRED),
    faults.SLOW_PAGE: lambda world: [each.seconds for each in world.of(PageFetched) if each.seconds > 1],
    faults.DUPLICATE: lambda world: [refs for refs in pages(world) if len(refs) > len(set(refs))],
    faults.INVALID_ENTITY: lambda world: (
        invalid(world) == [problem.ref for problem in world.store.problems("fake")] and not refused(world)
    ),
    faults.UNREADABLE_REF: lambda world: invalid(world) == [None] and refused(world) == [Guard.UNREADABLE],
    faults.EMPTY_SUCCESS: lambda world: () in pages(world) and max(removed(world)) > 1,
    faults.TRUNCATED: lambda world: max(removed(world)) > 1,
    faults.HALF_MISSING: lambda world: max(removed(world)) > 1,
    faults.NEXT_RAISES: failed_with("ConnectionError", "KeyError", "ValueError", "ProviderError"),
    faults.ENTER_RAISES: failed_with("ConnectionError"),
    faults.LEAVE_RAISES: failed_with("ConnectionError"),
    faults.HANG: failed_with("PageTimeout"),
    faults.REPEATED_PAGE: lambda world: [one for one, two in pairwise(pages(world)) if one == two],
    faults.OUT_OF_ORDER: lambda world: [one for one, two in pairwise(pages(world)) if two[0] < one[0] != FIRST_OF_LAST],
    faults.CURSOR_LOOP: lambda world: (
        failed_with("CursorRepeated")(world)
        and [each.record.outcome for each in world.of(IngestionEnded)].count(Ending.CANCELED) == 1
    ),
    faults.CURSOR_NOT_JSON: failed_with("InvalidCursor"),
}
"""What is seen of a kind that acts on a source or a provider."""


IN_THE_MIDDLE = 8
"""An occurrence in the second of three cycles, neither on its first page nor on its last."""

FIRST_OF_LAST = "component:fake/service-000000020"


def test_every_kind_of_sources_and_providers_is_looked_at() -> None:
    """A new kind needs a line in the table."""
    assert set(EFFECTS) == {kind.name for kind in KINDS.values() if kind.seam in (Seam.SOURCE, Seam.PROVIDER)}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_source_or_a_provider_goes_wrong(name: str) -> None:
    """Each kind does what its sentence says; afterwards the catalog equals the source."""
    world = FaultyWorld([Fault(name, occurrences=(IN_THE_MIDDLE,))]).cycles(3)
    assert world.dice.effects == [(name, IN_THE_MIDDLE)]
    assert EFFECTS[name](world), (world.happened, pages(world))
    world.come_to_rest()


@pytest.mark.parametrize("spoil", range(len(SPOILS)))
def test_spoiled_entities_are_invalid(spoil: int) -> None:
    """What spoils an entity breaks a rule, and leaves its ref."""
    entity = FakeSource(entities=1).formula.entity(0, 1)
    body = entity.body
    SPOILS[spoil](body)
    assert Entity(body).violations
    assert Entity(body).ref == entity.ref


@pytest.mark.parametrize("spoil", range(len(UNREADABLE)))
def test_unreadable_entities_have_no_ref(spoil: int) -> None:
    """What takes an entity its ref does."""
    body = FakeSource(entities=1).formula.entity(0, 1).body
    UNREADABLE[spoil](body)
    assert Entity(body).ref is None


class Asynchronous:
    """A provider whose code is asynchronous."""

    def __init__(self, source: FakeSource) -> None:
        self.name = source.name
        self.topics = ("services",)
        self._source = source

    @asynccontextmanager
    async def around(self) -> AsyncIterator[str]:
        yield "context"

    async def next(self, context: str, cursor: Any = None) -> Page:
        assert context == "context"
        return self._source.next(None, cursor)

    def on_event(self, event: object) -> Delta:
        return Delta(removed=[str(event)])


class Upstreams(Asynchronous):
    """A provider of upstream's shape."""

    async def around(self, burst: Callable[[str], Awaitable[None]]) -> None:  # type: ignore[override]  # another of the shapes that a provider may have
        await burst("context")


@pytest.mark.parametrize("shape", [Asynchronous, Upstreams])
def test_any_shape_of_provider(shape: type[Asynchronous]) -> None:
    """A provider of any shape goes wrong as a synchronous one does, and its events reach it."""
    world = FaultyWorld(draw("rough", 2), 2, provider=shape).cycles(4).come_to_rest()
    plain = FaultyWorld(draw("rough", 2), 2).cycles(4).come_to_rest()
    assert world.dice.effects == plain.dice.effects
    assert world.run.trace.digest == plain.run.trace.digest
    assert world.provider.topics == ("services",)
    assert world.provider.on_event("component:x").removed == ["component:x"]
