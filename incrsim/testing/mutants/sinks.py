"""Stores of which other systems hear too little, or what is not so."""

from __future__ import annotations

from collections.abc import Sequence

from incrsim.store.memory_rows import MemoryTransaction
from incrsim.store.outbox import Delivery
from incrsim.testing.mutants.broken import BrokenStore
from incrsim.testing.mutants.mutant import breaks


@breaks("C-12")
class LosesOutboxRow(MemoryTransaction):
    """Of each step's removals the last one is not written to the outbox."""

    def outbox_removals(self, refs: Sequence[str], ingestion: int | None) -> None:
        """See `OutboxRows.outbox_removals`."""
        super().outbox_removals(refs[:-1], ingestion)


@breaks("C-12")
class KeepsEventsToItself(MemoryTransaction):
    """What events add is not written to the outbox."""

    def outbox_upserts(self, refs: Sequence[str], ingestion: int | None) -> None:
        """See `OutboxRows.outbox_upserts`."""
        if ingestion is not None:
            super().outbox_upserts(refs, ingestion)


@breaks("C-12")
class DeliversAtMostOnce(BrokenStore):
    """What was handed to a sink counts as delivered, also when the sink has failed."""

    def next_delivery(self, name: str, *, provider: str | None = None, limit: int = 500) -> Delivery | None:
        """See `OutboxStore.next_delivery`."""
        delivery = super().next_delivery(name, provider=provider, limit=limit)
        if delivery is not None:
            self.delivered(delivery)
        return delivery
