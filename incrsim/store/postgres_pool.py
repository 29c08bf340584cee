"""Connections to one database: SQLAlchemy's pool, psycopg's connections, our settings."""

from __future__ import annotations

import os
import selectors
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, LiteralString, TypeAlias, cast

import psycopg
import sqlalchemy

from incrsim.errors import CallerError
from incrsim.store.postgres_address import Address
from incrsim.store.postgres_errors import explained

Settings: TypeAlias = Mapping[LiteralString, LiteralString]
"""Of a session, by name."""

LASTING: Settings = {
    "search_path": "incrsim",
    # Whatever a database, role or environment prefers: text is UTF-8, instants are read as written, and a statement
    # waits for a lock (C-40 ends whoever keeps it) and then sees what was committed meanwhile.
    "timezone": "'UTC'",
    "client_encoding": "'UTF8'",
    "datestyle": "'ISO'",
    "intervalstyle": "'postgres'",
    "lock_timeout": "0",
    # Statements are prepared, but planned for what they are given: a plan made while the tables were empty never serves
    # a load.
    "plan_cache_mode": "force_custom_plan",
}
"""Ours."""

PASSING: Settings = {
    **LASTING,
    # Nothing of a simulation has to outlive the server.
    "synchronous_commit": "off",
    # It asks the same things of the same few rows, again and again.
    "plan_cache_mode": "auto",
}
"""The same for sessions of simulations."""

_NOTICE_A_DEAD_PEER = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
"""A machine that went without a word is noticed within a minute, unless the URL says otherwise."""


class PostgresPool:
    """Connections for the threads of one process; a forked child gets its own.

    Args:
        address: the database.
        keep: how many stay open.
        extra: how many more there may be for a moment.
        settings: of their sessions.
    """

    def __init__(self, address: Address, *, keep: int = 5, extra: int = 20, settings: Settings = LASTING) -> None:
        self._place = address.place
        self.pooled = address.pooled
        self._for_session = _all_set("SET", settings)
        self._for_transaction = _all_set("SET LOCAL", settings)
        self._closed = False
        self._process = os.getpid()
        url = address.url.set(query={**_NOTICE_A_DEAD_PEER, **address.url.query})
        self._engine = sqlalchemy.create_engine(url, pool_size=keep, max_overflow=extra)
        sqlalchemy.event.listen(self._engine, "connect", self._prepare)
        sqlalchemy.event.listen(self._engine, "checkout", _refuse_dead)

    @property
    def in_use(self) -> int:
        """How many connections somebody has now."""
        return cast("sqlalchemy.QueuePool", self._engine.pool).checkedout()

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """One connection; what was not committed is rolled back, and the driver's errors come out as ours.

        Raises:
            CallerError: after `close`.
            StoreError: as `postgres_errors` says.
        """
        with explained(self._place):
            pooled = self._checked_out()
            try:
                connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
                if self.pooled:
                    connection.execute(self._for_transaction)
                yield connection
            except BaseException:
                if pooled.is_valid and pooled.driver_connection is not None and pooled.driver_connection.broken:
                    pooled.invalidate()
                raise
            finally:
                pooled.close()

    @contextmanager
    def apart(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that counts in no limit and is closed at the end: for one that is kept for long.

        Raises:
            CallerError: after `close`.
            StoreError: as `postgres_errors` says.
        """
        with explained(self._place):
            pooled = self._checked_out()
            connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
            pooled.detach()
            try:
                yield connection
            finally:
                connection.close()

    def close(self) -> None:
        """Close what nobody uses, and the rest when it comes back. Repeatable."""
        self._closed = True
        self._engine.dispose()

    def _checked_out(self) -> sqlalchemy.PoolProxiedConnection:
        if self._closed:
            raise CallerError(f"{self._place} was closed; open it again, or close it after its last use")
        self._leave_parent()
        return self._engine.raw_connection()

    def _leave_parent(self) -> None:
        """Two processes that write to one socket would read each other's answers: a child begins with no connection."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._engine.dispose(close=False)

    def _prepare(self, connection: psycopg.Connection[Any], _record: object) -> None:
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        if self.pooled:
            # The next transaction may be another session's: nothing may be left in it, and nothing found in it.
            connection.prepare_threshold = None
            return
        connection.execute(self._for_session)
        connection.commit()
        connection.prepare_threshold = 1  # nearly all statements come again


def _all_set(how: LiteralString, settings: Settings) -> LiteralString:
    return "; ".join([f"{how} {name} TO {value}" for name, value in settings.items()])


def _refuse_dead(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """Let the pool open another connection in place of one that the server has ended.

    A server that ends a connection says so, or at least closes it: something can be read, where nothing was asked. That
    costs no round trip, unlike a ping before each transaction.
    """
    if connection.closed or _something_came(connection.pgconn.socket):
        raise sqlalchemy.exc.DisconnectionError("the server has ended this connection")


def _something_came(socket: int) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(socket, selectors.EVENT_READ)
        return bool(selector.select(0))
