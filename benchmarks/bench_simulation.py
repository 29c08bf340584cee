"""How many scenarios a second does a simulation take, the oracle on?

Rates are of processor time on one core, so that what else the machine does counts little; those on Postgres are of wall
time, since the server works too. Each is the median of three rounds over the same seeds, in a process that is settled
as our programs settle theirs. The million is read in a process of its own, for its memory.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any

from benchmarks import workload
from benchmarks.machine_cost import cost
from incrsim.cli.collector import settle
from incrsim.clock import VirtualClock
from incrsim.resident import peak_rss_mb
from incrsim.simulation import FakeSource, Simulation
from incrsim.simulation.scenario import Scenario, SourceSpec
from incrsim.simulation.simulating import run_scenario
from incrsim.simulation.world.store import Stores, stores
from incrsim.store.memory import MemoryStore
from incrsim.store.memory_bodiless import BodilessStore

ROUNDS = 3

MILLION = 1_000_000
MOST_SECONDS, MOST_MB = 60, 600
"""What one cycle of a million entities may take, bodies off."""

MOST_TIMES = 2
"""How much longer than an empty state machine one of `SweepSafety` may take."""

LEAST: Mapping[str, float] = {"month, rough": 3, "tiny": 60, "tiny on Postgres": 3}
"""Scenarios a second."""

Draw = Callable[[int], Scenario]
Timer = Callable[[], float]


def month(seed: int) -> Scenario:
    """Thirty days of a thousand entities that are read every day, in rough weather."""
    return Scenario.draw(seed, "rough", days=30, entities=1000, options={"rest_length": "1d"})


def tiny(seed: int) -> Scenario:
    """Fifty entities, ten cycles."""
    return Scenario(seed=seed, days=10, replicas=2, source=SourceSpec(entities=50, page_size=10))


def rough(seed: int) -> Scenario:
    """The same days in rough weather: three times as many steps, and more of them are reads and writes."""
    return Scenario.draw(seed, "rough", days=10, entities=50)


def rates(draw: Draw, seeds: int, timer: Timer, store: Stores = MemoryStore) -> dict[str, Any]:
    """Scenarios and steps a second.

    Args:
        draw: makes the scenario of a seed.
        seeds: how many.
        timer: seconds.
        store: opens an empty store.
    """
    scenarios = [draw(seed) for seed in range(1, seeds + 1)]
    run_scenario(scenarios[0], store=store)
    seconds, steps = [], 0
    for _ in range(ROUNDS):
        begun, steps = timer(), 0
        for scenario in scenarios:
            run = run_scenario(scenario, store=store)
            if not run.ok:
                raise AssertionError(f"seed {scenario.seed}: {run.findings[0]}")
            steps += run.steps
        seconds.append(timer() - begun)
    return {
        "scenarios_per_second": round(seeds / median(seconds), 1),
        "steps_per_scenario": round(steps / seeds),
        "microseconds_per_step": round(median(seconds) / steps * 1e6),
    }


def million(entities: int) -> dict[str, Any]:
    """One cycle in this process, without bodies."""
    clock = VirtualClock()
    source = FakeSource(entities, page_size=1000)
    begun = time.process_time()
    run = Simulation(source, store=BodilessStore(clock), clock=clock)
    run.run_cycle()
    held = run.store.count(source.name)
    if held != entities:
        raise AssertionError(f"the catalog holds {held} of {entities} entities")
    return {"entities": entities, "seconds": round(time.process_time() - begun, 1), "peak_mb": peak_rss_mb()}


def in_a_process_of_its_own(entities: int) -> dict[str, Any]:
    """The same, in a new process."""
    command = [sys.executable, __file__, "--million-of", str(entities)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # ourselves
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measure(database: str, seeds: int, entities: int) -> dict[str, Any]:
    """All of it.

    Args:
        database: `embedded`, or the URL of an empty database.
        seeds: scenarios in a round of tiny ones; the large ones get a tenth of that.
        entities: of the large cycle.
    """
    few = max(1, seeds // 10)
    machine = {
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }
    with stores(database) as opened:
        scenarios = {
            "month, rough": rates(month, few, time.process_time),
            "tiny": rates(tiny, seeds, time.process_time),
            "tiny, rough": rates(rough, seeds, time.process_time),
            "tiny on Postgres": rates(tiny, few, time.perf_counter, opened),
        }
    for name, least in LEAST.items():
        scenarios[name] |= {"target": least, "reached": scenarios[name]["scenarios_per_second"] >= least}
    safety, empty = cost()
    read = in_a_process_of_its_own(entities)
    return {
        "machine": machine,
        "scenarios": scenarios,
        "hypothesis": {"times_an_empty_machine": round(safety / empty, 2), "target": MOST_TIMES},
        "million": read | {"reached": read["seconds"] <= MOST_SECONDS and read["peak_mb"] <= MOST_MB},
    }


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    heads = f"{'':20}{'a second':>10}{'steps':>8}{'µs a step':>11}{'target':>9}"
    lines = [workload.described(result["machine"]), "", heads]
    for name, row in result["scenarios"].items():
        rate, steps, each = (
            row[key] for key in ("scenarios_per_second", "steps_per_scenario", "microseconds_per_step")
        )
        target = f"{row['target']:>9}{'' if row['reached'] else '  missed'}" if "target" in row else f"{'-':>9}"
        lines.append(f"{name:20}{rate:>10}{steps:>8}{each:>11}{target}")
    times, read = result["hypothesis"]["times_an_empty_machine"], result["million"]
    verdict = "" if read["reached"] else ": missed"
    took = f"{read['seconds']} s, {read['peak_mb']} MB (at most {MOST_SECONDS} s, {MOST_MB} MB){verdict}"
    lines += [
        "",
        f"under Hypothesis: {times} times as long as an empty state machine (at most {MOST_TIMES})",
        f"{read['entities']:,} entities, one cycle: {took}",
    ]
    return "\n".join(lines)


@contextmanager
def unlogged() -> Iterator[None]:
    """What goes wrong on purpose is in no log."""
    logging.disable()
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100, help="tiny scenarios in a round (default: %(default)s)")
    parser.add_argument("--entities", type=int, default=MILLION, help="of the large cycle (default: %(default)s)")
    parser.add_argument(
        "--database", default="embedded", help="embedded, or the URL of an empty database (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--million-of", type=int, metavar="ENTITIES", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.million_of:
        print(json.dumps(million(options.million_of)))
        return
    settle()
    with unlogged():
        result = measure(options.database, options.seeds, options.entities)
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
