"""A small world in which things go wrong: a source, a provider that takes its time, a store, and who hears of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from incrsim.clock import VirtualClock
from incrsim.events import Failed
from incrsim.options import ProviderOptions
from incrsim.simulation import FakeSource, Simulation, Trace, compare
from incrsim.simulation.dice import Dice, Fault
from incrsim.simulation.faulty_provider import FaultyProvider
from incrsim.simulation.observation import Outcome, Returned, StepCall
from incrsim.simulation.source_weather import SourceWeather
from incrsim.simulation.watched_store import StoreTroubles, watched_store
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Set as AbstractSet

    from incrsim.provider import Page
    from incrsim.simulation.simulator import Happening
    from incrsim.store import Store

OPTIONS = ProviderOptions.of(burst_length=timedelta(seconds=1.5))  # two pages of a second each


class Unhurried(FakeSource):
    """A source that takes a second for a page."""

    def next(self, context: Any, cursor: Any = None) -> Page:
        assert isinstance(self.clock, VirtualClock)
        self.clock.advance(timedelta(seconds=1))
        return super().next(context, cursor)


@dataclass
class Heard:
    """An observer that takes everything down, and may object to what changes entities."""

    objection: Exception | None = None
    pages: list[Returned] = field(default_factory=list)
    asked: list[StepCall] = field(default_factory=list)
    answers: list[tuple[str, Outcome, Any]] = field(default_factory=list)

    def outcomes(self, step: str) -> list[Outcome]:
        """What came of a step, each time."""
        return [outcome for name, outcome, _ in self.answers if name == step]

    def source_changed(self, provider: str, held: AbstractSet[str]) -> None: ...

    def returned(self, page: Returned) -> None:
        self.pages.append(page)

    def asks(self, call: StepCall) -> None:
        self.asked.append(call)

    def answered(self, call: StepCall, outcome: Outcome, result: Any) -> None:
        assert call is self.asked[-1], "steps are told one after the other"
        self.answers.append((call.step, outcome, result))
        if self.objection is not None and call.step in ("commit_page", "apply_delta"):
            raise self.objection

    def happened(self, replica: int, happening: Happening) -> None: ...

    def redeployed(self, replica: int, options: Any) -> None: ...

    def quiet(self) -> None: ...

    def ended(self) -> None: ...


class FaultyWorld:
    """A run with faults.

    Args:
        faults: what goes wrong.
        seed: of the dice.
        store: where; in memory unless given.
        clock: its time.
        name: of the provider.
        provider: makes a provider of the source, which is one itself.
        options: the provider's.
    """

    def __init__(
        self,
        faults: Iterable[Fault] = (),
        seed: int = 1,
        *,
        store: Store | None = None,
        clock: VirtualClock | None = None,
        name: str = "fake",
        provider: Callable[[FakeSource], Any] = lambda source: source,
        options: ProviderOptions = OPTIONS,
    ) -> None:
        self.clock = clock or VirtualClock()
        self.store = store or MemoryStore(self.clock)
        self.dice = Dice(seed, faults)
        self.heard = Heard()
        self.weather = SourceWeather(self.dice, self.clock)
        self.source = Unhurried(entities=24, page_size=4, name=name, namespace=name, clock=self.clock)
        self.source.weather = self.weather
        self.provider = FaultyProvider(
            provider(self.source),
            self.dice,
            self.clock,
            self.heard,
            options=lambda: options,
            is_valid=self.weather.meant_valid,
        )
        self.troubles = StoreTroubles(self.dice, self.clock)
        self.happened: list[Happening] = []
        self.run = Simulation(
            self.provider,
            store=self.watched(0),
            clock=self.clock,
            options=options,
            trace=Trace(),
        )
        self.run.watch(lambda _, happening: self.happened.append(happening))

    def watched(self, replica: int) -> Store:
        """The store as a replica or an operator has it."""
        return watched_store(self.store, self.dice, self.heard, self.clock, replica, self.troubles)

    def cycles(self, count: int) -> FaultyWorld:
        """So many cycles, with a change of everything before each but the first."""
        for _ in range(count):
            self.run.run_cycle()
            self.source.change(percent=20)
            self.source.remove(count=1)
            self.source.add(1)
        return self

    def come_to_rest(self) -> FaultyWorld:
        """No more faults: once what is under way has ended, a whole cycle mends everything."""
        self.dice.be_quiet()
        self.run.run_cycle()
        self.run.run_cycle()
        compared = compare(self.store, self.source.name, self.source.snapshot())
        assert compared.ok, str(compared)
        return self

    def of(self, kind: type) -> Iterator[Any]:
        """What happened, of one kind."""
        return (each for each in self.happened if isinstance(each, kind))

    def errors(self) -> list[str]:
        """The classes of the failures that the engine has recorded."""
        return [each.failure.error.rpartition(".")[2] for each in self.of(Failed)]
