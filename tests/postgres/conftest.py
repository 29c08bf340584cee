"""Stores on real servers, each checked at the end for connections that somebody forgot to give back."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from incrsim.clock import Clock, VirtualClock
from incrsim.store.embedded import EmbeddedPostgres, start
from incrsim.store.embedded_locks import is_held
from incrsim.store.postgres import PostgresStore

Opener = Callable[..., PostgresStore]


@pytest.fixture
def clock() -> VirtualClock:
    """The time of the stores below."""
    return VirtualClock()


@pytest.fixture
def open_store(database_url: str, clock: VirtualClock) -> Iterator[Opener]:
    """Opens stores on one database, as replicas do; at the end none may have a connection checked out."""
    opened: list[PostgresStore] = []

    def open_(at: Clock | None = clock) -> PostgresStore:
        opened.append(PostgresStore.open(database_url, at))
        return opened[-1]

    yield open_
    left = [store._pool.in_use + store._renewals.in_use for store in opened]
    for store in opened:
        store.close()
    assert not any(left), f"connections still checked out: {left}"


@pytest.fixture
def store(open_store: Opener) -> PostgresStore:
    """One store on an empty database."""
    return open_store()


class OwnServer:
    """A server that a test may stop, kill and fill up; nobody else uses it.

    Args:
        directory: where it lives.
        settings: of the server.
    """

    def __init__(self, directory: Path, **settings: str) -> None:
        self._directory = directory / "data"
        self._settings = {"fsync": "off", "shared_buffers": "16MB"} | settings
        self._use: EmbeddedPostgres | None = None
        self.start()

    @property
    def url(self) -> str:
        assert self._use is not None
        return self._use.url

    @property
    def rules(self) -> Path:
        """Its `pg_hba.conf`."""
        return self._directory / "pg_hba.conf"

    def start(self) -> None:
        self._use = start(self._directory, settings=self._settings)

    def stop(self) -> None:
        """Shut it down as a service does: who works is cut off."""
        if self._use is not None:
            self._use.close()

    def kill(self) -> None:
        """End its processes as a crash does, and wait until the last one is gone."""
        postmaster = int((self._directory / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        while is_held(self._directory / "server.lock"):
            pass
        self.stop()


@pytest.fixture(scope="module")
def own_server() -> Iterator[OwnServer]:
    """A server of the module's own, with few connections to give away."""
    directory = Path(tempfile.mkdtemp(prefix="incrsim-test-"))
    directory.chmod(0o755)
    server = OwnServer(directory, max_connections="12", autovacuum="off")
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
