"""`incrsim serve`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from incrsim.cli.failures import UsageError
from incrsim.cli.options import Database

HELP = (
    "The REST API: of a database alone, or of providers that this process serves too.\n\n"
    "For example: incrsim serve --database postgresql://user@host/name\n\n"
    "Tokens come from the environment: INCRSIM_READ_TOKEN may look, INCRSIM_MANAGE_TOKEN may look and change. Without "
    "either, a random one that may manage is printed."
)


def serve(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODULE:OBJECT]...",
            help="Providers to serve as well, or classes or functions that return one; none: only the API.",
        ),
    ] = None,
    database: Database = "memory",
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 is all of this machine's.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The TCP port; 0 takes a free one.")] = 7007,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name by which clients may call it, beside localhost; may come again."),
    ] = None,
    event_secret: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOPIC=VARIABLE",
            help="The environment variable with the secret that signs a topic's events; may come again.",
        ),
    ] = None,
) -> None:
    """The command; `HELP` is what its users read."""
    if database == "memory" and not targets:
        raise UsageError(
            "a catalog in memory is empty, and nobody else can fill it: name a database with --database, or a provider "
            "to serve, for example providers.files:Files"
        )
    from incrsim.cli.loading import load_provider

    variables = topic_variables(event_secret or ())
    providers = [load_provider(target, {}) for target in targets or ()]
    from incrsim.api.settings import ApiSettings
    from incrsim.cli import run_serve

    settings = ApiSettings.from_environment(
        os.environ, host=host, port=port, allowed_hosts=tuple(allowed_host or ()), event_secrets=variables
    )
    raise typer.Exit(run_serve.until_stopped(providers, database, settings))


def topic_variables(given: Sequence[str]) -> dict[str, str]:
    """Read `TOPIC=VARIABLE` pairs.

    Raises:
        UsageError: one of them is no pair.
    """
    variables: dict[str, str] = {}
    for each in given:
        topic, _, variable = each.rpartition("=")
        if not topic or not variable:
            raise UsageError(
                f"--event-secret {each!r} is not TOPIC=VARIABLE; write for example --event-secret services=HOOK_SECRET"
            )
        variables[topic] = variable
    return variables
