"""The world of a scenario: what there is in it, as long as it runs. What happens in it is up to others: replicas
(`schedule`), operators and sources (`world.people`), faults (`world.faults`), all of them directed by `world.course`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from incrsim.clock import VirtualClock
from incrsim.engine import Engine
from incrsim.entity import Entity
from incrsim.errors import UnknownProvider
from incrsim.host import InlineHost
from incrsim.ingestion import Status
from incrsim.options import ProviderOptions
from incrsim.simulation.dialects import STABLE
from incrsim.simulation.dice import Dice
from incrsim.simulation.faults import EVENT_TIMES, EVENT_VERBS, lying, of_event
from incrsim.simulation.history import Change, Held
from incrsim.simulation.observation import OPERATOR, Observer
from incrsim.simulation.scenario import RIVAL, Rival, Scenario
from incrsim.simulation.served.wires import WIRES
from incrsim.simulation.simulator import Happening
from incrsim.simulation.source import FakeSource
from incrsim.simulation.source_weather import SourceWeather
from incrsim.simulation.trace import Trace
from incrsim.simulation.weather import CALM
from incrsim.simulation.world.happenings import FaultStruck, SourceChanged, WorldEvent
from incrsim.simulation.world.masked import masking
from incrsim.simulation.world.outfit import Outfit
from incrsim.simulation.world.reading import Reading
from incrsim.simulation.world.sink import Mirror
from incrsim.sinks.courier import Courier
from incrsim.store import Store
from incrsim.store.contract import ProviderState

WORLD = -2
"""In place of a replica's number in the trace: the world did it."""

EVENTS = tuple(of_event(verb, when) for verb in EVENT_VERBS for when in EVENT_TIMES)
"""The kinds of faults that are events of the source."""


