"""`incrsim serve`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from incrsim.cli.failures import UsageError
from incrsim.cli.options import Config, SettableDatabase

HELP = (
    "The REST API: of a database alone, or of providers that this process serves too.\n\n"
    "For example: incrsim serve --database postgresql://user@host/name\n\n"
    "Tokens come from the environment: INCRSIM_READ_TOKEN may look, INCRSIM_MANAGE_TOKEN may look and change. Without "
    "either, a random one that may manage is printed. `incrsim worker --api` serves it beside many providers."
)


def serve(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODULE:OBJECT]...",
            help="Providers to serve as well, or classes or functions that return one; none: only the API.",
            show_default=False,
        ),
    ] = None,
    database: SettableDatabase = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="The address to listen on, 127.0.0.1 unless the configuration says otherwise; 0.0.0.0 is all of this "
            "machine's.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="The TCP port, 8008 unless the configuration says otherwise; 0 takes a free one.",
            show_default=False,
        ),
    ] = None,
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
    config: Config = None,
) -> None:
    """The command; `HELP` is what its users read."""
    from incrsim.cli.configured import find_config
    from incrsim.cli.loading import load_provider

    said = find_config(config)
    where = database or said.database or "memory"
    if where == "memory" and not targets:
        raise UsageError(
            "a catalog in memory is empty, and nobody else can fill it: name a database with --database, or a provider "
            "to serve, for example providers.files:Files"
        )
    api = replace(
        said.api,
        host=said.api.host if host is None else host,
        port=said.api.port if port is None else port,
        allowed_hosts=(*said.api.allowed_hosts, *(allowed_host or ())),
        event_secret_envs={**said.api.event_secret_envs, **topic_variables(event_secret or ())},
    )
    providers = [load_provider(target, {}) for target in targets or ()]
    from incrsim.cli.run_serve import settings_of, until_stopped

    raise typer.Exit(until_stopped(providers, where, settings_of(api)))


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
