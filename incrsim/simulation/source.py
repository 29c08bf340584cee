"""A source that holds what it is told to, as much as you like.

It is a provider as it is: hand it to an app, change it between cycles, and compare the catalog with `snapshot()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from random import Random
from typing import Any

from incrsim import panels
from incrsim.clock import Clock
from incrsim.entity import Entity
from incrsim.panels import Panel
from incrsim.provider import Page
from incrsim.simulation import states
from incrsim.simulation.dialects import DIALECTS
from incrsim.simulation.formula import Formula, claimed_entity
from incrsim.simulation.history import Change, Held, History, Instant
from incrsim.simulation.holding import FIRST_CLAIM, Claim, Holding, Shelf
from incrsim.simulation.population import Population
from incrsim.simulation.states import SPOILERS, Spoiled, State
from incrsim.simulation.weather import CALM, SourceCall, SourcePage, SourceTrouble, Weather

Percent = int | str | Fraction


class FakeSource:
    """A source that is computed from a seed: a million entities take no memory.

    Entities are `Component`s of about 610 bytes with five annotations. They come in the order of their refs, page by
    page behind the cursor `{"after": index}`, so that nothing is skipped when others come and go meanwhile; other
    dialects have other cursors and weaknesses. A page depends on nothing but the source's present state (and its past,
    for a snapshot), and the weather.

    Args:
        entities: how many there are at first.
        page_size: entities a page.
        seed: decides what entities say and which of them change, vanish and come back.
        name: the provider's name.
        namespace: where the entities live; two sources with equal namespaces hold equal refs.
        location_key: of all its entities: sources with equal ones may take each other's over (C-9).
        dialect: how pages follow each other, one of `DIALECTS`.
        clock: by which changes happen, and which passes when the source is slow; may be set later.

    Attributes:
        weather: what comes of each question to the source; calm unless set.
        addresses: where it is served now, by the way of paging (see `serve`).
        on_change: functions that are called with each `Change` after it has happened.

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
        location_key: str | None = None,
        dialect: str = "keyset",
        clock: Clock | None = None,
    ) -> None:
        if page_size < 1:
            raise ValueError(f"FakeSource(page_size={page_size}): a page holds at least 1 entity")
        self.name = name
        self.page_size = page_size
        self.dialect = _known("dialect", dialect, DIALECTS)
        self.clock = clock
        self.weather: Weather = CALM
        self.addresses: dict[str, str] = {}
        self.on_change: list[Callable[[Change], object]] = []
        self.formula = Formula(seed, namespace, location_key)
        self._shelf = Shelf(self.formula, self.item)
        population = Population(seed).grown(_count("FakeSource", "entities", entities))
        self._history = History(Holding(population, {}), self._shelf)
        self._claims = FIRST_CLAIM
        self._random = Random(f"incrsim source {seed}")

    def __len__(self) -> int:
        """How many entities the source holds now."""
        return self._history.now.size

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
            page = self.ask(cursor, self.dialect)
        except SourceTrouble as trouble:
            raise trouble.seen_by_provider() from trouble
        return Page(page.items, cursor=page.cursor, done=page.done)

    def ask(self, cursor: Any, dialect: str, size: int | None = None) -> SourcePage:
        """What the source answers to a question, in the weather that there is.

        Args:
            cursor: of the page that is asked for.
            dialect: how it is asked.
            size: how many entities are asked for; `page_size` unless given, and no more than that.

        Raises:
            SourceTrouble: it answers with no page.
        """
        return self.weather.page(SourceCall(cursor, self), lambda: self.answer(cursor, dialect, size))

    def answer(self, cursor: Any, dialect: str, size: int | None = None) -> SourcePage:
        """The same in calm weather."""
        number = self.page_size if size is None else min(size, self.page_size)
        stretch = DIALECTS[dialect].stretch(self._history, number, cursor)
        return SourcePage(self._shelf.items(stretch.rows), stretch.cursor, done=stretch.cursor is None)

    def item(self, index: int, version: int) -> Entity | Mapping[str, Any]:
        """What a page holds for an entity; a subclass may hand out its mapping instead, as a client of an API would."""
        return self.formula.entity(index, version)

    def serve(self, paging: str) -> AbstractContextManager[str]:
        """Serve it as a real HTTP API on loopback, in the weather that there is, until the context is left.

        Args:
            paging: `page-number`, `offset` (both drift), `token`, `link` or `graphql`.

        Example:
            with source.serve("page-number") as url:
                httpx.get(f"{url}/services", params={"page": 2}).json()  # {"items": […], "page": 2, "totalPages": 20}
        """
        # An HTTP server is more than the demonstration needs.
        from incrsim.simulation.served.serving import serve

        return serve(self, paging)

    def panel(self) -> Panel:
        """Change it by hand in a notebook while an engine reads it: buttons that add and remove entities, make it
        flaky or limit its rate, and let it recover.

        Raises:
            MissingExtra: when ipywidgets is not installed.
        """
        return panels.panel("playground_panel", self)

    # --- what happens to it -------------------------------------------------------------------------------------------

    def add(self, count: int) -> int:
        """New entities appear behind the last ones; returns how many."""
        self._become("add", self._population.grown(_count("add", "count", count)))
        return count

    def remove(self, *, count: int | None = None, percent: Percent | None = None) -> int:
        """Some of the present entities vanish; returns how many.

        Args:
            count: how many, exactly.
            percent: or how many of a hundred, rounded down.
        """
        return self._alter("remove", states.is_present, states.gone, count, percent)

    def change(self, *, count: int | None = None, percent: Percent | None = None) -> int:
        """Some of the present entities get another body; returns how many.

        Args:
            count: how many, exactly.
            percent: or how many of a hundred, rounded down.
        """
        return self._alter("change", states.is_present, states.newer, count, percent)

    def rename(self, *, count: int | None = None, percent: Percent | None = None) -> int:
        """Some of the present entities get another name, in the same place; returns how many.

        Args:
            count: how many, exactly.
            percent: or how many of a hundred, rounded down.
        """
        return self._alter("rename", states.is_present, states.renamed, count, percent)

    def bring_back(self, *, count: int | None = None, percent: Percent | None = None) -> int:
        """Some of those that vanished are back, as they were; returns how many.

        Args:
            count: how many, exactly.
            percent: or how many of a hundred that are gone, rounded down.
        """
        return self._alter("bring_back", states.is_gone, states.back, count, percent)

    def alter(self, verb: str, ref: str) -> None:
        """One entity of your choice, which the source made itself, is removed, changed or renamed.

        Args:
            verb: `remove`, `change` or `rename`.
            ref: of an entity that it holds.
        """
        change = _ONE[_known("verb", verb, _ONE)]
        self._become(verb, self._population.altered_at(self.formula.index(ref), change))

    def spoil(self, what: Spoiled = "label", *, count: int | None = None, percent: Percent | None = None) -> int:
        """Some of the present, valid entities become invalid (C-7); returns how many.

        Args:
            what: a `label`, so that the ref can still be read, or the `name`, so that it cannot.
            count: how many, exactly.
            percent: or how many of a hundred, rounded down.
        """
        _known("what", what, SPOILERS)
        return self._alter("spoil", states.is_sound, SPOILERS[what], count, percent)

    def heal(self) -> int:
        """All that was spoiled is valid again; returns how many entities."""
        return self._alter("heal", states.is_spoiled, states.healed, None, 100)

    def claim(self, refs: Iterable[str], location_key: str | None = None) -> int:
        """The source returns refs from now on that another provider owns, behind its own; returns how many.

        Args:
            refs: such as `component:default/website`, none that the source itself holds.
            location_key: which they are returned with (C-9).
        """
        now = self._history.now
        claims = [Claim(ref, claimed_entity(ref, location_key, self.name)) for ref in refs]
        first, self._claims = self._claims, self._claims + len(claims)
        self._become("claim", now.population, {**now.claims, **dict(enumerate(claims, first))})
        return len(claims)

    def unclaim(self, refs: Iterable[str]) -> int:
        """It does not return them any more; returns how many."""
        now, dropped = self._history.now, frozenset(refs)
        kept = {index: claim for index, claim in now.claims.items() if claim.ref not in dropped}
        self._become("unclaim", now.population, kept)
        return len(now.claims) - len(kept)

    # --- what it holds, and held --------------------------------------------------------------------------------------

    def snapshot(self) -> Held:
        """What the source holds now, whatever happens to it later."""
        return self._history.held(self.changes)

    @property
    def changes(self) -> int:
        """How many changes have happened to it: the present instant where there is no clock, and the exact one where
        there is.
        """
        return self._history.number

    def held(self, at: Instant) -> Held:
        """What it held at an instant.

        Args:
            at: a time of its clock (after all changes of that very instant), or a number of changes.
        """
        return self._history.held(at)

    def held_throughout(self, start: Instant, end: Instant) -> Held:
        """What it held all the time, under the same ref, from one instant to another; both count.

        Args:
            start: a time of its clock, or a number of changes. What came or went at that very time does not count: it
                may have been a moment later.
            end: as `start`.
        """
        return self._history.held_throughout(start, end)

    @property
    def _population(self) -> Population:
        return self._history.now.population

    def _alter(
        self,
        verb: str,
        chosen: Callable[[State], bool],
        change: Callable[[State], State],
        count: int | None,
        percent: Percent | None,
    ) -> int:
        there = self._population.count(chosen)
        number = _share(verb, there, count, percent)
        skip = self._random.randrange(there) if there else 0
        self._become(verb, self._population.altered(chosen, change, number, skip))
        return number

    def _become(self, verb: str, population: Population, claims: Mapping[int, Claim] | None = None) -> None:
        kept = self._history.now.claims if claims is None else claims
        change = self._history.add(verb, Holding(population, kept), self.clock)
        for observer in self.on_change:
            observer(change)


_ONE: Mapping[str, Callable[[State], State]] = {
    "remove": states.gone,
    "change": states.newer,
    "rename": states.renamed,
}


def _known(argument: str, name: str, names: Iterable[str]) -> str:
    if name not in names:
        raise ValueError(f"{argument}={name!r} is none of {', '.join(names)}")
    return name


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
    if not 0 <= share <= 100:  # noqa: PLR2004 -- a percentage
        raise ValueError(f"{verb}(percent={percent}): a percentage is between 0 and 100")
    return int(there * share / 100)
