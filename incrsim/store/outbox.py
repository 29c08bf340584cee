"""What sinks need of a store: an outbox per provider, written in the transaction that changes entities (C-12).

Rows are numbered per provider, in commit order, by a counter on the provider's row. A row holds a ref, not a body:
bodies are read at delivery, and a ref that is gone or owned by another by then is skipped, since its own row follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from incrsim.store.contract import StoredEntity

DELIVERY_LEASE = timedelta(seconds=60)
"""For how long one replica may deliver to a sink before another may go on."""


@dataclass(frozen=True, slots=True)
class SinkState:
    """A registered sink.

    Args:
        name: its name.
        registered_at: when.
        behind: outbox rows that it has not got yet, over all providers; refs still to be resynced not counted.
        resyncing: whether it is being given everything again.
        failing_since: when its first failure in a row was, or `None`.
        last_error: of that.
    """

    name: str
    registered_at: datetime
    behind: int
    resyncing: bool
    failing_since: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a sink gets next: rows of one provider, all of the same ingestion, in commit order.

    Args:
        sink: its name.
        provider: whose rows.
        ingestion: the number of the ingestion that wrote them; `None` for events and direct deltas outside of pages and
            sweeps, and for a resync.
        sequence: the outbox number of the last row: what `delivered` confirms, and what the sink is told.
        added: entities that are there now, new or changed.
        removed: refs that are gone.
        resync: whether this is part of giving everything again.
        resynced_to: for a resync, the last ref of this part.
    """

    sink: str
    provider: str
    ingestion: int | None
    sequence: int
    added: tuple[StoredEntity, ...]
    removed: tuple[str, ...]
    resync: bool = False
    resynced_to: str | None = None


class OutboxStore(Protocol):
    """What `sinks` calls."""

    def register_sink(self, name: str) -> None:
        """Keep a sink by name until `remove_sink`; it begins with a resync. Waits for every transaction that is under
        way, so that none misses the outbox. Repeatable: one that is registered already stays as it is.
        """

    def remove_sink(self, name: str) -> None:
        """Forget a sink, and the outbox when it was the last one.

        Raises:
            UnknownSink: when it is not registered.
        """

    def resync(self, name: str) -> None:
        """Give a sink everything again.

        Raises:
            UnknownSink: when it is not registered.
        """

    def sinks(self) -> list[SinkState]:
        """All registered sinks, by name."""

    def lease_sink(self, name: str, holder: str) -> bool:
        """Take or renew the right to deliver to a sink, for `DELIVERY_LEASE`: one deliverer at a time keeps the order
        across providers too. `False` while another one has it.

        Raises:
            UnknownSink: when it is not registered.
        """

    def release_sink(self, name: str, holder: str) -> None:
        """Give that right back."""

    def next_delivery(self, name: str, *, provider: str | None = None, limit: int = 500) -> Delivery | None:
        """What the sink gets next, of one provider or of the one that waits longest; `None` when there is nothing.

        Raises:
            UnknownSink: when it is not registered.
        """

    def delivered(self, delivery: Delivery) -> None:
        """The sink has it; rows that every sink has go. Clears the sink's failure."""

    def delivery_failed(self, name: str, error: str) -> None:
        """Keep that a sink fails, and since when."""
