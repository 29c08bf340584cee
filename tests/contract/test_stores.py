"""Every store keeps the same contract: a new one inherits `StoreContract` and says how it is opened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from incrsim.clock import VirtualClock
from incrsim.store.contract import Store
from incrsim.store.memory import MemoryStore
from tests.contract.claims import ClaimContract
from tests.contract.failures import FailureContract
from tests.contract.guards import GuardContract
from tests.contract.ownership import OwnershipContract
from tests.contract.pages import PageContract
from tests.contract.reading import ReadingContract
from tests.contract.sweeps import SweepContract


class StoreContract(
    ClaimContract,
    PageContract,
    OwnershipContract,
    FailureContract,
    SweepContract,
    GuardContract,
    ReadingContract,
):
    """All that every store promises; `store` is the one hole to fill."""


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self, clock: VirtualClock) -> Store:
        """A store in memory."""
        return MemoryStore(clock)


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def store(self, clock: VirtualClock, database_url: str) -> Iterator[Store]:
        """A store in a database of its own, on the same virtual time."""
        from incrsim.store.postgres import PostgresStore

        store = PostgresStore.open(database_url, clock=clock)
        yield store
        store.close()
