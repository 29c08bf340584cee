"""`PostgresStore` on a server of its own, which is stopped when its last user leaves."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from incrsim.clock import Clock
from incrsim.store.embedded import EmbeddedPostgres, start
from incrsim.store.postgres import PostgresStore


class EmbeddedStore(PostgresStore):
    """A store on an embedded Postgres.

    Args:
        server: running; stopped by `close`, unless others use it.
        clock: the store's time; the database's own unless given.
    """

    def __init__(self, server: EmbeddedPostgres, clock: Clock | None = None) -> None:
        super().__init__(server.url, clock)
        self._server = server

    @classmethod
    def start(cls, directory: Path | None = None, clock: Clock | None = None) -> EmbeddedStore:
        """Start or join the server of a directory, and bring its schema up to date.

        Args:
            directory: where its data is; the platform's user-data directory unless given.
            clock: the store's time; the database's own unless given.

        Raises:
            MissingExtra: when there is no Postgres to run; the message says what to install.
            StoreUnusable: when this machine or that directory cannot run it.
        """
        store = cls(start(directory), clock)
        try:
            store.upgrade()
        except BaseException:
            store.close()
            raise
        return store

    def describe(self) -> str:
        """See `Store.describe`."""
        return self._server.describe()

    def close(self) -> None:
        """See `Store.close`: stops the server, if nobody else uses it."""
        super().close()
        self._server.close()


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A directory for a server's data that is removed at the end; stop the server before."""
    directory = Path(tempfile.mkdtemp(prefix="incrsim-"))
    directory.chmod(0o711)  # when we are root, the server runs as somebody else, who must get to its data below
    try:
        yield directory / "data"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


FOR_A_WHILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""What makes a server fast whose data nobody needs after a crash."""


@contextmanager
def temporary_server() -> Iterator[EmbeddedPostgres]:
    """A server that is gone at the end, with all its data.

    Raises:
        MissingExtra: when there is no Postgres to run.
        StoreUnusable: when this machine cannot run it.
    """
    with temporary_home() as home, closing(start(home, settings=FOR_A_WHILE)) as server:
        yield server
