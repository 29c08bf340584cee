"""Fixtures for every suite: a Postgres server per run, and a database of its own for each test that wants one."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.plugins.mutants", "tests.plugins.summary"]

SERVER_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""What makes a server fast that may lose everything."""

# The same examples in each run, so that a red build is red again; `--hypothesis-profile=explore` looks further.
# No deadline and no health check on speed: a test never asserts wall time.
settings.register_profile(
    "incrsim", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("explore", settings.get_profile("incrsim"), derandomize=False, max_examples=1000)
settings.load_profile("incrsim")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server by the fixtures that it asks for, so that nobody has to remember it; and begin with what
    takes longest, so that at the end of a run no core waits for the other.
    """
    for item in items:
        if "postgres_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)
    items.sort(key=lambda item: "tests/mutants/test_mutants" not in item.nodeid)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server on which databases may be created: `INCRSIM_TEST_DATABASE_URL`, else an embedded one."""
    if given := os.environ.get("INCRSIM_TEST_DATABASE_URL"):
        yield given
        return
    from incrsim.errors import MissingExtra
    from incrsim.store.embedded import start

    directory = Path(tempfile.mkdtemp(prefix="incrsim-tests-"))
    directory.chmod(0o711)  # when we are root, the server runs as somebody else, who must get to its data below
    try:
        try:
            server = start(directory / "data", settings=SERVER_SETTINGS)
        except MissingExtra as error:
            pytest.skip(f"no Postgres: INCRSIM_TEST_DATABASE_URL is not set, and {error}")
        with server:
            yield server.url
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def template(postgres_server: str) -> Iterator[str]:
    """The name of a database with our tables in it, to be copied for each test."""
    name = f"incrsim_test_{os.getpid()}"  # of this worker: several runs may share a server
    execute(postgres_server, f'CREATE DATABASE "{name}"')
    try:
        migrate(url_of(postgres_server, name))
        yield name
    finally:
        execute(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


_numbers = itertools.count(1)


@pytest.fixture
def database_url(postgres_server: str, template: str) -> Iterator[str]:
    """The URL of an empty database with our tables, for this test alone."""
    yield from _copied(postgres_server, template)


@pytest.fixture(scope="module")
def shared_database_url(postgres_server: str, template: str) -> Iterator[str]:
    """The same for all tests of a module, which keep apart by the names of their providers."""
    yield from _copied(postgres_server, template)


@pytest.fixture
def bare_database_url(postgres_server: str) -> Iterator[str]:
    """The URL of a database without anything in it: for tests of migrations."""
    yield from _copied(postgres_server, "template1")


def _copied(server: str, template: str) -> Iterator[str]:
    name = f"incrsim_test_{os.getpid()}_{next(_numbers)}"
    execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield url_of(server, name)
    finally:
        # A crashed replica leaves sessions behind, and that is what many tests are about.
        execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def migrate(url: str) -> None:
    """Create our tables in an empty database, as opening it does."""
    from incrsim.store.postgres import PostgresStore

    PostgresStore.open(url).close()


def execute(server: str, statement: str) -> None:
    """Run one statement outside any transaction, as creating and dropping databases wants it."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


def url_of(server: str, database: str) -> str:
    """The URL of another database on the same server."""
    from sqlalchemy import make_url

    return make_url(server).set(database=database).render_as_string(hide_password=False)
