"""The door that most users come in by: a store, the providers that are kept equal to their sources, and the events of
both.
"""

from __future__ import annotations

import math
import os
import secrets
import socket
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from incrsim import events, mutations, panels
from incrsim.app_added import Added
from incrsim.app_shown import app_card, named
from incrsim.background import Background, refuse_virtual
from incrsim.catalog import Catalog
from incrsim.clock import Clock, SystemClock
from incrsim.cycle import Returned, drive
from incrsim.engine import Engine
from incrsim.events import EventStream
from incrsim.host import Host, ThreadHost
from incrsim.operators import Operators
from incrsim.operators_frames import history, marks
from incrsim.options import ProviderOptions
from incrsim.panels import Panel
from incrsim.planning import plan
from incrsim.planning_values import Plan
from incrsim.provider import check_provider
from incrsim.provider_events import Delta, SourceEvent
from incrsim.report import CycleReport
from incrsim.report_mutations import DeltaReport, EventReport, FullReport
from incrsim.roster import Roster
from incrsim.sinks.courier import Courier, DeliveryReport
from incrsim.sinks.mutation import Sink
from incrsim.stopping import Stop, Stops
from incrsim.store import Store
from incrsim.store.contract import ProviderState
from incrsim.worker import Worker

if TYPE_CHECKING:
    import pandas as pd

CONCURRENCY = 8
"""How many bursts run at once, unless told otherwise."""


