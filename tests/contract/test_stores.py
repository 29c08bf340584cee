"""Every store keeps the same contract: a new one inherits `StoreContract` and says how it is opened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from incrsim.clock import VirtualClock
from incrsim.ingestion import Status
from incrsim.store import Store
from incrsim.store.memory import MemoryStore
from tests.contract.approvals import ApprovalContract
from tests.contract.claims import ClaimContract
from tests.contract.deltas import DeltaContract, MutationReadingContract
from tests.contract.driver import Driver
from tests.contract.emptied import emptied
from tests.contract.failures import FailureContract
from tests.contract.full import FullContract
from tests.contract.guards import GuardContract
from tests.contract.hostile import HostileContract
from tests.contract.listening import ListeningContract
from tests.contract.operators import OperatorContract
from tests.contract.ownership import OwnershipContract
from tests.contract.pages import PageContract
from tests.contract.reading import ReadingContract
from tests.contract.searching import SearchContract
from tests.contract.sinks import SinkContract
from tests.contract.sweeps import SweepContract
from tests.contract.upstream import UpstreamContract


class StoreContract(
    ClaimContract,
    PageContract,
    OwnershipContract,
    FailureContract,
    SweepContract,
    GuardContract,
    ReadingContract,
    SearchContract,
    OperatorContract,
    ApprovalContract,
    UpstreamContract,
    HostileContract,
    DeltaContract,
    FullContract,
    MutationReadingContract,
    SinkContract,
    ListeningContract,
):
    """All that every store promises; `store` is the one hole to fill."""


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self, clock: VirtualClock) -> Store:
        """A store in memory."""
        return MemoryStore(clock)


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def store(self, clock: VirtualClock, shared_database_url: str) -> Iterator[Store]:
        """A store in a database that was emptied for it, on the same virtual time."""
        from incrsim.store.postgres import PostgresStore

        store = PostgresStore.open(emptied(shared_database_url), clock=clock)
        yield store
        store.close()

    def test_the_database_enforces_one_open_ingestion(self, p: Driver, shared_database_url: str) -> None:
        """Whatever a program does, the database takes no second ingestion that is not complete (C-15)."""
        import psycopg

        again = (
            "INSERT INTO incrsim.ingestion (provider_id, number, status, due_at, scheduled_at) "
            "SELECT provider_id, number + 1, %s, due_at, scheduled_at FROM incrsim.ingestion"
        )
        with psycopg.connect(shared_database_url) as connection:
            for status in Status:
                with pytest.raises((psycopg.errors.UniqueViolation, psycopg.errors.CheckViolation)):
                    connection.execute(again, (status,))
                connection.rollback()
