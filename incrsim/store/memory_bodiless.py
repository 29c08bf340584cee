"""The memory store without bodies, for simulations of sources that would not fit into memory."""

from __future__ import annotations

from incrsim.entity import Entity
from incrsim.store.memory import MemoryStore
from incrsim.store.memory_rows import MemoryTransaction


class _BodilessTransaction(MemoryTransaction):
    def _body_of(self, entity: Entity) -> bytes:
        return b""


class BodilessStore(MemoryStore):
    """A `MemoryStore` that knows entities by their digests; their bodies read as nothing.

    Args:
        clock: the store's time.
    """

    _transaction = _BodilessTransaction
