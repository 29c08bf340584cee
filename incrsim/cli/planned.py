"""`incrsim plan`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from incrsim.cli.failures import INTERRUPTED, complain
from incrsim.cli.kept import KeptDatabase, kept_database
from incrsim.cli.options import Config, Json

HELP = (
    "Read a whole cycle of a provider, and show what it would add, change and remove; nothing is written.\n\n"
    "For example: incrsim plan providers.files:Files --set root=DIR --database embedded\n\n"
    "It says what the guards would say, too. The source is read in one go, however many bursts a cycle takes otherwise."
)


def plan(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:OBJECT",
            help="A provider, or a class or function that returns one; also from the current directory. Or the name of "
            "a provider of the configuration file.",
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="An option of the provider (burst_length=10s), or an argument of the class or function (root=DIR).",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many changes to show; all are counted.")] = 100,
    database: KeptDatabase = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The command; `HELP` is what its users read."""
    where = kept_database(database, config)
    from incrsim.cli.configured import find_config, provider_to_run
    from incrsim.cli.loading import parse_settings
    from incrsim.cli.run_plan import make_plan, show_plan

    # What a provider prints must not get into the plan.
    with redirect_stdout(sys.stderr):
        provider, options = provider_to_run(find_config(config), target, parse_settings(settings or []))
        try:
            made = make_plan(provider, options, where)
        except KeyboardInterrupt:
            complain("stopped at once; a plan writes nothing")
            raise typer.Exit(INTERRUPTED) from None
    with made:
        show_plan(made, limit, as_json=as_json)
