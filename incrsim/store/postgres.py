"""The store in Postgres 15 and newer: psycopg 3 for the statements, SQLAlchemy for the connections (architecture,
decision 5).

Each method is one transaction that first locks the provider's row, then runs the step from `transactions` over
`PostgresTransaction`. What may be met without anybody's fault (serialisation, deadlock, a row that another provider
changed meanwhile) is run again here (C-40).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from incrsim.clock import Clock
from incrsim.errors import CallerError, StoreError, StoreUnusable
from incrsim.ingestion import Failure, Ingestion
from incrsim.lifecycle import Decision, Operator
from incrsim.logs import about
from incrsim.options import ProviderOptions
from incrsim.store import migrations, operations, transactions
from incrsim.store.contract import Claim, CommittedPage, Held, Lease
from incrsim.store.operating import Approved, Gone, Operated
from incrsim.store.page import PageDraft
from incrsim.store.postgres_address import read_address
from incrsim.store.postgres_errors import REFS_ONCE, RETRIED, Conflict, first_lines
from incrsim.store.postgres_listening import PostgresListening
from incrsim.store.postgres_mutating import PostgresMutating
from incrsim.store.postgres_operating import PostgresOperating
from incrsim.store.postgres_outbox import PostgresOutbox
from incrsim.store.postgres_pool import LASTING, PostgresPool, Settings
from incrsim.store.postgres_records import can_hold, read_ingestion, read_lease, read_provider
from incrsim.store.postgres_rows import PostgresTransaction
from incrsim.store.postgres_searching import PostgresSearching
from incrsim.store.queries import query

Result = TypeVar("Result")

log = logging.getLogger("incrsim.store")

TRIES = 8
"""How often a transaction is run before a conflict that will not go away is reported."""

CLAIM_LOCK_WAIT = "500ms"
"""How long a claim waits for a locked row before it looks at who holds it, and whether their lease has expired
(C-40)."""


class PostgresStore(PostgresListening, PostgresMutating, PostgresOperating, PostgresSearching, PostgresOutbox):
    """A store in a Postgres database, shared by any number of replicas.

    Args:
        url: `postgresql://user:password@host:port/database`.
        clock: the store's time; the database's own unless given (a simulation's virtual clock).
    """

    _settings: ClassVar[Settings] = LASTING

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        address = read_address(url)
        super().__init__(address.place)
        self._clock = clock
        self._pool = PostgresPool(address, settings=self._settings)
        # Renewals have their own: sweeps hold a connection each while they wait for theirs, and must not use up all.
        self._renewals = PostgresPool(address, keep=1, extra=1, settings=self._settings)

    @classmethod
    def open(cls, url: str, clock: Clock | None = None) -> Self:
        """Open a database and bring its schema up to date.

        Raises:
            StoreUnavailable: when it cannot be reached.
            StoreUnusable: when it is too old, of a newer schema, or read-only.
        """
        store = cls(url, clock)
        try:
            store.upgrade()
        except BaseException:
            store.close()
            raise
        return store

    def upgrade(self) -> list[migrations.Migration]:
        """Apply the migrations that are missing; says which.

        Raises:
            StoreUnusable: when there are some, and a pooler stands between us and the database.
        """
        if self._pool.pooled:
            return self._nothing_to_upgrade()
        with self.connection() as connection:
            return migrations.upgrade(connection, self._place)

    def _nothing_to_upgrade(self) -> list[migrations.Migration]:
        state = self.check()
        if not state.current:
            raise StoreUnusable(
                f"{self._place} has schema version {state.version} of {state.expected}, and migrations hold a lock "
                "for longer than a pooler keeps a session; run `incrsim db upgrade` on the database itself"
            )
        return []

    def check(self) -> migrations.SchemaState:
        """What the database has, against what this version needs; changes nothing."""
        with self.connection() as connection:
            return migrations.check(connection, self._place)

    def connection(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        """A connection of the pool; what was not committed is rolled back, and the driver's errors come out as ours."""
        return self._pool.connection()

    # --- what the engine does
    # ---------------------------------------------------------------------------------------------

    def register(self, provider: str) -> None:
        """See `Store.register`."""
        if not can_hold(provider):
            raise CallerError(
                f"the provider name {provider!r} holds NUL or a lone surrogate, which no database stores; "
                "use 1 to 255 printable characters"
            )
        with self.connection() as connection:
            connection.execute(query("add_provider"), {"name": provider})
            # In the same transaction (C-40): nobody ever meets a provider that has no ingestion yet.
            tx = self._begin(connection, provider, None)
            transactions.register(tx)
            tx.commit()

    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        """See `Store.claim`."""
        for _ in range(TRIES):
            try:
                return self._transact(provider, lambda tx: transactions.claim(tx, holder, options), CLAIM_LOCK_WAIT)
            except _RowLockedError:
                if not self._end_overdue_sessions(provider):
                    break
        # Somebody works on the row right now, and their lease has not expired: that is what being held means.
        state = self.state(provider)
        return Held(state.lease.holder, state.lease.expires_at) if state.lease else Held("another session", state.now)

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        """See `Store.commit_page`."""
        return self._transact(lease.provider, lambda tx: transactions.commit_page(tx, lease, draft, options))

    def end_burst(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.end_burst`."""
        return self._transact(lease.provider, lambda tx: transactions.end_burst(tx, lease, options))

    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        """See `Store.record_failure`."""
        return self._transact(lease.provider, lambda tx: transactions.record_failure(tx, lease, failure, options))

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """See `Store.commit_sweep`."""
        with self._heartbeat(lease):
            return self._transact(lease.provider, lambda tx: transactions.commit_sweep(tx, lease, options))

    def close(self) -> None:
        """See `Store.close`."""
        self._pool.close()
        self._renewals.close()

    # --- what operators do
    # ------------------------------------------------------------------------------------------------

    def operate(self, provider: str, operator: Operator) -> Operated:
        """See `Store.operate`."""
        return self._transact(provider, lambda tx: operations.operate(tx, operator))

    def approve(self, provider: str, verdict: int) -> Approved:
        """See `Store.approve`."""
        return self._transact(provider, lambda tx: operations.approve(tx, verdict))

    def retire(self, provider: str, expected: int) -> Gone:
        """See `Store.retire`."""
        return self._transact(provider, lambda tx: operations.retire(tx, expected))

    # --- transactions
    # -------------------------------------------------------------------------------------------------------

    def _transact(
        self, provider: str, work: Callable[[PostgresTransaction], Result], lock_wait: str | None = None
    ) -> Result:
        if not can_hold(provider):
            raise self.unknown(provider)
        for attempt in range(1, TRIES + 1):
            try:
                return self._transact_once(provider, work, lock_wait)
            except (_Again, Conflict) as error:
                if attempt == TRIES:
                    raise StoreError(
                        f"{self._place}: {provider!r} met a conflict {TRIES} times in a row ({error}); "
                        "another provider writes the same refs all the time: give each its own names or namespace"
                    ) from error
        raise AssertionError("the loop returns or raises")

    def _transact_once(
        self, provider: str, work: Callable[[PostgresTransaction], Result], lock_wait: str | None
    ) -> Result:
        with self.connection() as connection:
            try:
                with self._begin(connection, provider, lock_wait) as tx:
                    result = work(tx)
                    tx.commit()
            except RETRIED as error:
                raise _Again(first_lines(error)) from error
            except errors.UniqueViolation as error:
                if error.diag.constraint_name != REFS_ONCE:
                    raise
                # A unique ref that came in between our look and our copy is another provider's page (C-9).
                raise _Again(first_lines(error)) from error
            except errors.LockNotAvailable as error:
                raise _RowLockedError from error
        return result

    def _begin(self, connection: psycopg.Connection[Any], provider: str, lock_wait: str | None) -> PostgresTransaction:
        with connection.cursor(row_factory=dict_row) as cursor:
            with connection.pipeline():
                if lock_wait is not None:
                    connection.execute("SELECT set_config('lock_timeout', %s, true)", (lock_wait,))
                locked = connection.cursor(row_factory=dict_row).execute(query("lock_provider"), {"name": provider})
                cursor.execute(query("read_open"), {"name": provider})
            # To ask for the rows within the pipeline would be a round trip of its own.
            row, opened = locked.fetchone(), cursor.fetchone()
        if row is None or opened is None:
            raise self.unknown(provider)
        return PostgresTransaction(
            connection,
            provider_id=row["id"],
            provider=read_provider(row),
            lease=read_lease(provider, opened),
            ingestion=None if opened["number"] is None else read_ingestion(opened),
            now=self._now() or opened["now"],
            renew=self._renew,
            has_sinks=opened["has_sinks"],
        )

    # --- leases
    # -------------------------------------------------------------------------------------------------------------

    def _renew(self, lease: Lease) -> None:
        """Renew a lease on a connection of its own, while a sweep holds the provider's row (C-27)."""
        with self._renewals.connection() as connection:
            parameters = {"name": lease.provider, "fence": lease.fence, "now": self._now()}
            connection.execute(query("renew_lease"), parameters)
            connection.commit()

    @contextmanager
    def _heartbeat(self, lease: Lease) -> Iterator[None]:
        """Renew a lease while one statement of a sweep may take longer than it lasts; a virtual clock needs no such
        help.
        """
        if self._clock is not None:
            yield
            return
        done = threading.Event()

        def beat() -> None:
            while not done.wait(lease.length.total_seconds() / 3):
                with suppress(StoreError):  # if the database is away the sweep notices by itself
                    self._renew(lease)

        thread = threading.Thread(target=beat, name=f"incrsim lease of {lease.provider}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _end_overdue_sessions(self, provider: str) -> bool:
        """End sessions that keep a provider locked although their lease has expired; says whether there were any
        (C-40).
        """
        with self.connection() as connection:
            holding = connection.execute(query("sessions_holding"), {"name": provider, "now": self._now()}).fetchall()
            for (pid,) in holding:
                message = "%s: ending session %s, which kept the provider locked past its lease"
                log.warning(message, provider, pid, extra=about(provider))
                connection.execute(query("end_session"), {"pid": pid})
        return bool(holding)

    def _now(self) -> datetime | None:
        return None if self._clock is None else self._clock.now()


class _Again(Exception):  # noqa: N818  # never seen by callers
    """The transaction met a conflict that nobody is to blame for."""


class _RowLockedError(Exception):
    """The provider's row stayed locked for longer than a claim waits."""
