"""`assert_sweep_safe`: a provider through many scenarios, in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from incrsim.errors import CallerError
from incrsim.options import ProviderOptions
from incrsim.simulation import faults_presets
from incrsim.simulation.dice import Fault
from incrsim.simulation.faults import REDEPLOY
from incrsim.simulation.reduction.reducing import reduce
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.silence import silent_engine
from incrsim.simulation.simulating import run_scenario, spec_of
from incrsim.simulation.source import FakeSource
from incrsim.testing.safety_claim import Claim
from incrsim.testing.safety_measured import Measured
from incrsim.testing.safety_subject import Subject
from incrsim.testing.safety_unsafe import unsafe
from incrsim.testing.safety_wishes import WISHES

RUNS = 200
"""So many runs may it take to make a scenario small: some providers ask a server."""


def assert_sweep_safe(
    provider_factory: Callable[[Any], Any],
    *,
    source: FakeSource,
    serve: str | None = None,
    faults: str = "rough",
    lossless: bool | None = None,
    examples: int | None = None,
    seed: int | None = None,
    scenario: Scenario | None = None,
    **options: Any,
) -> Measured:
    """Run a provider through many scenarios, with the engine as it is, and judge every step.

    Each is drawn from a seed of its own: for ten days or two weeks the source changes, also between two pages; replicas
    crash, stand still and take turns; operators call, events come, and things go wrong. Then all comes to rest.

    Asserted of every scenario: what a page returned is never removed by its ingestion's sweep, and nothing of another
    provider ever; pages are atomic; guards, waits and statuses are those of the contract; in the end the catalog is
    what the source holds. So a provider that skips entities fails in any weather.

    Where pages are read by a key or from a snapshot, and the source does not lie, nothing that the source held all
    along may ever be removed (C-20). With pages by number or offset, entities are missed when others vanish, whoever
    reads them: what that costs is *measured*, and returned. It fails nevertheless with `lossless=True`, and when the
    provider is given `removal_grace_cycles`, which claims to make up for it.

    Args:
        provider_factory: a class or function that makes the provider: of a copy of the source, or of the URL at which
            that is served. Its entities must have the refs of the source's.
        source: what it reads; stays as it is.
        serve: how the source is served, as for `FakeSource.serve`.
        faults: what may go wrong: `none`, `gentle`, `rough` (all that does not lie), `hostile` (each seed some of all).
        lossless: whether a lost entity fails; as above unless given.
        examples: how many scenarios; 50 unless given, or as `--incrsim-examples` has it.
        seed: of the first one, the others follow; 1 unless given, or as `--incrsim-seed` has it.
        scenario: only this one, as a failure has printed it.
        options: the provider's.

    Returns:
        How many scenarios there were, what happened in them, and what was lost.

    Raises:
        Violation: a rule does not hold; with a scenario that was made small, to paste into a test.
        CallerError: when that cannot be simulated.
        InvalidOptions: an option that there is not, or a value that cannot work.

    Example:
        assert_sweep_safe(Services, source=FakeSource(60, 10), serve="link")
    """
    trial = Trial(Subject(provider_factory, source, serve), faults, Claim(lossless), options)
    trial.subject.probe()
    if scenario is not None:
        _refuse(examples=examples, seed=seed, **options)
        trial.judge(scenario)
    else:
        wished = WISHES.get()
        first = wished.seed if seed is None else seed
        for each in range(first, first + (wished.examples if examples is None else examples)):
            trial.judge(trial.drawn(each))
    return trial.measured


@dataclass(slots=True)
class Trial:
    """Judges a provider in one scenario after the other.

    Args:
        subject: the provider and its source.
        faults: what may go wrong, in a word.
        claim: what is said to be never lost.
        options: the provider's.
        measured: what was seen.

    Raises:
        CallerError: when there is no such weather.
        InvalidOptions: when the options cannot work.
    """

    subject: Subject
    faults: str
    claim: Claim
    options: Mapping[str, Any]
    measured: Measured

    def __init__(self, subject: Subject, faults: str, claim: Claim, options: Mapping[str, Any]) -> None:
        described = ProviderOptions.of(**options).describe()
        self.subject, self.faults, self.claim = subject, faults, claim
        self.options = {name: described[name] for name in options}
        self.measured = Measured()

    def drawn(self, seed: int) -> Scenario:
        """The scenario of a seed, with the provider's own options, which no deployment changes."""
        source = self.subject.source
        drawn = Scenario.draw(seed, self._faults(seed), entities=len(source), options=self.options)
        return replace(drawn, source=replace(spec_of(source), seconds=drawn.source.seconds))

    def judge(self, scenario: Scenario) -> None:
        """Run a scenario.

        Raises:
            Violation: a rule does not hold.
        """
        with silent_engine():
            run = self._run(scenario)
            if run.ok:
                self.measured.add(run)
                return
            reduced = reduce(scenario, run.findings[0], run=self._run, runs=RUNS)
        raise unsafe(reduced, self.subject)

    def _run(self, scenario: Scenario) -> Run:
        with self.subject.fresh(scenario.source) as (source, provider):
            return run_scenario(scenario, observe=self.claim.judging, source=source, provider=provider)

    def _faults(self, seed: int) -> tuple[Fault, ...]:
        try:
            return tuple(each for each in faults_presets.draw(self.faults, seed) if each.kind != REDEPLOY)
        except ValueError as error:
            raise CallerError(f"faults={self.faults!r}: {error}") from error


def _refuse(**wishes: Any) -> None:
    given = [f"{name}=…" for name, value in wishes.items() if value is not None]
    if given:
        told = f"assert_sweep_safe(scenario=…, {', '.join(given)})"
        raise CallerError(f"{told}: a scenario says that itself; leave it out, or use dataclasses.replace")
