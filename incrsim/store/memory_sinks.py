"""Sinks of a `MemoryStore`: the outbox rows that a transaction writes, and what sinks need."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from incrsim.store.contract import StoredEntity
from incrsim.store.memory_outbox import Outbox, SinkRow
from incrsim.store.memory_tables import Tables
from incrsim.store.outbox import (
    DELIVERY_LEASE,
    Delivery,
    SinkState,
    Turn,
    alike,
    check_name,
    delivery_of,
    resync_of,
    unknown_sink,
)


class MemoryOutboxRows:
    """`OutboxRows` of a `MemoryTransaction`."""

    _tables: Tables
    _outbox: Outbox | None
    _writes: list[Callable[[], None]]

    def outbox_upserts(self, refs: Sequence[str], ingestion: int | None) -> None:
        """See `OutboxRows.outbox_upserts`."""
        if self._outbox is not None:
            self._writes.append(partial(self._outbox.add, refs, ingestion, removed=False))

    def outbox_removals(self, refs: Sequence[str], ingestion: int | None) -> None:
        """See `OutboxRows.outbox_removals`."""
        if self._outbox is not None:
            self._writes.append(partial(self._outbox.add, refs, ingestion, removed=True))

    def removing(self, refs: Sequence[str], chunk: int, ingestion: int | None) -> Iterator[int]:
        """Remove entities in chunks and tell the sinks; yields how many each chunk removed."""
        for start in range(0, len(refs), chunk):
            gone = refs[start : start + chunk]
            self._writes.append(partial(self._tables.remove, gone))
            self.outbox_removals(gone, ingestion)
            yield len(gone)


class MemorySinks(ABC):
    """`OutboxStore` over rows in memory."""

    _tables: Tables
    _lock: threading.RLock

    @abstractmethod
    def entity(self, ref: str) -> StoredEntity | None:
        """See `Store.entity`."""

    @abstractmethod
    def entities(self, provider: str | None = None, *, after: str = "", limit: int = 1000) -> Sequence[StoredEntity]:
        """See `Store.entities`."""

    def register_sink(self, name: str) -> None:
        """See `Store.register_sink`."""
        check_name(name)
        with self._lock:
            tables, outboxes = self._tables, self._tables.outboxes
            if name not in outboxes.sinks:
                number = outboxes.next_turn()
                turns = {each: Turn(name, each, outboxes.of(each).last, "", number) for each in tables.providers}
                outboxes.sinks[name] = SinkRow(name, tables.clock.now(), turns)

    def remove_sink(self, name: str) -> None:
        """See `Store.remove_sink`."""
        with self._lock:
            self._sink(name)
            del self._tables.outboxes.sinks[name]
            for provider in self._tables.providers:
                self._tables.outboxes.trim(provider)

    def resync(self, name: str) -> None:
        """See `Store.resync`."""
        with self._lock:
            sink, number = self._sink(name), self._tables.outboxes.next_turn()
            for provider in self._tables.providers:
                sink.turns[provider] = replace(sink.turn(provider), resync_after="", number=number)

    def sinks(self) -> list[SinkState]:
        """See `Store.sinks`."""
        with self._lock:
            return [self._sink_state(sink) for _, sink in sorted(self._tables.outboxes.sinks.items())]

    def lease_sink(self, name: str, holder: str, *, provider: str | None = None) -> bool:
        """See `Store.lease_sink`."""
        with self._lock:
            sink, now = self._sink(name), self._tables.clock.now()
            free = sink.holder in (None, holder) or sink.held_until is None or sink.held_until <= now
            if free and self._waiting(sink, provider):
                sink.holder, sink.held_until = holder, now + DELIVERY_LEASE
                return True
            return False

    def release_sink(self, name: str, holder: str) -> None:
        """See `Store.release_sink`."""
        with self._lock:
            sink = self._tables.outboxes.sinks.get(name)
            if sink is not None and sink.holder == holder:
                sink.holder = sink.held_until = None

    def next_delivery(self, name: str, *, provider: str | None = None, limit: int = 500) -> Delivery | None:
        """See `Store.next_delivery`."""
        with self._lock:
            waiting = self._waiting(self._sink(name), provider)
            if not waiting:
                return None
            turn = waiting[0]
            if turn.resync_after is not None:
                part = self.entities(turn.provider, after=turn.resync_after, limit=limit)
                return resync_of(turn, part, limit)
            rows = alike(self._tables.outboxes.of(turn.provider).after(turn.sequence, limit))
            found = {row.ref: self.entity(row.ref) for row in rows}
            return delivery_of(turn, rows, {ref: entity for ref, entity in found.items() if entity is not None})

    def delivered(self, delivery: Delivery) -> None:
        """See `Store.delivered`."""
        with self._lock:
            outboxes, turn, span = self._tables.outboxes, delivery.turn, delivery.span
            sink = outboxes.sinks.get(turn.sink)
            if sink is None:
                return
            sink.failing_since = sink.last_error = None
            if sink.turn(turn.provider).number == turn.number:
                resync_after = None if span is None else span.to
                sink.turns[turn.provider] = Turn(
                    turn.sink, turn.provider, delivery.sequence, resync_after, outboxes.next_turn()
                )
                outboxes.trim(turn.provider)

    def delivery_failed(self, name: str, error: str) -> None:
        """See `Store.delivery_failed`."""
        with self._lock:
            sink = self._tables.outboxes.sinks.get(name)
            if sink is not None:
                sink.failing_since = sink.failing_since or self._tables.clock.now()
                sink.last_error = error

    def _sink(self, name: str) -> SinkRow:
        sinks = self._tables.outboxes.sinks
        if name not in sinks:
            raise unknown_sink(name, sorted(sinks))
        return sinks[name]

    def _waiting(self, sink: SinkRow, provider: str | None) -> list[Turn]:
        known = self._tables.providers
        return self._tables.outboxes.waiting(sink, [each for each in known if provider in (None, each)])

    def _sink_state(self, sink: SinkRow) -> SinkState:
        outboxes = self._tables.outboxes
        turns = [(outboxes.of(provider), sink.turn(provider)) for provider in self._tables.providers]
        return SinkState(
            name=sink.name,
            registered_at=sink.registered_at,
            behind=sum([outbox.last - turn.sequence for outbox, turn in turns]),
            resyncing=any(turn.resync_after is not None for _, turn in turns),
            failing_since=sink.failing_since,
            last_error=sink.last_error,
        )
