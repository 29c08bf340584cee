"""One provider's ingestion, driven to its end now."""

from __future__ import annotations

from typing import Self

from incrsim.clock import Clock
from incrsim.events import Event, EventStream, PageCommitted
from incrsim.ingestion import Ingestion, Status
from incrsim.lifecycle import Operator
from incrsim.roster import Roster, pause
from incrsim.stopping import Stop
from incrsim.store import Store
from incrsim.store.contract import ProviderState


def drive(name: str, roster: Roster, store: Store, clock: Clock, stop: Stop) -> Ingestion:
    """Bring the open ingestion to its end, whatever it waits for; returns its record, which is still open after `stop`.

    Args:
        name: the provider.
        roster: has it.
        store: where it is.
        clock: what waits.
        stop: asked at each page boundary.

    Raises:
        UnknownProvider: when it is not served.
        StoreError: when the store cannot be used.
    """
    number = store.operate(name, Operator.TRIGGER).decision.current.number  # a rest or a wait ends
    while True:
        last = roster.tick(name, stop)
        state = store.state(name)
        ended = _ended(store, state, number)
        if ended is not None or stop.asked:
            return ended or state.ingestion
        clock.wait(pause(state, last), stop.wake)


class Returned:
    """Counts what a provider's pages return, as long as it is entered.

    Args:
        stream: tells of pages.
        name: the provider.
    """

    def __init__(self, stream: EventStream, name: str) -> None:
        self.entities = 0
        self._stream = stream
        self._name = name

    def __enter__(self) -> Self:
        self._unsubscribe = self._stream.subscribe(self._count)
        return self

    def __exit__(self, *error: object) -> None:
        self._unsubscribe()

    def _count(self, event: Event) -> None:
        if isinstance(event, PageCommitted) and event.provider == self._name:
            self.entities += event.counts.returned


def _ended(store: Store, state: ProviderState, number: int) -> Ingestion | None:
    if state.ingestion.number == number:
        return state.ingestion if state.ingestion.status is Status.RESTING else None
    return next((each for each in store.history(state.name) if each.number == number), state.ingestion)
