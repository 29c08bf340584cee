"""Plans: what the next cycle would do, and that it then does just that."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import incrsim
from incrsim.errors import CursorRepeated, InvalidEntity, ProviderBusy, TooManyPages, UnknownProvider
from incrsim.guards import Guard
from incrsim.ingestion import Outcome
from incrsim.planning import plan
from incrsim.planning_values import Change
from incrsim.store.page import ProblemKind
from tests.contract.base import everything
from tests.contract.samples import broken, good, unreadable
from tests.unit.fakes import AsyncSource, Source, entity
from tests.unit.test_app import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """An app on a virtual clock."""
    made = Bench()
    with made.app:
        yield made


def changed(name: str) -> incrsim.Entity:
    """Another body of an entity."""
    return incrsim.component(name, provider="source", description="new")


@pytest.mark.rule("C-28")
@pytest.mark.parametrize("shape", [Source, AsyncSource])
def test_a_plan(bench: Bench, shape: type[Source]) -> None:
    """It names what would be added, changed and removed, like a tool for infrastructure, and writes nothing."""
    source = shape(["a", "b"], ["c"])
    bench.app.add(source)
    bench.app.run_cycle("source")
    source.pages = [["a", "d"], [changed("b")]]
    before = everything(bench.store)
    plan = bench.app.plan("source")
    assert everything(bench.store) == before
    assert str(plan) == (
        "~ component:default/b\n- component:default/c\n+ component:default/d\nPlan: 1 to add, 1 to change, 1 to remove."
    )
    assert "\n".join(plan.lines()) == str(plan)
    assert (plan.ingestion, plan.pages, plan.counts.unchanged) == (2, 2, 1)
    assert plan.to_dict()["removed"] == 1
    assert [each.ref for each in plan.changes("+")] == ["component:default/d"]
    assert source.log[-1] == "left"


def test_a_plan_ends_when_the_app_stops(bench: Bench) -> None:
    """A process that is to stop does not read a whole source first: the plan is given up at the next page."""

    class Stopping(Source):
        def next(self, context: Any, cursor: Any = None) -> Any:
            bench.app.stop()
            return super().next(context, cursor)

    source = Stopping(["a"], ["b"], ["c"])
    bench.app.add(source)
    with pytest.raises(ProviderBusy, match="given up after 1 pages: this process stops"):
        bench.app.plan("source")
    assert source.log[-1] == "left by ProviderBusy"


@pytest.mark.rule("C-28")
def test_a_plan_says_what_guards_would_say(bench: Bench) -> None:
    """The verdict is the one that the sweep would have, with its numbers."""
    source = Source(["a", "b", "c"])
    bench.app.add(source, reject_removals_above_percentage=5)
    bench.app.run_cycle("source")
    source.pages = [["a"]]
    plan = bench.app.plan("source")
    assert plan.verdict is not None
    assert (plan.verdict.refused_by, plan.verdict.id, plan.removed) == ((Guard.PERCENTAGE,), 0, 2)
    assert plan.summary().endswith("The sweep would be refused to remove 2 of 3 (66.67 %): above the limit of 5 %.")
    report = bench.app.run_cycle("source")
    assert report.ingestion.verdict is not None
    assert report.ingestion.verdict.census == plan.verdict.census


@pytest.mark.rule("C-28")
def test_problems_are_told(bench: Bench) -> None:
    """Invalid entities, lost claims and what the provider reports are told, each once."""
    bench.app.add(Source([entity("a", "other")], name="other"))
    bench.app.run_cycle("other")
    page = incrsim.Page([good("a"), broken("b"), broken("b"), unreadable()], cursor=1, problems=["no /teams"])
    bench.app.add(Source(page, ["c"]), max_invalid_percentage=100)
    plan = bench.app.plan("source")
    kinds = [(kind, ref) for kind, ref, _ in plan.problems()]
    assert sorted(kinds, key=str) == sorted(
        [
            (ProblemKind.INVALID, None),
            (ProblemKind.REPORTED, None),
            (ProblemKind.INVALID, "component:default/b"),
            (ProblemKind.LOST_CLAIM, "component:default/a"),
        ],
        key=str,
    )
    assert (plan.counts.invalid, plan.counts.lost, plan.counts.unreadable, plan.added) == (2, 1, 2, 1)
    assert plan.verdict is not None
    assert plan.verdict.refused_by == (Guard.UNREADABLE,)


@pytest.mark.rule("C-28")
def test_too_much_is_invalid(bench: Bench) -> None:
    """Then there would be no sweep, and no verdict."""
    source = Source(["a"])
    bench.app.add(source)
    bench.app.run_cycle("source")
    source.pages = [[broken("x"), broken("y")]]
    plan = bench.app.plan("source")
    assert (plan.verdict, plan.removed) == (None, 1)
    assert plan.summary().endswith("There would be no sweep: 2 entities are invalid.")
    assert bench.app.run_cycle("source").ingestion.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("pages", "options", "error"),
    [
        ([incrsim.Page(cursor=1), incrsim.Page(cursor=1)], {}, CursorRepeated),
        ([["a"], ["b"], ["c"]], {"max_pages": 2}, TooManyPages),
        ([["a"], OSError("gone")], {}, OSError),
        ([["a"], [broken("b")]], {"on_invalid_entity": "fail"}, InvalidEntity),
        ([["a"], incrsim.Page(cursor=None)], {}, incrsim.ProviderError),
    ],
    ids=["cursor", "pages", "source", "invalid", "no cursor"],
)
@pytest.mark.rule("C-28")
def test_what_would_fail_the_cycle_fails_the_plan(
    bench: Bench, pages: list[Any], options: dict[str, Any], error: type[Exception]
) -> None:
    """The error is the one that the cycle would meet; the context is left, and nothing is written."""
    source = Source(*pages)
    bench.app.add(source, **options)
    before = everything(bench.store)
    with pytest.raises(error):
        bench.app.plan("source")
    assert source.log[-1].startswith("left")
    assert everything(bench.store) == before


def test_a_stuck_provider_is_not_planned(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a thread of it is stuck, no other code of it runs in this process (C-16)."""
    bench.app.add(Source(["a"]))
    monkeypatch.setattr(bench.app._host, "is_stuck", lambda name: True)
    with pytest.raises(ProviderBusy, match="stuck"):
        bench.app.plan("source")
    with pytest.raises(UnknownProvider):
        bench.app.plan("nobody")


