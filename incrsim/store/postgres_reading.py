"""The reading side of `PostgresStore`: one statement each, paged by key, so that memory stays flat (C-13)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from incrsim.errors import UnknownProvider
from incrsim.ingestion import Counts, Ingestion
from incrsim.store.contract import HISTORY_LENGTH, Mark, ProviderState, RecordedProblem, StoredEntity
from incrsim.store.page import ProblemKind
from incrsim.store.postgres_records import can_hold, part_held, read_ingestion, read_state
from incrsim.store.queries import query

if TYPE_CHECKING:
    import psycopg


class PostgresReading(ABC):
    """What can be read without a lock.

    Args:
        place: where the database is, without secrets.
    """

    def __init__(self, place: str) -> None:
        self._place = place

    @abstractmethod
    def connection(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        """A connection of the pool."""

    @abstractmethod
    def _now(self) -> datetime | None:
        """The virtual time; `None` when the store's clock is the database's."""

    def providers(self) -> list[str]:
        """See `Store.providers`."""
        return [name for (name,) in self._rows("providers")]

    def state(self, provider: str) -> ProviderState:
        """See `Store.state`."""
        rows = self._dicts("state", name=provider)
        if not rows or rows[0]["number"] is None:
            raise self.unknown(provider)
        return read_state(rows[0], self._now() or rows[0]["now"])

    def states(self, *, after: str = "", limit: int = 1000) -> list[ProviderState]:
        """See `Store.states`."""
        rows = self._dicts("states", after=after, limit=limit)
        return [read_state(row, self._now() or row["now"]) for row in rows]

    def history(self, provider: str) -> list[Ingestion]:
        """See `Store.history`."""
        return [read_ingestion(row) for row in self._dicts_of("history", provider, limit=HISTORY_LENGTH)]

    def marks(self, provider: str, *, after: int = 0, limit: int = 1000) -> list[Mark]:
        """See `Store.marks`."""
        rows = self._dicts_of("marks", provider, after=after, limit=limit)
        return [Mark(**{**row, "counts": Counts(**row["counts"])}) for row in rows]

    def problems(self, provider: str, *, after: int = 0, limit: int = 1000) -> list[RecordedProblem]:
        """See `Store.problems`."""
        rows = self._dicts_of("problems", provider, after=after, limit=limit)
        return [RecordedProblem(**{**row, "kind": ProblemKind(row["kind"])}) for row in rows]

    def stale(self, provider: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """See `Store.stale`."""
        return [row["ref"] for row in self._dicts_of("stale", provider, after=after, limit=limit)]

    def entity(self, ref: str) -> StoredEntity | None:
        """See `Store.entity`."""
        return next(iter(self._entities("entity", ref=ref)), None)

    def entities(self, provider: str | None = None, *, after: str = "", limit: int = 1000) -> Sequence[StoredEntity]:
        """See `Store.entities`."""
        if provider is None:
            return self._entities("entities", after=after, limit=limit)
        return self._entities("entities_of", provider=self._id_of(provider), after=after, limit=limit)

    def count(self, provider: str | None = None) -> int:
        """See `Store.count`."""
        rows = self._rows("count") if provider is None else self._rows("count_of", provider=self._id_of(provider))
        return int(rows[0][0]) if rows else 0

    def describe(self) -> str:
        """See `Store.describe`."""
        return self._place

    def unknown(self, provider: str) -> UnknownProvider:
        """The error for a provider that has no row."""
        return UnknownProvider.of(provider, self.providers())

    def _id_of(self, provider: str) -> int:
        """The number of a provider's row; 0, which is nobody's, when it has none."""
        rows = self._rows("provider_id", name=provider)
        return int(rows[0][0]) if rows else 0

    def _entities(self, query_name: str, /, **parameters: Any) -> list[StoredEntity]:
        return [
            StoredEntity(ref, provider, body.encode(), bytes(digest), location_key)
            for ref, provider, body, digest, location_key in self._rows(query_name, **parameters)
        ]

    def _rows(self, query_name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        asked = _askable(parameters)
        if asked is None:
            return []
        with self._reading() as connection:
            rows: list[tuple[Any, ...]] = connection.execute(query(query_name), asked).fetchall()
        return rows

    def _dicts(self, query_name: str, /, **parameters: Any) -> list[dict[str, Any]]:
        asked = _askable(parameters)
        if asked is None:
            return []
        with self._reading() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query(query_name), asked).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection for one statement, which needs no transaction around it: one round trip instead of three, and
        beside a busy burst each one means waiting for the interpreter too.
        """
        with self.connection() as connection:
            if connection.info.transaction_status is not TransactionStatus.IDLE:
                yield connection  # behind a pooler, where settings hold for a transaction
                return
            connection.autocommit = True
            try:
                yield connection
            finally:
                if not connection.closed:
                    connection.autocommit = False

    def _dicts_of(self, query_name: str, provider: str, /, **parameters: Any) -> list[dict[str, Any]]:
        rows = self._dicts(query_name, name=provider, **parameters)
        if not rows:
            self.state(provider)  # nothing found, or nobody of that name?
        return rows


def _askable(parameters: dict[str, Any]) -> dict[str, Any] | None:
    """What Postgres can be asked; `None` when there can be no answer, since nothing is stored under such a name or ref.

    Where a page begins (`after`) need not exist: no stored ref goes past the part before a NUL without going past it.
    """
    after = {name: part_held(value) for name, value in parameters.items() if name == "after" and isinstance(value, str)}
    asked = parameters | after
    return asked if all(can_hold(value) for value in asked.values() if isinstance(value, str)) else None
