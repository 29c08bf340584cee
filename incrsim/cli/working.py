"""`incrsim worker`."""

from __future__ import annotations

from typing import Annotated

import typer

from incrsim.cli.options import Config, SettableDatabase

HELP = (
    "Serve many providers, as one of any number of replicas on one database.\n\n"
    "For example: incrsim worker providers.files:Files --set root=DIR --database postgresql://…\n\n"
    "Without MODULE:OBJECT it serves what the configuration file says. SIGTERM and Ctrl-C end it at the next pages and "
    "give the leases back; a second one ends it at once. When calls that never return hold all slots it ends with 75, "
    "so that whoever watches over it starts it again."
)


def worker(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODULE:OBJECT]...",
            help="Providers, or classes or functions that return one; also from the current directory.",
            show_default=False,
        ),
    ] = None,
    database: SettableDatabase = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="How many bursts run at once; 8 unless the configuration says otherwise.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="An option of every provider that is named here (burst_length=10s), or an argument of their classes "
            "or functions (root=DIR).",
        ),
    ] = None,
    config: Config = None,
    api: Annotated[
        bool, typer.Option("--api", help="Serve the REST API too, where [api] of the configuration says.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="A line for every page, burst and sweep.")] = False,
) -> None:
    """The command; `HELP` is what its users read."""
    from incrsim.cli.loading import parse_settings
    from incrsim.cli.run_worker import Plan, run_worker

    plan = Plan.of(targets or [], parse_settings(settings or []), config, database, concurrency)
    raise typer.Exit(run_worker(plan, api=api, verbose=verbose))
