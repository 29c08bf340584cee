"""A database that cannot be used says in one line what, why and what to do; a store survives what happens to it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
import sqlalchemy

from incrsim.errors import CallerError, IncrsimError, StoreError, StoreUnavailable, StoreUnusable, UnknownProvider
from incrsim.options import ProviderOptions
from incrsim.store import migrations
from incrsim.store.postgres import PostgresStore
from incrsim.store.postgres_address import read_address
from incrsim.store.postgres_pool import PostgresPool
from tests.conftest import execute
from tests.postgres.conftest import OwnServer

pytestmark = pytest.mark.postgres

SECRET = "sesame"


def said(error: BaseException) -> str:
    """An error's message, once it was found to be one line that gives away no secret."""
    text = str(error)
    assert "\n" not in text
    told: BaseException | None = error
    while told is not None:  # also what `--debug` shows
        assert SECRET not in str(told)
        told = told.__cause__
    return text


def refusal(url: str, kind: type[IncrsimError]) -> str:
    """What `open` says about a database that it cannot use."""
    with pytest.raises(kind) as caught:
        PostgresStore.open(url)
    assert type(caught.value) is kind
    return said(caught.value)


# --- not a database at all --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("hello", ("not given as a URL", "write postgresql://user:password@host:5432/database")),
        (f"mysql://u:{SECRET}@h/d", ("mysql:// is not a database", "write postgresql://")),
        (f"postgresql://u:{SECRET}@h:port/d", ("port", "not a number", "%40 for @")),
        (f"postgresql://u:open@{SECRET}@h/d", ("two @", "%40 for each @ of the password")),
        (f"postgresql://u:{SECRET}@h/d?colour=red", ("u:…@h/d", 'option "colour"', "options of libpq")),
    ],
)
def test_a_url_that_is_none(url: str, parts: tuple[str, ...]) -> None:
    """What cannot be a database's URL is the caller's fault, and said before anything is connected to."""
    message = refusal(url, CallerError)
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgres://h/d", "postgresql://h/d"),
        (f"postgresql://u:{SECRET}/:@h/d", "postgresql://u:…@h/d"),
        (f"postgresql+psycopg://u:{SECRET}@h:1/d", "postgresql://u:…@h:1/d"),
        (f"postgresql://u@h/d?password={SECRET}&sslmode=prefer", "postgresql://u@h/d?sslmode=prefer"),
        ("postgresql://u@/d?host=/run/pg", "postgresql://u@/d?host=/run/pg"),
        ("postgresql://u:a%40b%3A%2F@h/d", "postgresql://u:…@h/d"),
    ],
)
def test_a_place_is_shown_without_secrets(url: str, place: str) -> None:
    """All spellings of a URL are taken, and shown without any password."""
    assert read_address(url).place == place


# --- nobody there, or nobody who lets us in ---------------------------------------------------------------------------


def test_nobody_listens() -> None:
    """A port without a server is unavailable, not a defect."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and never listening, so that nobody else does either
        port = taken.getsockname()[1]
        message = refusal(f"postgresql://u:{SECRET}@127.0.0.1:{port}/d", StoreUnavailable)
    assert message.startswith(f"postgresql://u:…@127.0.0.1:{port}/d cannot be reached or went away (")
    assert "refused" in message
    assert "check the address and that the server runs" in message


def test_no_such_host() -> None:
    """A host that does not resolve is unavailable."""
    message = refusal(f"postgresql://u:{SECRET}@nowhere.invalid/d", StoreUnavailable)
    assert "'nowhere.invalid'" in message
    assert "check the address" in message


def test_no_such_socket() -> None:
    """So is a directory without a socket."""
    message = refusal("postgresql://u@/d?host=/nowhere", StoreUnavailable)
    assert "/nowhere/.s.PGSQL" in message
    assert "that the server runs" in message


@pytest.fixture(scope="module")
def server(own_server: OwnServer) -> OwnServer:
    """A server with our tables that asks other roles for their password."""
    PostgresStore.open(own_server.url).close()
    own_server.rules.write_text("local all incrsim peer map=incrsim\nlocal all all scram-sha-256\n")
    loaded = ask(own_server.url, "SELECT pg_conf_load_time() FROM pg_reload_conf()")
    while ask(own_server.url, "SELECT pg_conf_load_time()") == loaded:
        pass  # the server reads its rules when it gets to it
    return own_server


def ask(url: str, question: str) -> Any:
    """The first column of the answer's first row."""
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
    return None if row is None else row[0]


