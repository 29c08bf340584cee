"""What can be left out of a scenario, and in which order it is tried: first what makes its runs shorter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import ceil
from typing import Any, Protocol, TypeVar

from incrsim.simulation.dice import Fault
from incrsim.simulation.moment import Moment
from incrsim.simulation.scenario import Scenario, SourceSpec

Item = TypeVar("Item")

PLANS = ("changes", "operators", "webhooks", "redeploys")
"""The fields of a scenario that list what happens at a moment."""


class Shrinking(Protocol):
    """A search for a smaller scenario; see `incrsim.simulation.reduction.reducing.Search`."""

    scenario: Scenario
    effects: tuple[tuple[str, int], ...] | None

    def still_fails(self, **fields: Any) -> bool:
        """Whether the rule fails with other fields, too: then they stay so."""


def fewest(items: Sequence[Item], fails: Callable[[Sequence[Item]], bool]) -> Sequence[Item]:
    """The fewest items with which it still fails: delta debugging, to where none of them can be spared.

    Args:
        items: with all of these it fails.
        fails: whether it does with only some of them, in the same order.
    """
    if not items or fails(()):
        return ()
    kept, size = list(items), max(1, len(items) // 2)
    while True:
        before, first = len(kept), 0
        while first < len(kept):
            without = kept[:first] + kept[first + size :]
            if without and fails(without):
                kept = without
            else:
                first += size
        if size == 1 and len(kept) == before:
            return kept
        size = max(1, size // 2)


def least(low: int, high: int, fails: Callable[[int], bool]) -> int:
    """The least number with which it fails, where it fails with `high`, and with all above one that fails."""
    if low < high and fails(low):
        return low
    while high - low > 1:
        middle = (low + high) // 2
        if fails(middle):
            high = middle
        else:
            low = middle
    return high


# --- passes -----------------------------------------------------------------------------------------------------------


def explicit(search: Shrinking) -> None:
    """In place of rates, what they led to: from now on it can be left out one by one."""
    if search.still_fails() and search.effects is not None:
        search.still_fails(faults=together(search.effects))


def days(search: Shrinking) -> None:
    """A shorter fault phase."""
    least(0, ceil(search.scenario.days), lambda shorter: search.still_fails(days=shorter))


def plans(search: Shrinking) -> None:
    """Less that happens at its moment, and earlier."""
    for name in PLANS:
        fewest(getattr(search.scenario, name), lambda kept, name=name: search.still_fails(**{name: tuple(kept)}))  # type: ignore[misc]  # mypy infers no lambda with a default
        for index in range(len(getattr(search.scenario, name))):
            _earlier(search, name, index)


def _earlier(search: Shrinking, name: str, index: int) -> None:
    def begins(cycle: int) -> bool:
        planned = list(getattr(search.scenario, name))
        planned[index] = replace(planned[index], at=Moment(cycle, planned[index].at.step))
        return search.still_fails(**{name: tuple(planned)})

    least(1, getattr(search.scenario, name)[index].at.cycle, begins)


def faults(search: Shrinking) -> None:
    """Fewer kinds of faults, and less of each."""
    fewest(search.scenario.faults, lambda kept: search.still_fails(faults=tuple(kept)))
    if all(fault.occurrences for fault in search.scenario.faults):
        each = [(fault.kind, number) for fault in search.scenario.faults for number in fault.occurrences]
        fewest(each, lambda kept: search.still_fails(faults=together(kept)))
        for kind, number in each:
            _sooner(search, kind, number)


def _sooner(search: Shrinking, kind: str, number: int) -> None:
    """An earlier opportunity, so that the whole run is shorter."""
    others = [(fault.kind, each) for fault in search.scenario.faults for each in fault.occurrences]
    if (kind, number) in others:
        others.remove((kind, number))
        least(1, number, lambda earlier: search.still_fails(faults=together({*others, (kind, earlier)})))


def world(search: Shrinking) -> None:
    """Fewer replicas, nobody beside."""
    search.still_fails(rival=None)
    search.still_fails(sink=False)
    least(1, search.scenario.replicas, lambda fewer: search.still_fails(replicas=fewer))


def source(search: Shrinking) -> None:
    """A smaller source, of fewer pages, in a plainer dialect."""
    usual = SourceSpec()
    _source(search, dialect=usual.dialect)
    _source(search, seconds=usual.seconds)
    least(0, search.scenario.source.entities, lambda fewer: _smaller(search, fewer))
    held = search.scenario.source.entities
    for pages in (1, 2, 3):
        if _source(search, page_size=max(1, -(-held // pages))):
            break


def _smaller(search: Shrinking, entities: int) -> bool:
    """Fewer entities, and as many pages if that will do."""
    spec = search.scenario.source
    page_size = max(1, spec.page_size * entities // max(1, spec.entities))
    return _source(search, entities=entities, page_size=page_size) or _source(search, entities=entities)


def _source(search: Shrinking, **fields: Any) -> bool:
    return search.still_fails(source=replace(search.scenario.source, **fields))


def options(search: Shrinking) -> None:
    """Options that are as they are by default."""
    given = search.scenario.options
    fewest(list(given), lambda kept: search.still_fails(options={name: given[name] for name in kept}))


PASSES = (explicit, days, plans, faults, world, source, options)


def together(effects: Iterable[tuple[str, int]]) -> tuple[Fault, ...]:
    """Faults that strike at these opportunities."""
    found: dict[str, list[int]] = {}
    for kind, number in sorted(effects):
        found.setdefault(kind, []).append(number)
    return tuple(Fault(kind, occurrences=tuple(numbers)) for kind, numbers in found.items())
