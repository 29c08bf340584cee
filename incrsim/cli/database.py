"""`incrsim db`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from incrsim.cli.failures import FAILED
from incrsim.cli.kept import KeptDatabase, kept_database
from incrsim.cli.options import Config

if TYPE_CHECKING:
    from incrsim.store.postgres import PostgresStore

commands = typer.Typer(
    help="The tables of a database: bring them up to date, or see whether they are.", no_args_is_help=True
)


@commands.command()
def upgrade(database: KeptDatabase = None, config: Config = None) -> None:
    """Apply the migrations that the database lacks; several processes may try at once."""
    with _store(kept_database(database, config)) as store:
        applied = store.upgrade()
        state = store.check()
    for migration in applied:
        typer.echo(f"applied {migration.name}")
    typer.echo(
        f"{store.describe()}: schema version {state.version}"
        + ("" if applied else ", which is what this incrsim needs; nothing to do")
    )


@commands.command()
def check(database: KeptDatabase = None, config: Config = None) -> None:
    """Say which schema version the database has and which one is needed; exit code 1 when it cannot be used so."""
    with _store(kept_database(database, config)) as store:
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


@contextmanager
def _store(database: str) -> Iterator[PostgresStore]:
    """Open a database as it is: nothing is upgraded on the way."""
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
