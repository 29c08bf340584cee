"""Strategies for what goes wrong in a simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from hypothesis import strategies as st

from incrsim.simulation.dice import Fault
from incrsim.simulation.faults import KINDS, Kind, Seam
from incrsim.simulation.faults_presets import HIGHEST_RATE
from incrsim.testing.strategies_bounds import between, chosen

_TIMES = (1, 5, 25)
"""By one of these the rate of rough weather grows, which is made for many more steps than a drawn scenario has."""

_EARLY = 4

_WEATHER: Mapping[str, Callable[[Kind], bool]] = {
    "none": lambda _: False,
    "gentle": lambda kind: kind.gentle,
    "rough": lambda kind: not kind.lies,
    "hostile": lambda _: True,
}


def kinds_in(weather: str | Iterable[str]) -> tuple[Kind, ...]:
    """The kinds of faults that may happen.

    Args:
        weather: `none`, `gentle`, `rough` (all that do not lie) or `hostile` (all); or the names of kinds.

    Raises:
        CallerError: when there is no such weather, or no such kind.
    """
    if isinstance(weather, str):
        (preset,) = chosen("faults", "kinds", weather, _WEATHER)
        return tuple(filter(_WEATHER[preset], KINDS.values()))
    return tuple(KINDS[name] for name in chosen("faults", "kinds", weather, KINDS))


def faults(
    kinds: str | Iterable[str] = "rough", *, min_kinds: int = 0, max_kinds: int = 8, max_occurrence: int = 30
) -> st.SearchStrategy[tuple[Fault, ...]]:
    """What goes wrong in a scenario: some kinds, each at opportunities that are written down, or at a rate; shrink to
    none.

    Args:
        kinds: which ones: `none`, `gentle`, `rough` (all that do not lie), `hostile` (all), or names of kinds.
        min_kinds: how many of them at least.
        max_kinds: how many at most.
        max_occurrence: the last opportunity of a kind that may be written down.

    Raises:
        CallerError: no such kinds, or bounds that nothing fits.

    Example:
        faults(["crash before commit_page", "answer lost of commit_page"], min_kinds=1)
    """
    between("faults", "kinds", min_kinds, max_kinds)
    opportunities = between("faults", "occurrence", 1, max_occurrence)
    drawn_from = kinds_in(kinds)
    between("faults", "kinds", min_kinds, min(max_kinds, len(drawn_from)))
    if not drawn_from:
        return st.just(())
    kind = _one_of(drawn_from)
    early = st.integers(1, min(_EARLY, max_occurrence))
    written = st.builds(_at, kind, st.sets(early | opportunities, min_size=1, max_size=3))
    rated = st.builds(_at_a_rate, kind, st.sampled_from(_TIMES))
    return st.lists(
        written | rated,
        min_size=min_kinds,
        max_size=min(max_kinds, len(drawn_from)),
        unique_by=lambda fault: fault.kind,
    ).map(tuple)


def _one_of(kinds: Sequence[Kind]) -> st.SearchStrategy[str]:
    """Half of what may happen are steps of the store that go wrong, and most of these steps are rare."""
    of_store = [kind.name for kind in kinds if kind.seam is Seam.STORE]
    others = [kind.name for kind in kinds if kind.seam is not Seam.STORE]
    return st.one_of(*(st.sampled_from(names) for names in (others, others, of_store) if names))


def _at(kind: str, opportunities: set[int]) -> Fault:
    return Fault(kind, occurrences=tuple(sorted(opportunities)))


def _at_a_rate(kind: str, times: int) -> Fault:
    return Fault(kind, rate=min(KINDS[kind].rate * times, HIGHEST_RATE))
