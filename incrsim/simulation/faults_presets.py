"""How bad the weather is, in a word: which kinds of faults happen, and how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from incrsim.simulation.dice import Fault
from incrsim.simulation.faults import KINDS, Kind

GENTLY = 0.5
"""Gentle weather has the rates of rough weather times this."""

WORSE = (1, 3, 6)
"""By one of these each rate of rough weather grows in hostile weather."""

HIGHEST_RATE = 0.5
"""Something must come through for anything to be seen."""


def _none(_: Random) -> Mapping[Kind, float]:
    return {}


def _gentle(_: Random) -> Mapping[Kind, float]:
    return {kind: kind.rate * GENTLY for kind in KINDS.values() if kind.gentle}


def _rough(_: Random) -> Mapping[Kind, float]:
    return {kind: kind.rate for kind in KINDS.values() if not kind.lies}


def _hostile(random: Random) -> Mapping[Kind, float]:
    """Half of all kinds, each more or less often; in one of two seeds the source never lies."""
    may_lie = random.random() < 1 / 2
    chosen = [kind for kind in KINDS.values() if random.random() < 1 / 2 and (may_lie or not kind.lies)]
    return {kind: min(kind.rate * random.choice(WORSE), HIGHEST_RATE) for kind in chosen}


PRESETS: Mapping[str, Callable[[Random], Mapping[Kind, float]]] = {
    "none": _none,
    "gentle": _gentle,
    "rough": _rough,
    "hostile": _hostile,
}
"""By name, from good to bad: the rates of each kind, drawn by chance where the preset leaves them to it."""


def draw(preset: str, seed: int) -> tuple[Fault, ...]:
    """The faults of a preset.

    Args:
        preset: one of `PRESETS`.
        seed: of the scenario; only hostile weather is another one for each.

    Raises:
        ValueError: when there is no preset of that name.
    """
    rates = PRESETS.get(preset)
    if rates is None:
        raise ValueError(f"no preset of faults is called {preset!r}; there are {', '.join(PRESETS)}")
    return tuple(Fault(kind.name, rate) for kind, rate in rates(Random(f"{seed} faults")).items())
