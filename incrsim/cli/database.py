"""`incrsim db`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from incrsim.cli.failures import FAILED, UsageError

if TYPE_CHECKING:
    from incrsim.store.postgres import PostgresStore

commands = typer.Typer(
    help="The tables of a database: bring them up to date, or see whether they are.", no_args_is_help=True
)

Postgres = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="INCRSIM_DATABASE",
        metavar="embedded|URL",
        help="A Postgres of its own, or postgresql://user@host/name.",
    ),
]


@commands.command()
def upgrade(database: Postgres) -> None:
    """Apply the migrations that the database lacks; several processes may try at once."""
    with _store(database) as store:
        applied = store.upgrade()
        state = store.check()
    for migration in applied:
        typer.echo(f"applied {migration.name}")
    typer.echo(
        f"{store.describe()}: schema version {state.version}"
        + ("" if applied else ", which is what this incrsim needs; nothing to do")
    )


@commands.command()
def check(database: Postgres) -> None:
    """Say which schema version the database has and which one is needed; exit code 1 when it cannot be used so."""
    with _store(database) as store:
        state = store.check()
    found = f"{store.describe()}: PostgreSQL {state.server}, schema version {state.version} of {state.expected}"
    if state.current:
        typer.echo(f"{found}: ready")
        return
    typer.echo(f"{found}: not usable yet; run `incrsim db upgrade --database …`")
    raise typer.Exit(FAILED)


@commands.command()
def path() -> None:
    """Print the directory of the migration files, for those who apply them by hand."""
    from incrsim.store.migrations import folder

    typer.echo(str(folder()))


def check_kept(database: str) -> None:
    """Refuse a database that is gone when this process ends: there is nothing in it.

    Raises:
        UsageError: when it is `memory`.
    """
    if database == "memory":
        raise UsageError("--database memory has no tables; name a Postgres: embedded, or postgresql://user@host/name")


@contextmanager
def _store(database: str) -> Iterator[PostgresStore]:
    """Open a database as it is: nothing is upgraded on the way."""
    check_kept(database)
    if database == "embedded":
        from incrsim.store.embedded import start
        from incrsim.store.embedded_store import EmbeddedStore

        store: PostgresStore = EmbeddedStore(start())
    else:
        from incrsim.opening import postgres_url
        from incrsim.store.postgres import PostgresStore

        store = PostgresStore(postgres_url(database))
    try:
        yield store
    finally:
        store.close()
