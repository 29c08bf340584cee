"""`incrsim demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from incrsim.cli.options import Database, Json

HELP = (
    "Load, change, refuse and heal a generated source, and compare the catalog with it after every step.\n\n"
    "Five cycles of the real engine: everything is new; nothing has changed; 10 % are gone and 1 % changed; 50 % are "
    "gone, which a guard refuses to believe; half of those are back. Waiting is virtual, speed is real.\n\n"
    "What it writes belongs to the provider `demo` and stays in the database; the next demo begins by removing it, and "
    "with `--entities 0` it does nothing else."
)


def demo(
    entities: Annotated[int, typer.Option(min=0, help="How many entities the source has at first.")] = 100_000,
    page_size: Annotated[int, typer.Option(min=1, help="How many come on a page.")] = 1000,
    database: Database = "memory",
    seed: Annotated[int, typer.Option(help="Another seed, another source.")] = 1,
    as_json: Json = False,
) -> None:
    """The command; `HELP` is what its users read."""
    from incrsim.cli.run_demo import run_demo

    raise typer.Exit(run_demo(entities, page_size, database, seed, as_json=as_json))
