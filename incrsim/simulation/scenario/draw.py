"""Scenarios drawn from a seed: everything in them is a function of it, and of what was wished for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from random import Random
from typing import Any

from incrsim.simulation import faults_presets
from incrsim.simulation.dice import Fault
from incrsim.simulation.moment import Moment
from incrsim.simulation.scenario.parts import Change, Rival, SourceSpec

Sizes = Mapping[str, Mapping[str, Any]]


@lru_cache(maxsize=1)
def sizes() -> Sizes:
    """What scenarios are drawn from: `sizes.toml`."""
    return tomllib.loads(files("incrsim.simulation.scenario").joinpath("sizes.toml").read_text(encoding="utf-8"))


def drawn(seed: int, faults: str | Iterable[Fault], entities: int | None, days: float | None) -> dict[str, Any]:
    """Draw the fields of a scenario.

    Args:
        seed: decides everything.
        faults: the name of a preset, or the very faults.
        entities: how many the source holds at first; drawn unless given.
        days: how long the fault phase lasts, likewise.
    """
    random = Random(f"{seed} scenario")
    choices = sizes()
    source = _source(choices, random, entities)
    lasts, replicas = random.choice(choices["size"]["days"]), random.choice(choices["size"]["replicas"])
    lasts = lasts if days is None else days
    options, rival = _options(choices["options"], random), _rival(choices["beside"], random)
    return {
        "seed": seed,
        "days": lasts,
        "replicas": replicas,
        "source": source,
        "options": options,
        "changes": tuple(_changes(choices["changes"], Random(f"{seed} changes"), int(lasts) + 1)),
        "faults": _faults(faults, seed),
        "rival": rival,
        "sink": _percent(random, choices["beside"]["sink_percent"]),
    }


def _source(drawn: Sizes, random: Random, entities: int | None) -> SourceSpec:
    size, source = drawn["size"], drawn["source"]
    there = random.choice(size["entities"])
    there = there if entities is None else entities
    pages = random.choice(size["pages"])
    seconds = random.choice(size["seconds"])
    kind = "stable" if _percent(random, source["stable_percent"]) else "drifting"
    dialect = random.choice(source[kind])
    return SourceSpec(entities=there, page_size=max(1, there // pages), dialect=dialect, seconds=seconds)


def _options(drawn: Mapping[str, list[Any]], random: Random) -> dict[str, Any]:
    chosen = {name: random.choice(choices) for name, choices in drawn.items()}
    return {name: value for name, value in chosen.items() if value != "none"}


def _rival(drawn: Mapping[str, Any], random: Random) -> Rival | None:
    wanted = _percent(random, drawn["rival_percent"])
    entities = random.choice(drawn["rival_entities"])
    return Rival(entities=entities, page_size=max(1, entities // 2)) if wanted else None


def _changes(drawn: Mapping[str, Any], random: Random, cycles: int) -> Iterable[Change]:
    for cycle in range(1, cycles + 1):
        for _ in range(random.choice(drawn["per_cycle"])):
            at = Moment(cycle, random.randrange(drawn["steps"]))
            if _percent(random, drawn["mass_percent"]):
                yield Change(at=at, verb="remove", percent=random.choice(drawn["mass_removed"]))
            else:
                yield Change(at=at, verb=random.choice(drawn["verbs"]), percent=random.choice(drawn["share"]))
    # Else a source that is spoiled for good fails an ingestion every few seconds, for all the days that are left.
    yield Change(at=Moment(cycles, drawn["steps"]), verb="heal", percent=100)


def _faults(faults: str | Iterable[Fault], seed: int) -> tuple[Fault, ...]:
    return faults_presets.draw(faults, seed) if isinstance(faults, str) else tuple(faults)


def _percent(random: Random, percent: float) -> bool:
    return random.random() * 100 < percent