class World:
    """What there is while a scenario runs.

    Args:
        scenario: what happens.
        store: where it happens, empty; its time must be `clock`.
        clock: the time.
        observe: makes who watches, once the world is there.
        trace: takes down every step.
        source: what the scenario's changes happen to; made from the scenario when left out.
        provider: what reads the source, unmodified; the source itself when left out.
        engine: what a replica's engine is replaced by.

    Attributes:
        dice: decide for all faults.
        rival: the source of the other provider, if there is one.
        refs: of all entities of the source, now.
        held: of the valid ones among them.
        sink: the other system that is kept equal to the catalog, if there is one.
        names: of the providers.
        options: of each replica, now.
        happenings: everything so far, each with a replica's number, `OPERATOR` or `WORLD`.
        observer: who watches.
        reading: how far the open ingestion is.
        acting: the provider whose turn it is: what goes wrong meets its ingestion.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        store: Store,
        clock: VirtualClock,
        observe: Callable[[World], Observer],
        trace: Trace | None = None,
        source: FakeSource | None = None,
        provider: Any = None,
        engine: Callable[[Engine], Engine] = lambda engine: engine,
    ) -> None:
        self.scenario = scenario
        self.store = store
        self.clock = clock
        self.trace = trace or Trace()
        self.dice = Dice(scenario.seed, scenario.faults, self._status)
        self.source = source or source_of(scenario, clock)
        self.provider = self.source if provider is None else masking(provider, self.source.addresses)
        self.name: str = self.provider.name
        self.acting = self.name
        self.rival = None if scenario.rival is None else rival_of(scenario, scenario.rival, clock)
        self.sink = Mirror(clock) if scenario.sink else None
        self.names = [self.name] if self.rival is None else [self.name, RIVAL]
        self._as_planned = scenario.provider_options()
        self.options = [self._as_planned] * scenario.replicas
        self.happenings: list[tuple[int, Happening | WorldEvent]] = []
        self.couriers: dict[int, Courier] = {}
        self.reading = Reading()
        self._engine = engine
        self._host = InlineHost(clock)
        self._told = 0
        # What was read is kept for events alone: it is as large as the source.
        self._tells = bool(scenario.webhooks) or any(map(self.dice.plans, EVENTS))
        self._weather = SourceWeather(self.dice, clock)
        self._spoiled: set[bytes] = set()
        self.refs = set(self.source.snapshot().refs)
        self.held = self._sound(self.source.snapshot())
        self.observer = observe(self)
        self._outfit = Outfit(store, clock, self.dice, self.observer, self.meant_valid, scenario.source.seconds)

    def begin(self) -> None:
        """The observer gets to know what there is at first, and hears of each change from now on."""
        self.observer.source_changed(self.name, self.held)
        if self.rival is not None:
            self.observer.source_changed(RIVAL, self.rival.snapshot().refs)
        for number, options in enumerate(self.options):
            self.observer.redeployed(number, options)

        self.source.on_change.append(self._source_changed)
        self.source.clock = self.clock
        for source in filter(None, (self.source, self.rival)):
            source.weather = self._weather

    def end(self) -> None:
        """The source is as free as it was."""
        self.source.on_change.remove(self._source_changed)
        self.source.weather = CALM

    def be_quiet(self) -> None:
        """No fault happens any more, and those that lasted are over."""
        self.dice.be_quiet()
        self._outfit.mend()
        if self.sink is not None:
            self.sink.down_until = self.clock.now()

    def _source_changed(self, change: Change) -> None:
        """Something has become of entities of the source."""
        self._follow(change)
        self.observer.source_changed(self.name, self.held)
        count, holds = sum(map(len, change.differences)), len(change.after)
        self.note(SourceChanged(at=self.clock.now(), provider=self.name, verb=change.verb, count=count, holds=holds))

    def _follow(self, change: Change) -> None:
        """Keep `refs` and `held` up with the source."""
        # As a rule what has changed is little beside what is there.
        self.refs.difference_update(change.differences.vanished)
        self.refs.update(change.differences.appeared)
        self.held = self._sound(change.after)

    def _sound(self, now: Held) -> frozenset[str]:
        self._spoiled.update(entity.digest for entity in now.spoiled.values())
        return frozenset(self.refs - now.spoiled.keys())

    def happened(self, number: int, happening: Happening) -> None:
        """A replica's step ended with this; the trace has it already."""
        self.happenings.append((number, happening))
        self.reading.happened(number, happening)
        self.observer.happened(number, happening)

    def note(self, event: WorldEvent | Happening) -> None:
        """The world did this."""
        self.trace.add(WORLD, event)
        self.happenings.append((WORLD, event))

    def note_faults(self) -> None:
        """Take down the faults that took effect since the last call."""
        effects = self.dice.effects
        if len(effects) != self._told:
            for kind, occurrence in effects[self._told :]:
                self.note(FaultStruck(at=self.clock.now(), provider=self.name, kind=kind, occurrence=occurrence))
            self._told = len(effects)

    def fit(self, number: int, engine: Engine) -> Engine:
        """A replica begins: it has its own options, takes time, suffers and is watched."""
        name, store = engine.name, self._outfit.store(number)
        provider = self._outfit.provider(engine.provider, number, lambda: self.options_of(name, number))
        if name == self.name and self._tells:
            provider.on_page = partial(self.reading.fetched, number)
        fitted = replace(engine, provider=provider, store=store, options=self.options_of(name, number))
        if self.sink is not None:
            courier = self.couriers[number] = Courier(store, engine.holder, self.clock)
            courier.attach(self.sink)
            fitted = replace(fitted, sinks=courier)
        return self._engine(fitted)

    def outside(self, provider: str) -> Engine:
        """What somebody outside of all replicas needs to change a provider's entities."""
        served = self.rival if self.rival is not None and provider == RIVAL else self.provider
        return Engine(
            provider=served,
            options=self.options_of(provider, 0),
            store=self._outfit.store(OPERATOR),
            clock=self.clock,
            host=self._host,
            holder="operator",
        )

    @property
    def protects(self) -> bool:
        """Whether nothing may be lost (C-20): the source does not lie, and its pages do not drift as they are read."""
        read = [WIRES[paging].dialect for paging in self.source.addresses] or [self.source.dialect]
        return STABLE.issuperset(read) and not lying(self.scenario.faults)

    def state(self, name: str) -> ProviderState | None:
        """Where a provider is; `None` as long as no replica has registered it."""
        try:
            return self.store.state(name)
        except UnknownProvider:
            return None

    def _status(self) -> Status | None:
        """Where the ingestion is that a fault meets; `None` as long as there is none."""
        state = self.state(self.acting)
        return None if state is None else state.ingestion.status

    def meant_valid(self, entity: Entity) -> bool:
        """Whether an entity is valid, by those who made it: the weather, and the source that spoils some of its own. Of
        entities that a provider makes itself, of what it has read, only the rules can say so.
        """
        if self.provider is not self.source:
            return not entity.violations
        return self._weather.meant_valid(entity) and entity.digest not in self._spoiled

    def options_of(self, provider: str, number: int) -> ProviderOptions:
        """The options that a provider has at a replica."""
        return self.options[number] if provider == self.name else self._as_planned


def source_of(scenario: Scenario, clock: VirtualClock) -> FakeSource:
    """The source of a scenario, as it is at first."""
    spec = scenario.source
    return FakeSource(
        spec.entities,
        spec.page_size,
        seed=scenario.seed if spec.seed is None else spec.seed,
        name=spec.name,
        namespace=spec.namespace or spec.name,
        dialect=spec.dialect,
        clock=clock,
    )


def rival_of(scenario: Scenario, rival: Rival, clock: VirtualClock) -> FakeSource:
    """The other provider of a scenario's catalog."""
    return FakeSource(rival.entities, rival.page_size, seed=scenario.seed + 1, name=RIVAL, namespace=RIVAL, clock=clock)
