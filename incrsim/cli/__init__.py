"""The command line: `incrsim` and its commands.

Nothing is imported here but what it takes to read the arguments; each command imports its own.
"""

from __future__ import annotations

from typing import Annotated

import typer

from incrsim.cli.bench import HELP as BENCH_HELP, bench
from incrsim.cli.catalog import ENTITIES_HELP, EXPORT_HELP, entities, export
from incrsim.cli.configuration import commands as config_commands
from incrsim.cli.database import commands as database_commands
from incrsim.cli.demonstration import HELP as DEMO_HELP, demo
from incrsim.cli.failures import Commands
from incrsim.cli.running import HELP as RUN_HELP, run
from incrsim.cli.serving import HELP as SERVE_HELP, serve
from incrsim.cli.working import HELP as WORKER_HELP, worker

EPILOG = (
    "Exit codes: 0 it worked, also when a guard refused a sweep; 1 it failed, or an ingestion was canceled; "
    "2 it was called wrongly; 75 calls that never return hold all slots of a worker, so start it again; "
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
app.command(help=DEMO_HELP, epilog=EPILOG)(demo)
app.command(help=RUN_HELP, epilog=EPILOG)(run)
app.command(help=WORKER_HELP, epilog=EPILOG)(worker)
app.command(help=SERVE_HELP, epilog=EPILOG)(serve)
app.command(help=BENCH_HELP, epilog=EPILOG)(bench)
app.command(help=ENTITIES_HELP, epilog=EPILOG)(entities)
app.command(help=EXPORT_HELP, epilog=EPILOG)(export)
app.add_typer(config_commands, name="config", epilog=EPILOG)
app.add_typer(database_commands, name="db", epilog=EPILOG)


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