@pytest.fixture
def role(server: OwnServer) -> Iterator[Callable[..., str]]:
    """Makes a role and gives its URL."""
    made: list[str] = []

    def make(options: str = "", *statements: str) -> str:
        name = f"guest{len(made)}"
        execute(server.url, f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}' {options}")
        made.append(name)
        for statement in statements:
            execute(server.url, statement.format(name))
        return changed(server.url, username=name, password=SECRET)

    yield make
    for name in made:
        execute(server.url, f"DROP OWNED BY {name}")
        execute(server.url, f"DROP ROLE {name}")


def changed(url: str, **parts: Any) -> str:
    """The same URL with other parts."""
    return sqlalchemy.make_url(url)._replace(**parts).render_as_string(hide_password=False)


def test_wrong_database(server: OwnServer) -> None:
    """A database that does not exist is named."""
    message = refusal(changed(server.url, database="elsewhere"), StoreUnavailable)
    assert 'database "elsewhere" does not exist' in message
    assert "check user, password and database in the URL" in message


@pytest.mark.parametrize("password", ["wrong", None])
def test_wrong_password(role: Callable[..., str], password: str | None) -> None:
    """A password that is wrong or missing is said to be, and is not shown."""
    message = refusal(changed(role(), password=password), StoreUnavailable)
    assert "does not let us in" in message
    assert "check user, password" in message
    assert "wrong" not in message


def test_wrong_role(server: OwnServer) -> None:
    """A role that does not exist is answered like a wrong password."""
    message = refusal(changed(server.url, username="stranger", password=SECRET), StoreUnavailable)
    assert '"stranger"' in message
    assert "does not let us in" in message


def test_role_out_of_connections(role: Callable[..., str]) -> None:
    """A role that has used up its connections says where the limit is."""
    message = refusal(role("CONNECTION LIMIT 0"), StoreUnavailable)
    assert "is out of connections (" in message
    assert "CONNECTION LIMIT" in message


def test_server_out_of_connections(role: Callable[..., str]) -> None:
    """A server that has none left says what to raise."""
    url = role()
    taken = []
    try:
        with suppress(psycopg.OperationalError):
            while True:
                taken.append(psycopg.connect(url))
        message = refusal(url, StoreUnavailable)
    finally:
        for connection in taken:
            connection.close()
    assert "is out of connections (" in message
    assert "raise max_connections" in message


# --- there, and of no use ---------------------------------------------------------------------------------------------


