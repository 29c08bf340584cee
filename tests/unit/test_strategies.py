"""Hypothesis strategies: what they draw is what they say, shrinks to little, and nonsense is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings, strategies as st

from incrsim.cursor import canonical_cursor, read_cursor
from incrsim.entity import Entity, EntityRef
from incrsim.errors import CallerError, InvalidOptions
from incrsim.options import ProviderOptions
from incrsim.simulation import FakeSource
from incrsim.simulation.faults import KINDS
from incrsim.simulation.scenario import Scenario, SourceSpec
from incrsim.testing import strategies
from incrsim.testing.strategies_entities import _SPOILS

FEW = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
REFS = ("component:default/a", "api:team-b/c.d")


def smallest(strategy: st.SearchStrategy[Any]) -> Any:
    """What Hypothesis shrinks to, and tries first."""
    tried = []

    @settings(max_examples=1, phases=[Phase.generate], database=None)
    @given(strategy)
    def first(drawn: Any) -> None:
        tried.append(drawn)

    first()
    return tried[0]


# --- what is drawn ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@FEW
@given(strategies.entities())
def test_entities_are_valid(entity: Entity) -> None:
    """An entity breaks no rule, and its ref can be read."""
    assert not entity.violations
    assert entity.ref == str(EntityRef.parse(entity.ref or ""))


@FEW
@given(strategies.entities(refs=st.sampled_from(REFS), location_keys=st.sampled_from([None, "k"])))
def test_entities_have_what_is_given(entity: Entity) -> None:
    """Refs and location keys are drawn from what the caller gives."""
    assert entity.ref in REFS
    assert entity.location_key in (None, "k")
    assert not entity.violations


@pytest.mark.slow
@FEW
@given(st.sampled_from(range(len(_SPOILS))), st.data())
def test_invalid_entities_say_why(number: int, data: st.DataObject) -> None:
    """The field and the rule are those that the entity breaks first; all of them can be drawn."""
    field, rule, spoil = _SPOILS[number]
    body = data.draw(strategies.entities()).body
    spoil(body)
    first = Entity(body).violations[0]
    assert (first.field, first.rule) == (field, rule)
    drawn = data.draw(strategies.invalid_entities())
    assert (drawn.entity.violations[0].field, drawn.entity.violations[0].rule) == (drawn.field, drawn.rule)


@FEW
@given(strategies.refs(), strategies.cursors(), strategies.json_values())
def test_refs_and_cursors_are_kept_exactly(ref: str, cursor: Any, value: Any) -> None:
    """A ref is in its canonical form, and a cursor comes back from its text as it was."""
    assert str(EntityRef.parse(ref)) == ref
    assert read_cursor(canonical_cursor(cursor)) == cursor
    assert read_cursor(canonical_cursor([value])) == [value]


@FEW
@given(strategies.options(removal_grace_cycles=st.integers(4, 5), max_pages=None), strategies.option_values())
def test_options_work_together(options: ProviderOptions, plain: dict[str, Any]) -> None:
    """Every combination is one that can be set; what is given is kept."""
    assert options.removal_grace_cycles in (4, 5)
    assert options.max_pages is None
    assert ProviderOptions.of(**plain).describe()


@FEW
@given(strategies.sources(min_entities=2, max_entities=9, max_page_size=3, dialects=["keyset", "offset"]))
def test_sources_are_within_their_bounds(source: FakeSource) -> None:
    """A source holds as many as it may, in pages as large as they may be."""
    assert 2 <= len(source) <= 9
    assert 1 <= source.page_size <= 3
    assert source.dialect in ("keyset", "offset")


@FEW
@given(strategies.scenarios(min_entities=3, max_entities=9, min_cycles=2, max_cycles=3, max_replicas=1))
def test_scenarios_are_within_their_bounds(scenario: Scenario) -> None:
    """A scenario keeps all bounds, and goes through TOML."""
    assert 3 <= scenario.source.entities <= 9
    assert 2 <= scenario.days <= 3
    assert scenario.replicas == 1
    assert not any(KINDS[fault.kind].lies for fault in scenario.faults)
    assert all(change.at.cycle <= 3 for change in scenario.changes)
    assert Scenario.from_toml(scenario.to_toml()) == scenario


@FEW
@given(strategies.faults("hostile", min_kinds=1, max_kinds=3), strategies.faults(["hang"], max_occurrence=2))
def test_faults_are_of_different_kinds(many: Any, one: Any) -> None:
    """No kind comes twice, and only those come that may."""
    assert 1 <= len({fault.kind for fault in many}) == len(many) <= 3
    assert {fault.kind for fault in one} <= {"hang"}


# --- what it shrinks to -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_values_shrink_to_nothing() -> None:
    """The smallest of everything says as little as possible."""
    assert smallest(strategies.cursors()) == 0
    assert smallest(strategies.options()) == ProviderOptions()
    assert smallest(strategies.timelines()) == smallest(strategies.faults()) == smallest(strategies.webhooks()) == ()
    entity = smallest(strategies.entities())
    assert entity.ref == "component:default/0"
    assert set(entity.body["metadata"]) == {"name", "namespace", "annotations"}
    assert smallest(strategies.scenarios()) == Scenario(seed=0, days=1, source=SourceSpec(entities=0, page_size=1))


@pytest.mark.slow
def test_faults_shrink_to_what_is_needed() -> None:
    """Of many faults the one stays that matters."""
    found = find(
        strategies.faults(),
        lambda drawn: any(fault.kind == "hang" for fault in drawn),
        settings=settings(max_examples=500, database=None),
    )
    assert [fault.kind for fault in found] == ["hang"]


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "told"),
    [
        (lambda: strategies.sources(min_entities=5, max_entities=3), r"sources\(min_entities=5, max_entities=3\)"),
        (lambda: strategies.sources(min_page_size=0), r"sources\(min_page_size=0\): it must be 1 or more"),
        (lambda: strategies.sources(dialects=["pages"]), r"'pages' is none of keyset, snapshot"),
        (lambda: strategies.sources(dialects=[]), r"sources\(dialects=\(\)\): give at least one"),
        (lambda: strategies.scenarios(max_cycles="many"), r"scenarios\(max_cycles='many'\): write a whole number"),  # type: ignore[arg-type]  # wrong on purpose
        (lambda: strategies.scenarios(faults="bad"), r"'bad' is none of none, gentle, rough, hostile"),
        (lambda: strategies.scenarios(max_replicas=0), r"scenarios\(min_replicas=1, max_replicas=0\)"),
        (lambda: strategies.faults(["rain"]), r"'rain' is none of source down"),
        (lambda: strategies.faults("none", min_kinds=1), r"faults\(min_kinds=1, max_kinds=0\)"),
        (lambda: strategies.timelines(verbs=["vanish"]), r"'vanish' is none of add"),
        (lambda: strategies.timelines(min_changes=-1), r"timelines\(min_changes=-1\): it must be 0 or more"),
        (lambda: strategies.operator_calls(calls=["stop"]), r"'stop' is none of"),
        (lambda: strategies.webhooks(max_events=True), r"webhooks\(max_events=True\): write a whole number"),
        (lambda: strategies.entities(refs=["a"]), r"refs=\['a'\] is no strategy; write for example refs=st\.just"),  # type: ignore[arg-type]  # wrong on purpose
        (lambda: strategies.texts(min_size=3, max_size=2), r"texts\(min_size=3, max_size=2\)"),
        (lambda: strategies.cursors(max_leaves=0), r"cursors\(min_leaves=1, max_leaves=0\)"),
    ],
)
def test_nonsense_is_refused_at_once(draw: Callable[[], object], told: str) -> None:
    """A bound, a name or an argument that cannot work is an error of the call, and not of a drawn example."""
    with pytest.raises(CallerError, match=told):
        draw()


def test_unknown_options_are_refused() -> None:
    """Also where a strategy is given for them."""
    for value in (1, st.integers()):
        with pytest.raises(InvalidOptions, match="removal_grace_cycles"):
            strategies.options(removal_grace=value)
