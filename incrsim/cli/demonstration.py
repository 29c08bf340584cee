"""`incrsim demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from incrsim.cli.failures import FAILED

Database = Annotated[
    str,
    typer.Option(
        envvar="INCRSIM_DATABASE",
        metavar="memory|embedded|URL",
        help="Where the catalog is: in memory, in a Postgres that is started for it, or postgresql://user@host/name.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else, on standard output.")]


def demo(
    entities: Annotated[int, typer.Option(min=0, help="How many entities the source has at first.")] = 100_000,
    page_size: Annotated[int, typer.Option(min=1, help="How many come on a page.")] = 1000,
    database: Database = "memory",
    seed: Annotated[int, typer.Option(help="Another seed, another source.")] = 1,
    as_json: Json = False,
) -> None:
    """Load, change, refuse and heal a generated source, and compare the catalog with it after every step.

    Five cycles of the real engine: everything is new; nothing has changed; 10 % are gone and 1 % changed; 50 % are
    gone, which a guard refuses to believe; half of those are back. Waiting is virtual, speed is real. What it writes
    belongs to the provider `demo` and stays in the database; the next run begins by removing it.
    """
    from incrsim.cli.demo_run import run_demo

    ok, interrupted = run_demo(entities, page_size, database, seed, as_json=as_json)
    if interrupted is not None:
        raise typer.Exit(interrupted)
    if not ok:
        raise typer.Exit(FAILED)
