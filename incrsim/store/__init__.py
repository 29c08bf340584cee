"""Where entities, marks and ingestions live: one contract in words and types, in memory and in Postgres.

`contract` is what the engine and its readers need, `operating` what operators do, `mutating` what events and direct
mutations do, `outbox` what sinks need, `searching` what the catalog asks for, `listening` how workers wake up.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from incrsim.store.contract import EngineStore, ReadingStore
from incrsim.store.listening import ListeningStore
from incrsim.store.mutating import MutationStore
from incrsim.store.operating import OperatorStore
from incrsim.store.outbox import OutboxStore
from incrsim.store.searching import SearchStore

__all__ = ["Store"]


@runtime_checkable
class Store(
    EngineStore, ReadingStore, OperatorStore, MutationStore, OutboxStore, SearchStore, ListeningStore, Protocol
):
    """All that a store does; `contract` says what holds for each of its methods."""
