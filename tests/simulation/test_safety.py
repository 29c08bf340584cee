"""`assert_sweep_safe`, `SweepSafety` and drawn scenarios: the good pass, and the broken fail with a small example."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis.stateful import run_state_machine_as_test

import incrsim
from incrsim.clock import VirtualClock
from incrsim.errors import CallerError, InvalidOptions
from incrsim.options import ProviderOptions
from incrsim.simulation import FakeSource, Scenario, run_scenario, simulate
from incrsim.simulation.violation import Violation
from incrsim.store import Store
from incrsim.store.contract import CommittedPage, Lease
from incrsim.store.memory import MemoryStore
from incrsim.store.page import PageDraft
from incrsim.testing import SweepSafety, assert_sweep_safe
from incrsim.testing.strategies import scenarios
from tests.simulation.http_services import Services

FEW = settings(
    max_examples=8, stateful_step_count=20, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


class Reading:
    """Reads a source in process."""

    name = "reading"

    def __init__(self, source: FakeSource) -> None:
        self.source = source
        self.around = source.around

    def next(self, context: None, cursor: Any = None) -> incrsim.Page:
        return self.source.next(context, cursor)


class Skipping(Reading):
    """Never returns the last of a whole page."""

    def next(self, context: None, cursor: Any = None) -> incrsim.Page:
        page = super().next(context, cursor)
        return replace(page, entities=list(page.entities)[: self.source.page_size - 1])


class ForgetfulStore(MemoryStore):
    """Forgets the third entity of a page, from the second ingestion on."""

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        if self.state(lease.provider).ingestion.number > 1 and len(draft.entities) > 2:
            draft = replace(draft, entities=draft.entities[:2])
        return super().commit_page(lease, draft, options)


def itself(source: FakeSource) -> FakeSource:
    """A source is a provider."""
    return source


# --- one line ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_good_provider_is_safe() -> None:
    """A provider that reads by a key passes, and what happened to it is told."""
    source = FakeSource(30, 5)
    measured = assert_sweep_safe(Reading, source=source, examples=5)
    assert (measured.scenarios, measured.lost) == (5, 0)
    assert measured.cycles > 20
    assert len(measured.faults) > 20
    assert str(measured).endswith("nothing was lost")
    assert (len(source), source.changes) == (30, 0)


@pytest.mark.slow
@pytest.mark.parametrize("serve", ["link", "page-number"])
def test_a_provider_over_http(serve: str) -> None:
    """It is given the URL of a source that is served."""

    class Numbered(Services):
        def next(self, client: httpx.Client, cursor: Any = None) -> incrsim.Page:
            page = client.get("/services", params={"page": cursor or 1}).raise_for_status().json()
            entities = [self.entity(each) for each in page["items"]]
            return incrsim.Page(entities, cursor=page["page"] + 1, done=page["page"] == page["totalPages"])

    factory = {"link": Services, "page-number": Numbered}[serve]
    measured = assert_sweep_safe(factory, source=FakeSource(12, 4), serve=serve, faults="gentle", examples=2)
    assert measured.cycles > 10


@pytest.mark.slow
def test_what_passes_through_a_provider_may_be_invalid() -> None:
    """A label that the source has spoiled is invalid in the provider's own entity, too, and the oracle knows it."""

    class Labelled(Services):
        def entity(self, item: dict[str, Any]) -> Any:
            return incrsim.component(
                item["name"], namespace=item["namespace"], labels=item["labels"] or {}, provider=self
            )

    text = 'days = 2\nfaults = [{ kind = "invalid entity", rate = 0.5 }]\n[source]\nentities = 8\npage_size = 2'
    scenario = Scenario.from_toml(text)
    assert assert_sweep_safe(Labelled, source=FakeSource(8, 4), serve="link", scenario=scenario).faults


def test_one_that_skips_fails_with_a_small_scenario() -> None:
    """The violation says what is missing, and gives the smallest scenario, which fails in the same way."""
    with pytest.raises(Violation, match=r"C-20 does not hold for 'reading'.*component:default/service") as caught:
        assert_sweep_safe(Skipping, source=FakeSource(20, 4), examples=3)
    (note,) = caught.value.__notes__
    assert "assert_sweep_safe(Skipping, source=…, scenario=scenario)" in note
    assert "faults" not in note
    text = note.partition('r"""')[2].partition('"""')[0]
    scenario = Scenario.from_toml("\n".join(line.removeprefix("    ") for line in text.splitlines()))
    assert scenario.source.entities <= 4
    with pytest.raises(Violation, match="C-20"):
        assert_sweep_safe(Skipping, source=FakeSource(20, 4), scenario=scenario)


