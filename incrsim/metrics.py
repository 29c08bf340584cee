"""Metrics for Prometheus: what an app's providers did, counted from its events, and where they are, asked of the store.

Each app has metrics of its own; labels are providers, sinks and words from fixed lists, so that their number is
bounded. Two are upstream's, under its names and with its labels, so that dashboards made for Backstage go on working:
`catalog_incremental.ingestions.started` and `.completed`, which are instants in seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from incrsim import events
from incrsim.app import App
from incrsim.clock import SystemClock
from incrsim.errors import MissingExtra, StoreError
from incrsim.ingestion import Counts, Outcome, Status
from incrsim.store import Store
from incrsim.store.contract import ProviderState

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram
    from prometheus_client.core import GaugeMetricFamily

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What an HTTP answer with `render`'s text must say that it is."""

FAST = (0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300)
"""Upper bounds in seconds of the buckets for pages."""

SLOW = (0.01, 0.1, 0.5, 1, 3, 5, 10, 30, 60, 300, 1800, 7200)
"""The same for bursts and sweeps."""

_READ_AHEAD = 1000
_CHANGES = {
    "added": "added",
    "updated": "updated",
    "unchanged": "unchanged",
    "removed": "removed",
    "quarantined": "invalid",
    "lost": "lost",
}
_lock = threading.Lock()
_of_apps: WeakKeyDictionary[App, Metrics] = WeakKeyDictionary()


def render(app: App) -> str:
    """An app's metrics in Prometheus' text format. Counting begins with the first call of `of` or `render`.

    Args:
        app: whose metrics.

    Raises:
        MissingExtra: when prometheus-client is not installed.
    """
    return of(app).render()


def of(app: App) -> Metrics:
    """An app's metrics: they listen to its events from the first call on.

    Args:
        app: whose metrics.

    Raises:
        MissingExtra: when prometheus-client is not installed.
    """
    with _lock:
        if app not in _of_apps:
            _of_apps[app] = Metrics(app.store)
            app.events.subscribe(_of_apps[app])
        return _of_apps[app]


