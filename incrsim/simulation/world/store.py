"""Empty stores for simulations, one after the other, each on the clock of its run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from incrsim.clock import VirtualClock
from incrsim.errors import CallerError
from incrsim.opening import postgres_url
from incrsim.store import Store
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    from incrsim.store.postgres import PostgresStore

Stores = Callable[[VirtualClock], Store]
"""Opens an empty store on a run's clock; closing it is up to the run."""


@contextmanager
def stores(database: str | None) -> Iterator[Stores]:
    """Where simulations may write.

    Args:
        database: `None` or `"memory"`, `"embedded"` for a Postgres that is removed afterwards, or the URL of a database
            that is empty, and is left so.

    Raises:
        CallerError: when it is none of these, or not empty.
        StoreError: when it cannot be used.
        MissingExtra: when something must be installed first.
    """
    if database is None or database == "memory":
        yield MemoryStore
    elif database == "embedded":
        from incrsim.store.embedded_store import temporary_server

        with temporary_server() as server:
            yield from _in_postgres(server.url)
    else:
        yield from _in_postgres(postgres_url(database))


def _in_postgres(url: str) -> Iterator[Stores]:
    from incrsim.store.postgres_shared import SharedPostgres

    shared = SharedPostgres.open(url)
    try:
        _refuse_used(shared)

        def opened(clock: VirtualClock) -> Store:
            _empty(shared)
            return shared.at(clock)

        try:
            yield opened
        finally:
            _empty(shared)
    finally:
        shared.close()


def _refuse_used(store: PostgresStore) -> None:
    known = store.providers()
    if known:
        raise CallerError(
            f"{store.describe()} holds {', '.join(known[:3])}{' …' if len(known) > 3 else ''}, and a simulation "  # noqa: PLR2004 -- as many as are shown
            "empties its database; name one that is empty, or leave it out"
        )


def _empty(store: PostgresStore) -> None:
    with store.connection() as connection:
        tables = connection.execute(
            "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables"
            " WHERE schemaname = 'incrsim' AND tablename <> 'migration'"
        ).fetchone()
        if tables is not None and tables[0]:
            connection.execute(f"TRUNCATE {tables[0]} RESTART IDENTITY")
        connection.commit()
