"""`incrsim bench`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

from incrsim.cli.options import Database, Json

if TYPE_CHECKING:
    from incrsim.store import Store

HELP = (
    "Where a provider's time goes, how its memory grows, and which page size and burst length follow from that.\n\n"
    "For example: incrsim bench providers.files:Files --set root=DIR --pages 50 --database embedded\n\n"
    "What is measured gets written: to memory, to an embedded Postgres that is removed afterwards, or to a database "
    "that has to be empty."
)


def bench(
    target: Annotated[
        str, typer.Argument(metavar="MODULE:OBJECT", help="A provider, or a class or function that returns one.")
    ],
    pages: Annotated[int, typer.Option(min=1, help="How many pages to measure at most.")] = 20,
    database: Database = "memory",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="An option of the provider, or an argument of the class."),
    ] = None,
    as_json: Json = False,
) -> None:
    """The command; `HELP` is what its users read."""
    from incrsim.cli.loading import load_provider, parse_settings
    from incrsim.cli.output import print_json
    from incrsim.profiling import profile

    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        provider, options = load_provider(target, parse_settings(settings or []))
        with _empty_store(database) as store:
            measured = profile(provider, store, pages, **options)
    if as_json:
        print_json(measured.to_dict())
    else:
        typer.echo(str(measured))


@contextmanager
def _empty_store(database: str) -> Iterator[Store]:
    if database != "embedded":
        from incrsim.opening import open_store

        with closing(open_store(database)) as store:
            yield store
        return
    from incrsim.store.embedded_store import EmbeddedStore, temporary_home

    with temporary_home() as home, closing(EmbeddedStore.start(home)) as store:
        yield store
