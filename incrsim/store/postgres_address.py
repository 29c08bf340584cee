"""Where a database is: a URL that was checked, and a form of it that may be shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import psycopg
import sqlalchemy
from psycopg import conninfo
from sqlalchemy import exc

from incrsim.errors import CallerError

_SECRETS = frozenset({"password", "sslpassword", "passfile"})
"""What libpq takes as options of a URL and nobody should read in a log."""

_POOLED = "prepare_threshold"

_HIDDEN = "hidden"
_EXAMPLE = "postgresql://user:password@host:5432/database"


@dataclass(frozen=True, slots=True)
class Address:
    """A database.

    Args:
        url: for SQLAlchemy.
        place: for people; without secrets.
        pooled: whether a pooler hands out sessions by the transaction.
    """

    url: sqlalchemy.URL
    place: str
    pooled: bool = False


def read_address(text: str) -> Address:
    """Read a database's URL; nothing is connected to.

    Args:
        text: `postgresql://user:password@host:port/database`; libpq's options may follow as `?name=value`, and
            `prepare_threshold=none`, psycopg's option for a database behind a pooler.

    Raises:
        CallerError: when it is no such URL; what it holds of a password is not shown.
    """
    # The URL itself is shown by no message here: where it cannot be read, nobody knows where its password ends.
    try:
        url = sqlalchemy.make_url(text)
    except exc.ArgumentError:
        raise CallerError(f"the database is not given as a URL; write {_EXAMPLE}") from None
    except ValueError:
        raise CallerError(
            f"the port in the database's URL is not a number; write {_EXAMPLE}, and special characters of the "
            "password as %40 for @, %3A for :, %2F for /"
        ) from None
    if not re.match(r"postgres(ql)?(\+psycopg)?$", url.drivername):
        raise CallerError(f"{url.drivername}:// is not a database that incrsim knows; write {_EXAMPLE}")
    if url.host and "@" in url.host:
        raise CallerError(
            f"the database's URL holds two @, so nobody can say where its password ends; write {_EXAMPLE}, "
            "and %40 for each @ of the password"
        )
    pooled = _is_pooled(url)
    url = url.difference_update_query([_POOLED])
    _check_options(url)
    return Address(url.set(drivername="postgresql+psycopg"), _place(url), pooled)


def _is_pooled(url: sqlalchemy.URL) -> bool:
    given = url.query.get(_POOLED)
    if given is not None and str(given).lower() != "none":
        raise CallerError(
            f"{_place(url)}: {_POOLED} is for a database behind a pooler, and can only be none; leave it out otherwise"
        )
    return given is not None


def _check_options(url: sqlalchemy.URL) -> None:
    options: dict[str, Any] = dict(url.query)
    try:
        conninfo.make_conninfo("", **options)
    except psycopg.ProgrammingError as error:
        raise CallerError(
            f"{_place(url)}: {str(error).strip()}; what follows the ? of a URL are options of libpq, "
            "such as sslmode=require"
        ) from error


def _place(url: sqlalchemy.URL) -> str:
    open_options = {name: value for name, value in url.query.items() if name not in _SECRETS}
    shown = url.set(drivername="postgresql", password=_HIDDEN if url.password else None, query=open_options)
    text = shown.render_as_string(hide_password=False).replace(f":{_HIDDEN}@", ":…@")
    return re.sub(r"(?<=host=)[^&]+", lambda found: unquote(found.group()), text)