def test_too_old(server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old server is refused by its version, before anything is changed."""
    monkeypatch.setattr(migrations, "OLDEST_SERVER", 99)
    message = refusal(server.url, StoreUnusable)
    assert "is PostgreSQL " in message
    assert "needs 99 or newer; upgrade the server" in message


def test_newer_schema(database_url: str) -> None:
    """A schema of a newer incrsim is left alone."""
    execute(database_url, "INSERT INTO incrsim.migration (number, name) VALUES (999, 'of the future')")
    message = refusal(database_url, StoreUnusable)
    assert "has schema version 999, this incrsim knows up to " in message
    assert "install that here too" in message


def test_read_only(role: Callable[..., str]) -> None:
    """A role whose transactions are read-only is refused when the store is opened, not at the first page."""
    message = refusal(role("", "ALTER ROLE {} SET default_transaction_read_only = on"), StoreUnusable)
    assert "is read-only (default_transaction_read_only is on)" in message
    assert "use the primary server" in message


def test_no_right_to_see_the_schema(role: Callable[..., str]) -> None:
    """A role that may not see our schema is told who can help."""
    message = refusal(role(), StoreUnusable)
    assert "permission denied for" in message
    assert "grant the role rights on the schema incrsim" in message


def test_no_right_to_write(role: Callable[..., str]) -> None:
    """A role that may read reads, and is told why it cannot write."""
    reads = "GRANT USAGE ON SCHEMA incrsim TO {}", "GRANT SELECT ON ALL TABLES IN SCHEMA incrsim TO {}"
    store = PostgresStore.open(role("", *reads))
    try:
        assert store.providers() == []
        with pytest.raises(StoreUnusable, match=r"permission denied for .* grant the role rights"):
            store.register("p")
    finally:
        store.close()


def test_no_right_to_create_the_schema(server: OwnServer, role: Callable[..., str]) -> None:
    """In an empty database a role without rights is told to let the owner upgrade."""
    execute(server.url, "CREATE DATABASE empty")
    message = refusal(changed(role(), database="empty"), StoreUnusable)
    assert "let the owner run `incrsim db upgrade`" in message


def test_a_schema_made_by_an_administrator_will_do(server: OwnServer, role: Callable[..., str]) -> None:
    """A role that owns the schema needs no right to create others."""
    url = changed(role(), database="prepared")
    execute(server.url, "CREATE DATABASE prepared")
    execute(changed(server.url, database="prepared"), "CREATE SCHEMA incrsim AUTHORIZATION guest0")
    PostgresStore.open(url).close()
    execute(server.url, "DROP DATABASE prepared WITH (FORCE)")


def test_wrong_encoding(server: OwnServer) -> None:
    """A database that cannot hold every name is refused, with the statement that makes one that can."""
    execute(server.url, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
    message = refusal(changed(server.url, database="latin"), StoreUnusable)
    assert "stores text as LATIN1" in message
    assert "ENCODING 'UTF8'" in message


def test_tables_are_gone(database_url: str) -> None:
    """A store that finds no tables says which command makes them."""
    store = PostgresStore(database_url)
    execute(database_url, "DROP SCHEMA incrsim CASCADE")
    with pytest.raises(StoreUnusable, match="run `incrsim db upgrade`") as caught:
        store.providers()
    said(caught.value)
    store.close()


def test_a_statement_that_is_stopped(store: PostgresStore) -> None:
    """A limit on statements is named, and the next statement works."""
    with pytest.raises(StoreUnavailable, match="raise statement_timeout for this role"), store.connection() as mine:
        mine.execute("SET LOCAL statement_timeout = 10; SELECT pg_sleep(100)")
    assert store.providers() == []


def test_settings_of_database_and_environment_do_not_leak_in(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a database or the environment prefers, instants, intervals, text and isolation are ours."""
    name = sqlalchemy.make_url(database_url).database
    for setting in ("datestyle = german", "intervalstyle = iso_8601", "lock_timeout = 1", "timezone = 'Asia/Tokyo'"):
        execute(database_url, f'ALTER DATABASE "{name}" SET {setting}')
    execute(database_url, f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    store = PostgresStore.open(database_url)
    store.register("π")
    store.claim("π", "Ω", ProviderOptions())
    state = store.state("π")
    assert state.lease is not None
    assert (state.lease.holder, state.lease.length) == ("Ω", ProviderOptions().lease_length)
    with store.connection() as connection:
        row = connection.execute("SHOW transaction_isolation").fetchone()
    assert row == ("read committed",)
    store.close()


# --- in mid-work ------------------------------------------------------------------------------------------------------


def test_a_session_that_is_ended(store: PostgresStore) -> None:
    """A session that an administrator ends is unavailable once; the next call has a new one."""
    with pytest.raises(StoreUnavailable, match="went away"), store.connection() as mine:
        mine.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    store.register("p")
    assert store.providers() == ["p"]


def test_idle_sessions_that_were_ended(store: PostgresStore, database_url: str) -> None:
    """Connections that died in the pool are noticed before they are used."""
    store.register("p")
    name = sqlalchemy.make_url(database_url).database
    others = f"FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    execute(database_url, f"SELECT pg_terminate_backend(pid) {others}")
    while ask(database_url, f"SELECT count(*) {others}"):
        pass  # a busy server takes its time to end them
    assert store.providers() == ["p"]


@pytest.mark.slow
def test_a_server_that_restarts(server: OwnServer) -> None:
    """While the server is down each call says so in one line; once it is back the same store goes on."""
    store = PostgresStore.open(server.url)
    store.register("p")
    server.stop()
    with pytest.raises(StoreUnavailable, match="cannot be reached or went away") as caught:
        store.providers()
    said(caught.value)
    server.start()
    assert store.providers() == ["p"]
    store.close()


def test_a_pool_without_a_connection_left(database_url: str) -> None:
    """A process that uses up its own connections is told so."""
    pool = PostgresPool(read_address(database_url), keep=1, extra=0)
    pool._engine.pool._timeout = 0  # type: ignore[attr-defined]  # nobody wants to wait 30 s here
    with pool.connection():
        with pytest.raises(StoreUnavailable, match="all connections of this process are in use"), pool.connection():
            pass
        assert pool.in_use == 1
    assert pool.in_use == 0
    pool.close()


def test_closing_twice_is_closing_once(open_store: Callable[[], PostgresStore]) -> None:
    """A closed store says that it is closed, whatever it is asked."""
    store = open_store()
    store.close()
    store.close()
    for use in (store.providers, lambda: store.register("p"), store.check, lambda: backend_apart(store)):
        with pytest.raises(CallerError, match="was closed; open it again"):
            use()


def backend_apart(store: PostgresStore) -> int:
    """The same, on a connection such as listeners keep."""
    with store._pool.apart() as connection:
        return connection.info.backend_pid


@pytest.mark.parametrize("used", ["backend", "backend_apart"])
def test_a_forked_child_has_connections_of_its_own(store: PostgresStore, used: str) -> None:
    """A child that uses its copy of a store does not read its parent's answers, nor end its parent's sessions."""
    store.register("p")
    mine = backend(store)
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writable, str(globals()[used](store)).encode())
        finally:
            os._exit(0)
    os.close(writable)
    os.waitpid(child, 0)
    with os.fdopen(readable) as pipe:
        theirs = int(pipe.read())
    assert theirs != mine
    assert backend(store) == mine


def backend(store: PostgresStore) -> int:
    """The process of the server that answers."""
    with store.connection() as connection:
        return connection.info.backend_pid


# --- names and refs that nothing can have -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "\0"])
def test_names_that_nothing_can_have(store: PostgresStore, name: str) -> None:
    """A name or ref that the database does not even take is unknown, like any other that is not there."""
    store.register("p")
    for read in (store.state, store.history, store.marks, store.problems, store.stale):
        with pytest.raises(UnknownProvider, match="known: p"):
            read(name)
    with pytest.raises(UnknownProvider, match="known: p"):
        store.claim(name, "r", ProviderOptions())
    with pytest.raises(CallerError, match="NUL or a lone surrogate"):
        store.register(name)
    assert store.entity(name) is None
    assert list(store.entities(name)) == []
    assert store.count(name) == 0


def test_pages_may_begin_anywhere(store: PostgresStore) -> None:
    """Reading on after a text that no ref can be goes on where that text would stand."""
    store.register("p")
    with store.connection() as connection:
        connection.execute(
            "INSERT INTO entity (written_in, added_in, provider_id, digest, ref, body) "
            "SELECT 1, 1, 1, '\\x00112233445566778899aabbccddeeff', ref, '{}' FROM unnest('{a,ab,b}'::text[]) AS ref"
        )
        connection.commit()
    assert [each.ref for each in store.entities(after="a\0")] == ["ab", "b"]
    assert [each.ref for each in store.entities("p", after="a\ud800")] == ["ab", "b"]
    assert [each.ref for each in store.entities(after="b\0\ud800")] == []


def test_a_refused_statement_is_called_a_defect(store: PostgresStore) -> None:
    """What nobody foresaw is said to be our fault, with the server's words."""
    with pytest.raises(StoreError, match=r"refused a statement \(.*provider_name_check.*defect in incrsim"):
        store.register("x" * 256)
