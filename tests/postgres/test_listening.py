"""Listening on a real server: lost connections, poolers, and sessions that are not ours alone."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import closing

import pytest

from incrsim.errors import CallerError, StoreUnusable
from incrsim.lifecycle import Operator
from incrsim.options import ProviderOptions
from incrsim.store import postgres_listening
from incrsim.store.postgres import PostgresStore
from tests.conftest import execute
from tests.postgres.test_store_errors import ask

pytestmark = pytest.mark.postgres

PATIENCE = 10
LISTENERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN incrsim'"
END_THEM = LISTENERS.replace("count(*)", "pg_terminate_backend(pid)")

Ears = queue.SimpleQueue[str | None]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again soon."""
    monkeypatch.setattr(postgres_listening, "POLL_INTERVAL", 0.01)


def hears(ears: Ears) -> str | None:
    """What is heard next; it must come soon."""
    try:
        return ears.get(timeout=PATIENCE)
    except queue.Empty:
        return pytest.fail("nothing was heard")


@pytest.fixture
def ears(store: PostgresStore) -> Iterator[Ears]:
    """What is heard, from the moment on when listening has begun."""
    heard: Ears = queue.SimpleQueue()
    with store.listen(heard.put):
        assert heard.get(timeout=PATIENCE) is None
        yield heard


@pytest.mark.rule("C-38")
def test_a_lost_connection_is_made_again(store: PostgresStore, ears: Ears, database_url: str) -> None:
    """When the server ends the listening session, another one listens soon, and says that something may be missed."""
    store.register("p")
    assert hears(ears) == "p"
    execute(database_url, END_THEM)
    assert hears(ears) is None
    while ask(database_url, LISTENERS) == 0:
        assert hears(ears) is None
    store.operate("p", Operator.TRIGGER)
    while hears(ears) != "p":
        pass


def test_a_quiet_connection_is_asked_whether_it_lives(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    """Where nothing was notified for long the connection is tried, and goes on listening."""
    monkeypatch.setattr(postgres_listening, "CHECK_INTERVAL", 0.01)
    heard: Ears = queue.SimpleQueue()
    with store.listen(heard.put):
        assert heard.get(timeout=PATIENCE) is None
        while not ask(database_url, LISTENERS.replace("LISTEN incrsim", "SELECT 1")):
            assert heard.empty()
        store.register("p")
        assert heard.get(timeout=PATIENCE) == "p"


def test_a_pooler_is_noticed(store: PostgresStore, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """Where the server's process is not the one that we were told of, nobody listens, and everything is looked at
    again and again.
    """
    monkeypatch.setattr(postgres_listening, "_is_pooled", lambda connection: True)
    heard: Ears = queue.SimpleQueue()
    with store.listen(heard.put):
        assert [heard.get(timeout=PATIENCE) for _ in range(3)] == [None] * 3
        assert ask(database_url, LISTENERS) == 0


# --- prepare_threshold=none -------------------------------------------------------------------------------------------


def pooled(url: str) -> str:
    """The URL of a database behind a pooler."""
    return f"{url}{'&' if '?' in url else '?'}prepare_threshold=none"


def test_behind_a_pooler_a_session_is_left_as_it_was(database_url: str) -> None:
    """With `prepare_threshold=none` nothing is prepared, and no setting outlives its transaction."""
    with closing(PostgresStore.open(pooled(database_url))) as store:
        store.register("p")
        store.claim("p", "r", ProviderOptions())
        lease = store.state("p").lease
        assert lease is not None
        assert lease.length == ProviderOptions().lease_length
        with store.connection() as connection:
            assert connection.execute("SHOW search_path").fetchone() == ("incrsim",)
            connection.rollback()
            assert connection.execute("SHOW search_path").fetchone() != ("incrsim",)
            assert connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


def test_behind_a_pooler_everything_is_looked_at_again(database_url: str) -> None:
    """With `prepare_threshold=none` nobody tries to listen."""
    heard: Ears = queue.SimpleQueue()
    with closing(PostgresStore.open(pooled(database_url))) as store, store.listen(heard.put):
        assert [heard.get(timeout=PATIENCE) for _ in range(3)] == [None] * 3
        assert ask(database_url, LISTENERS) == 0


def test_behind_a_pooler_nothing_is_migrated(bare_database_url: str) -> None:
    """Migrations want a session of their own: the message says how to get one."""
    with pytest.raises(StoreUnusable, match="run `incrsim db upgrade` on the database itself"):
        PostgresStore.open(pooled(bare_database_url))


def test_other_thresholds_are_refused() -> None:
    """How often a statement comes before it is prepared is no choice of the user's."""
    with pytest.raises(CallerError, match="can only be none; leave it out otherwise"):
        PostgresStore("postgresql://me@host/db?prepare_threshold=5")
