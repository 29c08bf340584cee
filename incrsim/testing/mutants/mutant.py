"""What a mutant is: an engine, a store, a guard or a source with one flaw, and the rule that the oracle must name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from inspect import getdoc
from typing import Any, TypeVar

from incrsim.clock import VirtualClock
from incrsim.engine import Engine
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.simulating import run_scenario
from incrsim.simulation.source import FakeSource
from incrsim.simulation.trace import Trace
from incrsim.simulation.world.world import source_of
from incrsim.store.memory import MemoryStore
from incrsim.store.memory_rows import MemoryTransaction

Flawed = TypeVar("Flawed", bound=Callable[..., Any])


class Part(StrEnum):
    """What is broken."""

    STORE = "store"
    GUARD = "guard"
    ENGINE = "engine"
    SOURCE = "source"


def _as_it_is(engine: Engine) -> Engine:
    return engine


@dataclass(frozen=True, slots=True)
class Mutant:
    """Something that is broken on purpose.

    Args:
        name: what the command line calls it.
        rules: of the contract; it is caught when the oracle names one of them.
        flaw: what is wrong with it, in a sentence.
        part: what of it is broken.
        upstream: the number of the flaw of Backstage's module that it has, if it is one of those.
        store: what it has for a store.
        engine: makes an engine out of a sound one.
        provider: reads a source, in place of the source itself.
    """

    name: str
    rules: tuple[str, ...]
    flaw: str
    part: Part
    upstream: str | None = None
    store: type[MemoryStore] = MemoryStore
    engine: Callable[[Engine], Engine] = _as_it_is
    provider: Callable[[FakeSource], Any] | None = None

    def run(self, scenario: Scenario, trace: Trace | None = None) -> Run:
        """Run a scenario with it, judged by the oracle."""
        source = provider = None
        if self.provider is not None:
            source = source_of(scenario, VirtualClock())
            provider = self.provider(source)
        return run_scenario(
            scenario, store=self.store, trace=trace, source=source, provider=provider, engine=self.engine
        )


class BrokenGuard:
    """Marks a store of which it is the guards that are broken."""


class BrokenSource:
    """Reads a source, and makes something else of it.

    Args:
        source: the source.
    """

    def __init__(self, source: FakeSource) -> None:
        self.name = source.name
        self.around = source.around
        self.source = source


KNOWN: dict[str, Mutant] = {}
"""All mutants whose modules were imported, by name."""


def breaks(*rules: str, upstream: str | None = None) -> Callable[[Flawed], Flawed]:
    """Make a mutant of what has one flaw: a `MemoryStore`, the rows of one (`MemoryTransaction`), an `Engine`, what
    makes one out of a sound one, or a `BrokenSource`. Its docstring is the flaw.

    Args:
        rules: that the oracle must name, one of them.
        upstream: the flaw's number, where Backstage's module has it.
    """

    def register(flawed: Flawed) -> Flawed:
        name = re.sub(r"(?<!^)(?=[A-Z])|_", "-", flawed.__name__).lower()
        flaw = " ".join((getdoc(flawed) or "").split())
        KNOWN[name] = Mutant(name, rules, flaw, upstream=upstream, **_build(flawed))
        return flawed

    return register


def _build(flawed: Any) -> dict[str, Any]:
    if not isinstance(flawed, type):
        return {"part": Part.ENGINE, "engine": flawed}
    if issubclass(flawed, Engine):
        return {"part": Part.ENGINE, "engine": _Remade(flawed)}
    if issubclass(flawed, BrokenSource):
        return {"part": Part.SOURCE, "provider": flawed}
    part = Part.GUARD if issubclass(flawed, BrokenGuard) else Part.STORE
    if issubclass(flawed, MemoryTransaction):
        return {"part": part, "store": type(flawed.__name__, (MemoryStore,), {"_transaction": flawed})}
    return {"part": part, "store": flawed}


@dataclass(frozen=True, slots=True)
class _Remade:
    """An engine of another class, with all that a sound one was given."""

    kind: type[Engine]

    def __call__(self, engine: Engine) -> Engine:
        return self.kind(**{field.name: getattr(engine, field.name) for field in fields(Engine) if field.init})
