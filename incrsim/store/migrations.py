"""Numbered migrations: `migrations/NNNN_name.sql`, each once, in order, under an advisory lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from incrsim.errors import StoreUnusable

OLDEST_SERVER = 15

# Any number will do, as long as all versions of incrsim agree on it.
_LOCK = 7234017283807667300


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema.

    Args:
        number: its place in the order, from 1.
        name: its file's name.
        sql: what it does.
    """

    number: int
    name: str
    sql: LiteralString


@dataclass(frozen=True, slots=True)
class SchemaState:
    """A database's schema against this version of incrsim.

    Args:
        version: the last migration that was applied; 0 for none.
        expected: the last one that this version knows.
        server: the server's version, for example `18.4`.
    """

    version: int
    expected: int
    server: str

    @property
    def current(self) -> bool:
        """Whether the schema is what this version needs."""
        return self.version == self.expected


def folder() -> Path:
    """Where the migration files are."""
    return Path(str(resources.files("incrsim.store") / "migrations"))


def all_migrations() -> list[Migration]:
    """All migrations in their order."""
    files = sorted(folder().glob("[0-9]*.sql"))
    return [Migration(int(file.name.split("_")[0]), file.name, file.read_text("utf-8")) for file in files]


def check(connection: psycopg.Connection[Any], place: str) -> SchemaState:
    """Read what a database has; changes nothing.

    Args:
        connection: to the database.
        place: its name in errors, without secrets.

    Raises:
        StoreUnusable: when the server is too old, or its schema is of a newer incrsim.
    """
    _check_server(connection, place)
    state = SchemaState(_version(connection), all_migrations()[-1].number, _server(connection))
    if state.version > state.expected:
        raise StoreUnusable(
            f"{place} has schema version {state.version}, this incrsim knows up to {state.expected}; "
            "it was upgraded by a newer one: install that here too"
        )
    return state


def upgrade(connection: psycopg.Connection[Any], place: str) -> list[Migration]:
    """Apply what is missing, in one transaction; several processes may try at once.

    Args:
        connection: to the database.
        place: its name in errors, without secrets.

    Returns:
        What was applied; empty when nothing was missing.

    Raises:
        StoreUnusable: when the server is too old or may only be read, or its schema is of a newer incrsim.
    """
    with connection.transaction():
        _check_writable(connection, place)
        if check(connection, place).current:
            return []
    with _alone(connection), connection.transaction():
        version = check(connection, place).version  # another process may have been here while we waited
        missing = [each for each in all_migrations() if each.number > version]
        _apply(connection, missing)
    return missing


@contextmanager
def _alone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Hold the lock of migrations.

    By the session, not by the transaction that looks and applies: one that has waited in its middle still believes that
    there is no table where another process has just made one, since catalogs are cached from a transaction's start.
    """
    connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    connection.commit()
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
            connection.commit()


def _apply(connection: psycopg.Connection[Any], missing: Sequence[Migration]) -> None:
    # Not `IF NOT EXISTS`: that wants the right to create schemas also where an administrator has made ours.
    if _first(connection, "SELECT to_regnamespace('incrsim') IS NULL"):
        connection.execute("CREATE SCHEMA incrsim")
    connection.execute("SET LOCAL search_path TO incrsim")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migration "
        "(number integer PRIMARY KEY, name text NOT NULL, "
        "applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    for migration in missing:
        connection.execute(migration.sql)
        connection.execute("INSERT INTO migration (number, name) VALUES (%s, %s)", (migration.number, migration.name))


def _check_server(connection: psycopg.Connection[Any], place: str) -> None:
    if connection.info.server_version < OLDEST_SERVER * 10_000:
        raise StoreUnusable(
            f"{place} is PostgreSQL {_server(connection)}, and incrsim needs {OLDEST_SERVER} or newer; "
            'upgrade the server, or use "embedded"'
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreUnusable(
            f"{place} stores text as {encoding}, which cannot hold every name; "
            "create a database with `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0` and use that"
        )


def _check_writable(connection: psycopg.Connection[Any], place: str) -> None:
    if _first(connection, "SELECT current_setting('transaction_read_only')") == "on":
        why = "a standby" if _first(connection, "SELECT pg_is_in_recovery()") else "default_transaction_read_only is on"
        raise StoreUnusable(
            f"{place} is read-only ({why}); use the primary server, or a role whose transactions may write"
        )


def _server(connection: psycopg.Connection[Any]) -> str:
    major, minor = divmod(connection.info.server_version, 10_000)
    return f"{major}.{minor}"


def _version(connection: psycopg.Connection[Any]) -> int:
    if _first(connection, "SELECT to_regclass('incrsim.migration') IS NULL"):
        return 0
    return int(_first(connection, "SELECT coalesce(max(number), 0) FROM incrsim.migration"))


def _first(connection: psycopg.Connection[Any], question: LiteralString) -> Any:
    row = connection.execute(question).fetchone()
    return None if row is None else row[0]
