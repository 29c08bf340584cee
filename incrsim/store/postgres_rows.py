"""The rows of one provider inside one transaction of a Postgres database: `Transaction` over named SQL.

Small writes wait and leave together, in one round trip with the commit; what needs an answer goes at once. A page costs
a bounded number of round trips whatever its size (C-11): lock and state, compare, copy of what is new, mark, and the
rest with the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from incrsim.entity import Entity
from incrsim.ingestion import Ingestion
from incrsim.store.contract import HISTORY_LENGTH, Lease
from incrsim.store.page import FoundProblem, Insert, PageChanges
from incrsim.store.postgres_comparing import PostgresComparingRows
from incrsim.store.postgres_copy import copying
from incrsim.store.postgres_errors import Conflict
from incrsim.store.postgres_listening import PostgresNotifyingRows
from incrsim.store.postgres_mutating import PostgresDeltaRows
from incrsim.store.postgres_operating import PostgresOperatingRows
from incrsim.store.postgres_records import counts_text, ingestion_row, verdict_text
from incrsim.store.queries import query
from incrsim.store.rows import NewMark, ProviderRow, SweepCount

if TYPE_CHECKING:
    import psycopg


class PostgresTransaction(PostgresNotifyingRows, PostgresComparingRows, PostgresDeltaRows, PostgresOperatingRows):
    """`Transaction` on a connection whose provider row is locked.

    Args:
        connection: inside a transaction.
        provider_id: the row's id.
        provider: what the row says.
        lease: who works on the provider.
        ingestion: the one that is not complete.
        now: the store's time.
        renew: renews a lease on another connection.
        has_sinks: whether any sink is registered, as of the transaction's first read.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        provider_id: int,
        provider: ProviderRow,
        lease: Lease | None,
        ingestion: Ingestion | None,
        now: datetime,
        renew: Callable[[Lease], None],
        *,
        has_sinks: bool,
    ) -> None:
        self.now = now
        self.provider = provider
        self.lease = lease
        self.ingestion = ingestion
        self._idle_connection = connection
        self._copying = ExitStack()
        self._id = provider_id
        self._renew = renew
        self._has_sinks = has_sinks
        self._waiting: list[tuple[str, dict[str, Any]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Break off a `COPY` that is still on its way, so that the connection can be used again."""
        self._copying.__exit__(kind, error, trace)

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        """The connection, after the server has stored what was copied: only then can it be asked something."""
        self._copying.close()
        return self._idle_connection

    def flush(self) -> None:
        """Send the writes that wait, in one round trip."""
        with self._connection.pipeline():
            self._send()

    def commit(self) -> None:
        """Send the writes that wait and commit, in one round trip."""
        with self._connection.pipeline():
            self._send()
            # The driver's own `commit` would wait for an answer of its own here.
            self._connection.execute("COMMIT")

    # --- small rows: they wait
    # ------------------------------------------------------------------------------------------

    def save_provider(self, row: ProviderRow) -> None:
        """See `Transaction.save_provider`."""
        self.provider = row
        self._later(
            "save_provider",
            fence=row.fence,
            last_verdict=row.last_verdict,
            paused=row.paused,
            verdict=verdict_text(row.verdict),
            approved=row.approved,
            deltas=row.deltas,
        )

    def save_lease(self, lease: Lease | None) -> None:
        """See `Transaction.save_lease`."""
        self.lease = lease
        if lease is None:
            self._later("give_lease_back")
        else:
            self._later(
                "save_lease",
                fence=lease.fence,
                holder=lease.holder,
                length=lease.length,
                expires_at=lease.expires_at,
            )

    def save_ingestion(self, ingestion: Ingestion) -> None:
        """See `Transaction.save_ingestion`."""
        self.ingestion = ingestion
        self._later("save_ingestion", **ingestion_row(ingestion))

    def archive(self, ingestion: Ingestion) -> None:
        """See `Transaction.archive`."""
        self._later("save_ingestion", **ingestion_row(ingestion))
        self._later("reset_streaks", number=ingestion.number)
        self._later("mark_stale", number=ingestion.number)
        self._later("forget_marks", number=ingestion.number)
        self._later("forget_history", oldest=ingestion.number - HISTORY_LENGTH)

    def add_problems(self, problems: Sequence[FoundProblem], ingestion: int, sequence: int) -> None:
        """See `Transaction.add_problems`."""
        for found in problems:
            problem = found.problem
            self._later(
                "add_problem",
                ingestion=ingestion,
                sequence=sequence,
                key=found.key,
                kind=found.kind.value,
                message=_storable(problem.message),
                ref=None if problem.ref is None else _storable(problem.ref),
                field=None if problem.field is None else _storable(problem.field),
                rule=None if problem.rule is None else _storable(problem.rule),
            )

    # --- a page
    # -----------------------------------------------------------------------------------------------------------

    def ids_of(self, refs: Sequence[str]) -> list[int]:
        """See `Transaction.ids_of`."""
        return [row[0] for row in self._all("ids_of", refs=list(refs))]

    @contextmanager
    def inserting(self, ingestion: int) -> Iterator[Insert]:
        """See `Transaction.inserting`."""
        with ExitStack() as stack:
            yield stack.enter_context(copying(self._connection, self._id, ingestion))
            # While the server stores the last ones the page's mark is made: whoever needs the connection waits.
            self._copying = stack.pop_all()

    def apply(self, changes: PageChanges, ingestion: int) -> None:
        """See `Transaction.apply`."""
        if changes.update:
            ids = [stored.id for stored, _ in changes.update]
            self._rewrite("update_entities", [each for _, each in changes.update], ingestion, ids=ids)
        if changes.take_over:
            taken = [each for _, each in changes.take_over]
            self._rewrite("take_over_entities", taken, ingestion, refs=[each.ref for each in taken])

    def known_problems(self, keys: Sequence[bytes], ingestion: int) -> set[bytes]:
        """See `Transaction.known_problems`."""
        return {bytes(row[0]) for row in self._all("known_problems", keys=list(keys), ingestion=ingestion)}

    def add_mark(self, mark: NewMark) -> None:
        """See `Transaction.add_mark`."""
        self._later(
            "add_mark",
            ingestion=mark.ingestion,
            sequence=mark.sequence,
            cursor=mark.cursor,
            cursor_digest=mark.cursor_digest,
            seen="{" + ",".join(map(str, mark.seen)) + "}",
            counts=counts_text(mark.counts),
            now=self.now,
        )

    def count_distinct(self, ingestion: int) -> int:
        """See `Transaction.count_distinct`."""
        self.flush()
        return int(self._one("count_distinct", ingestion=ingestion)[0])

    # --- a sweep
    # ----------------------------------------------------------------------------------------------------------

    def collect_stale(self, ingestion: int, grace: int) -> SweepCount:
        """See `Transaction.collect_stale`."""
        self._one("plan_sweep")
        if self.provider.approved:
            self._execute("mark_stale", number=ingestion)
            self._execute("forget_unapproved")
        else:
            self._execute("forget_stale")
        owned, existing, written = self._one("count_marked", ingestion=ingestion)
        if written < owned:  # else it was a first load, say, and there is nothing to look for
            self._execute("collect_stale", ingestion=ingestion, grace=grace)
        stale, removable, approved = self._one("count_stale")
        self._later("hide_kept")
        if approved:
            self._later("lapse_approval")
        return SweepCount(owned, stale, approved, removable - approved, existing - approved)

    def remove_stale(self, ingestion: int, chunk: int) -> Iterator[int]:
        """See `Transaction.remove_stale`."""
        self._one("plan_removal")
        return self.removing("remove_chunk", chunk, ingestion)

    def end_removal(self, grace: int) -> None:
        """See `Transaction.end_removal`."""
        # Streaks read what was collected, so this goes before the collected refs are forgotten.
        self._execute("end_streaks")
        if grace:
            self._execute("count_streaks")
        self._later("forget_stale")

    def renew_lease(self, lease: Lease) -> None:
        """See `Transaction.renew_lease`."""
        self._renew(lease)

    # --- statements
    # -------------------------------------------------------------------------------------------------------

    def _rewrite(self, name: str, entities: Sequence[Entity], ingestion: int, **keys: Sequence[Any]) -> None:
        written = self._execute(
            name,
            ingestion=ingestion,
            digests=[each.digest for each in entities],
            keys=[each.location_key for each in entities],
            bodies=[(each.canonical or b"").decode() for each in entities],
            **keys,
        )
        if written != len(entities):
            raise Conflict(f"{name} found {written} of {len(entities)} rows as they were a moment ago")

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for name, parameters in waiting:
            self._connection.execute(query(name), parameters)

    def _later(self, name: str, **parameters: Any) -> None:
        self._waiting.append((name, {"provider": self._id, **parameters}))

    def _execute(self, name: str, **parameters: Any) -> int:
        return self._connection.execute(query(name), {"provider": self._id, **parameters}).rowcount

    def _fetch(self, name: str, **parameters: Any) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None
        row = self._connection.execute(query(name), {"provider": self._id, **parameters}).fetchone()
        return row

    def _one(self, name: str, **parameters: Any) -> tuple[Any, ...]:
        row = self._fetch(name, **parameters)
        if row is None:
            raise LookupError(f"the query {name} always gives a row")
        return row

    def _all(self, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]]
        rows = self._connection.execute(query(name), {"provider": self._id, **parameters}).fetchall()
        return rows


def _storable(text: str) -> str:
    """Text that Postgres takes: no NUL, no lone surrogates."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
