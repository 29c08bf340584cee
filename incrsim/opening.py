"""Where a store is: in memory, embedded, or behind a URL."""

from __future__ import annotations

from incrsim.app import App
from incrsim.clock import Clock, VirtualClock
from incrsim.errors import CallerError
from incrsim.host import InlineHost
from incrsim.store import Store
from incrsim.store.memory import MemoryStore


def open(database: str | None = None, *, clock: Clock | None = None) -> App:  # noqa: A001  # reads as incrsim.open(…)
    """Open a catalog: `incrsim.open()` in memory, `incrsim.open("embedded")` a Postgres of its own, or a database's
    URL.

    Args:
        database: `None` or `"memory"`, `"embedded"`, or `postgresql://user@host/name`.
        clock: a `VirtualClock` lets leases, rests and waits pass by it, and runs providers on the caller's thread.

    Raises:
        CallerError: when `database` is none of these.
        StoreUnavailable: when the database cannot be reached.
        StoreUnusable: when it can be reached but not used.
        MissingExtra: when something must be installed first; the message says what.
    """
    virtual = isinstance(clock, VirtualClock)
    return App(open_store(database, clock), clock=clock, host=InlineHost(clock) if virtual and clock else None)


def open_store(database: str | None, clock: Clock | None = None) -> Store:
    """The store alone; see `open`."""
    if database is None or database == "memory":
        return MemoryStore(clock)
    if database == "embedded":
        from incrsim.store.embedded_store import EmbeddedStore

        return EmbeddedStore.start(clock=clock)
    url = postgres_url(database)
    from incrsim.store.postgres import PostgresStore

    return PostgresStore.open(url, clock=clock)


def postgres_url(database: str) -> str:
    """A Postgres database's URL, checked before anything is loaded for it.

    Raises:
        CallerError: when it is none.
    """
    if str(database).startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        return database
    # What follows the scheme may be a password.
    scheme, separator, _ = str(database).partition("://")
    raise CallerError(
        f"{scheme + (separator and separator + '…')!r} is not a database that incrsim knows; "
        'write "memory", "embedded", or a URL such as postgresql://user@host/name'
    )