class Metrics:
    """Counts events, and reads the rest from a store when it is asked.

    Args:
        store: where the providers are.

    Raises:
        MissingExtra: when prometheus-client is not installed.
    """

    def __init__(self, store: Store) -> None:
        try:
            import prometheus_client as prometheus
        except ImportError as error:
            raise MissingExtra("metrics need prometheus-client: pip install 'incrsim[metrics]'") from error
        self._generate = prometheus.generate_latest
        self._registry = prometheus.CollectorRegistry()
        self._clock = SystemClock()  # durations are real, also when waiting is virtual
        self._last: dict[str, float] = {}
        self._bursts: dict[str, float] = {}
        self._begun: dict[str, int] = {}

        def counter(name: str, text: str, *labels: str) -> Counter:
            return prometheus.Counter(name, text, ("provider", *labels), registry=self._registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return prometheus.Histogram(name, text, ("provider",), registry=self._registry, buckets=buckets)

        self._pages = counter("incrsim_pages", "Pages committed.")
        self._entities = counter("incrsim_entities", "Entities, by what became of them.", "change")
        self._failures = counter("incrsim_failures", "Bursts and sweeps that failed.", "consequence")
        self._sweeps = counter("incrsim_sweeps", "Sweeps committed or refused.", "verdict")
        self._ended = counter("incrsim_ingestions", "Ingestions that came to their end.", "outcome")
        self._deltas = counter("incrsim_deltas", "Events of sources and direct deltas applied.")
        self._fenced = counter("incrsim_fenced_writes", "Writes refused because another took over.")
        self._fetching = histogram("incrsim_page_fetch_seconds", "How long providers took for a page.", FAST)
        self._committing = histogram("incrsim_page_commit_seconds", "How long the store took for a page.", FAST)
        self._bursting = histogram("incrsim_burst_seconds", "How long bursts took.", SLOW)
        self._sweeping = histogram("incrsim_sweep_seconds", "How long sweeps took.", SLOW)
        gauge = prometheus.Gauge
        self._started = gauge(
            "catalog_incremental_ingestions_started",
            "Epoch timestamp when the ingestion was last started.",
            ("providerName",),
            registry=self._registry,
        )
        self._completed = gauge(
            "catalog_incremental_ingestions_completed",
            "Epoch timestamp when the ingestion was last completed.",
            ("providerName", "status"),
            registry=self._registry,
        )
        self._registry.register(_StoreGauges(store))

    def render(self) -> str:
        """All metrics in Prometheus' text format."""
        return self._generate(self._registry).decode()

    def __call__(self, event: events.Event) -> None:
        """Count an event."""
        match event:
            case events.DeltaApplied(counts=counts):
                self._deltas.labels(event.provider).inc()
                self._count(event.provider, counts)
            case events.FullApplied(record=record, counts=counts):
                self._count(event.provider, counts)
                self._ends(event, record.outcome)
            case _:
                self._step(event)

    def _step(self, event: events.Event) -> None:
        """Count a step of a tick; those of one provider come one after the other, so that the time between two of them
        is what the second took.
        """
        provider, now = event.provider, self._clock.monotonic()
        elapsed = now - self._last.get(provider, now)
        self._last[provider] = now
        match event:
            case events.Claimed(page=1, status=Status.BURSTING) if self._begun.get(provider) != event.ingestion:
                self._begun[provider] = event.ingestion  # the first page may be claimed again after a failure
                self._started.labels(provider).set(event.at.timestamp())
            case events.ContextEntered():
                self._bursts[provider] = now
            case events.PageFetched(seconds=seconds):
                self._fetching.labels(provider).observe(seconds)
            case events.PageCommitted(counts=counts):
                self._pages.labels(provider).inc()
                self._committing.labels(provider).observe(elapsed)
                self._count(provider, counts)
            case events.ContextLeft():
                self._burst_is_over(provider, now)
            case events.SweepCommitted(verdict=verdict):
                self._sweeping.labels(provider).observe(elapsed)
                # The ingestion's own count holds what events removed, which were counted when they came.
                self._entities.labels(provider, "removed").inc(verdict.removed)
                self._ends(event, Outcome.REFUSED if verdict.refused_by else Outcome.SWEPT)
            case events.Failed() | events.Overtaken() | events.IngestionEnded():
                self._burst_is_over(provider, now)
                self._went_wrong(event)

    def _ends(self, event: events.Event, outcome: Outcome | None) -> None:
        """Count an ingestion that came to its end, with or without a sweep."""
        ended = outcome or Outcome.FAILED
        judged = ended in (Outcome.SWEPT, Outcome.REFUSED)
        if judged:
            self._sweeps.labels(event.provider, ended.value).inc()
        self._ended.labels(event.provider, ended.value).inc()
        self._completed.labels(event.provider, "completed" if judged else "failed").set(event.at.timestamp())

    def _went_wrong(self, event: events.Failed | events.Overtaken | events.IngestionEnded) -> None:
        provider = event.provider
        match event:
            case events.Failed(failure=failure):
                self._failures.labels(provider, failure.consequence.value).inc()
                self._completed.labels(provider, "failed").set(event.at.timestamp())
            case events.Overtaken():
                self._fenced.labels(provider).inc()
            case events.IngestionEnded(record=record):
                self._ends(event, record.outcome)

    def _count(self, provider: str, counts: Counts) -> None:
        for change, name in _CHANGES.items():
            self._entities.labels(provider, change).inc(getattr(counts, name))

    def _burst_is_over(self, provider: str, now: float) -> None:
        begun = self._bursts.pop(provider, None)
        if begun is not None:
            self._bursting.labels(provider).observe(now - begun)


class _StoreGauges:
    """Where providers are now; a store that cannot be read is a metric as well, and no error of whoever asks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> list[Any]:
        """Nothing: a registry would else ask the store for the names of its metrics."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All gauges."""
        from prometheus_client.core import GaugeMetricFamily

        try:
            states, owned, sinks = list(self._states()), self._store.count_by_provider(), self._store.sinks()
        except StoreError:
            yield GaugeMetricFamily("incrsim_store_up", "Whether the store could be read.", 0)
            return
        yield GaugeMetricFamily("incrsim_store_up", "Whether the store could be read.", 1)
        for name, text, read in _GAUGES:
            family = GaugeMetricFamily(name, text, labels=["provider"])
            for state in states:
                family.add_metric([state.name], read(state))
            yield family
        status = GaugeMetricFamily("incrsim_provider_status", "1 for the status it has.", labels=["provider", "status"])
        for state in states:
            for each in Status:
                status.add_metric([state.name, each.value], state.ingestion.status is each)
        yield status
        entities = GaugeMetricFamily("incrsim_provider_entities", "Entities that it owns.", labels=["provider"])
        for provider, count in owned.items():
            entities.add_metric([provider], count)
        yield entities
        behind = GaugeMetricFamily("incrsim_sink_behind", "Changes that it has not got yet.", labels=["sink"])
        failing = GaugeMetricFamily("incrsim_sink_failing", "Whether its last delivery failed.", labels=["sink"])
        for sink in sinks:
            behind.add_metric([sink.name], sink.behind)
            failing.add_metric([sink.name], sink.failing_since is not None)
        yield from (behind, failing)

    def _states(self) -> Iterator[ProviderState]:
        after = ""
        while page := self._store.states(after=after, limit=_READ_AHEAD):
            yield from page
            after = page[-1].name


def _due_lag(state: ProviderState) -> float:
    due_at = state.ingestion.due_at
    if due_at is None or state.paused or _held(state):
        return 0.0
    return max(0.0, (state.now - due_at).total_seconds())


def _held(state: ProviderState) -> bool:
    return state.lease is not None and state.lease.expires_at > state.now


_GAUGES = (
    ("incrsim_provider_due_lag_seconds", "How long it has been due without being worked on.", _due_lag),
    ("incrsim_provider_held", "Whether a replica holds its lease.", _held),
    ("incrsim_provider_paused", "Whether an operator paused it.", lambda state: state.paused),
    ("incrsim_provider_attempts", "Failures in a row.", lambda state: state.ingestion.attempts),
)
