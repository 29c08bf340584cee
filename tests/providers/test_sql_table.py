"""Tables on SQLite and on Postgres: keys of all kinds, odd rows, and what is read of them."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sql
from hypothesis import given, settings, strategies as st

import incrsim
from providers.sql_table import SqlTable
from providers.sql_values import read_key, write_key
from tests.conftest import execute, url_of
from tests.providers.cycles import cycles, page_by_page, refs


class Database:
    """A database, and a way to change it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.postgres = url.startswith("postgres")
        address = sql.make_url(url)
        driver = "postgresql+psycopg" if self.postgres else address.drivername
        self.engine = sql.create_engine(address.set(drivername=driver), poolclass=sql.NullPool)

    def __call__(self, statement: str, rows: Sequence[Sequence[Any]] = ()) -> None:
        """Run a statement, for each of some rows if given."""
        with self.engine.begin() as connection:
            mark = "%s" if self.postgres else "?"
            for row in rows or [()]:
                connection.exec_driver_sql(statement.replace("?", mark), tuple(row))


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    """A SQLite file."""
    return Database(f"sqlite:///{tmp_path}/test.db")


@pytest.fixture(scope="module")
def one_database(postgres_server: str) -> Iterator[str]:
    """The URL of a database for this file: to make one for each test would take longer than the tests."""
    name = f"incrsim_test_{os.getpid()}_sql_table"
    execute(postgres_server, f'CREATE DATABASE "{name}" TEMPLATE template1')
    yield url_of(postgres_server, name)
    execute(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def postgres(one_database: str) -> Iterator[Database]:
    """A database on a real server, emptied after each test."""
    database = Database(one_database)
    yield database
    database("DROP SCHEMA IF EXISTS public, other CASCADE")
    database("CREATE SCHEMA public")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    """Both, one after the other."""
    found: Database = request.getfixturevalue(request.param)
    return found


def keys_of(pages: Iterator[incrsim.Page]) -> list[list[Any]]:
    """The keys of the rows of some pages, as entities show them."""
    entities = [each for page in pages for each in page.entities]
    return [list(each.body["spec"]["key"].values()) for each in entities if isinstance(each, incrsim.Entity)]


def test_rows_come_change_and_go(database: Database) -> None:
    """Loaded, unchanged, updated, deleted: the catalog follows the table."""
    database("CREATE TABLE hosts (id INTEGER PRIMARY KEY, name TEXT, rack TEXT, secret TEXT)")
    database("INSERT INTO hosts VALUES (?, ?, ?, 'x')", [(n, f"host {n}", None) for n in (1, 2, 3)])
    provider = SqlTable(database.url, "hosts", fields={"title": "name", "spec.rack": "rack"}, page_size=2, name="hosts")
    with cycles(provider) as cycle:
        assert cycle() == (3, 0, 0, 0)
        assert cycle() == (0, 0, 3, 0)
        database("DELETE FROM hosts WHERE id = 1")
        database("UPDATE hosts SET rack = 'r7', secret = 'y' WHERE id = 2")
        database("UPDATE hosts SET secret = 'y' WHERE id = 3")
        assert cycle() == (0, 1, 1, 1)
        body = cycle.app.catalog.get("resource:hosts/2") or {}
    assert body["metadata"]["title"] == "host 2"
    assert body["spec"] == {"type": "hosts", "owner": "unknown", "key": {"id": 2}, "rack": "r7"}


UTC_PLUS_2 = dt.timezone(dt.timedelta(hours=2))
POSTGRES_KEYS: dict[str, list[Any]] = {
    "bigint": [-5, 0, 7, 2**62],
    "numeric": [Decimal("-1.5"), Decimal("0.30"), Decimal("1e30"), Decimal("NaN")],
    "boolean": [False, True],
    "text": ["", "A", "a", "b%c", "ß", "é", "'; DROP TABLE t; --", "🦀"],
    "char(5)": ["a", "ab", "b"],
    "date": [dt.date(1, 1, 1), dt.date(2024, 2, 29)],
    "time": [dt.time(0, 0), dt.time(23, 59, 59, 999999)],
    "timestamp": [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, 0, 0, 0, 1)],  # noqa: DTZ001 -- a column without a zone is what is tested
    "timestamptz": [dt.datetime(2024, 1, 1, tzinfo=UTC_PLUS_2), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)],
    "uuid": [UUID(int=0), UUID(int=2**127), UUID(int=2**128 - 1)],
    "bytea": [b"", b"\x00", b"\xff\xfe"],
}


