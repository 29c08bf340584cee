"""The command line: `incrsim` and its commands.

Nothing is imported here but what it takes to read the arguments; each command imports its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from incrsim.cli.bench import HELP as BENCH_HELP, bench
from incrsim.cli.catalog import ENTITIES_HELP, EXPORT_HELP, entities, export
from incrsim.cli.checking import HELP as CHECK_HELP, check
from incrsim.cli.configuration import commands as config_commands
from incrsim.cli.database import commands as database_commands
from incrsim.cli.demonstration import HELP as DEMO_HELP, demo
from incrsim.cli.failures import Commands
from incrsim.cli.looking import (
    HEALTH_EPILOG,
    HEALTH_HELP,
    LISTS,
    PROVIDERS_HELP,
    STATUS_HELP,
    command_of as pages_command,
    health,
    providers,
    status,
)
from incrsim.cli.mutating import HELP as MUTANTS_HELP, mutants
from incrsim.cli.operating import (
    APPROVE_HELP,
    CALLS,
    CLEANUP_HELP,
    RETIRE_HELP,
    approve,
    cleanup,
    command_of as call_command,
    retire,
)
from incrsim.cli.planned import HELP as PLAN_HELP, plan
from incrsim.cli.running import HELP as RUN_HELP, run
from incrsim.cli.serving import HELP as SERVE_HELP, serve
from incrsim.cli.simulating import REPLAY_HELP, SIMULATE_HELP, replay, simulate
from incrsim.cli.sinking import DETACH_HELP, RESYNC_HELP, SINKS_HELP, detach, resync, sinks
from incrsim.cli.working import HELP as WORKER_HELP, worker

EPILOG = (
    "Exit codes: 0 it worked, also when a guard refused a sweep; 1 it failed, an ingestion was canceled, "
    "a rule does not hold, or somebody is not healthy; "
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
RUN, LOOK, OPERATE, SET_UP = "Run", "Look", "Operate", "Set up"


def _add(panel: str, command: Callable[..., None], story: str, name: str | None = None, epilog: str = EPILOG) -> None:
    app.command(name, help=story, epilog=epilog, rich_help_panel=panel)(command)


_add(RUN, demo, DEMO_HELP)
_add(RUN, run, RUN_HELP)
_add(RUN, worker, WORKER_HELP)
_add(RUN, serve, SERVE_HELP)
_add(RUN, bench, BENCH_HELP)
_add(RUN, simulate, SIMULATE_HELP)
_add(RUN, replay, REPLAY_HELP)
_add(RUN, check, CHECK_HELP)
_add(RUN, mutants, MUTANTS_HELP)

_add(LOOK, health, HEALTH_HELP, epilog=HEALTH_EPILOG)
_add(LOOK, providers, PROVIDERS_HELP)
_add(LOOK, status, STATUS_HELP)
_add(LOOK, plan, PLAN_HELP)
for pages in LISTS:
    _add(LOOK, pages_command(pages), pages.help, pages.name)
_add(LOOK, entities, ENTITIES_HELP)
_add(LOOK, export, EXPORT_HELP)
_add(LOOK, sinks, SINKS_HELP)

for call in CALLS:
    _add(OPERATE, call_command(call), call.help, call.name)
_add(OPERATE, approve, APPROVE_HELP)
_add(OPERATE, cleanup, CLEANUP_HELP)
_add(OPERATE, retire, RETIRE_HELP)
_add(OPERATE, resync, RESYNC_HELP)
_add(OPERATE, detach, DETACH_HELP)

app.add_typer(config_commands, name="config", epilog=EPILOG, rich_help_panel=SET_UP)
app.add_typer(database_commands, name="db", epilog=EPILOG, rich_help_panel=SET_UP)


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
