"""The rows of any table or view, by SQLAlchemy URL: one entity each, in the order of a key.

Each page is one statement with a keyset (`WHERE (a, b) >= (…) ORDER BY a, b LIMIT n`), so that a page in the middle of
a million rows costs as much as the first one, given an index on the key. A cursor is the key of the row that comes
next: also where a database takes different texts for equal, no row falls between two pages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import NoSuchTableError

import incrsim
from incrsim.kinds import entity
from providers.naming import entity_name, own_namespace
from providers.sql_values import ExactKey, name_part, plain, read_key, write_key

_is_field = re.compile(r"title|description|(?:labels|annotations|spec)\..+").fullmatch
AS_IT_IS = sql.types.NullType()
"""SQLAlchemy's own types may write a time with other digits than they read, and SQLite compares these as text."""


@dataclass(frozen=True, slots=True)
class Source:
    """A burst's connection to the table; key columns and others are read as the driver gives them."""

    connection: sql.Connection
    table: sql.Table
    names: list[str]
    key: Sequence[sql.ColumnElement[Any]]
    fields: Sequence[sql.ColumnElement[Any]]
    problems: list[str]


class SqlTable(incrsim.IncrementalEntityProvider):
    """One entity per row, with the columns that `fields` asks for; no other column is read.

    Key values go back to the driver as it gave them. A key of lower-case letters, digits, dots and hyphens is the name
    (several columns joined by `_`); any other becomes a slug with a digest, so `A` and `a` are two entities. Rows with
    NULL in the key have no place in its order: they are a problem, and then nothing is removed (C-7). A key that two
    rows share, or of floating point, is an error.

    Options to add it with: `reject_removals_above_percentage=20` and `reject_empty_source_collections=True`, since a
    table that was restored half looks like rows that were deleted; `rest_length="10m"`, since an unchanged row costs
    the catalog no write.

    Args:
        url: of the database, for example `postgresql://me@db.example.org/inventory` or `sqlite:////srv/hosts.db`.
        table: its name.
        key: the columns that identify a row and order them; the primary key unless given. A view needs one.
        fields: entity field → column: `title`, `description`, `labels.NAME`, `annotations.NAME`, `spec.NAME`; as text
            `title=hostname,spec.rack=rack`.
        schema: of the table, when it is not the one that the database looks in first.
        kind: of the entities.
        page_size: how many rows are on a page.
        name: the provider's name, and the namespace of its entities; two tables in one catalog need two.
    """

    def __init__(
        self,
        url: str,
        table: str,
        key: str | Sequence[str] = (),
        fields: str | Mapping[str, str] | None = None,
        *,
        schema: str | None = None,
        kind: str = "Resource",
        page_size: int = 1000,
        name: str = "sql-table",
    ) -> None:
        if page_size < 1:
            raise ValueError(f"SqlTable(page_size={page_size!r}): a page holds 1 row or more, write page_size=1000")
        if isinstance(fields, str):
            fields = dict(each.partition("=")[::2] for each in fields.split(","))
        if unknown := [each for each in fields or {} if not _is_field(each)]:
            raise ValueError(f"SqlTable(fields=…) has {unknown[0]!r}; write title, description, spec.NAME and the like")
        self.fields = dict(fields or {})
        self.name = own_namespace(name)
        self.table, self.schema, self.kind, self.page_size = table, schema, kind, page_size
        self.key = key.split(",") if isinstance(key, str) else list(key)
        address = sql.make_url(url)
        if address.drivername in ("postgres", "postgresql"):
            address = address.set(drivername="postgresql+psycopg")
        self._engine = sql.create_engine(address, poolclass=sql.NullPool)

    @contextmanager
    def around(self) -> Iterator[Source]:
        """Connect, and look at the table as it is now."""
        with self._engine.connect() as connection:
            with connection.begin():
                source = self._source(connection)
            yield source

    def next(self, context: Source, cursor: ExactKey | None = None) -> incrsim.Page:
        """The page of rows from `cursor` on, and the key of the row behind it."""
        statement = sql.select(*context.key, *context.fields).where(*(each.is_not(None) for each in context.key))
        if cursor:
            begin = [sql.literal(each, AS_IT_IS) for each in read_key(cursor)]
            statement = statement.where(sql.tuple_(*context.key) >= sql.tuple_(*begin))
        statement = statement.order_by(*context.key).limit(self.page_size + 1)
        with context.connection.begin():
            rows = context.connection.execute(statement).all()
        keys = [write_key(row[: len(context.key)]) for row in rows]
        if repeated := [key for key, times in Counter(map(str, keys)).items() if times > 1]:
            raise ValueError(f"{context.table} has several rows with the key {repeated[0]}; add a column to the key")
        return incrsim.Page(
            [self._entity(context, row) for row in rows[: self.page_size]],
            cursor=keys[-1] if keys else None,
            done=len(rows) <= self.page_size,
            problems=context.problems,
        )

    def _source(self, connection: sql.Connection) -> Source:
        try:
            place = sql.MetaData(schema=self.schema)
            table = sql.Table(self.table, place, autoload_with=connection, resolve_fks=False)
        except NoSuchTableError as error:
            raise LookupError(f"there is no table {self.table!r}, which is not the same as an empty one") from error
        names = self.key or [str(each.name) for each in table.primary_key]
        if not names:
            raise LookupError(f"{table} has no primary key; write key=[…] with the columns that identify a row")
        if missing := [each for each in (*names, *self.fields.values()) if each not in table.c]:
            raise LookupError(f"{table} has no column {missing[0]!r}; it has {', '.join(table.c.keys())}")
        key = [sql.type_coerce(table.c[each], AS_IT_IS) for each in names]
        fields = [sql.type_coerce(table.c[each], AS_IT_IS) for each in self.fields.values()]
        nulls = [table.c[each].is_(None) for each in names if table.c[each].nullable]
        found = nulls and connection.execute(sql.select(*key).where(sql.or_(*nulls)).limit(1)).first()
        problems = [f"{table} has rows with NULL in their key {names}, which cannot be read"] if found else []
        return Source(connection, table, names, key, fields, problems)

    def _entity(self, source: Source, row: sql.Row[Any]) -> incrsim.Entity:
        key = dict(zip(source.names, row, strict=False))
        texts = {name: isinstance(source.table.c[name].type, sql.String) for name in key}
        parts = [name_part(value, of_text_column=texts[name]) for name, value in key.items()]
        own = {"type": self.table, "owner": "unknown", "key": {name: plain(value) for name, value in key.items()}}
        found: dict[str, dict[str, Any]] = {"": {}, "labels": {}, "annotations": {}, "spec": own}
        for path, value in zip(self.fields, row[len(key) :], strict=True):
            group, name = path.split(".", 1) if "." in path else ("", path)
            if value is not None and value != "":
                found[group][name] = plain(value) if group == "spec" else str(plain(value))
        common = found.pop("") | found
        return entity(self.kind, entity_name(*parts), provider=self, namespace=self.name, **common)
