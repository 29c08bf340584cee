"""Runs simulations and shows what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from incrsim.cli.failures import FAILED
from incrsim.cli.output import live, print_json
from incrsim.errors import CallerError
from incrsim.simulation.replay import replay
from incrsim.simulation.run import Run
from incrsim.simulation.run_summary import Summary
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.simulating import run_scenario, tracing
from incrsim.simulation.trace import Trace
from incrsim.simulation.trace_file import Header
from incrsim.simulation.world_store import stores


def drawn(seeds: Iterable[int], faults: str, **wishes: Any) -> Iterator[Scenario]:
    """The scenarios of some seeds.

    Raises:
        CallerError: when there is no such weather.
    """
    for seed in seeds:
        try:
            yield Scenario.draw(seed, faults, **wishes)
        except ValueError as error:
            raise CallerError(f"--faults {faults}: {error}") from error


def run_simulate(scenarios: Iterator[Scenario], database: str, trace: Path | None, *, as_json: bool) -> int:
    """Run scenarios one after the other, and print what came of them; returns the exit code."""
    summary = Summary()
    display = Text()
    with stores(database) as opened, live(display):
        for scenario in scenarios:
            display.plain = f"seed {scenario.seed}; {summary}" if summary.scenarios else f"seed {scenario.seed}"
            with tracing(scenario, trace) as taken_down:
                run = run_scenario(scenario, store=opened, trace=taken_down)
            summary.add(run)
            if not as_json:
                _tell(run, summary)
    if as_json:
        print_json(summary.to_dict())
    elif summary.scenarios > 1:
        typer.echo(str(summary))
    return 0 if summary.ok else FAILED


def run_replay(trace: Path, *, as_json: bool) -> int:
    """Replay a trace, and print what came of it; returns the exit code."""
    replayed = replay(trace, _again)
    if as_json:
        print_json(replayed.to_dict())
    else:
        typer.echo(str(replayed))
    return 0 if replayed.same else FAILED


def _again(header: Header, trace: Trace) -> Run:
    if header.mutant is not None:
        raise CallerError(f"this is the trace of the mutant {header.mutant!r}, and it takes that to run it again")
    return run_scenario(header.scenario, trace=trace)


def _tell(run: Run, summary: Summary) -> None:
    """Say what came of a run; of many, only of those that are worth it."""
    if summary.scenarios == 1 or not run.ok:
        typer.echo(str(run))
