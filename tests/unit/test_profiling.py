"""Profiles: where a provider's time goes, and what follows from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import incrsim
from incrsim.clock import VirtualClock
from incrsim.errors import CallerError
from incrsim.host import InlineHost
from incrsim.profiling import Profile, profile
from incrsim.profiling_advice import Advice, Measured, advise
from incrsim.store.memory import MemoryStore
from tests.unit.fakes import SHAPES, Source


class SlowStore(MemoryStore):
    """Takes ten milliseconds for a page, and one for each entity."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.clock = clock

    def commit_page(self, lease: Any, draft: Any, options: Any) -> Any:
        self.clock.wait(0.010 + 0.001 * len(draft.entities))
        return super().commit_page(lease, draft, options)


@pytest.fixture
def clock() -> VirtualClock:
    """Time that passes only in sources and stores."""
    return VirtualClock()


@pytest.fixture
def measure(clock: VirtualClock) -> Callable[..., Profile]:
    """Measures a provider on a slow store."""
    return lambda provider, pages=20: profile(
        provider, SlowStore(clock), pages, host=InlineHost(clock), clock=clock, burst_length="10s"
    )


def slow(clock: VirtualClock, seconds: float, names: list[str]) -> Callable[[], list[str]]:
    """A page that takes so long."""

    def page() -> list[str]:
        clock.wait(seconds)
        return names

    return page


@pytest.mark.parametrize("shape", SHAPES)
def test_each_part_is_measured(clock: VirtualClock, measure: Callable[..., Profile], shape: type[Source]) -> None:
    """What the provider takes is the source's, what the store takes is the database's, and nothing is counted twice."""
    pages = [slow(clock, 0.2, ["a", "b"]), slow(clock, 0.3, ["c"])]
    found = measure(shape(*pages))
    assert [page.entities for page in found.pages] == [2, 1]
    assert [page.source for page in found.pages] == pytest.approx([0.2, 0.3])
    assert [page.database for page in found.pages] == pytest.approx([0.012, 0.011])
    assert found.seconds == {
        "source": pytest.approx(0.5),
        "reading": pytest.approx(0),
        "validation": pytest.approx(0),
        "database": pytest.approx(0.023),
    }
    assert found.empty_page == pytest.approx(0.010)
    assert found.entities_per_second == pytest.approx(3 / 0.523)


def test_entities_of_a_generator_belong_to_the_source(clock: VirtualClock, measure: Callable[..., Profile]) -> None:
    """A provider that makes its entities one by one is timed while it does."""

    def entities() -> Iterator[incrsim.Entity]:
        for name in "abc":
            clock.wait(0.1)
            yield incrsim.component(name, provider="source")

    assert measure(Source(incrsim.Page(entities(), done=True))).seconds["source"] == pytest.approx(0.3)


def test_it_ends_after_so_many_pages(measure: Callable[..., Profile]) -> None:
    """No more pages are asked for than were wanted, each at the cursor of the one before."""
    source = Source(*(["a"] for _ in range(9)))
    assert len(measure(source, 3).pages) == 3
    assert source.asked == [None, 1, 2]
    assert source.log[-1] == "left"


def test_what_goes_wrong_is_told(measure: Callable[..., Profile]) -> None:
    """A provider's error comes out as it is, and its context is left."""
    source = Source(["a"], ValueError("no such table"))
    with pytest.raises(ValueError, match="no such table"):
        measure(source)
    assert source.log[-1] == "left by ValueError"


def test_a_store_in_use_is_left_alone() -> None:
    """A store with anything in it is refused, and nothing is written."""
    store = MemoryStore()
    store.register("somebody")
    with pytest.raises(CallerError, match="memory is in use, and what is measured gets written"):
        profile(Source(["a"]), store)
    assert store.providers() == ["somebody"]
    with pytest.raises(CallerError, match="1 or more"):
        profile(Source(["a"]), MemoryStore(), pages=0)


def test_text_and_json(measure: Callable[..., Profile]) -> None:
    """It can be read in a terminal, and by programs."""
    found = measure(Source(["a", "b"], []))
    text = str(found)
    for part in ("source on memory: 2 pages, 2 entities", "validation", "Advice: pages of"):
        assert part in text
    document = json.loads(json.dumps(found.to_dict()))
    assert (document["entities"], len(document["pages"])) == (2, 2)
    assert document["advice"]["burst_length"] == found.advice.burst_length
    assert "held no entities" in str(measure(Source([])))


USUAL = Measured(
    entities=1_000, pages=10, source=0.1, work=0.11, empty_page=0.001, entering=0.01, entity_bytes=500
)  # 100 µs of work for an entity, and 1 ms for a page


@pytest.mark.parametrize(
    ("changed", "size", "length"),
    [
        ({}, 200, 3),
        ({"empty_page": 0.005, "work": 0.15}, 1_000, 3),
        ({"source": 10.0}, 50, 6),
        ({"source": 5_000.0}, 1, 51),
        ({"source": 50_000.0}, 1, 60),
        ({"entity_bytes": 100_000}, 20, 3),
        ({"entering": 1.0}, 200, 20),
        ({"entering": 100.0}, 200, 60),
        ({"empty_page": 0.0}, 100, 3),
        ({"entities": 0}, 1_000, 3),
    ],
    ids=str,
)
def test_advice(changed: dict[str, float], size: int, length: int) -> None:
    """What a page costs by itself is little of it, none takes too long or too much memory, and a burst has ten."""
    values = {name: getattr(USUAL, name) for name in USUAL.__slots__} | changed
    advice = advise(Measured(**values))
    assert (advice.page_size, advice.burst_length) == (size, length)
    assert isinstance(advice, Advice)
    assert advice.reasons
