"""`incrsim serve`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
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
READ_TOKEN, MANAGE_TOKEN = "INCRSIM_READ_TOKEN", "INCRSIM_MANAGE_TOKEN"  # names of variables


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

    secrets = event_secrets(event_secret or (), os.environ)
    providers = [load_provider(target, {}) for target in targets or ()]
    from incrsim.api.settings import ApiSettings
    from incrsim.cli import run_serve

    settings = ApiSettings(
        host=host,
        port=port,
        allowed_hosts=tuple(allowed_host or ()),
        read_tokens=_token(READ_TOKEN),
        manage_tokens=_token(MANAGE_TOKEN),
        event_secrets=secrets,
    )
    raise typer.Exit(run_serve.until_stopped(providers, database, settings))


def event_secrets(given: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Read `TOPIC=VARIABLE` pairs, and the secrets that they name.

    Raises:
        UsageError: one of them is no pair, or its variable is not set.
    """
    secrets: dict[str, str] = {}
    for each in given:
        topic, separator, variable = each.rpartition("=")
        if not separator or not topic or not variable:
            raise UsageError(
                f"--event-secret {each!r} is not TOPIC=VARIABLE; write for example --event-secret services=HOOK_SECRET"
            )
        if not environment.get(variable):
            raise UsageError(f"--event-secret {each}: the environment variable {variable} is not set, or empty")
        secrets[topic] = environment[variable]
    return secrets


def _token(variable: str) -> tuple[str, ...]:
    token = os.environ.get(variable)
    return (token,) if token else ()
