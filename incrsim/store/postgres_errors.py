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

# While a connection is being made libpq says what is wrong in words only, and the server in its own language: what is
# not recognised here gets the general answer below.
_OUT_OF_CONNECTIONS = re.compile("too many (connections|clients)|remaining connection slots")
_NOT_LET_IN = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|(role|database) .* does not exist|"
    "permission denied for database|is not permitted to log in"
)
_COMING_OR_GOING = re.compile("the database system is (starting up|shutting down|in recovery mode|not)")


REFS_ONCE = "entity_ref_key"
"""The constraint by which a ref is in the catalog once."""


class Conflict(Exception):  # noqa: N818  # caught inside the store, never seen by its callers
    """Another provider changed rows that this transaction was about to change: run it again (C-40)."""


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
    said = first_lines(error)
    match error:
        case errors.TooManyConnections():
            return _out_of_connections(said, place)
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
        case errors.QueryCanceled():
            return StoreUnavailable(
                f"{place} stopped a statement ({said}); if nobody asked it to, "
                "raise statement_timeout for this role: a sweep may take minutes"
            )
        case errors.InvalidSqlStatementName() | errors.DuplicatePreparedStatement():
            return StoreUnusable(
                f"{place} hands our session to others between transactions ({said}), as a pooler does; "
                "add ?prepare_threshold=none to the URL"
            )
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return _not_connected(said, place)
    return StoreError(f"{place} refused a statement ({said}); this is a defect in incrsim or in what it was given")


def _not_connected(said: str, place: str) -> StoreUnavailable:
    if _OUT_OF_CONNECTIONS.search(said):
        return _out_of_connections(said, place)
    if _NOT_LET_IN.search(said):
        return StoreUnavailable(f"{place} does not let us in ({said}); check user, password and database in the URL")
    if _COMING_OR_GOING.search(said):
        return StoreUnavailable(f"{place} is starting or stopping ({said}); try again in a moment")
    return StoreUnavailable(
        f"{place} cannot be reached or went away ({said}); check the address and that the server runs"
    )


def _out_of_connections(said: str, place: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"{place} is out of connections ({said}); stop other clients, or raise max_connections on the server "
        "or the role's CONNECTION LIMIT"
    )


def first_lines(error: Exception) -> str:
    """What an error says, in one line without its context."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "; ".join(lines[:2]) or type(error).__name__
