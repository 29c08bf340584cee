"""Runs simulations and shows what came of them."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.text import Text

from incrsim.cli.failures import FAILED
from incrsim.cli.output import live, print_json
from incrsim.simulation.campaign.result import CampaignResult
from incrsim.simulation.campaign.row import Row
from incrsim.simulation.replay import replay
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.simulating import run_scenario, tracing
from incrsim.simulation.trace import Trace
from incrsim.simulation.trace_file import Header
from incrsim.simulation.world.store import stores
from incrsim.testing.mutants.mutant import Mutant


def run_simulate(scenario: Scenario, database: str, trace: Path | None, *, as_json: bool) -> int:
    """Run a scenario, and print what came of it; returns the exit code."""
    with stores(database) as opened, live(Text("simulating …")), tracing(scenario, trace) as taken_down:
        run = run_scenario(scenario, store=opened, trace=taken_down)
    return _show(run, as_json=as_json)


def run_mutant(mutant: Mutant, scenario: Scenario, trace: Path | None, *, as_json: bool) -> int:
    """Run a scenario with a mutant, and print what came of it; returns the exit code."""
    with live(Text("simulating …")), tracing(scenario, trace, mutant.name) as taken_down:
        run = mutant.run(scenario, taken_down)
    return _show(run, as_json=as_json)


def run_replay(trace: Path, *, as_json: bool) -> int:
    """Replay a trace, and print what came of it; returns the exit code."""
    replayed = replay(trace, _again)
    if as_json:
        print_json(replayed.to_dict())
    else:
        typer.echo(str(replayed))
    return 0 if replayed.same else FAILED


def _show(run: Run, *, as_json: bool) -> int:
    if as_json:
        planned = frozenset(fault.kind for fault in run.scenario.faults)
        print_json(CampaignResult([Row.of(run)], planned, run.seconds).to_dict())
    else:
        typer.echo(str(run))
    return 0 if run.ok else FAILED


def _again(header: Header, trace: Trace) -> Run:
    if header.mutant is None:
        return run_scenario(header.scenario, trace=trace)
    from incrsim.cli.run_mutants import mutant_of

    return mutant_of(header.mutant).run(header.scenario, trace)
