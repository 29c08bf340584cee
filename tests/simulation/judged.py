"""A small world with an oracle in it: a source that is written out, some replicas, operators and events, and whatever
is broken.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from incrsim import mutations
from incrsim.clock import VirtualClock
from incrsim.engine import Engine
from incrsim.errors import StoreUnavailable
from incrsim.host import InlineHost
from incrsim.lifecycle import Operator
from incrsim.options import ProviderOptions
from incrsim.provider_events import Delta
from incrsim.simulation import Simulation, Trace
from incrsim.simulation.dice import Dice
from incrsim.simulation.faulty_provider import FaultyProvider
from incrsim.simulation.observation import OPERATOR
from incrsim.simulation.oracle import Oracle
from incrsim.simulation.watched_store import StoreTroubles, watched_store
from incrsim.simulation.world.sink import Mirror
from incrsim.sinks.courier import Courier
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from incrsim.guards import Verdict
    from incrsim.ingestion import Ingestion
    from incrsim.simulation.dice import Fault
    from incrsim.store import Store
    from incrsim.store.contract import Lease


def entity(name: str, version: int = 1) -> dict[str, Any]:
    """What a provider returns for an entity; one whose version is 0 is invalid."""
    annotations = {
        f"backstage.io/managed-by-{kind}location": f"url:https://x.example/{name}" for kind in ("", "origin-")
    }
    metadata = {"name": name, "annotations": annotations, "description": f"revision {version}"}
    body = {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": metadata, "spec": {}}
    return body if version else {key: value for key, value in body.items() if key != "apiVersion"}


def ref(name: str) -> str:
    """The ref of an entity."""
    return f"component:default/{name}"


@dataclass
class Written:
    """A source in the order of its names; its provider takes a second for a page.

    Args:
        items: name → version.
        keys: name → location key.
        raising: what the next calls raise, one after the other; `None` for none.
        problems: what each page reports.
        twice: names that a page holds twice, first with version 99.
    """

    clock: VirtualClock
    items: dict[str, int]
    name: str = "written"
    page_size: int = 3
    keys: dict[str, str] = field(default_factory=dict)
    raising: list[Exception | None] = field(default_factory=list)
    problems: list[Any] = field(default_factory=list)
    twice: set[str] = field(default_factory=set)

    def around(self) -> AbstractContextManager[None]:
        return nullcontext()

    def next(self, context: Any, cursor: Any = None) -> Any:
        self.clock.advance(timedelta(seconds=1))
        error = self.raising.pop(0) if self.raising else None
        if error is not None:
            raise error
        behind = sorted(name for name in self.items if cursor is None or name > cursor)
        names, done = behind[: self.page_size], len(behind) <= self.page_size
        entities = [self._item(name, 99) for name in names if name in self.twice]
        entities += [self._item(name, self.items[name]) for name in names]
        return {"entities": entities, "cursor": None if done else names[-1], "done": done, "problems": self.problems}

    def _item(self, name: str, version: int) -> dict[str, Any]:
        return {"entity": entity(name, version), "locationKey": self.keys.get(name)}

    @property
    def held(self) -> frozenset[str]:
        return frozenset(ref(name) for name, version in self.items.items() if version)


class Failing(MemoryStore):
    """A store whose sweeps fail as often as it is told; it is there again at once."""

    failing_sweeps = 0
    troubles: StoreTroubles | None = None

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        if self.failing_sweeps and self.troubles:
            self.failing_sweeps -= 1
            self.troubles.down_until = self._tables.clock.now()
            raise StoreUnavailable("no answer")
        return super().commit_sweep(lease, options)


class Judged:
    """A provider in a world in which every step is judged.

    Args:
        items: what the source holds at first: name → version, 0 for an invalid entity.
        replicas: how many.
        beside: another provider, of which this one shares the world.
        name: of the provider.
        faults: of the provider's code and of the store.
        protects: whether the source tells the truth.
        options: of the provider.
    """

    def __init__(
        self,
        items: Mapping[str, int] | str,
        *,
        replicas: int = 1,
        beside: Judged | None = None,
        name: str = "written",
        faults: Iterable[Fault] = (),
        protects: bool = True,
        **options: Any,
    ) -> None:
        self.clock: VirtualClock = beside.clock if beside else VirtualClock()
        self.store: Failing = beside.store if beside else Failing(self.clock)
        self.trace: Trace = beside.trace if beside else Trace()
        self.sink: Mirror = beside.sink if beside else Mirror(self.clock)
        self.oracle: Oracle = beside.oracle if beside else self._oracle(protects=protects)
        self.source = Written(self.clock, dict(items) if not isinstance(items, str) else dict.fromkeys(items, 1), name)
        self.options = ProviderOptions.of(**options)
        self._dice = Dice(1, faults)
        self.troubles = StoreTroubles(self._dice, self.clock)
        self.store.troubles = self.troubles
        self.run: Simulation = Simulation(
            self.source,
            store=self.store,
            clock=self.clock,
            replicas=replicas,
            trace=self.trace,
            fit=self._fit,
            first=len(beside.run.replicas) if beside else 0,
        )
        self.run.watch(self.oracle.happened)
        self.outside = self._watched(OPERATOR)
        self.changed()

    def _oracle(self, *, protects: bool) -> Oracle:
        return Oracle(self.store, self.clock, line=lambda: self.trace.length, protects=protects, sink=self.sink)

    def changed(self, **items: int | None) -> None:
        """The source changes: name → version, or `None` where it is gone."""
        for name, version in items.items():
            if version is None:
                del self.source.items[name]
            else:
                self.source.items[name] = version
        self.oracle.source_changed(self.source.name, self.source.held)

    def cycles(self, count: int = 1) -> None:
        """Run so many ingestions up to their rest."""
        for _ in range(count):
            self.run.run_cycle()

    def until(self, event: type) -> None:
        """Run up to an event of this class."""
        self.run.run_until(lambda happening: isinstance(happening, event))

    def operate(self, operator: Operator) -> None:
        """An operator calls."""
        self.outside.operate(self.source.name, operator)

    def told(self, added: Mapping[str, int] | None = None, removed: Iterable[str] = ()) -> None:
        """An event comes; the source is not changed by it."""
        added = added or {}
        items = [{"entity": entity(name, added[name]), "locationKey": self.source.keys.get(name)} for name in added]
        mutations.apply_delta(self._engine(), Delta(items, [ref(name) for name in removed]), lambda _: None)

    def full(self, items: Mapping[str, int]) -> None:
        """Somebody applies a full mutation."""
        mutations.apply_full(self._engine(), [entity(name, items[name]) for name in items], lambda _: None)

    def approve(self) -> None:
        """An operator approves what the last verdict refused."""
        self.outside.approve(self.source.name, self.verdict.id)

    @property
    def verdict(self) -> Verdict:
        """The last one."""
        verdict = self.store.state(self.source.name).last_verdict
        assert verdict is not None
        return verdict

    def ended(self) -> None:
        """Another two cycles in peace, and the end."""
        self.oracle.quiet()
        self.cycles(2)
        self.delivered()
        self.oracle.ended()

    def delivered(self) -> None:
        """The sink gets what still waits for it."""
        courier = Courier(self.store, "in the end", self.clock)
        courier.attach(self.sink)
        courier.deliver()

    def _engine(self) -> Engine:
        return Engine(self.source, self.options, self.outside, self.clock, InlineHost(self.clock), "operator")

    def _watched(self, number: int) -> Store:
        return watched_store(self.store, self._dice, self.oracle, self.clock, number, self.troubles)

    def _fit(self, number: int, engine: Engine) -> Engine:
        self.oracle.redeployed(number, self.options)
        provider = FaultyProvider(
            engine.provider,
            self._dice,
            self.clock,
            self.oracle,
            number,
            options=lambda: self.options,
            is_valid=lambda each: not each.violations,
        )
        courier = Courier(self.store, engine.holder, self.clock)
        courier.attach(self.sink)
        return replace(engine, provider=provider, store=self._watched(number), options=self.options, sinks=courier)
