"""Listening to a Postgres database: `LISTEN` on a connection of its own, and polling where that cannot work."""

from __future__ import annotations

import logging
import os
import selectors
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from incrsim.errors import CallerError, StoreError
from incrsim.store.listening import POLL_INTERVAL, Heard

if TYPE_CHECKING:
    import psycopg

    from incrsim.store.postgres_pool import PostgresPool

log = logging.getLogger("incrsim.store")

CHECK_INTERVAL = 30.0
"""Seconds after which a connection that brings no news is asked whether it still lives."""


class PostgresListening:
    """`ListeningStore` over a pool."""

    _pool: PostgresPool

    @contextmanager
    def listen(self, heard: Heard) -> Iterator[None]:
        """See `Store.listen`."""
        listener = _Listener(self._pool, heard)
        try:
            yield
        finally:
            listener.end()


class PostgresNotifyingRows:
    """`NotifyingRows` of a `PostgresTransaction`."""

    _later: Callable[..., None]

    def notify(self) -> None:
        """See `NotifyingRows.notify`."""
        self._later("notify")


class _Listener:
    """A thread that listens until `end`.

    Args:
        pool: gives connections.
        heard: see `Heard`.
    """

    def __init__(self, pool: PostgresPool, heard: Heard) -> None:
        self._pool = pool
        self._heard = heard
        self._ended = threading.Event()
        self._ends, self._ender = os.pipe()
        self._thread = threading.Thread(target=self._run, name="incrsim listener", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop listening, at once."""
        self._ended.set()
        os.write(self._ender, b".")
        self._thread.join()
        os.close(self._ender)
        os.close(self._ends)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                if not self._pool.pooled:
                    self._listen()
            except (StoreError, CallerError) as error:  # the store is away, or was closed meanwhile
                log.info("not listening, so looking every %g s: %s", POLL_INTERVAL, error)
            self._heard(None)
            self._ended.wait(POLL_INTERVAL)

    def _listen(self) -> None:
        """Hear what is notified until `end`, or until the connection is lost.

        Raises:
            StoreError: when it is.
        """
        with self._pool.apart() as connection:
            connection.autocommit = True
            if _is_pooled(connection):
                log.info("behind a pooler nothing can be heard, so looking every %g s", POLL_INTERVAL)
                return
            connection.execute("LISTEN incrsim")
            self._heard(None)
            while self._wait(connection):
                for notification in connection.notifies(timeout=0):
                    self._heard(notification.payload)

    def _wait(self, connection: psycopg.Connection[Any]) -> bool:
        """Wait for news; says whether to go on."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._ends, selectors.EVENT_READ)
            selector.register(connection, selectors.EVENT_READ)
            if not selector.select(CHECK_INTERVAL):
                connection.execute("SELECT 1")
        return not self._ended.is_set()


def _is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """Whether somebody stands between us and the server, who made up the process id that we were told."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is None or row[0] != connection.info.backend_pid
