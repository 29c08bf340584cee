"""The command line: `incrsim demo`, `incrsim run`, `incrsim db`.

Nothing is imported here but what it takes to read the arguments; each command imports its own.
"""

from __future__ import annotations

from typing import Annotated

import typer

from incrsim.cli import database, demonstration, running
from incrsim.cli.failures import Commands

EPILOG = (
    "Exit codes: 0 it worked (a sweep that a guard refused worked too); 1 it failed; 2 it was called wrongly; "
    "130 interrupted by Ctrl-C, 143 by SIGTERM."
)

app = typer.Typer(
    name="incrsim",
    help="Keep a catalog equal to sources that are too large to be read at once.",
    epilog=EPILOG,
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo", epilog=EPILOG)(demonstration.demo)
app.command("run", epilog=EPILOG)(running.run)
app.add_typer(database.commands, name="db")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"incrsim {version('incrsim')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version, and end.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options of every command; `Commands` acts on them."""


def main() -> None:
    """The program `incrsim`."""
    app()