class App:
    """Keeps a catalog equal to the sources of its providers.

    Args:
        store: where entities, marks and ingestions live; closed together with the app.
        clock: time for bursts, waits and events; a `VirtualClock` makes waiting free.
        host: where providers' code runs; on threads of their own unless told otherwise.
        holder: the name of this replica in leases; made up unless given.
    """

    def __init__(
        self, store: Store, *, clock: Clock | None = None, host: Host | None = None, holder: str | None = None
    ) -> None:
        self.store = store
        self.events = EventStream()
        self.catalog = Catalog(store)
        self.clock = clock or SystemClock()
        self._stopwatch = SystemClock()  # what a report says of speed is real, also when waiting is virtual
        self._host = host or ThreadHost()
        self._holder = holder or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._courier = Courier(store, self._holder, self.clock)
        self._roster = Roster(self.events)
        self._stops = Stops()
        self.background: Background | None = None
        self.operators = Operators(store, self._roster.options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<App on {self.store.describe()}: {named(self.providers())}>"

    def _repr_html_(self) -> str:
        """For notebooks."""
        return app_card(self.operators, self.store.describe(), self.providers())

    def close(self) -> None:
        """Stop, and close the store. Repeatable."""
        self.stop()
        if self.background is not None:
            self.background.stop()
        self.store.close()

    def add(self, provider: Any, *, replace: bool = False, **options: Any) -> Added:
        """Serve a provider; returns a note of what that did.

        Args:
            provider: an object with a `name`, an `around` and a `next` (C-2).
            replace: take the place of a provider of that name; its running burst ends at its next page first (C-1).
            options: see `ProviderOptions`; durations as `"3s"`, `timedelta` or `{"seconds": 3}`.

        Raises:
            InvalidProvider: when it cannot serve as a provider.
            InvalidOptions: when an option has a value that cannot work.
            DuplicateProvider: when there is one of that name, and `replace` was not given.
        """
        name = check_provider(provider)
        checked = ProviderOptions.of(**options)
        self.store.register(name)
        engine = Engine(provider, checked, self.store, self.clock, self._host, self._holder, sinks=self._courier)
        serve = self._roster.replace if replace else self._roster.add
        return Added.of(engine, serve(engine))

    def remove(self, name: str) -> None:
        """Serve a provider no longer; its running burst ends at its next page first, and what is stored of it stays.

        Args:
            name: the provider's name.

        Raises:
            UnknownProvider: when this app does not serve it.
        """
        self._roster.remove(name)

    def attach(self, sink: Sink, *, seconds: float = math.inf) -> DeliveryReport:
        """Keep another system equal to the catalog: it is given all that there is, and from now on what changes.

        The store knows it by its name until `detach`, in every process; this one delivers to it (C-12).

        Args:
            sink: an object with a `name` and an `apply_mutation`.
            seconds: begin no delivery after so many; what is left follows with `run`, `run_cycle` and `deliver`.

        Raises:
            InvalidSink: when it cannot serve as a sink.
            DuplicateSink: when another one of that name is attached.
        """
        self._courier.attach(sink)
        return self.deliver(seconds=seconds)

    def detach(self, name: str) -> None:
        """Forget a sink, and what waits for it, in the store and so for every process.

        Raises:
            UnknownSink: when it is not registered.
        """
        self._courier.detach(name)
        self.store.remove_sink(name)

    def resync(self, name: str) -> DeliveryReport:
        """Give a sink everything again.

        Raises:
            UnknownSink: when it is not registered.
        """
        self.store.resync(name)
        return self.deliver()

    def deliver(self, *, seconds: float = math.inf) -> DeliveryReport:
        """Deliver to the attached sinks what waits for them; a sink that fails is told of in the report.

        Args:
            seconds: begin no delivery after so many.

        Raises:
            StoreError: when the store cannot be used.
        """
        return self._courier.deliver(seconds=seconds)

    def providers(self) -> list[str]:
        """The names of the providers that this app serves, sorted."""
        return self._roster.names()

    def state(self, name: str) -> ProviderState:
        """Where a provider is now."""
        return self.store.state(name)

    def history(self, name: str | None = None) -> pd.DataFrame:
        """A DataFrame with a row for each ingestion that is kept: the last 20 complete ones of a provider, and the open
        one (C-19).

        Args:
            name: the provider's name; all providers of the store unless given.

        Raises:
            UnknownProvider: when there is none of that name.
            MissingExtra: when pandas is not installed.
        """
        return history(self.store, self.operators, name)

    def marks(self, name: str) -> pd.DataFrame:
        """A DataFrame with a row for each page that the open ingestion has committed.

        Args:
            name: the provider's name.

        Raises:
            UnknownProvider: when there is none of that name.
            MissingExtra: when pandas is not installed.
        """
        return marks(self.operators, name)

    def tick(self, name: str) -> events.Event | None:
        """Do what is due for one provider, to its end; returns the last event, if anything happened.

        Raises:
            UnknownProvider: when this app does not serve it.
            StoreError: when the store cannot be used.
        """
        with self._stops.call() as stop:
            return self._roster.tick(name, stop)

    def run_cycle(self, name: str) -> CycleReport:
        """Bring one provider's ingestion to its end now: go on with an open one, or begin one; a rest or wait ends.

        Waits while another replica holds the lease. Failures are retried as the options say. Ends when the sweep is
        committed or refused, when the ingestion ended otherwise, or at the next page boundary after `stop`.

        Args:
            name: the provider's name.

        Raises:
            UnknownProvider: when this app does not serve it.
            StoreError: when the store cannot be used.
        """
        self._roster.find(name)
        began = self._stopwatch.monotonic()
        with Returned(self.events, name) as returned, self._stops.call() as stop:
            ingestion = drive(name, self._roster, self.store, self.clock, stop)
        self.deliver()
        return CycleReport(name, ingestion, returned.entities, self._stopwatch.monotonic() - began)

    def emit(self, topic: str, payload: Any = None, headers: Mapping[str, str] | None = None) -> EventReport:
        """Hand an event of a source to the providers that name its topic; waits for no burst (C-29).

        Args:
            topic: what it is about.
            payload: what the source sent.
            headers: of the request that brought it.

        Raises:
            NoEventHandler: when no provider here names the topic.
            EventHandlerFailed: when a handler failed; nothing of its answer was kept.
            StoreError: when the store cannot be used.
        """
        engines = self._roster.engines()
        return mutations.emit(engines, SourceEvent(topic, payload, headers or {}), self.events.publish)

    def apply_delta(self, name: str, added: Iterable[Any] = (), removed: Iterable[str] = ()) -> DeltaReport:
        """Add, change and remove some of a provider's entities at once, as an event would (C-30).

        Args:
            name: the provider's name.
            added: entities, as on a `Page`.
            removed: refs.

        Raises:
            UnknownProvider: when this app does not serve it.
            InvalidDelta: when it cannot be applied as it is.
            InvalidEntity: when an entity has no readable ref, or is invalid and the options say so.
        """
        return mutations.apply_delta(self._roster.find(name).engine, Delta(added, removed), self.events.publish)

    def apply_full(self, name: str, entities: Iterable[Any]) -> FullReport:
        """Make a provider's entities equal to these, in one step and under its guards, between two ingestions (C-30).

        Args:
            name: the provider's name.
            entities: all of them; read one after the other, and never all in memory.

        Raises:
            UnknownProvider: when this app does not serve it.
            ProviderBusy: when somebody works on it.
            InvalidTransition: when its ingestion is under way.
        """
        return mutations.apply_full(self._roster.find(name).engine, entities, self.events.publish)

    def plan(self, name: str, stop: Stop | None = None) -> Plan:
        """Read a whole cycle of a provider and say what it would do; changes nothing (C-28). No burst of the provider
        runs in this process meanwhile.

        Args:
            name: the provider's name.
            stop: gives up this plan alone, when asked.

        Raises:
            UnknownProvider: when this app does not serve it.
            ProviderBusy: when a thread of it is stuck in this process, or `stop` was called meanwhile.
        """
        with self._stops.call(stop) as given, self._roster.driven(name, given) as engine:
            return plan(engine.provider, engine.options, engine.store, engine.host, stopping=engine.stopping)

    def run(self, *, concurrency: int = CONCURRENCY) -> None:
        """Serve all providers until `stop` is called, each when it is due, as one of any number of replicas. The store
        may go away and come back meanwhile, and providers may be added, replaced and removed.

        Args:
            concurrency: how many bursts may run at once, each on a thread of its own, on which its events are told.

        Raises:
            CallerError: when that is none.
            AllSlotsStuck: when calls that did not return hold all slots (C-16).
        """
        with self._stops.call() as stop:
            self._worker(concurrency).run(stop)

    def start(self, *, concurrency: int = CONCURRENCY) -> Background:
        """Serve all providers as `run` does, on a thread of its own, and return at once; `stop` and `close` end it.
        When it does so already, nothing more begins.

        Args:
            concurrency: how many bursts may run at once.

        Raises:
            CallerError: when the app's clock is virtual: there, time passes only when somebody moves it.
        """
        refuse_virtual(self.clock)
        if self.background is None or not self.background.alive:
            self.background = Background(self._worker(concurrency).run, self._stops)
        return self.background

    def stop(self) -> None:
        """End `run`, `start`, `run_cycle`, `tick` and `plan` at the next page boundary, whichever are under way; when
        none is, the next one ends so. May be called from any thread or signal handler.
        """
        self._stops.ask()

    def panel(self) -> Panel:
        """Watch the store's providers in a notebook, and steer them; the same panel, however often it is displayed.

        Raises:
            MissingExtra: when ipywidgets is not installed.
        """
        return panels.panel("panel", self)

    def _worker(self, concurrency: int) -> Worker:
        return Worker(
            self._roster,
            self.store,
            self._courier,
            clock=self.clock,
            host=self._host,
            holder=self._holder,
            concurrency=concurrency,
        )
