"""What a database's errors mean to the person who has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from sqlalchemy import exc

from incrsim.errors import StoreError, StoreUnavailable, StoreUnusable

RETRIED = (errors.SerializationFailure, errors.DeadlockDetected)
"""What a transaction that did nothing wrong may meet: it is run again (C-40)."""

_PASSWORD = re.compile(r"(?<=://)([^:/@]*):([^@/]*)@")


class Conflict(Exception):  # noqa: N818  # caught inside the store, never seen by its callers
    """Another provider changed rows that this transaction was about to change: run it again (C-40)."""


def without_password(url: str) -> str:
    """A URL that may be shown."""
    return _PASSWORD.sub(r"\1:…@", url)


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn the driver's errors into ours, which say what to do.

    Args:
        place: the database, without secrets.

    Raises:
        StoreUnavailable: when it cannot be reached, went away, or is out of connections.
        StoreUnusable: when it may not be written to, or lacks what incrsim needs.
        StoreError: for anything else that it refused.
    """
    try:
        yield
    except exc.DBAPIError as error:
        raise _explain(error.orig if isinstance(error.orig, psycopg.Error) else error, place) from error
    except exc.TimeoutError as error:
        raise StoreUnavailable(
            f"{place}: all connections of this process are in use; "
            "close what is not needed, or run fewer providers in it"
        ) from error
    except psycopg.Error as error:
        raise _explain(error, place) from error


def _explain(error: Exception, place: str) -> StoreError:
    said = _first_line(error)
    match error:
        case errors.TooManyConnections():
            return StoreUnavailable(
                f"{place} is out of connections ({said}); stop other clients, or raise max_connections on the server"
            )
        case errors.ReadOnlySqlTransaction():
            return StoreUnusable(
                f"{place} is read-only ({said}); use the primary server, or a role whose transactions may write"
            )
        case errors.InsufficientPrivilege():
            return StoreUnusable(
                f"{place}: this role may not do that ({said}); "
                "let the owner run `incrsim db upgrade`, or grant the role rights on the schema incrsim"
            )
        case errors.UndefinedTable() | errors.InvalidSchemaName() | errors.UndefinedColumn():
            return StoreUnusable(f"{place} lacks incrsim's tables ({said}); run `incrsim db upgrade`")
        case errors.DiskFull() | errors.OutOfMemory():
            return StoreUnavailable(f"{place} has run out of room ({said}); free some, nothing of this step was kept")
        case errors.InvalidPassword() | errors.InvalidAuthorizationSpecification() | errors.InvalidCatalogName():
            return StoreUnavailable(
                f"{place} does not let us in ({said}); check user, password and database in the URL"
            )
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return StoreUnavailable(
                f"{place} cannot be reached or went away ({said}); check the address and that the server runs"
            )
    return StoreError(f"{place} refused a statement ({said}); this is a defect in incrsim or in what it was given")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    known = "; ".join(line for line in lines[:2])
    return without_password(known) or type(error).__name__
