"""`incrsim.simulate`: a scenario, from its data to what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from incrsim.errors import CallerError
from incrsim.simulation.observation import Observer
from incrsim.simulation.oracle import Oracle
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Scenario, SourceSpec
from incrsim.simulation.source import FakeSource
from incrsim.simulation.staging import Refit, Staging, as_it_is, in_memory
from incrsim.simulation.trace import Trace
from incrsim.simulation.trace_file import writing
from incrsim.simulation.violation import Finding, Violation
from incrsim.simulation.world.course import Course
from incrsim.simulation.world.store import Stores, stores
from incrsim.simulation.world.world import World
from incrsim.store.memory import MemoryStore


def simulate(
    what: FakeSource | Scenario,
    *,
    provider: Any = None,
    faults: str = "none",
    days: float | None = None,
    replicas: int | None = None,
    seed: int = 1,
    database: str | None = None,
    trace: Path | str | Callable[[bytes], object] | None = None,
    **options: Any,
) -> Run:
    """Run the engine, as it is, through days of weather on a virtual clock, and judge what it does.

    Args:
        what: a source, of which a copy lives through changes that are drawn from the seed; or a scenario, to which
            nothing may be added.
        provider: reads the source in its place, say over `source.serve(…)`; then it is this very source that changes.
        faults: how bad the weather is: `none`, `gentle`, `rough` or `hostile`.
        days: how many virtual ones; drawn from the seed unless given.
        replicas: how many processes serve the provider; one unless given.
        seed: decides everything else.
        database: where, as for `incrsim.open`: an embedded one is removed afterwards, a URL's must be empty.
        trace: a file for all that happens, or what is called with each line.
        options: the provider's (`ProviderOptions`).

    Raises:
        CallerError: when that cannot be.
        StoreError: when the database cannot be used.
    """
    if isinstance(what, Scenario):
        _refuse_wishes(faults=faults != "none", days=days, replicas=replicas, options=options)
        scenario, source = what, None
    else:
        _refuse_another(what)
        scenario = _scenario_of(what, faults, days, replicas or 1, seed, options)
        source = deepcopy(what) if provider is None else what
    with stores(database) as opened, tracing(scenario, trace) as taken_down:
        return run_scenario(scenario, store=opened, trace=taken_down, source=source, provider=provider)


def judge(world: World) -> Oracle:
    """Who judges what happens, unless somebody else is to."""
    return Oracle(
        world.store,
        world.clock,
        line=lambda: world.trace.length,
        protects=world.protects,
        sink=world.sink,
    )


def run_scenario(
    scenario: Scenario,
    *,
    store: Stores = MemoryStore,
    observe: Callable[[World], Observer] = judge,
    trace: Trace | None = None,
    source: FakeSource | None = None,
    provider: Any = None,
    engine: Refit = as_it_is,
) -> Run:
    """Run a scenario.

    Args:
        scenario: what happens.
        store: opens an empty store on the run's clock.
        observe: makes who judges what happens.
        trace: takes down every step.
        source: in place of the scenario's own.
        provider: what reads the source, unmodified; the source itself when left out.
        engine: what a replica's engine is replaced by: a broken one, say.

    Raises:
        StoreError: when the database cannot be used.
    """
    began = time.perf_counter()
    # A copy for those who watch it again: what it was at first.
    kept = deepcopy(source) if provider is None else None
    staging = Staging(scenario, observe, engine, kept, in_memory(store))
    taken_down = trace or Trace()
    with staging.staged(taken_down, store, source=source, provider=provider) as course:
        finding = _finding(course)
    world = course.world
    return Run(
        scenario=scenario,
        provider=world.name,
        findings=() if finding is None else (finding,),
        happenings=world.happenings,
        steps=course.steps,
        effects=tuple(world.dice.effects),
        losses=dict(world.observer.losses) if isinstance(world.observer, Oracle) else {},
        met=world.dice.met,
        digest=taken_down.digest,
        seconds=time.perf_counter() - began,
        staging=staging if provider is None else None,
    )


def _finding(course: Course) -> Finding | None:
    try:
        course.run()
    except Violation as violation:
        return violation.finding
    return None


def _scenario_of(
    source: FakeSource, faults: str, days: float | None, replicas: int, seed: int, options: dict[str, Any]
) -> Scenario:
    drawn = Scenario.draw(seed, faults, days=days, entities=len(source), replicas=replicas, options=options)
    return replace(drawn, source=spec_of(source), rival=None, sink=False)


def spec_of(source: FakeSource) -> SourceSpec:
    """What a scenario says of a source, as it is now."""
    return SourceSpec(
        entities=len(source),
        page_size=source.page_size,
        dialect=source.dialect,
        name=source.name,
        namespace=source.formula.namespace,
        seed=source.formula.seed,
    )


def _refuse_another(what: object) -> None:
    if not isinstance(what, FakeSource):
        kind = type(what).__name__
        raise CallerError(
            f"simulate({kind}): a simulation adds, removes and changes entities while they are read, so it needs a "
            "source that it can change: write simulate(source, provider=…) with source = FakeSource(entities=200, "
            f"page_size=20) and a {kind} that reads it, say over source.serve(…) (docs/testing.md); what a provider "
            "does with its own source is told by incrsim.check"
        )


def _refuse_wishes(**wishes: Any) -> None:
    given = [name for name, value in wishes.items() if value]
    if given:
        raise CallerError(
            f"simulate(scenario, {', '.join(given)}): a scenario says that itself; use dataclasses.replace"
        )


@contextmanager
def tracing(
    scenario: Scenario, trace: Path | str | Callable[[bytes], object] | None, mutant: str | None = None
) -> Iterator[Trace]:
    """A trace of a run, kept where it is wanted.

    Args:
        scenario: what is run.
        trace: a file, what is called with each line, or `None`.
        mutant: the name of the broken engine that runs it, if one does.

    Raises:
        CallerError: when the file cannot be written.
    """
    if isinstance(trace, Path | str):
        with writing(Path(trace), scenario, mutant) as taken_down:
            yield taken_down
    else:
        yield Trace(trace)