@pytest.mark.slow
def test_drift_is_measured_unless_nothing_may_be_lost() -> None:
    """What a source with offsets costs is told; who claims that it costs nothing is contradicted."""
    source = FakeSource(30, 5, dialect="offset")
    measured = assert_sweep_safe(itself, source=source, faults="none", examples=4)
    assert measured.lost
    assert f"{measured.lost} lost in {measured.unsafe} scenario" in str(measured)
    with pytest.raises(Violation, match="C-20"):
        assert_sweep_safe(itself, source=source, faults="none", examples=4, lossless=True)
    assert_sweep_safe(itself, source=source, faults="none", examples=4, removal_grace_cycles=1)


@pytest.mark.slow
def test_the_same_seed_is_the_same_scenario() -> None:
    """What one seed has shown, another run shows again."""
    one, other = (assert_sweep_safe(itself, source=FakeSource(9, 3), seed=4, examples=1) for _ in range(2))
    assert one == other
    assert assert_sweep_safe(itself, source=FakeSource(9, 3), seed=5, examples=1) != one


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"source": [1, 2]}, CallerError, "a source must change and fail when it is told to"),
        ({"serve": "pages"}, CallerError, "serve='pages': a source is served by page-number"),
        ({"faults": "bad"}, CallerError, "no preset of faults is called 'bad'"),
        ({"removal_grace": 1}, InvalidOptions, "removal_grace_cycles"),
        ({"scenario": Scenario(), "seed": 3, "max_pages": 2}, CallerError, r"seed=…, max_pages=…\): a scenario says"),
        ({"provider_factory": lambda _: 1 / 0}, CallerError, "called with the source, failed: ZeroDivisionError"),
        ({"provider_factory": lambda _: Elsewhere()}, CallerError, "component:default/elsewhere, which its source"),
    ],
)
def test_what_cannot_be_simulated_is_refused(arguments: dict[str, Any], error: type[Exception], told: str) -> None:
    """The message says what to write instead."""
    with pytest.raises(error, match=told):
        assert_sweep_safe(**dict[str, Any]({"provider_factory": itself, "source": FakeSource(4, 2)} | arguments))


class Elsewhere(incrsim.IncrementalEntityProvider):
    """Returns what its source does not hold."""

    name = "elsewhere"

    def next(self, context: None, cursor: Any = None) -> incrsim.Page:
        return incrsim.Page([incrsim.component("elsewhere", provider=self)], done=True)


# --- drawn scenarios --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(FEW, max_examples=15)
@given(scenarios(max_entities=12, max_cycles=3))
def test_every_rule_holds_in_drawn_scenarios(scenario: Scenario) -> None:
    """The engine as it is keeps all rules."""
    run = simulate(scenario)
    assert run.ok, str(run)


@pytest.mark.slow
def test_a_broken_store_is_found_in_a_small_scenario() -> None:
    """Of all that was drawn only the entities stay that it takes."""
    failing = find(
        scenarios(max_entities=12, max_cycles=3),
        lambda scenario: not run_scenario(scenario, store=ForgetfulStore).ok,
        settings=settings(FEW, max_examples=200),
    )
    assert failing.source.entities <= 4
    assert failing.days <= 1
    assert (failing.faults, failing.changes, failing.operators, failing.webhooks, failing.redeploys) == ((),) * 5
    assert (failing.rival, failing.sink, failing.replicas) == (None, False, 1)


# --- a state machine --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"reject_removals_above_percentage": 20, "removal_grace_cycles": 1}])
def test_the_engine_keeps_all_rules_step_by_step(options: dict[str, Any]) -> None:
    """Whatever Hypothesis does to replicas, source and store: no rule is broken, and all comes to rest."""

    class Safe(SweepSafety):
        pass

    Safe.options = options
    run_state_machine_as_test(Safe, settings=FEW)


def machine_with(**methods: Callable[..., Any]) -> type[SweepSafety]:
    """A machine with a provider or store of one's own."""
    return type("Mine", (SweepSafety,), methods)


def store(_: SweepSafety, clock: VirtualClock) -> Store:
    """A broken one."""
    return ForgetfulStore(clock)


@pytest.mark.slow
@pytest.mark.parametrize(
    "broken", [machine_with(store=store), machine_with(provider=lambda _, source: Skipping(source))]
)
def test_a_broken_store_or_provider_is_found(broken: type[SweepSafety], capsys: pytest.CaptureFixture[str]) -> None:
    """It fails with the rule, and with no step more than it takes."""
    with pytest.raises(Violation) as caught:
        run_state_machine_as_test(broken, settings=settings(FEW, print_blob=False))
    steps = [line for line in caught.value.__notes__ if "state." in line]
    assert len("\n".join(steps).splitlines()) <= 6, steps


def test_a_machine_of_a_served_source() -> None:
    """The provider gets the URL, and what is planned goes wrong for it."""

    class Served(SweepSafety):
        serve = "link"

        def provider(self, source: str) -> Services:
            return Services(source)

    machine = Served()
    machine.strike("source down")
    machine.run(8)
    assert ("source down", 1) in machine.stage.world.dice.effects
    machine.change("remove", 2)
    machine.teardown()
    assert machine.stage.is_over
