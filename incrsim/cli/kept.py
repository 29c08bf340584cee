"""Which database a command means that looks at what other processes have written, or changes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from incrsim.cli.failures import UsageError

KeptDatabase = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="INCRSIM_DATABASE",
        metavar="embedded|URL",
        help="A Postgres of its own, or postgresql://user@host/name; unless given, what the configuration says.",
        show_default=False,
    ),
]

_NAME_ONE = "name a Postgres: embedded, or postgresql://user@host/name"


def kept_database(named: str | None, config: Path | None) -> str:
    """The database that was named, else the configured one: a Postgres.

    Args:
        named: on the command line, or by the environment.
        config: the configuration file, unless it is the usual one.

    Raises:
        UsageError: when none is named, or one in memory, which ends with its process.
        InvalidConfig: when the configuration cannot be read.
    """
    database = _configured(config) if named is None else named
    if database is None:
        raise UsageError(
            f'no database is named; write --database, set INCRSIM_DATABASE, or write database = "…" into the '
            f"configuration file, and {_NAME_ONE}"
        )
    if database == "memory":
        raise UsageError(
            "a catalog in memory ends with the process that made it, and no other process can reach it: there is "
            f"nothing to look at or to operate on; {_NAME_ONE}"
        )
    return database


def _configured(config: Path | None) -> str | None:
    from incrsim.cli.configured import find_config

    return find_config(config).database