@pytest.mark.parametrize("kind", POSTGRES_KEYS)
def test_keys_of_every_kind_on_postgres(postgres: Database, kind: str) -> None:
    """Whatever a key is made of, each row comes once, under a name of its own, on pages of one row each."""
    values = POSTGRES_KEYS[kind]
    postgres(f"CREATE TABLE t (k {kind} PRIMARY KEY)")
    postgres("INSERT INTO t VALUES (?)", [(each,) for each in values])
    with cycles(SqlTable(postgres.url, "t", page_size=1)) as cycle:
        assert cycle() == (len(values), 0, 0, 0)
        assert not cycle.problems
        assert len(cycle.names) == len(values)


SQLITE_KEYS: dict[str, list[Any]] = {
    "INTEGER": [-5, 0, 7, 2**62],
    "NUMERIC": [1, 2**53, "x"],
    "TEXT": ["", "A", "a", "b%c", "é", "'; DROP TABLE t; --", "1", b"1"],
    "DATETIME": ["2024-01-01 00:00:00", "2024-01-01 00:00:00.000000", "2024-01-01T00:00:00", "yesterday"],
    "BLOB": [b"", b"\x00", b"\xff\xfe", "00", 0],
    "": [1, "1", b"1", b"\x31\x00"],
}


@pytest.mark.parametrize("kind", SQLITE_KEYS)
def test_keys_of_every_kind_on_sqlite(sqlite: Database, kind: str) -> None:
    """SQLite keeps any type in any column; each row comes once, under a name of its own, on pages of one row each."""
    values = SQLITE_KEYS[kind]
    sqlite(f"CREATE TABLE t (k {kind} PRIMARY KEY)")
    sqlite("INSERT INTO t VALUES (?)", [(each,) for each in values])
    with cycles(SqlTable(sqlite.url, "t", page_size=1)) as cycle:
        assert cycle() == (len(values), 0, 0, 0)
        assert not cycle.problems


KEYS = st.tuples(st.integers(0, 3), st.sampled_from(["", "A", "a", "a b", "é", "b"]), st.binary(max_size=2))


@pytest.mark.slow
@settings(max_examples=30)
@given(keys=st.sets(KEYS, max_size=12), passing=st.sets(KEYS, max_size=6), page_size=st.integers(1, 5), data=st.data())
def test_what_comes_and_goes_hides_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    keys: set[tuple[Any, ...]],
    passing: set[tuple[Any, ...]],
    page_size: int,
    data: st.DataObject,
) -> None:
    """A row that is there all the while is read exactly once, whatever is added and deleted between the pages."""
    sqlite = Database(f"sqlite:///{tmp_path_factory.mktemp('sql')}/test.db")
    sqlite("CREATE TABLE t (a INTEGER, b TEXT, c BLOB, PRIMARY KEY (a, b, c))")
    loose = sorted(passing - keys)
    if keys:
        sqlite("INSERT INTO t VALUES (?, ?, ?)", sorted(keys))
    found: list[list[Any]] = []
    for page in page_by_page(SqlTable(sqlite.url, "t", page_size=page_size)):
        found += keys_of(iter([page]))
        if loose:
            sqlite("DELETE FROM t WHERE (a, b, c) = (?, ?, ?)", loose)
            sqlite("INSERT INTO t SELECT ?, ?, ? WHERE ?", [(*each, data.draw(st.booleans())) for each in loose])
    steady = sorted([a, b, c.hex()] for a, b, c in keys)
    assert sorted(each for each in found if each in steady) == steady


def test_composite_key_of_several_types(postgres: Database) -> None:
    """Columns of a key are compared together, in the order that is asked for."""
    postgres("CREATE TABLE t (day date, site text, n numeric, PRIMARY KEY (n, day))")
    rows = list(itertools.product([dt.date(2024, 1, 2), dt.date(2024, 1, 1)], ["b", "A"], [Decimal("1.50")]))
    postgres("INSERT INTO t VALUES (?, ?, ? + ?)", [(*row, n) for n, row in enumerate(rows)])
    pages = page_by_page(SqlTable(postgres.url, "t", key="day,site", page_size=1))
    assert keys_of(pages) == [[f"2024-01-0{day}", site] for day in (1, 2) for site in ("A", "b")]


@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_case_makes_two_names(database: Database, page_size: int) -> None:
    """Keys that differ in case, or in what a name cannot hold, are entities of their own."""
    database("CREATE TABLE t (k TEXT PRIMARY KEY)")
    database("INSERT INTO t VALUES (?)", [(each,) for each in ("a", "A", "a b", "a-b", "a_b", "")])
    with cycles(SqlTable(database.url, "t", page_size=page_size)) as cycle:
        assert cycle() == (6, 0, 0, 0)
        assert [each for each in cycle.names if "__" not in each] == ["a", "a-b"]


