"""`incrsim.simulate`: a scenario, from its data to what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from incrsim.clock import VirtualClock
from incrsim.engine import Engine
from incrsim.opening import open_store
from incrsim.simulation.observation import Observer
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.source import FakeSource
from incrsim.simulation.trace import Trace
from incrsim.simulation.violation import Finding, Violation
from incrsim.simulation.world import World
from incrsim.simulation.world_course import Course
from incrsim.simulation.world_outfit import Blind
from incrsim.store import Store


def run_scenario(
    scenario: Scenario,
    *,
    store: Callable[[VirtualClock], Store] = lambda clock: open_store(None, clock),
    observe: Callable[[World], Observer] = lambda _: Blind(),
    trace: Trace | None = None,
    source: FakeSource | None = None,
    provider: Any = None,
    engine: Callable[[Engine], Engine] = lambda engine: engine,
) -> Run:
    """Run a scenario.

    Args:
        scenario: what happens.
        store: opens an empty store on the simulation's clock.
        observe: makes who judges what happens.
        trace: takes down every step.
        source: in place of the scenario's own.
        provider: what reads the source, unmodified; the source itself when left out.
        engine: what a replica's engine is replaced by: a broken one, say.
    """
    began = time.perf_counter()
    clock = VirtualClock()
    opened = store(clock)
    taken_down = trace or Trace()
    world = World(
        scenario,
        store=opened,
        clock=clock,
        observe=observe,
        trace=taken_down,
        source=source,
        provider=provider,
        engine=engine,
    )
    findings: tuple[Finding, ...] = ()
    course = Course(world)
    try:
        course.run()
    except Violation as violation:
        findings = (violation.finding,)
    finally:
        opened.close()
    return Run(
        scenario=scenario,
        provider=world.name,
        findings=findings,
        happenings=world.happenings,
        steps=course.steps,
        effects=tuple(world.dice.effects),
        digest=taken_down.digest,
        seconds=time.perf_counter() - began,
    )
