"""The schema: brought up to date once, whoever tries at the same time, or not at all."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import LiteralString

import psycopg
import pytest

from incrsim.errors import StoreError, StoreUnusable
from incrsim.store import migrations
from incrsim.store.migrations import Migration
from incrsim.store.postgres import PostgresStore
from tests.conftest import execute
from tests.postgres.test_store_errors import ask

pytestmark = pytest.mark.postgres

LATEST = migrations.all_migrations()[-1].number


@pytest.fixture
def bare(bare_database_url: str) -> Iterator[PostgresStore]:
    """A store on a database without our tables."""
    store = PostgresStore(bare_database_url)
    yield store
    store.close()


@pytest.fixture
def cleaning() -> Iterator[ExitStack]:
    """Closes at the end what a test enters into it."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def current(database_url: str) -> Iterator[PostgresStore]:
    """A store on a database with our tables."""
    store = PostgresStore(database_url)
    yield store
    store.close()


def plan_another(monkeypatch: pytest.MonkeyPatch, sql: LiteralString) -> Migration:
    """Let there be one more migration from now on."""
    another = Migration(LATEST + 1, f"{LATEST + 1:04}_more.sql", sql)
    known = [*migrations.all_migrations(), another]
    monkeypatch.setattr(migrations, "all_migrations", lambda: known)
    return another


def test_files_are_numbered_without_a_gap() -> None:
    """Each migration's number is its place in the order."""
    found = migrations.all_migrations()
    assert [each.number for each in found] == list(range(1, LATEST + 1))
    assert all(re.fullmatch(r"\d{4}_[a-z_]+\.sql", each.name) for each in found)
    assert all((migrations.folder() / each.name).is_file() for each in found)


def test_an_empty_database_gets_everything_once(bare: PostgresStore) -> None:
    """The first upgrade applies all migrations, the second none."""
    assert (bare.check().version, bare.check().current) == (0, False)
    assert bare.upgrade() == migrations.all_migrations()
    assert bare.check().current
    assert bare.upgrade() == []
    bare.register("p")


def test_checking_changes_nothing(bare: PostgresStore, bare_database_url: str) -> None:
    """A check says version and server, and leaves no schema behind."""
    state = bare.check()
    assert state.expected == LATEST
    assert re.fullmatch(r"\d+\.\d+", state.server)
    assert ask(bare_database_url, "SELECT to_regnamespace('incrsim')") is None


def test_all_is_in_a_schema_of_its_own(current: PostgresStore, database_url: str) -> None:
    """Nothing of ours is in anybody else's schema."""
    strangers = (
        "SELECT array_agg(relname::text) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE nspname NOT IN ('incrsim', 'pg_catalog', 'pg_toast', 'information_schema')"
    )
    assert ask(database_url, strangers) is None


@pytest.mark.rule("C-10")
def test_every_table_survives_a_crash_of_the_server(database_url: str) -> None:
    """No table is unlogged: a crash would empty it, and without marks the next sweep would remove everything."""
    unlogged = (
        "SELECT array_agg(relname::text) FROM pg_class "
        "WHERE relnamespace = 'incrsim'::regnamespace AND relpersistence <> 'p'"
    )
    assert ask(database_url, unlogged) is None


def test_one_behind(current: PostgresStore, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is missing is applied."""
    current.register("p")
    another = plan_another(monkeypatch, "CREATE TABLE more (id integer)")
    assert (current.check().version, current.check().current) == (LATEST, False)
    assert current.upgrade() == [another]
    assert current.check().current
    assert current.providers() == ["p"]
    assert ask(database_url, "SELECT to_regclass('incrsim.more') IS NOT NULL") is True


def test_one_ahead(current: PostgresStore, database_url: str) -> None:
    """A schema of a newer version is neither checked nor upgraded, but said to be newer."""
    execute(database_url, f"INSERT INTO incrsim.migration (number, name) VALUES ({LATEST + 1}, 'of the future')")
    for ask_it in (current.check, current.upgrade):
        with pytest.raises(StoreUnusable, match=f"has schema version {LATEST + 1}, this incrsim knows up to {LATEST}"):
            ask_it()


def test_a_failing_migration_leaves_nothing(
    current: PostgresStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a failing migration did before it failed is undone, and its version is not noted."""
    plan_another(monkeypatch, "CREATE TABLE more (id integer); SELECT 1 / 0")
    with pytest.raises(StoreError, match="division by zero"):
        current.upgrade()
    assert current.check().version == LATEST
    assert ask(database_url, "SELECT to_regclass('incrsim.more')") is None
    current.register("p")


def test_a_failing_first_upgrade_leaves_nothing(
    bare: PostgresStore, bare_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an empty database a failure also undoes the migrations that went before it."""
    plan_another(monkeypatch, "SELECT 1 / 0")
    with pytest.raises(StoreError, match="division by zero"):
        bare.upgrade()
    assert bare.check().version == 0
    assert ask(bare_database_url, "SELECT to_regnamespace('incrsim')") is None


def test_several_upgrade_at_once(bare_database_url: str, cleaning: ExitStack) -> None:
    """Of several that find an empty database one applies the migrations, and the others find them applied."""
    stores = [cleaning.enter_context(closing(PostgresStore(bare_database_url))) for _ in range(3)]
    applied: list[list[Migration]] = []
    threads = [threading.Thread(target=lambda store=store: applied.append(store.upgrade())) for store in stores]
    with psycopg.connect(bare_database_url) as gate:
        gate.execute("SELECT pg_advisory_lock(%s)", (migrations._LOCK,))
        for thread in threads:
            thread.start()
        while ask(bare_database_url, WAITING) < len(threads):
            pass  # until all of them have seen the empty database
    for thread in threads:
        thread.join()
    assert sorted(len(each) for each in applied) == [0, 0, LATEST]
    assert all(store.check().current for store in stores)


WAITING = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