def test_collation_that_takes_texts_for_equal(sqlite: Database) -> None:
    """Where a database takes two texts for equal, neither falls between two pages."""
    sqlite("CREATE TABLE t (k TEXT COLLATE NOCASE)")
    sqlite("INSERT INTO t VALUES (?)", [(each,) for each in ("a", "A", "b", "B", "c")])
    with cycles(SqlTable(sqlite.url, "t", key=["k"], page_size=3)) as cycle:
        cycle()
        assert len(cycle.names) == 5


def test_null_in_a_key_refuses_the_sweep(database: Database) -> None:
    """Rows with NULL in their key are told, the others are read, and nothing is removed until they are mended."""
    database("CREATE TABLE t (a INTEGER, b TEXT)")
    database("INSERT INTO t VALUES (?, ?)", [(1, "x"), (2, "y"), (3, "z")])
    with cycles(SqlTable(database.url, "t", key=["a", "b"], page_size=1)) as cycle:
        cycle()
        database("UPDATE t SET b = NULL WHERE a = 2")
        assert cycle("refused") == (0, 0, 2, 0)
        assert cycle.problems == ["t has rows with NULL in their key ['a', 'b'], which cannot be read"]
        database("DELETE FROM t WHERE b IS NULL")
        assert cycle() == (0, 0, 2, 1)


@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_key_that_is_not_unique_is_an_error(database: Database, page_size: int) -> None:
    """Two rows with one key are never taken for one; the error names the key."""
    database("CREATE TABLE t (a INTEGER, b TEXT)")
    database("INSERT INTO t VALUES (?, ?)", [(1, "x"), (2, "y"), (2, "z"), (3, "z")])
    with pytest.raises(ValueError, match=r"t has several rows with the key \[\['int', 2\]\]; add a column"):
        list(page_by_page(SqlTable(database.url, "t", key=["a"], page_size=page_size)))


def test_key_without_exact_order_is_an_error(postgres: Database) -> None:
    """A floating-point key would lose rows to rounding, and says so."""
    postgres("CREATE TABLE t (k real PRIMARY KEY)")
    postgres("INSERT INTO t VALUES (0.7)")
    with pytest.raises(TypeError, match=r"a float has no exact place in an order; write a key of columns that hold"):
        list(page_by_page(SqlTable(postgres.url, "t")))


def test_names_are_quoted(database: Database) -> None:
    """Tables and columns may be called anything."""
    name, percent = 'select "x" % :y', "%%" if database.postgres else "%"  # psycopg's own sign is written twice
    database(f'CREATE TABLE "select ""x"" {percent} :y" ("Key"" of" INTEGER PRIMARY KEY, "a.b;--" TEXT)')
    with database.engine.begin() as connection:
        table = sql.Table(name, sql.MetaData(), autoload_with=connection)
        connection.execute(table.insert(), [{'Key" of': 1, "a.b;--": "v"}, {'Key" of': 2, "a.b;--": "w"}])
    provider = SqlTable(database.url, name, fields={"spec.v": "a.b;--"}, page_size=1)
    with cycles(provider) as cycle:
        assert cycle() == (2, 0, 0, 0)
        assert cycle.spec("2")["v"] == "w"


def test_views_and_schemas(postgres: Database) -> None:
    """A view is read by the key that it is given; a table may stand in another schema."""
    postgres("CREATE SCHEMA other")
    postgres("CREATE TABLE other.t (id INTEGER PRIMARY KEY)")
    postgres("INSERT INTO other.t VALUES (1), (2)")
    postgres("CREATE VIEW v AS SELECT id * 10 AS id FROM other.t")
    assert refs(page_by_page(SqlTable(postgres.url, "t", schema="other"))) == ["1", "2"]
    assert refs(page_by_page(SqlTable(postgres.url, "v", key="id", page_size=1))) == ["10", "20"]
    with pytest.raises(LookupError, match=r"v has no primary key; write key="):
        list(page_by_page(SqlTable(postgres.url, "v")))


FIELDS = {f"spec.{column}": column for column in ("i", "t", "f", "d", "b", "j", "l", "n", "at")}
FIELDS |= {"title": "i", "description": "t", "labels.example.com/i": "i", "annotations.example.com/t": "t"}


