"""What a scenario plans happens, at its moment, and everybody hears of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from incrsim import events
from incrsim.simulation.compare import compare
from incrsim.simulation.dice import Fault
from incrsim.simulation.moment import Moment
from incrsim.simulation.scenario import Change, OperatorCall, Redeploy, Rival, Scenario, SourceSpec, Webhook
from incrsim.simulation.simulating import run_scenario
from incrsim.simulation.world.happenings import Operated, Redeployed, SourceChanged, SourceTold
from incrsim.simulation.world.outfit import Blind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from incrsim.simulation.run import Run
    from incrsim.simulation.world.world import World

SMALL = SourceSpec(entities=30, page_size=10)


@pytest.fixture(autouse=True)
def _silence(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "incrsim")


class Comparing(Blind):
    """Compares catalog, sources and sink when all has come to rest."""

    def __init__(self, world: World) -> None:
        self._world = world

    def ended(self) -> None:
        world = self._world
        compared = compare(world.store, "main", world.source.snapshot())
        assert compared.ok, str(compared)
        if world.rival is not None:
            theirs = compare(world.store, "rival", world.rival.snapshot())
            assert theirs.ok, str(theirs)
        if world.sink is not None:
            held = {each.ref: (each.provider, each.body) for each in world.store.entities(limit=10_000)}
            assert world.sink.entities == held


def play(**planned: Any) -> Run:
    """Run a small scenario with something planned in it."""
    return run_scenario(Scenario(**{"days": 4, "source": SMALL, **planned}), observe=Comparing)


def of(run: Run, *kinds: type) -> Iterator[Any]:
    """What happened of some kinds, in order."""
    return (each for _, each in run.happenings if isinstance(each, kinds))


def test_changes_of_every_kind() -> None:
    """The source changes between pages and cycles, and the catalog follows; claimed refs stay with their owner."""
    verbs = [("add", 5), ("remove", 9), ("change", 4), ("rename", 2), ("bring_back", 99), ("claim", 3), ("unclaim", 1)]
    changes = [Change(at=Moment(2, step), verb=verb, count=count) for step, (verb, count) in enumerate(verbs)]
    run = run_scenario(Scenario(days=4, source=SMALL, changes=tuple(changes), rival=Rival(entities=5)))
    told = [(each.verb, each.count, each.holds) for each in of(run, SourceChanged)]
    assert told == [
        ("add", 5, 35),
        ("remove", 9, 26),
        ("change", 4, 26),
        ("rename", 4, 26),  # one name is gone, and another one new
        ("bring_back", 9, 35),
        ("claim", 3, 38),
        ("unclaim", 1, 37),
    ]


def test_calls_in_every_order() -> None:
    """Operators call at their moments, and hear what came of it."""
    calls = ("trigger", "start", "cancel", "pause", "resume", "delete", "delete marks", "cleanup", "retire", "full")
    planned = tuple(OperatorCall(at=Moment(2 + step // 3, 4 * step), operator=name) for step, name in enumerate(calls))
    run = play(days=12, operators=planned)
    told = {each.operator: each.outcome for each in of(run, Operated)}
    assert list(told) == list(calls)
    assert set(told.values()) <= {"done", "refused: InvalidTransition", "refused: ProviderBusy"}


def test_a_refused_sweep_is_approved() -> None:
    """`approve` takes the verdict that is there when it is called; one that is named may be superseded."""
    run = play(
        options={"reject_removals_above_count": 3},
        changes=(Change(at=Moment(2), verb="remove", count=8),),
        operators=(
            OperatorCall(at=Moment(2, 5, 3600), operator="approve"),
            OperatorCall(at=Moment(2, 5, 7200), operator="approve", arguments={"verdict_id": 1}),
        ),
    )
    outcomes = [each.outcome for each in of(run, Operated)]
    assert outcomes[:2] == ["done", "refused: SupersededVerdict"]


def test_who_is_paused_waits_for_somebody() -> None:
    """A pause takes no steps, and ends when somebody resumes; by itself it ends with the fault phase."""
    paused = OperatorCall(at=Moment(2, 3), operator="pause")
    resumed = OperatorCall(at=Moment(2, 4, 7200), operator="resume")
    run = play(operators=(paused, resumed))
    first, second = of(run, Operated)
    assert second.at - first.at >= timedelta(hours=2)
    alone = play(operators=(paused,))
    assert alone.steps < run.steps
    assert [each.operator for each in of(alone, Operated)] == ["pause", "resume"]


@pytest.mark.parametrize("where", ["anywhere", "before", "during", "after"])
def test_events_about_any_page(where: str) -> None:
    """An event is about entities of the page that is ahead, in hand or read, and the catalog follows at once."""
    in_the_second_of_three_pages = Moment(2, 4)
    told = Webhook(at=in_the_second_of_three_pages, removed=2, changed=1, where=where)
    run = play(webhooks=(told,))
    (event,) = of(run, SourceTold)
    assert (event.added, event.removed, event.outcome) == (1, 2, "done")
    (applied,) = of(run, events.DeltaApplied)
    assert (applied.ingestion, applied.counts.removed) == (2, 2)


def test_a_replica_is_redeployed() -> None:
    """It dies where it stands, and goes on with other options under another name."""
    run = play(replicas=2, redeploys=(Redeploy(at=Moment(2, 3), replica=0, options={"burst_length": "1s"}),))
    (redeployed,) = of(run, Redeployed)
    assert (redeployed.number, redeployed.options) == (0, ("burst_length=1s",))
    holders = {each.holder for each in of(run, events.Claimed)}
    assert "replica-0.2" in holders


@pytest.mark.slow
def test_whatever_happens_all_comes_to_rest() -> None:
    """In rough weather of any seed, catalogs are what their sources are in the end, and no replica is stuck."""
    for seed in range(12):
        drawn = Scenario.draw(seed, "rough", days=4, entities=40, replicas=2)
        kept_apart = tuple(change for change in drawn.changes if change.verb != "claim")
        run = run_scenario(replace(drawn, changes=kept_apart), observe=Comparing)
        assert run.ok, str(run)


def test_a_run_that_never_rests_is_a_finding() -> None:
    """A provider that fails for ever keeps the quiet phase from ending: that is told, and not run for ever."""

    class Broken:
        name = "broken"

        def around(self) -> Any:
            raise ConnectionError

        def next(self, context: Any, cursor: Any = None) -> Any:
            raise AssertionError

    run = run_scenario(Scenario(days=0, source=SMALL, options={"backoff": ["1s"]}), provider=Broken())
    (finding,) = run.findings
    assert (finding.rule, finding.expected) == ("C-38", "an end of the quiet phase")
    assert not run.ok
    assert "C-38 does not hold for 'broken'" in str(run)


def test_effects_can_be_named_one_by_one() -> None:
    """The occurrences that a rate led to, put in its place, lead to the same run."""
    drawn = Scenario.draw(4, [Fault("replica dies", 0.05), Fault("error from next", 0.1)], days=4, entities=40)
    run = run_scenario(drawn)
    kinds = {kind: tuple(number for each, number in run.effects if each == kind) for kind, _ in run.effects}
    named = Scenario.draw(4, [Fault(kind, occurrences=numbers) for kind, numbers in kinds.items()], days=4, entities=40)
    assert len(kinds) == 2
    assert run_scenario(named).digest == run.digest
