"""`assert_sweep_safe`: a provider through many drawn scenarios, in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from textwrap import indent
from typing import Any

from hypothesis import strategies as st

from incrsim.errors import CallerError
from incrsim.options import ProviderOptions
from incrsim.simulation.faults import REDEPLOY, lying
from incrsim.simulation.observation import Observer
from incrsim.simulation.oracle import Oracle
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.simulating import judge, run_scenario, spec_of
from incrsim.simulation.source import FakeSource
from incrsim.simulation.violation import Violation
from incrsim.simulation.world import World
from incrsim.testing.safety_hunt import Prey, hunt, unlogged
from incrsim.testing.safety_measured import Measured
from incrsim.testing.safety_subject import Subject
from incrsim.testing.safety_wishes import WISHES
from incrsim.testing.strategies_faults import kinds_in
from incrsim.testing.strategies_scenarios import scenarios

CYCLES = 6
"""Ingestions of a drawn scenario at most, before all comes to rest."""


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
    """Run a provider through many drawn scenarios, under the engine as it is, and judge every step.

    In each, another part of the source's entities is there at first and changes; up to two replicas crash, stand still
    and take turns; operators call, events come, and things go wrong. Then all comes to rest.

    Asserted of every scenario: what a page returned is never removed by its ingestion's sweep, and nothing of another
    provider ever; pages are atomic; guards, waits and statuses are those of the contract; in the end the catalog is what
    the source holds. So a provider that skips entities fails, also in good weather.

    Where pages are read by a key or from a snapshot and the source does not lie, it is asserted, too, that nothing which
    the source held all along was ever removed (C-20). With pages by number or offset entities are missed when others
    vanish, whoever reads them: what that costs is measured, and returned. It is asserted nevertheless with
    `lossless=True`, or when the provider is given `removal_grace_cycles`, which claims to make up for it.

    Args:
        provider_factory: a class or function that makes the provider: of a copy of the source, or of the URL at which
            that is served. Its entities must have the refs of the source's.
        source: what it reads; stays as it is.
        serve: how the source is served, as for `FakeSource.serve`.
        faults: what may go wrong: `none`, `gentle`, `rough` (all that does not lie), `hostile` (all).
        lossless: whether a lost entity fails; found out as above unless given.
        examples: how many scenarios; 50, or as `--incrsim-examples` has it, unless given.
        seed: other scenarios; `--incrsim-seed` or 0 unless given.
        scenario: only this one, as a failure has printed it.
        options: the provider's.

    Returns:
        How many scenarios there were, what happened in them, and what was lost.

    Raises:
        Violation: a rule does not hold; with the smallest scenario that was found, to paste into a test.
        CallerError: when that cannot be simulated.
        InvalidOptions: an option that there is not, or a value that cannot work.

    Example:
        assert_sweep_safe(Services, source=FakeSource(60, 10), serve="link")
    """
    subject = Subject(provider_factory, source, serve)
    subject.probe()
    measured = Measured()
    run = partial(_run, subject, lossless, measured)
    if scenario is None:
        wished = WISHES.get()
        drawn = drawn_for(source, faults, options)
        number = wished.seed if seed is None else seed
        prey = hunt(drawn, run, examples=wished.examples if examples is None else examples, seed=number)
    else:
        _refuse_wishes(examples=examples, seed=seed, **options)
        with unlogged():
            prey = next((Prey(scenario, each) for each in run(scenario).findings), None)
    if prey is not None:
        violation = Violation(prey.finding)
        violation.add_note(_to_paste(prey.scenario, provider_factory, serve))
        raise violation
    return measured


def drawn_for(source: FakeSource, faults: str, options: Mapping[str, Any]) -> st.SearchStrategy[Scenario]:
    """Scenarios of a source with the provider's own options, which no deployment changes."""
    kinds = [kind.name for kind in kinds_in(faults) if kind.name != REDEPLOY]
    described = ProviderOptions.of(**options).describe()
    plain = {name: described[name] for name in options}
    spec = spec_of(source)

    def fitted(scenario: Scenario) -> Scenario:
        return replace(
            scenario,
            source=replace(spec, entities=scenario.source.entities, seconds=scenario.source.seconds),
            options=plain,
            redeploys=tuple(replace(each, options={}) for each in scenario.redeploys),
        )

    return scenarios(max_entities=len(source), max_cycles=CYCLES, faults=kinds or "none").map(fitted)


def claiming(lossless: bool | None, scenario: Scenario) -> Callable[[World], Observer]:  # noqa: FBT001 -- a claim
    """Who judges a scenario of a provider.

    Args:
        lossless: whether a lost entity fails; found out unless given.
        scenario: which one.
    """
    if lossless is None and scenario.provider_options().removal_grace_cycles:
        lossless = not lying(scenario.faults)
    if lossless is None:
        return judge
    return lambda world: Oracle(world.store, world.clock, line=lambda: world.trace.length, protects=lossless)


def _run(subject: Subject, lossless: bool | None, measured: Measured, scenario: Scenario) -> Run:  # noqa: FBT001 -- a claim
    with subject.fresh(scenario.source.entities) as (source, provider):
        run = run_scenario(scenario, observe=claiming(lossless, scenario), source=source, provider=provider)
    measured.add(run)
    return run


def _refuse_wishes(**wishes: Any) -> None:
    given = [name for name, value in wishes.items() if value is not None]
    if given:
        raise CallerError(
            f"assert_sweep_safe(scenario=…, {', '.join(given)}=…): a scenario says that itself; leave the others out, or "
            "use dataclasses.replace"
        )


def _to_paste(scenario: Scenario, factory: Callable[[Any], Any], serve: str | None) -> str:
    name = getattr(factory, "__name__", "…")
    given = [name if name.isidentifier() else "…", "source=…", *([f"serve={serve!r}"] if serve else [])]
    return (
        "This is the smallest scenario that was found; to paste into a test:\n"
        "    from incrsim.simulation import Scenario\n"
        f'    scenario = Scenario.from_toml("""\n{indent(scenario.to_toml(), " " * 8)}    """)\n'
        f"    assert_sweep_safe({', '.join(given)}, scenario=scenario)"
    )
