"""`incrsim sinks`, `incrsim resync` and `incrsim detach`."""

from __future__ import annotations

from typing import Annotated

import typer

from incrsim.cli import consequences
from incrsim.cli.asking import Yes, question
from incrsim.cli.kept import KeptDatabase, kept_database
from incrsim.cli.operating import act
from incrsim.cli.options import Config, Json

SINKS_HELP = "The systems that are kept equal to the catalog, and how far behind they are."
RESYNC_HELP = "Give a sink everything again."
DETACH_HELP = "Forget a sink, and what waits for it; in every process."

Name = Annotated[str, typer.Argument(metavar="SINK", help="A sink, as `incrsim sinks` shows it.")]


def sinks(database: KeptDatabase = None, config: Config = None, as_json: Json = False) -> None:
    """The command; `SINKS_HELP` is what its users read."""
    where = kept_database(database, config)
    from incrsim.cli.output import print_result
    from incrsim.cli.screens_lists import sinks_screen
    from incrsim.opening import open as open_app
    from incrsim.plain import plain

    with open_app(where) as app:
        found = app.operators.sinks()
    print_result({"sinks": plain(found)}, sinks_screen(found), as_json=as_json)


def resync(name: Name, database: KeptDatabase = None, config: Config = None, as_json: Json = False) -> None:
    """The command; `RESYNC_HELP` is what its users read."""
    act(kept_database(database, config), lambda it: it.resync(name), as_json=as_json)


def detach(
    name: Name, yes: Yes = False, database: KeptDatabase = None, config: Config = None, as_json: Json = False
) -> None:
    """The command; `DETACH_HELP` is what its users read."""
    before = question("detach", lambda app: consequences.of_detach(app, name), yes=yes)
    act(kept_database(database, config), lambda it: it.detach(name), before, as_json=as_json)
