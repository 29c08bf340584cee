"""`SweepSafety`: a state machine for Hypothesis, to subclass with a provider, options or a store of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import lru_cache
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from incrsim.clock import VirtualClock
from incrsim.options import ProviderOptions
from incrsim.simulation.dice import Fault
from incrsim.simulation.scenario import NOW, Scenario, Webhook
from incrsim.simulation.scenario.parts import CALLS, WHERE
from incrsim.simulation.silence import silent_engine
from incrsim.simulation.simulating import spec_of
from incrsim.simulation.source import FakeSource
from incrsim.simulation.world.world import EVENTS, World
from incrsim.store import Store
from incrsim.store.memory import MemoryStore
from incrsim.testing.machines_stage import Stage, Untraced
from incrsim.testing.safety_claim import Claim
from incrsim.testing.safety_subject import Subject
from incrsim.testing.strategies_faults import kinds_in
from incrsim.testing.strategies_scenarios import LIVELY

MOST_STEPS = 6
"""That replicas take by themselves between two things that happen to them."""

WAITS = (3.0, 100.0, 4 * 3600.0, 26 * 3600.0)
"""Seconds that may pass: within a lease, past one, past every wait of the list, past a rest."""


_one_of: Callable[[Any], st.SearchStrategy[Any]] = lru_cache(64)(st.sampled_from)
"""Made once for all machines of a class: they are many, and drawing is most of what they cost."""


def _of(choices: Callable[[Any], Iterable[Any]]) -> st.SearchStrategy[Any]:
    """What the machine has to choose from."""
    return st.runner().flatmap(lambda machine: _one_of(choices(machine)))


@lru_cache(8)
def _planned(weather: str | tuple[str, ...]) -> tuple[Fault, ...]:
    """All that may happen, and does when its rule says so."""
    return tuple(map(Fault, dict.fromkeys([*(kind.name for kind in kinds_in(weather)), *EVENTS])))


class SweepSafety(RuleBasedStateMachine):
    """A provider, its source, replicas, operators and a store, of which Hypothesis does what it likes.

    An oracle judges every step; in the end nothing disturbs any more, and the catalog must be what the source holds.
    What is asserted is told by `assert_sweep_safe`. A failure is shrunk to few steps, which can be pasted into a test.

    Attributes:
        options: of the provider.
        replicas: how many processes serve it.
        faults: what may go wrong: `none`, `gentle`, `rough` (all but lies), `hostile` (all), or names of kinds.
        serve: how the source is served over HTTP (`FakeSource.serve`), if it is.
        lossless: whether a lost entity fails; unless given, where pages do not drift or a grace makes up for it.

    Example:
        class ServicesAreSafe(SweepSafety):
            options = {"removal_grace_cycles": 1}

            def provider(self, source):
                return Services(source)

        TestServices = ServicesAreSafe.TestCase
    """

    options: ClassVar[Mapping[str, Any]] = {}
    replicas: ClassVar[int] = 2
    faults: ClassVar[str | Iterable[str]] = "rough"
    serve: ClassVar[str | None] = None
    lossless: ClassVar[bool | None] = None

    def source(self) -> FakeSource:
        """What the provider reads: a dozen entities on three pages, unless you say otherwise."""
        return FakeSource(entities=12, page_size=4)

    def provider(self, source: Any) -> Any:
        """What is put to the test; the source itself, unless you say otherwise.

        Args:
            source: what it reads, or the URL at which that is served.
        """
        return source

    def store(self, clock: VirtualClock) -> Store:
        """An empty store on a clock; it is closed in the end."""
        return MemoryStore(clock)

    def __init__(self) -> None:
        super().__init__()
        self._opened = ExitStack()
        self._opened.enter_context(silent_engine())
        source, provider = self._opened.enter_context(Subject(self.provider, self.source(), self.serve).taken())
        clock = VirtualClock()
        store = self.store(clock)
        self._opened.callback(store.close)
        world = World(
            self._scenario(source),
            store=store,
            clock=clock,
            observe=Claim(self.lossless).judging,
            trace=Untraced(),
            source=source,
            provider=provider,
        )
        self.stage = Stage(world)

    def _scenario(self, source: FakeSource) -> Scenario:
        described = ProviderOptions.of(**self.options).describe()
        return Scenario(
            replicas=self.replicas,
            source=spec_of(source),
            options={name: described[name] for name in self.options},
            faults=_planned(self.faults if isinstance(self.faults, str) else tuple(self.faults)),
        )

    def teardown(self) -> None:
        """Nothing disturbs any more: all comes to rest."""
        with self._opened:
            self.stage.rest()

    # --- replicas -----------------------------------------------------------------------------------------------------

    @rule(steps=st.integers(1, MOST_STEPS))
    def run(self, steps: int) -> None:
        """All goes on as it would by itself."""
        self.stage.run(steps)

    @rule(replica=_of(lambda machine: range(machine.replicas)))
    def step(self, replica: int) -> None:
        """One replica takes a step, whoever's turn it is."""
        self.stage.step(replica)

    @rule(replica=_of(lambda machine: range(machine.replicas)))
    def crash(self, replica: int) -> None:
        """A replica dies where it stands."""
        self.stage.crash(replica)

    @rule(seconds=st.sampled_from(WAITS))
    def wait(self, seconds: float) -> None:
        """Time passes, and nobody does anything: leases expire, waits end."""
        self.stage.wait(seconds)

    # --- around them --------------------------------------------------------------------------------------------------

    @rule(verb=st.sampled_from(LIVELY), count=st.integers(1, 3))
    def change(self, verb: str, count: int) -> None:
        """The source changes a little."""
        self.stage.change(verb, count=count)

    @rule(percent=st.sampled_from([50, 100]))
    def lose(self, percent: float) -> None:
        """The source loses much at once."""
        self.stage.change("remove", percent=percent)

    @rule(call=st.sampled_from(tuple(map(str, CALLS))))
    def operate(self, call: str) -> None:
        """An operator calls."""
        self.stage.operate(call)

    @rule(does=st.sampled_from(["changed", "added", "removed"]), where=st.sampled_from(WHERE))
    def event(self, does: str, where: str) -> None:
        """The source changes, and tells of it."""
        self.stage.tell(Webhook(at=NOW, where=where, **{does: 1}))

    @precondition(lambda machine: machine.stage.kinds)
    @rule(kind=_of(lambda machine: machine.stage.kinds))
    def strike(self, kind: str) -> None:
        """Something goes wrong at the next opportunity."""
        self.stage.plan(kind)
