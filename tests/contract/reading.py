from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from incrsim.clock import VirtualClock
from incrsim.entity import Entity
from incrsim.provider import Problem
from incrsim.store import Store
from incrsim.store.contract import Mark
from tests.contract.base import Contract
from tests.contract.driver import Driver
from tests.contract.samples import LOCATIONS, good, ref


def paged(read: Callable[..., Any], key: str, start: Any, *, limit: int) -> list[Any]:
    """All that a paged method gives, and that each page is full but the last."""
    found: list[Any] = []
    while True:
        page = list(read(after=(found and (getattr(found[-1], key) if key else found[-1])) or start, limit=limit))
        assert len(page) <= limit
        found += page
        if len(page) < limit:
            return found


def of_kind(kind: str, name: str) -> Entity:
    """A valid entity, or an invalid one if its name is not one."""
    return Entity(
        {"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": name, "annotations": dict(LOCATIONS)}}
    )


class ReadingContract(Contract):
    """The reading side: sorted, paged, and true."""

    def test_providers_are_sorted(self, store: Store, clock: VirtualClock) -> None:
        """All providers by name, in the order of code points, whatever characters they have."""
        names = ["b", "a", "Z", "ä", "日本", "a b", "🙂", "a" * 255]
        for name in names:
            Driver(store, clock, name)
        assert store.providers() == sorted(names)

    def test_a_provider_may_have_any_printable_name(self, store: Store, clock: VirtualClock) -> None:
        """Odd names work like any other, and bodies carry them."""
        for name in ("O'Reilly; --", "日本 🙂", 'a"b\\c %s'):
            driver = Driver(store, clock, name)
            driver.cycle(good("a"), good("b"))
            driver.cycle(good("a"))
            assert driver.names() == ["a"]
            driver.cycle()
            assert store.state(name).name == name

    def test_entities_are_sorted_by_code_point(self, p: Driver, q: Driver) -> None:
        """Entities of one provider, or of all, come in the order of their refs' code points, page by page."""
        kinds = ["Component", "API", "Zebra", "Component2", "Comp"]
        mine = [of_kind(kind, name) for kind in kinds for name in ("a", "a-b", "a.b", "a_b", "ab", "A1", "0")]
        theirs = [of_kind("Other", name) for name in "xyz"]
        p.cycle(*mine)
        q.cycle(*theirs)
        expected = sorted(str(entity.ref) for entity in mine)
        everyone = sorted([*expected, *(str(entity.ref) for entity in theirs)])
        for limit in (1, 7, 1000):
            assert [each.ref for each in paged(p.store.entities, "ref", "", limit=limit)] == everyone
            found = paged(lambda **page: p.store.entities("p", **page), "ref", "", limit=limit)
            assert [each.ref for each in found] == expected
        assert (p.store.count("p"), p.store.count("q"), p.store.count()) == (35, 3, 38)
        assert (list(p.store.entities("nobody")), p.store.count("nobody")) == ([], 0)
        assert list(p.store.entities(after="zzz")) == []
        assert list(p.store.entities(limit=0)) == []

    def test_one_entity_by_its_ref(self, p: Driver) -> None:
        """An entity is found by its exact ref; what is not there is `None`."""
        p.cycle(good("a"))
        (listed,) = p.store.entities("p")
        assert p.store.entity(ref("a")) == listed
        assert p.store.entity(ref("b")) is None
        assert p.store.entity("") is None

    def test_marks_are_paged(self, p: Driver) -> None:
        """Marks come in the order of their pages, those after a sequence number."""
        p.begin()
        for number in range(1, 8):
            p.page(good(f"e{number}"), cursor=f"c{number}")
            p.clock.advance(p.options.burst_length)
        for limit in (1, 3, 7, 100):
            marks: list[Mark] = paged(lambda **page: p.store.marks("p", **page), "sequence", 0, limit=limit)
            assert [(mark.sequence, mark.cursor) for mark in marks] == [(n, f'"c{n}"') for n in range(1, 8)]
            assert [mark.counts.added for mark in marks] == [1] * 7
            assert marks[0].committed_at < marks[-1].committed_at
        assert p.store.marks("p", after=7) == []

    def test_a_done_page_leaves_a_mark_without_a_cursor(self, p: Driver) -> None:
        """The done page has a mark too, and several ingestions may each have one."""
        for _ in range(2):
            p.cycle_of([[good("a")], [good("b")]])
            assert [mark.cursor for mark in p.store.marks("p")] == ["1", None]

    def test_problems_are_paged(self, p: Driver) -> None:
        """Problems come in the order in which they were recorded, those after an id."""
        p.cycle_of([[], []], problems=[f"no /teams/{number}" for number in range(5)])
        p.cycle(problems=["again"])
        expected = [*(f"no /teams/{number}" for number in range(5)), "again"]
        for limit in (1, 4, 6, 100):
            found = paged(lambda **page: p.store.problems("p", **page), "id", 0, limit=limit)
            assert [each.message for each in found] == expected
            assert [(each.ingestion, each.sequence) for each in found] == [(1, 2)] * 5 + [(2, 1)]

    def test_stale_refs_are_paged(self, p: Driver) -> None:
        """The refs of a refused sweep come sorted by code point, those after a ref."""
        p.setting(reject_removals_above_count=0)
        kinds = [
            of_kind(kind, name) for kind in ("Comp", "Component") for name in ("a", "a-b", "a.b", "a_b", "ab", "1")
        ]
        p.cycle(*kinds)
        p.cycle()
        for limit in (1, 5, 12, 100):
            found = paged(lambda **page: p.store.stale("p", **page), "", "", limit=limit)
            assert found == sorted(str(entity.ref) for entity in kinds)

    @pytest.mark.parametrize("text", ["x" * 100_000, "NUL \0 and \ud800", "日本語 🙂\u202e", "'; DROP TABLE x; --"])
    def test_any_problem_can_be_recorded(self, p: Driver, text: str) -> None:
        """A reported problem with any text, ref, field and rule is kept, what no database holds escaped."""
        p.cycle(problems=[Problem(text, ref=f"API:{text}", field=text, rule=text)])
        (kept,) = p.store.problems("p")
        assert kept.ref is None or kept.ref.startswith("api:default/")
        for each in (kept.message, kept.field, kept.rule):
            assert each == text.replace("\0", "\\x00").replace("\ud800", "\\ud800")

    def test_odd_refs_of_invalid_entities_are_kept(self, p: Driver) -> None:
        """An invalid entity's ref is recorded whatever it looks like."""
        names = ["日本", "O'Reilly", "a b", "x" * 300, "🙂", "%s", "\\"]
        p.setting(max_invalid_percentage=100).cycle(*(of_kind("Component", name) for name in names))
        assert {each.ref for each in p.store.problems("p")} == {f"component:default/{name.lower()}" for name in names}

    def test_a_store_says_where_it_is(self, store: Store) -> None:
        """A store describes itself, and can be closed twice."""
        assert store.describe()
        store.close()
        store.close()
