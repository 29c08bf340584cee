"""Strategies for sources, for what happens in a simulation, and for whole scenarios of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from incrsim.simulation.dialects import DIALECTS
from incrsim.simulation.moment import Moment
from incrsim.simulation.scenario import Change, OperatorCall, Redeploy, Rival, Scenario, SourceSpec, Webhook
from incrsim.simulation.scenario.parts import CALLS, VERBS, WHERE
from incrsim.simulation.source import FakeSource
from incrsim.testing.strategies_bounds import between, chosen
from incrsim.testing.strategies_faults import faults as drawn_faults
from incrsim.testing.strategies_values import HARMLESS, option_values

LIVELY = ("change", "add", "remove", "rename", "bring_back")
"""What becomes of entities that stay valid, and stay with their provider."""

WAITS = (0.0, 3.0, 100.0, 20_000.0)
"""Seconds between a step and what is planned after it: none, within a lease, past one, and past every wait."""

_STEPS = 30
_MASS = (50, 80, 100)
_MORE = 4
_REDEPLOYED = ("removal_grace_cycles", "backoff", "reject_removals_above_percentage", "reject_removals_above_count")


def sources(
    *,
    min_entities: int = 0,
    max_entities: int = 100,
    min_page_size: int = 1,
    max_page_size: int = 25,
    dialects: Iterable[str] = tuple(DIALECTS),
) -> st.SearchStrategy[FakeSource]:
    """Sources, each of which can be changed, read and served; shrink to few entities behind a key.

    Args:
        min_entities: how many they hold at least.
        max_entities: how many at most.
        min_page_size: entities a page at least.
        max_page_size: entities a page at most.
        dialects: how their pages follow each other.

    Raises:
        CallerError: no such dialect, or bounds that nothing fits, as in all of these.
    """
    return st.builds(
        FakeSource,
        entities=between("sources", "entities", min_entities, max_entities),
        page_size=between("sources", "page_size", min_page_size, max_page_size, 1),
        dialect=st.sampled_from(chosen("sources", "dialects", dialects, DIALECTS)),
        seed=st.integers(1, 1_000),
    )


def moments(*, max_cycle: int = 6, max_step: int = _STEPS) -> st.SearchStrategy[Moment]:
    """Instants of a simulation; shrink to its beginning.

    Args:
        max_cycle: in which ingestion at the latest.
        max_step: before which of its steps at the latest.
    """
    cycles = between("moments", "cycle", 1, max_cycle)
    return st.builds(Moment, cycles, between("moments", "step", 0, max_step), st.sampled_from(WAITS))


def timelines(
    *, min_changes: int = 0, max_changes: int = 8, max_cycle: int = 6, verbs: Iterable[str] = LIVELY
) -> st.SearchStrategy[tuple[Change, ...]]:
    """What becomes of a source's entities and when; few of them as a rule, and now and then most; shrink to nothing.

    Args:
        min_changes: how many changes at least.
        max_changes: how many at most.
        max_cycle: in which ingestion the last one happens.
        verbs: what may happen; entities stay valid and with their provider unless given.
    """
    between("timelines", "changes", min_changes, max_changes)
    verb = st.sampled_from(chosen("timelines", "verbs", verbs, VERBS))
    at = moments(max_cycle=max_cycle)
    few = st.builds(Change, at=at, verb=verb, count=st.integers(1, _MORE))
    many = st.builds(Change, at=at, verb=verb, percent=st.sampled_from(_MASS))
    return _several(few | few | many, min_changes, max_changes)


def operator_calls(
    *, min_calls: int = 0, max_calls: int = 3, max_cycle: int = 6, calls: Iterable[str] = CALLS
) -> st.SearchStrategy[tuple[OperatorCall, ...]]:
    """Calls of operators; shrink to none.

    Args:
        min_calls: how many at least.
        max_calls: how many at most.
        max_cycle: in which ingestion the last one happens.
        calls: which ones.
    """
    between("operator_calls", "calls", min_calls, max_calls)
    call = st.sampled_from(tuple(map(str, chosen("operator_calls", "calls", calls, CALLS))))
    return _several(st.builds(OperatorCall, at=moments(max_cycle=max_cycle), operator=call), min_calls, max_calls)


def webhooks(*, min_events: int = 0, max_events: int = 3, max_cycle: int = 6) -> st.SearchStrategy[tuple[Webhook, ...]]:
    """Events of the source, each about a few entities that are before, on or behind the page in hand; shrink to none.

    Args:
        min_events: how many at least.
        max_events: how many at most.
        max_cycle: in which ingestion the last one comes.
    """
    between("webhooks", "events", min_events, max_events)
    count, where, at = st.integers(0, 2), st.sampled_from(WHERE), moments(max_cycle=max_cycle)
    return _several(
        st.builds(Webhook, at=at, added=count, changed=count, removed=count, where=where), min_events, max_events
    )


def redeploys(
    *, max_redeploys: int = 2, max_cycle: int = 6, replicas: int = 1
) -> st.SearchStrategy[tuple[Redeploy, ...]]:
    """Replicas that are replaced by others with other options; shrink to none.

    Args:
        max_redeploys: how many at most.
        max_cycle: in which ingestion the last one happens.
        replicas: how many there are.
    """
    between("redeploys", "redeploys", 0, max_redeploys)
    number = between("redeploys", "replica", 0, replicas - 1)
    options = option_values(_REDEPLOYED)
    at = moments(max_cycle=max_cycle)
    return _several(st.builds(Redeploy, at=at, replica=number, options=options), 0, max_redeploys)


def scenarios(
    *,
    min_entities: int = 0,
    max_entities: int = 40,
    min_cycles: int = 1,
    max_cycles: int = 6,
    max_replicas: int = 2,
    faults: str | Iterable[str] = "rough",
    dialects: Iterable[str] = tuple(DIALECTS),
    **options: Any,
) -> st.SearchStrategy[Scenario]:
    """Whole scenarios for `incrsim.simulate`; shrink to one cycle of an empty source, in which nothing happens.

    Args:
        min_entities: how many the source holds at least, at first.
        max_entities: how many at most.
        min_cycles: how many days the fault phase lasts at least: an ingestion rests for a day.
        max_cycles: how many days at most.
        max_replicas: how many processes serve the provider at most.
        faults: what may go wrong, as for `faults`.
        dialects: how the source's pages follow each other.
        options: the provider's: values, or strategies for them; others are drawn from those that let every ingestion
            come to its end.

    Raises:
        CallerError: no such fault or dialect, or bounds that nothing fits.
        InvalidOptions: an option that there is not, or a value that cannot work.

    Example:
        @given(scenarios(max_entities=20, faults="hostile"))
        def test_every_rule_holds(scenario): assert simulate(scenario).ok
    """
    spec = st.builds(
        SourceSpec,
        entities=between("scenarios", "entities", min_entities, max_entities),
        page_size=st.integers(1, max(1, max_entities // 3)),
        dialect=st.sampled_from(chosen("scenarios", "dialects", dialects, DIALECTS)),
        seconds=st.sampled_from([1.0, 0.1, 10.0]),
    )
    days = between("scenarios", "cycles", min_cycles, max_cycles)
    replicas = between("scenarios", "replicas", 1, max_replicas, 1)
    given = option_values(HARMLESS, **options)
    weather = drawn_faults(faults, max_kinds=8)
    rival = st.none() | st.builds(Rival, entities=st.integers(0, _MORE), page_size=st.integers(1, 3))

    @st.composite
    def drawn(draw: st.DrawFn) -> Scenario:
        count = draw(replicas)
        return Scenario(
            seed=draw(st.integers(0, 2**16)),
            days=draw(days),
            replicas=count,
            source=draw(spec),
            options=draw(given),
            changes=draw(changes),
            operators=draw(calls),
            webhooks=draw(events),
            redeploys=draw(replaced[count - 1]),
            faults=draw(weather),
            rival=draw(rival),
            sink=draw(st.booleans()),
        )

    changes = timelines(max_changes=2 * max_cycles, max_cycle=max_cycles)
    calls, events = operator_calls(max_cycle=max_cycles), webhooks(max_cycle=max_cycles)
    replaced = [redeploys(max_cycle=max_cycles, replicas=number) for number in range(1, max_replicas + 1)]
    return drawn()


def _several(one: st.SearchStrategy[Any], least: int, most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(one, min_size=least, max_size=most).map(tuple)
