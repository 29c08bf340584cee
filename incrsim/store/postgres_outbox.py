"""Sinks in a Postgres database: `OutboxStore` over SQL, and the outbox rows that a transaction writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg import errors

from incrsim.errors import StoreUnavailable
from incrsim.store.outbox import (
    DELIVERY_LEASE,
    Delivery,
    OutboxRow,
    SinkState,
    Turn,
    alike,
    check_name,
    delivery_of,
    resync_of,
    unknown_sink,
)
from incrsim.store.postgres_reading import PostgresReading
from incrsim.store.postgres_records import can_hold
from incrsim.store.queries import query

if TYPE_CHECKING:
    import psycopg

LOCK_WAIT = "2s"
"""How long new transactions queue up behind one that registers a sink, before they are let through once more."""

LOCK_TRIES = 900
"""How often that is tried: half an hour, for a sweep that takes long."""


class PostgresOutbox(PostgresReading):
    """`OutboxStore` over SQL. Deliveries lock no provider, so that no page or sweep waits for one."""

    def register_sink(self, name: str) -> None:
        """See `Store.register_sink`."""
        check_name(name)
        with self._no_writer() as connection:
            connection.execute(query("add_sink"), {"sink": name, "now": self._now()})

    def remove_sink(self, name: str) -> None:
        """See `Store.remove_sink`."""
        self._check_sink(name)
        with self._no_writer() as connection:
            connection.execute(query("remove_sink"), {"sink": name})
            connection.execute(query("trim_outboxes"))

    def resync(self, name: str) -> None:
        """See `Store.resync`."""
        self._check_sink(name)
        self._write("resync_sink", sink=name)

    def sinks(self) -> list[SinkState]:
        """See `Store.sinks`."""
        return [SinkState(**row) for row in self._dicts("sinks")]

    def lease_sink(self, name: str, holder: str, *, provider: str | None = None) -> bool:
        """See `Store.lease_sink`."""
        if not can_hold(name):
            raise self._unknown_sink(name)
        with self.connection() as connection, connection.pipeline():
            given = {"sink": name, "holder": holder, "name": provider, "now": self._now(), "length": DELIVERY_LEASE}
            answer = connection.execute(query("lease_sink"), given)
            connection.commit()
            known, leased = answer.fetchone() or (False, False)
        if not known:
            raise self._unknown_sink(name)
        return bool(leased)

    def release_sink(self, name: str, holder: str) -> None:
        """See `Store.release_sink`."""
        self._write("release_sink", sink=name, holder=holder)

    def next_delivery(self, name: str, *, provider: str | None = None, limit: int = 500) -> Delivery | None:
        """See `Store.next_delivery`."""
        waiting = self._rows("next_turn", sink=name, name=provider)
        if not waiting:
            self._check_sink(name)
            return None
        turn = Turn(name, *waiting[0])
        if turn.resync_after is not None:
            part = self.entities(turn.provider, after=turn.resync_after, limit=limit)
            return resync_of(turn, part, limit)
        found = self._rows("waiting_rows", name=turn.provider, after=turn.sequence, limit=limit)
        rows = alike([OutboxRow(*row) for row in found])
        stored = self._entities("entities_at", refs=[row.ref for row in rows])
        return delivery_of(turn, rows, {entity.ref: entity for entity in stored})

    def delivered(self, delivery: Delivery) -> None:
        """See `Store.delivered`."""
        turn, span = delivery.turn, delivery.span
        position = {
            "sink": turn.sink,
            "name": turn.provider,
            "sequence": delivery.sequence,
            "resync_after": None if span is None else span.to,
            "turn": turn.number,
        }
        with self.connection() as connection, connection.pipeline():
            for name in ("clear_failure", "lock_positions", "save_position", "trim_outbox"):
                connection.execute(query(name), position)
            connection.commit()

    def delivery_failed(self, name: str, error: str) -> None:
        """See `Store.delivery_failed`."""
        self._write("sink_failed", sink=name, error=error, now=self._now())

    @contextmanager
    def _no_writer(self) -> Iterator[psycopg.Connection[Any]]:
        """A transaction during which no other one changes entities; committed at its end."""
        for _ in range(LOCK_TRIES):
            # Anew for each try: behind a pooler our settings end with the transaction.
            with self.connection() as connection:
                if _lock_sinks(connection):
                    yield connection
                    connection.commit()
                    return
        raise StoreUnavailable(
            f"{self._place}: a transaction kept a sink from being registered or removed for half an hour; "
            "look for a session that is `idle in transaction`, and end it"
        )

    def _write(self, name: str, **parameters: Any) -> None:
        with self.connection() as connection, connection.pipeline():
            connection.execute(query(name), parameters)
            connection.commit()

    def _check_sink(self, name: str) -> None:
        if name not in (state.name for state in self.sinks()):
            raise self._unknown_sink(name)

    def _unknown_sink(self, name: str) -> Exception:
        return unknown_sink(name, [state.name for state in self.sinks()])


def _lock_sinks(connection: psycopg.Connection[Any]) -> bool:
    """Lock the table that every writer has read; `False` when one takes long, and others shall go first."""
    try:
        connection.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_WAIT,))
        connection.execute(query("lock_sinks"))
    except errors.LockNotAvailable:
        return False
    return True


class PostgresOutboxRows:
    """`OutboxRows` of a `PostgresTransaction`: they leave with its commit."""

    _has_sinks: bool

    if TYPE_CHECKING:

        def _later(self, name: str, **parameters: Any) -> None: ...
        def _execute(self, name: str, **parameters: Any) -> int: ...
        def _one(self, name: str, **parameters: Any) -> tuple[Any, ...]: ...

    def outbox_upserts(self, refs: Sequence[str], ingestion: int | None) -> None:
        """See `OutboxRows.outbox_upserts`."""
        if refs and self._has_sinks:
            self._later("add_to_outbox", refs=list(refs), ingestion=ingestion, removed=False)

    def outbox_removals(self, refs: Sequence[str], ingestion: int | None) -> None:
        """See `OutboxRows.outbox_removals`."""
        if refs and self._has_sinks:
            self._later("add_to_outbox", refs=list(refs), ingestion=ingestion, removed=True)

    def removing(self, statement: str, chunk: int, ingestion: int | None) -> Iterator[int]:
        """Remove entities in chunks and tell the sinks; yields how many each chunk removed.

        Args:
            statement: the query that removes the `limit` entities behind the id `after`, and answers with the last id
                that it looked at, how many it removed and, for the sinks, which.
            chunk: that limit.
            ingestion: on whose behalf.
        """
        after = 0
        while True:
            last, removed, refs = self._one(statement, ingestion=ingestion, after=after, limit=chunk)
            if last is None:
                return
            if refs:  # they leave at once: a sweep may have millions of them
                self._execute("add_to_outbox", refs=refs, ingestion=ingestion, removed=True)
            after = last
            yield removed
