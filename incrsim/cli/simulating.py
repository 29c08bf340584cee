"""`incrsim simulate` and `incrsim replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from incrsim.cli.failures import UsageError
from incrsim.cli.options import Database, Json

SIMULATE_HELP = (
    "Run the engine through days of bad weather on a virtual clock, and judge all that it does.\n\n"
    "A scenario is drawn from its seed: source, changes, options, replicas, and which faults happen when. Or it is "
    "read from a file, which says all of that. The same scenario does the same, in any process and on any database.\n\n"
    "For example: incrsim simulate --faults hostile --replicas 2 --seeds 100"
)
REPLAY_HELP = (
    "Run the scenario of a trace again, and name the first step that differs.\n\n"
    "A trace is what `incrsim simulate --trace FILE` has written."
)


def simulate(  # noqa: PLR0913, PLR0917 -- the options of a command
    scenario: Annotated[
        Path | None, typer.Argument(metavar="SCENARIO", help="A scenario's file, .json or .toml.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another scenario.")] = 1,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Run so many, from this seed on.", show_default=False)
    ] = None,
    days: Annotated[
        float | None, typer.Option(min=0, help="Virtual days, before all comes to rest.", show_default="drawn")
    ] = None,
    entities: Annotated[
        int | None, typer.Option(min=0, help="How many the source has at first.", show_default="drawn")
    ] = None,
    faults: Annotated[
        str | None,
        typer.Option(metavar="none|gentle|rough|hostile", help="How bad the weather is.", show_default="rough"),
    ] = None,
    replicas: Annotated[
        int | None, typer.Option(min=1, help="How many processes serve the provider.", show_default="drawn")
    ] = None,
    database: Database = "memory",
    seed_range: Annotated[
        str | None,
        typer.Option(metavar="A:B", help="Run the seeds from A up to the one before B.", show_default=False),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="How many processes run them.", show_default="one for each core")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep what came of each there: a campaign that was broken off goes on; what violates a rule is made "
            "small, and written beside it.",
            show_default=False,
        ),
    ] = None,
    mutant: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Break the engine in this way, in SCENARIO or in the seed's scenario of `incrsim mutants`.",
            show_default=False,
        ),
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all that happens there.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """The command; `SIMULATE_HELP` is what its users read."""
    from incrsim.cli.run_campaign import run_campaign, seeds_of
    from incrsim.cli.run_simulate import run_simulate
    from incrsim.simulation.campaign.campaign import Campaign
    from incrsim.simulation.scenario import Scenario

    many = (seeds, seed_range, results) != (None, None, None)
    if scenario is not None and (many or (days, entities, replicas) != (None, None, None)):
        raise UsageError(f"{scenario} says all of that itself; leave the other options out, or change the file")
    if trace is not None and many:
        raise UsageError("--trace takes down one scenario; name it with --seed, and leave out what names several")
    if mutant is not None:
        if many or (days, entities, replicas, faults) != (None, None, None, None) or database != "memory":
            raise UsageError("--mutant goes with SCENARIO or --seed, and with --trace; leave the other options out")
        raise typer.Exit(_with_mutant(mutant, scenario, seed, trace, as_json=as_json))
    if scenario is not None:
        raise typer.Exit(run_simulate(Scenario.read(scenario), database, trace, as_json=as_json))
    campaign = Campaign(faults=faults or "rough", days=days, entities=entities, replicas=replicas, database=database)
    if many:
        chosen = seeds_of(seed, seeds, seed_range)
        raise typer.Exit(run_campaign(campaign, chosen, jobs, results, as_json=as_json))
    raise typer.Exit(run_simulate(campaign.scenario(seed), database, trace, as_json=as_json))


def _with_mutant(name: str, file: Path | None, seed: int, trace: Path | None, *, as_json: bool) -> int:
    from incrsim.cli.run_mutants import mutant_of
    from incrsim.cli.run_simulate import run_mutant
    from incrsim.simulation.scenario import Scenario
    from incrsim.testing.mutants.hunting import scenario_of

    scenario = scenario_of(seed) if file is None else Scenario.read(file)
    return run_mutant(mutant_of(name), scenario, trace, as_json=as_json)


def replay(
    trace: Annotated[Path, typer.Argument(metavar="TRACE", help="The trace's file.")],
    as_json: Json = False,
) -> None:
    """The command; `REPLAY_HELP` is what its users read."""
    from incrsim.cli.run_simulate import run_replay

    raise typer.Exit(run_replay(trace, as_json=as_json))
