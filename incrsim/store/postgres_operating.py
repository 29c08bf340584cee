"""What operators need of a Postgres database: rows inside a transaction, and what needs none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from incrsim.ingestion import Ingestion
from incrsim.store.operating import SERVED_FOR, Announcement, Gone, Serving
from incrsim.store.postgres_outbox import PostgresOutboxRows
from incrsim.store.postgres_records import can_hold, read_ingestion
from incrsim.store.queries import query

if TYPE_CHECKING:
    import psycopg


class PostgresOperatingRows(PostgresOutboxRows):
    """`OperatingRows`, for a `PostgresTransaction`."""

    def purge(self, ingestion: Ingestion) -> Gone:
        """See `OperatingRows.purge`."""
        self._execute("reset_streaks", number=ingestion.number)
        marks, problems = self._execute("purge_marks"), self._execute("purge_problems")
        self._execute("forget_stale")
        return Gone(ingestions=self._execute("purge_ingestions"), marks=marks, problems=problems)

    def approve_stale(self, ingestion: int) -> int:
        """See `OperatingRows.approve_stale`."""
        self._one("plan_sweep")
        return int(self._one("approve_stale", ingestion=ingestion)[0])

    def count_owned(self) -> int:
        """See `OperatingRows.count_owned`."""
        return int(self._one("count_owned")[0])

    def remove_owned(self, chunk: int) -> Iterator[int]:
        """See `OperatingRows.remove_owned`."""
        yield from self.removing("remove_owned_chunk", chunk, None)
        self._execute("forget_stale")
        self._execute("end_streaks")


class PostgresOperating:
    """`OperatorStore`, for a `PostgresStore`, save what changes a provider."""

    if TYPE_CHECKING:

        def connection(self) -> AbstractContextManager[psycopg.Connection[Any]]:
            """A connection of the pool."""

        def _now(self) -> datetime | None: ...
        def _rows(self, query_name: str, /, **parameters: Any) -> list[tuple[Any, ...]]: ...
        def _dicts(self, query_name: str, /, **parameters: Any) -> list[dict[str, Any]]: ...

    def announce(self, holder: str, served: Sequence[Announcement]) -> None:
        """See `OperatorStore.announce`."""
        parameters = {
            "holder": holder,
            "providers": [each.provider for each in served],
            "options": [json.dumps(each.options) for each in served],
            "stuck": [each.stuck for each in served],
            "now": self._now(),
            "served_for": SERVED_FOR,
        }
        with self.connection() as connection, connection.pipeline():
            connection.execute(query("withdraw"), parameters)
            connection.execute(query("announce"), parameters)
            connection.commit()

    def serving(self, providers: Sequence[str]) -> list[Serving]:
        """See `OperatorStore.serving`."""
        names = list(filter(can_hold, providers))
        return [Serving(*row) for row in self._rows("serving", names=names, now=self._now(), served_for=SERVED_FOR)]

    def latest(self, providers: Sequence[str]) -> dict[str, Ingestion]:
        """See `OperatorStore.latest`."""
        rows = self._dicts("latest", names=list(filter(can_hold, providers)))
        return {row["name"]: read_ingestion(row) for row in rows}
