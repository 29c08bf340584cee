"""Databases on a server that somebody needs for a while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from incrsim.errors import StoreUnavailable, StoreUnusable
from incrsim.store.postgres_address import read_address


@contextmanager
def dropped_afterwards(url: str, names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Create databases, and drop them at the end, whoever is still connected to them.

    Args:
        url: of any database of the server, as a role that may create others.
        names: of the new ones.

    Yields:
        Their URLs.

    Raises:
        CallerError: when the URL is none.
        StoreUnavailable: when the server cannot be reached.
        StoreUnusable: when it does not let us.
    """
    address = read_address(url)
    libpq = address.url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(libpq, autocommit=True) as connection:
            try:
                for name in names:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
                yield [address.url.set(database=name).render_as_string(hide_password=False) for name in names]
            finally:
                for name in names:
                    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreUnusable(
            f"{address.place}: {error.diag.message_primary}; a campaign creates databases, and drops them: give its "
            "role CREATEDB"
        ) from error
    except psycopg.OperationalError as error:
        raise StoreUnavailable(f"{address.place}: {str(error).strip()}") from error
