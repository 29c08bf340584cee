"""A plan says what the next cycle then really does, whatever was before, and writes nothing (C-28)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st

from incrsim.clock import VirtualClock
from incrsim.engine import Engine
from incrsim.host import InlineHost
from incrsim.ingestion import Outcome, Status
from incrsim.lifecycle import Operator
from incrsim.mutations import draft_delta
from incrsim.options import ProviderOptions
from incrsim.planning import plan
from incrsim.provider import Page
from incrsim.provider_events import Delta
from incrsim.store.memory import MemoryStore
from tests.contract.base import everything
from tests.contract.samples import broken, good, ref, unreadable
from tests.unit.fakes import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from incrsim.entity import Entity
    from incrsim.planning_values import Plan
    from incrsim.store import Store

    World = Callable[[], tuple[Store, VirtualClock]]

names = st.sampled_from("abcde")
entities = st.one_of(
    st.builds(good, names),
    st.builds(good, names),
    st.builds(good, names, st.sampled_from(["", "new"]), key=st.sampled_from([None, "k"])),
    st.builds(broken, names),
    st.builds(unreadable),
)
readable = entities.filter(lambda each: each.ref is not None)
pages = st.lists(st.lists(entities, max_size=4), min_size=1, max_size=3)
reports = st.sampled_from([(), (), (), ("no /teams",)])
options = st.builds(
    ProviderOptions.of,
    reject_empty_source_collections=st.booleans(),
    reject_removals_above_percentage=st.sampled_from([None, None, 0, 34]),
    reject_removals_above_count=st.sampled_from([None, None, 1]),
    removal_grace_cycles=st.sampled_from([0, 0, 1]),
    max_invalid_percentage=st.sampled_from([1, 50, 100]),
)


@dataclass(frozen=True)
class Story:
    """What happens to a provider: cycles, and between two of them events; the last cycle is the planned one."""

    theirs: list[list[Entity]]
    cycles: list[tuple[list[list[Entity]], tuple[str, ...]]]
    events: list[tuple[list[Entity], list[str]]]
    ends: bool
    approves: bool


stories = st.builds(
    Story,
    theirs=pages,
    cycles=st.lists(st.tuples(pages, reports), min_size=1, max_size=3),
    events=st.lists(st.tuples(st.lists(readable, max_size=2), st.lists(names, max_size=1)), max_size=3),
    ends=st.booleans(),
    approves=st.booleans(),
)


def engine(store: Store, clock: VirtualClock, name: str, given: ProviderOptions) -> Engine:
    """An engine over an empty source."""
    store.register(name)
    return Engine(Source([], name=name), given, store, clock, InlineHost(clock), "r")


def says(engine_: Engine, found: list[list[Entity]], reported: tuple[str, ...] = ()) -> None:
    """From now on the source has these pages; the last one reports problems."""
    last = Page(found[-1], done=True, problems=reported)
    engine_.provider.pages = [*found[:-1], last]


def cycle(engine_: Engine, clock: VirtualClock) -> None:
    """Bring the next ingestion to its end."""
    ingestion = engine_.store.state(engine_.name).ingestion
    number = ingestion.number + (ingestion.status is Status.RESTING)
    while engine_.store.state(engine_.name).ingestion.number <= number:
        ingestion = engine_.store.state(engine_.name).ingestion
        if (ingestion.number, ingestion.status) == (number, Status.RESTING):
            return
        clock.advance_to(ingestion.due_at or clock.now())
        list(engine_.tick())


def held(store: Store, name: str) -> dict[str, bytes]:
    """Digests of what a provider owns."""
    return {each.ref: each.digest for each in store.entities(name)}


def check(store: Store, clock: VirtualClock, name: str, given: ProviderOptions, story: Story) -> Plan:
    """Play a story; before its last cycle make a plan, and compare."""
    other = engine(store, clock, f"{name}-other", ProviderOptions())
    says(other, story.theirs)
    cycle(other, clock)
    mine = engine(store, clock, name, given)
    for found, reported in story.cycles[:-1]:
        says(mine, found, reported)
        cycle(mine, clock)
    verdict = store.state(name).last_verdict
    if story.ends and len(story.cycles) > 1:
        clock.advance_to(store.state(name).ingestion.due_at or clock.now())
        store.operate(name, Operator.TRIGGER)
    if story.approves and verdict is not None and verdict.refused:
        store.approve(name, verdict.id)
    for added, removed in story.events:
        refs = {each.ref for each in added}
        gone = [ref(each) for each in removed if ref(each) not in refs]
        store.apply_delta(name, draft_delta(Delta(added, gone)), given)
    says(mine, *story.cycles[-1])
    before, was = everything(store), held(store, name)
    made = plan(mine.provider, given, store, mine.host)
    assert everything(store) == before
    cycle(mine, clock)
    compare(made, was, store, name)
    return made


def compare(made: Plan, was: dict[str, bytes], store: Store, name: str) -> None:
    """The plan against what has become of it."""
    with made:
        now = held(store, name)
        signs = {sign: {each.ref for each in made.changes(sign)} for sign in ("+", "~", "-")}
        state = store.state(name)
        done = next((each for each in store.history(name) if each.number == made.ingestion), state.ingestion)
        assert done.number == made.ingestion
        assert signs["+"] == now.keys() - was.keys()
        assert signs["~"] == {each for each in was.keys() & now.keys() if was[each] != now[each]}
        verdict = done.verdict
        assert (made.verdict is None) == (verdict is None) == (done.outcome is Outcome.FAILED)
        if made.verdict is not None and verdict is not None:
            assert made.verdict.census == verdict.census
            assert (made.verdict.refused_by, made.verdict.removed) == (verdict.refused_by, verdict.removed)
        removes = verdict is not None and not verdict.refused
        assert (signs["-"] if removes else set()) == was.keys() - now.keys()
        assert len(signs["-"]) == made.removed
        counts = done.counts
        assert (made.counts.invalid, made.counts.lost, made.counts.unreadable) == (
            counts.invalid,
            counts.lost,
            counts.unreadable,
        )


def in_memory() -> tuple[Store, VirtualClock]:
    """A fresh store."""
    clock = VirtualClock()
    return MemoryStore(clock), clock


@pytest.mark.rule("C-28")
@settings(max_examples=150)
@given(given_options=options, story=stories)
def test_the_next_cycle_does_what_was_planned(given_options: ProviderOptions, story: Story) -> None:
    """What is added, changed and removed, the numbers that the guards judge, and what they say."""
    check(*in_memory(), "p", given_options, story)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_same_on_postgres(database_url: str, covered: Callable[[str], None]) -> None:
    """On Postgres too, where not even the version of a row is another after a plan."""
    from incrsim.store.postgres import PostgresStore
    from tests.contract.emptied import emptied
    from tests.postgres.test_store_errors import ask

    clock = VirtualClock()
    store = PostgresStore.open(database_url, clock=clock)
    plans: list[Plan] = []

    def versions(*_: Any) -> Any:
        tables = ("entity", "provider", "ingestion", "lease", "mark", "problem", "stale", "streak", "delta_ref")
        return [ask(database_url, f"SELECT array_agg((xmin, xmax, ctid)::text) FROM incrsim.{each}") for each in tables]

    @settings(max_examples=40)
    @given(given_options=options, story=stories)
    def each(given_options: ProviderOptions, story: Story) -> None:
        emptied(database_url)
        plans.append(check(store, clock, "p", given_options, story))

    try:
        each()
        emptied(database_url)
        mine = engine(store, clock, "p", ProviderOptions())
        says(mine, [[good("a"), good("b")]])
        cycle(mine, clock)
        says(mine, [[good("b", "new"), good("c"), broken("d")]])
        before = versions()
        plan(mine.provider, mine.options, store, mine.host).close()
        assert versions() == before
    finally:
        store.close()
    refused = sum(each.verdict is None or each.verdict.refused for each in plans)
    covered(f"{len(plans)} plans, {refused} of them without a sweep")