def test_a_first_plan(bench: Bench) -> None:
    """A provider that was never registered can be planned, and is not by that; who wants to hears of each page."""
    told: list[tuple[int, int]] = []
    source = Source(["a", "b"], ["c"])
    made = plan(
        source,
        incrsim.ProviderOptions(),
        bench.store,
        bench.app._host,
        lambda pages, counts: told.append((pages, counts.returned)),
    )
    with made:
        assert (made.ingestion, made.added, [each.sign for each in made.changes()]) == (1, 3, ["+", "+", "+"])
        assert made.verdict is not None
        assert made.verdict.word == "swept"
    assert told == [(1, 2), (2, 3)]
    assert bench.store.providers() == []


def test_changes_are_paged(bench: Bench) -> None:
    """Changes come in the order of refs, a page at a time; a long plan is cut when it is printed."""
    bench.app.add(Source([f"e{number:04}" for number in range(1200)]))
    with bench.app.plan("source") as plan:
        first = plan.page(limit=2)
        assert first == [Change("+", "component:default/e0000"), Change("+", "component:default/e0001")]
        assert plan.page(after=first[-1].ref, limit=1)[0].ref.endswith("e0002")
        assert plan.page(sign="-") == []
        assert sum(1 for _ in plan.changes()) == 1200
        assert str(plan).splitlines()[-2:] == ["… and 1,100 more", "Plan: 1,200 to add, 0 to change, 0 to remove."]
    plan.close()
    assert plan.added == 1200


def test_a_plan_closes_by_itself(bench: Bench) -> None:
    """One that is let go gives its file back, and nobody is warned."""
    bench.app.add(Source(["a"]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bench.app.plan("source")
        gc.collect()
