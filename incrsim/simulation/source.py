"""Sources that hold what they are told to: `FakeSource` by formula, as large as you like, and `ListSource` by name.

Both are providers as they are: hand them to an app, change them between cycles, and compare the catalog with
`snapshot()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from random import Random
from typing import Any

from incrsim.clock import Clock
from incrsim.entity import Entity
from incrsim.provider import Page
from incrsim.simulation.population import Population, Segment, is_gone, is_present
from incrsim.simulation.view import FixedView, View
from incrsim.simulation.weather import CALM, SourceCall, SourcePage, SourceTrouble, Weather

Percent = int | str | Fraction

_SITE = "url:https://source.example/services/"
_TYPES = ("service", "website", "library", "data-pipeline")
_TEAMS = tuple(f"team-{number:03d}" for number in range(997))
_SYSTEMS = tuple(f"system-{number:02d}" for number in range(89))
_LIFECYCLES = ("production", "experimental", "deprecated")


class FakeSource:
    """A source that is computed from a seed: a million entities take no memory.

    Entities are `Component`s of about 610 bytes with five annotations. They come in the order of their refs, page by
    page behind the cursor `{"after": index}`, so that nothing is skipped when others come and go meanwhile. A page
    depends on nothing but the source's present state.

    Args:
        entities: how many there are at first.
        page_size: entities a page.
        seed: decides what entities say and which of them change, vanish and come back.
        name: the provider's name.
        namespace: where the entities live; two sources with equal namespaces hold equal refs.
        clock: whose time passes when the source is slow; a virtual one.

    Attributes:
        weather: what comes of each question to the source; calm unless set.

    Example:
        source = FakeSource(entities=2_000)
        source.remove(percent=10)
        source.change(percent=1)
    """

    def __init__(
        self,
        entities: int = 100_000,
        page_size: int = 1000,
        *,
        seed: int = 1,
        name: str = "fake",
        namespace: str = "default",
        clock: Clock | None = None,
    ) -> None:
        if page_size < 1:
            raise ValueError(f"FakeSource(page_size={page_size}): a page holds at least 1 entity")
        self.name = name
        self.page_size = page_size
        self.clock = clock
        self.weather: Weather = CALM
        self.formula = Formula(seed, namespace)
        self._population = Population(seed).grown(_count("FakeSource", "entities", entities))
        self._random = Random(f"incrsim source {seed}")

    def __len__(self) -> int:
        """How many entities the source holds now."""
        return len(self._population)

    # --- as a provider ------------------------------------------------------------------------------------------------

    def around(self) -> AbstractContextManager[None]:
        """Nothing to set up."""
        return nullcontext()

    def next(self, context: Any, cursor: Any = None) -> Page:
        """The entities behind the cursor, a page of them, in the weather that there is.

        Raises:
            ProviderError: what a provider raises in that weather.
        """
        try:
            page = self.weather.page(SourceCall(cursor, self), lambda: self._answer(cursor))
        except SourceTrouble as trouble:
            raise trouble.seen_by_provider() from trouble
        return Page(page.items, cursor=page.cursor, done=page.done)

    def _answer(self, cursor: Any) -> SourcePage:
        start = 0 if cursor is None else cursor["after"] + 1
        # One more than the page holds tells whether it is the last.
        rows = list(islice(self._population.present(start), self.page_size + 1))
        done = len(rows) <= self.page_size
        make = self.item
        entities = [make(index, version) for index, version in rows[: self.page_size]]
        return SourcePage(entities, cursor=None if done else {"after": rows[self.page_size - 1][0]}, done=done)

    def item(self, index: int, version: int) -> Entity | Mapping[str, Any]:
        """What a page holds for an entity; a subclass may hand out its mapping instead, as a client of an API would."""
        return self.formula.entity(index, version)

    # --- what happens to it -------------------------------------------------------------------------------------------

    def add(self, count: int) -> int:
        """New entities appear behind the last ones; returns how many."""
        self._population = self._population.grown(_count("add", "count", count))
        return count

    def remove(self, *, count: int | None = None, percent: Percent | None = None) -> int:
        """Some of the present entities vanish; returns how many.

        Args:
            count: how many, exactly.
            percent: or how many of a hundred, rounded down.
        """
        return self._alter("remove", is_present, _gone, count, percent)

    def change(self, *, count: int | None = None, percent: Percent | None = None) -> int:
        """Some of the present entities get another body; returns how many.

        Args:
            count: how many, exactly.
            percent: or how many of a hundred, rounded down.
        """
        return self._alter("change", is_present, _newer, count, percent)

    def bring_back(self, *, count: int | None = None, percent: Percent | None = None) -> int:
        """Some of those that vanished are back, as they were; returns how many.

        Args:
            count: how many, exactly.
            percent: or how many of a hundred that are gone, rounded down.
        """
        return self._alter("bring_back", is_gone, _back, count, percent)

    def snapshot(self) -> View:
        """What the source holds now, whatever happens to it later."""
        return _Snapshot(self.formula, self._population)

    def _alter(
        self,
        verb: str,
        chosen: Callable[[Segment], bool],
        change: Callable[[Segment], Segment],
        count: int | None,
        percent: Percent | None,
    ) -> int:
        there = self._population.count(chosen)
        number = _share(verb, there, count, percent)
        skip = self._random.randrange(there) if there else 0
        self._population = self._population.altered(chosen, change, number, skip)
        return number


@dataclass(frozen=True, slots=True)
class Formula:
    """What a generated entity says, from its index and version alone.

    Args:
        seed: other seeds, other texts.
        namespace: of all its entities.
    """

    seed: int
    namespace: str

    def ref(self, index: int) -> str:
        """The ref of an entity; refs sort like indexes."""
        return f"component:{self.namespace}/service-{index:09d}"

    def entity(self, index: int, version: int) -> Entity:
        """An entity."""
        return Entity(self.body(index, version))

    def body(self, index: int, version: int) -> dict[str, Any]:
        """What it says, as the mapping that a provider would read from an API."""
        # Ready-made parts and few conversions: a source that is slower than the store would be measured in its place.
        number = f"{index:09d}"
        mixed = (index * 2_654_435_761 + self.seed * 40_503) & 0xFFFFFFFF
        team = _TEAMS[mixed % 997]
        location = _SITE + number
        return {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": {
                "name": f"service-{number}",
                "namespace": self.namespace,
                "description": f"Service {number} of {team}, which the source describes in revision {version}",
                "annotations": {
                    "backstage.io/managed-by-location": location,
                    "backstage.io/managed-by-origin-location": location,
                    "source.example/id": str(mixed),
                    "source.example/revision": str(version),
                    "source.example/runbook": "https://runbooks.example/" + team,
                },
            },
            "spec": {
                "type": _TYPES[mixed % 4],
                "lifecycle": _LIFECYCLES[mixed % 3],
                "owner": team,
                "system": _SYSTEMS[mixed % 89],
            },
        }


@dataclass(frozen=True, slots=True)
class _Snapshot(View):
    formula: Formula
    population: Population

    def lazily(self) -> Iterator[tuple[str, Callable[[], Entity]]]:
        formula = self.formula
        for index, version in self.population.present():
            yield formula.ref(index), lambda index=index, version=version: formula.entity(index, version)  # type: ignore[misc]

    def __len__(self) -> int:
        return len(self.population)


class ListSource:
    """A source of named entities, for small cases that are written out; change `items` as you like, also between pages.

    Args:
        items: name → version of each entity.
        page_size: entities a page.
        name: the provider's name.
        namespace: where the entities live.
    """

    def __init__(
        self, items: Mapping[str, int], page_size: int = 4, *, name: str = "list", namespace: str = "default"
    ) -> None:
        self.items = dict(items)
        self.name = name
        self.page_size = page_size
        self._namespace = namespace

    def around(self) -> AbstractContextManager[None]:
        """Nothing to set up."""
        return nullcontext()

    def next(self, context: Any, cursor: Any = None) -> Page:
        """The entities with names behind the cursor, a page of them."""
        behind = sorted(name for name in self.items if cursor is None or name > cursor)
        names, done = behind[: self.page_size], len(behind) <= self.page_size
        entities = [self._entity(name) for name in names]
        return Page(entities, cursor=None if done else names[-1], done=done)

    def snapshot(self) -> View:
        """What the source holds now."""
        entities = map(self._entity, self.items)
        return FixedView({entity.ref or "": entity for entity in entities})

    def _entity(self, name: str) -> Entity:
        annotations = {f"backstage.io/managed-by-{kind}location": _SITE + name for kind in ("", "origin-")}
        metadata = {
            "name": name,
            "namespace": self._namespace,
            "description": f"revision {self.items[name]}",
            "annotations": annotations,
        }
        spec = {"type": "service", "lifecycle": "production", "owner": "nobody"}
        return Entity({"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": metadata, "spec": spec})


def _gone(segment: Segment) -> Segment:
    return replace(segment, present=False)


def _back(segment: Segment) -> Segment:
    return replace(segment, present=True)


def _newer(segment: Segment) -> Segment:
    return replace(segment, version=segment.version + 1)


def _count(verb: str, name: str, value: int) -> int:
    if value < 0:
        raise ValueError(f"{verb}({name}={value}): it must be 0 or more")
    return value


def _share(verb: str, there: int, count: int | None, percent: Percent | None) -> int:
    if (count is None) == (percent is None):
        raise TypeError(f"{verb}(count={count}, percent={percent}): give one of them, for example {verb}(percent=10)")
    if count is not None:
        if not 0 <= count <= there:
            raise ValueError(f"{verb}(count={count}): there are {there} to choose from")
        return count
    share = Fraction(percent or 0)
    if not 0 <= share <= 100:  # noqa: PLR2004
        raise ValueError(f"{verb}(percent={percent}): a percentage is between 0 and 100")
    return int(there * share / 100)