def test_values_become_json(postgres: Database) -> None:
    """Columns of any type become what a person can read in JSON, in one time zone; NULL and empty text are left out."""
    columns = (
        "id int PRIMARY KEY, i int, t text, f float8, d numeric, b bytea, j jsonb, l date[], n text, at timestamptz"
    )
    postgres(f"CREATE TABLE t ({columns})")
    at = dt.datetime(2024, 1, 1, 2, tzinfo=UTC_PLUS_2)
    row = (1, 7, "text", float("nan"), Decimal("1.50"), b"\x01", '{"a": [1]}', [dt.date(2024, 1, 1)], None, at)
    postgres("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [row])
    postgres("INSERT INTO t (id, t) VALUES (2, '')")
    with cycles(SqlTable(postgres.url, "t", fields=FIELDS, kind="Component")) as cycle:
        assert cycle() == (2, 0, 0, 0)
        assert not cycle.problems
        body = cycle.app.catalog.get("component:sql-table/1") or {}
        assert cycle.spec("2") == {"type": "t", "owner": "unknown", "key": {"id": 2}}
    metadata, spec = body["metadata"], body["spec"]
    assert (metadata["title"], metadata["description"], metadata["labels"]) == ("7", "text", {"example.com/i": "7"})
    assert metadata["annotations"]["example.com/t"] == "text"
    own = {"type": "t", "owner": "unknown", "key": {"id": 1}}
    plain = {"i": 7, "t": "text", "f": "nan", "d": "1.50", "b": "01", "j": {"a": [1]}, "l": ["2024-01-01"]}
    assert spec == own | plain | {"at": "2024-01-01T00:00:00+00:00"}


def test_only_what_is_asked_for_is_read(database: Database) -> None:
    """No statement names a column that no field needs, and each page is one statement that seeks its place."""
    database("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, secret TEXT)")
    database("INSERT INTO t VALUES (?, 'n', 's')", [(1,), (2,), (3,)])
    statements: list[str] = []
    provider = SqlTable(database.url, "t", fields="title=name", page_size=1)

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "FROM t" in statement:
            statements.append(statement)

    sql.event.listen(provider._engine, "before_cursor_execute", note)
    with cycles(provider) as cycle:
        cycle()
    assert not [each for each in statements if "secret" in each or "*" in each]
    reading = [each for each in statements if "ORDER BY" in each]
    assert len(reading) == 3
    assert [">=" in each for each in reading] == [False, True, True]


def test_keyset_uses_the_index(database: Database) -> None:
    """A page in the middle is sought by the key's index, and not found by reading what comes before it."""
    database("CREATE TABLE t (a INTEGER NOT NULL, b TEXT NOT NULL, PRIMARY KEY (a, b))")
    database("INSERT INTO t VALUES (?, 'x')", [(n,) for n in range(50)])
    plans: list[str] = []
    provider = SqlTable(database.url, "t", page_size=10)

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if ">=" in statement:
            if database.postgres:
                cursor.execute("SET LOCAL enable_seqscan = off")  # fifty rows are not worth an index
            cursor.execute(f"EXPLAIN {'' if database.postgres else 'QUERY PLAN '}{statement}", parameters)
            plans.append(str(cursor.fetchall()))

    sql.event.listen(provider._engine, "before_cursor_execute", explain)
    list(page_by_page(provider))
    assert len(plans) == 4
    assert all(("Index Cond: (ROW(a, b)" if database.postgres else "SEARCH t USING") in each for each in plans)
    assert not [each for each in plans if "TEMP B-TREE" in each or "Sort" in each]


def test_what_is_missing_is_not_empty(database: Database) -> None:
    """A table or column that is not there is an error that says what there is, and no password is in it."""
    with pytest.raises(LookupError, match=r"there is no table 't', which is not the same as an empty one"):
        list(page_by_page(SqlTable(database.url, "t")))
    database("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
    with pytest.raises(LookupError, match=r"t has no column 'nam'; it has id, name"):
        list(page_by_page(SqlTable(database.url, "t", fields={"title": "nam"})))
    assert not keys_of(page_by_page(SqlTable(database.url, "t")))


def test_no_connection_stays_behind(postgres: Database) -> None:
    """A burst closes its connection, and holds no transaction open between its pages."""
    postgres("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    provider = SqlTable(postgres.url, "t")
    with provider.around() as context:
        provider.next(context)
        postgres("DROP TABLE t")  # would wait for a lock
    assert context.connection.closed


@pytest.mark.parametrize(
    "arguments",
    [
        {"page_size": 0},
        {"name": "My table"},
        {"fields": {"titel": "a"}},
        {"fields": {"spec.": "a"}},
        {"fields": "name"},
    ],
)
def test_wrong_arguments_say_what_to_write(arguments: dict[str, Any]) -> None:
    """An impossible page size, name or field is refused with an example of what works."""
    with pytest.raises(ValueError, match="write "):
        SqlTable("sqlite://", "t", **arguments)


EXACT_VALUES = st.one_of(
    st.booleans(),
    st.integers(),
    st.text(),
    st.binary(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.one_of(st.none(), st.just(dt.UTC), st.just(UTC_PLUS_2))),
)


@settings(max_examples=50)
@given(key=st.lists(EXACT_VALUES, max_size=4))
def test_keys_come_back_exactly(key: list[Any]) -> None:
    """What a cursor gives back is of the same type and value, time zone included."""
    back = read_key(write_key(key))
    assert back == key
    assert list(map(repr, map(type, back))) == list(map(repr, map(type, key)))
