"""Brings to sinks what waits for them, in order and at least once (C-12)."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from incrsim.clock import Clock
from incrsim.errors import DuplicateSink, UnknownSink
from incrsim.errors_text import escaped, text_of
from incrsim.sinks.mutation import Mutation, Sink, check_sink
from incrsim.store.outbox import Delivery, OutboxStore

log = logging.getLogger("incrsim.sinks")

BATCH = 500
"""How many changes a sink is told at once: memory does not grow with what waits (C-13)."""

RETRY_WAIT = 5.0
"""Seconds after which a sink that failed is tried again; until then nobody in this process waits for it."""

LOOK_EVERY = 5.0
"""Seconds after which it is looked again whether a sink of another process fails."""

BUSY_WAIT = 10.0
"""Seconds that a delivery waits for another one of this process to the same sink."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a round of deliveries did.

    Args:
        delivered: how many changes sinks have taken in.
        failed: why others have not, by the name of the sink.
        more: whether time was up before all was delivered.
    """

    delivered: int = 0
    failed: Mapping[str, str] = field(default_factory=dict)
    more: bool = False


_NOTHING_DELIVERED = DeliveryReport()


class Delivering(Protocol):
    """What the engine asks before each page."""

    def deliver(self, provider: str | None = None, *, seconds: float = math.inf) -> DeliveryReport:
        """See `Courier.deliver`."""


class NoSinks:
    """`Delivering` where there is nothing to be delivered to."""

    def deliver(self, provider: str | None = None, *, seconds: float = math.inf) -> DeliveryReport:
        """Do nothing."""
        return _NOTHING_DELIVERED


class Courier:
    """Delivers to the sinks that are attached in this process; may be called from any thread.

    Args:
        store: where the outboxes are.
        holder: the name of this replica.
        clock: for retries, and for how long a round may take.
    """

    def __init__(self, store: OutboxStore, holder: str, clock: Clock) -> None:
        self._store = store
        self._holder = holder
        self._clock = clock
        self._attached: dict[str, _Attached] = {}
        self._failing: dict[str, str] = {}
        self._look_at = -math.inf

    def attach(self, sink: Sink) -> None:
        """Register a sink, and deliver to it from now on.

        Raises:
            InvalidSink: when it cannot serve as a sink.
            DuplicateSink: when another one of that name is attached.
        """
        name = check_sink(sink)
        if name in self._attached:
            raise DuplicateSink(f"a sink called {name!r} is attached already; give this one another name")
        self._store.register_sink(name)
        self._attached = {**self._attached, name: _Attached(sink, name)}

    @property
    def attached(self) -> bool:
        """Whether there is anybody to deliver to in this process."""
        return bool(self._attached)

    def detach(self, name: str) -> None:
        """Deliver to a sink no longer; the store keeps what waits for it."""
        self._attached = {each: attached for each, attached in self._attached.items() if each != name}

    def deliver(self, provider: str | None = None, *, seconds: float = math.inf) -> DeliveryReport:
        """Deliver what waits, until nothing does; what goes wrong with a sink is told in the report.

        Args:
            provider: only of this provider, before a page of it: then the report also tells of sinks that fail in other
                processes.
            seconds: begin no delivery after so many.

        Raises:
            StoreError: when the store cannot be used.
        """
        ends_at = self._clock.monotonic() + seconds
        delivered, more = 0, False
        failed = {} if provider is None else self._failing_elsewhere()
        for attached in self._attached.values():
            try:
                count, left = self._empty(attached, provider, ends_at)
            except _NotDelivered as error:
                failed[attached.name] = str(error)
            else:
                delivered, more = delivered + count, more or left
        return DeliveryReport(delivered, failed, more)

    def _failing_elsewhere(self) -> dict[str, str]:
        """Sinks of other processes stop pages here too, for their outbox would grow without end (C-12)."""
        now = self._clock.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            registered = self._store.sinks()
            self._failing = {each.name: each.last_error or "" for each in registered if each.failing_since is not None}
        return {name: error for name, error in self._failing.items() if name not in self._attached}

    def _empty(self, attached: _Attached, provider: str | None, ends_at: float) -> tuple[int, bool]:
        if self._clock.monotonic() < attached.retry_at:
            raise _NotDelivered(attached.error)
        count = 0
        try:
            while (delivery := self._one(attached, provider)) is not None:
                count += len(delivery.added) + len(delivery.removed)
                if self._clock.monotonic() >= ends_at:
                    return count, True
        except UnknownSink:
            log.info("the sink %s is not registered any more: it is told nothing", attached.name)
        finally:
            self._give_back(attached)
        return count, False

    def _one(self, attached: _Attached, provider: str | None) -> Delivery | None:
        # Two threads of a process are one holder to the store: between themselves they take turns here.
        if not attached.lock.acquire(timeout=BUSY_WAIT):
            raise _NotDelivered(f"an earlier delivery to it has taken longer than {BUSY_WAIT:g} s")
        try:
            if not self._store.lease_sink(attached.name, self._holder, provider=provider):
                return None
            attached.leased = True
            delivery = self._store.next_delivery(attached.name, provider=provider, limit=BATCH)
            if delivery is not None:
                self._apply(attached, delivery)
                self._store.delivered(delivery)
            return delivery
        finally:
            attached.lock.release()

    def _give_back(self, attached: _Attached) -> None:
        # Not while another thread of this process is delivering: it gives the right back when it has done.
        if attached.leased and attached.lock.acquire(blocking=False):
            try:
                attached.leased = False
                self._store.release_sink(attached.name, self._holder)
            finally:
                attached.lock.release()

    def _apply(self, attached: _Attached, delivery: Delivery) -> None:
        mutation = Mutation.of(delivery)
        if not mutation.size and mutation.resync is None:
            return  # all of it has changed again since: those rows follow
        try:
            attached.sink.apply_mutation(mutation)
        except Exception as error:
            attached.error = escaped(f"{type(error).__name__}: {text_of(error)}")
            attached.retry_at = self._clock.monotonic() + RETRY_WAIT
            log.warning("the sink %s failed and is tried again: %s", attached.name, attached.error)
            self._store.delivery_failed(attached.name, attached.error)
            raise _NotDelivered(attached.error) from error


@dataclass(slots=True)
class _Attached:
    """A sink in this process.

    Args:
        sink: the sink.
        name: its name as it was when it was attached.
        lock: held while one delivery is under way.
        leased: whether this process has the right to deliver to it.
        retry_at: when it may be tried again, monotonic.
        error: why it failed last.
    """

    sink: Sink
    name: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    leased: bool = False
    retry_at: float = -math.inf
    error: str = ""


class _NotDelivered(Exception):  # noqa: N818  # caught in this module
    """A sink has not taken a mutation in."""
