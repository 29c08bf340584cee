"""`incrsim run`."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from typing import Annotated

import typer

from incrsim.cli.failures import UsageError
from incrsim.cli.options import Config, Json, SettableDatabase

HELP = (
    "Keep a catalog equal to a provider's source: once, or for ever as one of many replicas.\n\n"
    "For example: incrsim run providers.files:Files --set root=DIR --database embedded --once\n\n"
    "Ctrl-C ends it at the next page, and the next run goes on from there; a second Ctrl-C ends it at once."
)


def run(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:OBJECT",
            help="A provider, or a class or function that returns one; also from the current directory. Or the name of "
            "a provider of the configuration file.",
        ),
    ],
    database: SettableDatabase = None,
    once: Annotated[
        bool, typer.Option("--once", help="Go on with an open ingestion or begin one now, and end with its sweep.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="An option of the provider (burst_length=10s), or an argument of the class or function (root=DIR).",
        ),
    ] = None,
    config: Config = None,
    as_json: Json = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="A line for every page, burst and sweep.")] = False,
) -> None:
    """The command; `HELP` is what its users read."""
    if as_json and not once:
        raise UsageError("--json prints the report of one ingestion, and without --once there is no end: add --once")
    from incrsim.cli import run_provider
    from incrsim.cli.configured import find_config, provider_to_run
    from incrsim.cli.loading import parse_settings

    found = find_config(config)
    where = database or found.database or "memory"
    # What a provider prints must not get into the document.
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        provider, options = provider_to_run(found, target, parse_settings(settings or []))
        if not once:
            raise typer.Exit(run_provider.for_ever(provider, options, where, verbose=verbose))
        report = run_provider.once(provider, options, where, verbose=verbose)
    raise typer.Exit(run_provider.show(report, as_json=as_json))
