from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from incrsim.entity import PROVIDER_ANNOTATION, Entity
from incrsim.errors import InvalidQuery
from incrsim.store import Store
from incrsim.store.searching import EntityQuery, matches
from incrsim.testing.strategies import texts
from tests.contract.base import Contract
from tests.contract.driver import Driver
from tests.contract.reading import paged
from tests.contract.samples import LOCATIONS

ODD = 'O\'Reilly "50 %_\\" straße ﬁx\nİK'


def entity(kind: str, name: str, namespace: str = "default", **more: Any) -> Entity:
    """A valid entity; `labels`, `title`, `description` go into its metadata, `owner` into its spec, the others are
    annotations.
    """
    metadata: dict[str, Any] = {key: more.pop(key) for key in ("labels", "title", "description") if key in more}
    spec: dict[str, Any] = {"owner": more.pop("owner")} if "owner" in more else {}
    annotations: dict[str, Any] = LOCATIONS | {f"example.com/{key}": value for key, value in more.items()}
    body = {"name": name, "namespace": namespace, "annotations": annotations, **metadata}
    return Entity({"apiVersion": "example.com/v1", "kind": kind, "metadata": body, "spec": spec})


MINE = [
    entity("Component", "a", owner="team-a", labels={"tier": "1", "tier2": "x"}, title="The First"),
    entity("Component", "b", "people", owner="team-b", labels={"tier": "2"}, description="first of all"),
    entity("Comp", "a", "people", owner="team-a", note="1"),
    entity("API", "a-b", labels={"tier": ""}, note="", title=ODD),
    entity("API", "a_b", description=ODD, note=ODD, owner=ODD),
    entity("Zebra", "STRASSE", "people", title="STRASSE", description="kİlo"),
]
THEIRS = [entity("Component", name, owner="team-a", labels={"tier": "1"}) for name in ("x", "y", "z")]

EVERYTHING = " ".join(sorted(str(each.ref) for each in (*MINE, *THEIRS)))


class SearchContract(Contract):
    """Searching: exact, sorted, paged, and the same in every store."""

    @pytest.fixture
    def catalog(self, store: Store, p: Driver, q: Driver) -> Store:
        """Six entities of `p` and three of `q`."""
        p.cycle(*MINE)
        q.cycle(*THEIRS)
        return store

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ({}, EVERYTHING),
            ({"kind": "COMPONENT", "provider": "p"}, "component:default/a component:people/b"),
            ({"kind": "comp"}, "comp:people/a"),
            ({"kind": "com"}, ""),
            ({"kind": "component:default"}, ""),
            ({"namespace": "People"}, "comp:people/a component:people/b zebra:people/strasse"),
            ({"namespace": "people", "kind": "Component"}, "component:people/b"),
            ({"namespace": "peopl_"}, ""),
            ({"provider": "nobody"}, ""),
            ({"owner": "team-a", "provider": "p"}, "comp:people/a component:default/a"),
            ({"owner": "Team-A"}, ""),
            ({"owner": ODD}, "api:default/a_b"),
            ({"labels": (("tier", "1"),), "provider": "p"}, "component:default/a"),
            ({"labels": (("tier", None),), "provider": "p"}, "api:default/a-b component:default/a component:people/b"),
            ({"labels": (("tier", ""),)}, "api:default/a-b"),
            ({"labels": (("tier", "1"), ("tier2", "x"))}, "component:default/a"),
            ({"labels": (("tier", "1"), ("tier", "2"))}, ""),
            ({"labels": (("example.com/note", None),)}, ""),
            ({"annotations": (("example.com/note", ODD),)}, "api:default/a_b"),
            ({"annotations": (("example.com/note", None),)}, "api:default/a-b api:default/a_b comp:people/a"),
            ({"annotations": (("tier", "1"),)}, ""),
            ({"annotations": ((PROVIDER_ANNOTATION, "p"),), "kind": "component"},
             "component:default/a component:people/b"),
            ({"annotations": ((PROVIDER_ANNOTATION, None),), "kind": "comp"}, "comp:people/a"),
            ({"annotations": ((PROVIDER_ANNOTATION, "p"),), "provider": "q"}, ""),
            ({"annotations": ((PROVIDER_ANNOTATION, ""),)}, ""),
            ({"text": "FIRST"}, "component:default/a component:people/b"),
            ({"text": "default/A"}, "api:default/a-b api:default/a_b component:default/a"),
            ({"text": "strasse"}, "api:default/a-b api:default/a_b zebra:people/strasse"),
            ({"text": "STRAßE"}, "api:default/a-b api:default/a_b zebra:people/strasse"),
            ({"text": "FIX"}, "api:default/a-b api:default/a_b"),
            ({"text": "i̇k"}, "api:default/a-b api:default/a_b"),
            ({"text": '"50 %_\\"'}, "api:default/a-b api:default/a_b"),
            ({"text": "x\ni"}, "api:default/a-b api:default/a_b"),
            ({"text": "team-a"}, ""),
            ({"text": "%"}, "api:default/a-b api:default/a_b"),
            ({"text": "a_b"}, "api:default/a_b"),
        ],
        ids=repr,
    )  # fmt: skip
    def test_finds_exactly_what_matches(self, catalog: Store, asked: dict[str, Any], expected: str) -> None:
        """A query finds what it asks for, sorted, in pages of any size, and counts the same."""
        query = EntityQuery(**asked)
        for limit in (1, 2, 1000):
            found = paged(lambda **page: catalog.find(query, **page), "ref", "", limit=limit)
            assert [each.ref for each in found] == expected.split()
            assert found == [each for each in catalog.entities() if matches(query, each)]
        assert catalog.count_matching(query) == len(expected.split())
        assert list(catalog.find(query, limit=0)) == []

    @pytest.mark.parametrize("text", ["\0", "a\0", "\ud800", "'; DROP TABLE entity; --", "%s", "\\", "%(name)s", "{x}"])
    @pytest.mark.parametrize("part", ["kind", "namespace", "provider", "owner", "text", "label", "annotation", "value"])
    def test_hostile_queries_find_nothing(self, catalog: Store, part: str, text: str) -> None:
        """What no entity can have finds nothing, and is never taken for SQL, a pattern or a format."""
        text = f"!{text}"
        pair: dict[str, Any] = {
            "label": {"labels": ((text, None),)},
            "annotation": {"annotations": ((text, "x"),)},
            "value": {"labels": (("tier", text),), "annotations": (("example.com/note", text),)},
        }
        query = EntityQuery(**pair.get(part, {part: text}))
        assert list(catalog.find(query)) == []
        assert catalog.count_matching(query) == 0
        assert catalog.count() == len(MINE) + len(THEIRS)

    @pytest.mark.parametrize(
        "after", ["component:default/x\0", "component:default/x\ud800", "component:default/x'; --"]
    )
    def test_any_position_can_be_gone_on_from(self, catalog: Store, after: str) -> None:
        """A page may begin after a text that is no ref."""
        found = [each.ref for each in catalog.find(EntityQuery(kind="component"), after=after)]
        assert found == ["component:default/y", "component:default/z", "component:people/b"]
        assert list(catalog.find(EntityQuery(), after="\U0010ffff")) == []

    def test_more_rows_than_a_statement_brings(self, p: Driver, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """However many rows are looked at for one that matches, all that match are found."""
        monkeypatch.setattr("incrsim.store.postgres_searching.CHUNK", 4)
        monkeypatch.setattr("incrsim.store.postgres_searching.WINDOW", 6)
        p.cycle(*(entity("Component", f"n{n:02}", description=f"é {n}") for n in range(30)))
        for text, expected in (("1", 12), ("29", 1), ("É 2", 11), ("nothing", 0)):
            query = EntityQuery(text=text)
            assert len(store.find(query)) == store.count_matching(query) == expected
            assert len(store.find(query, limit=7)) == min(7, expected)

    def test_counts(self, catalog: Store, store: Store) -> None:
        """Entities are counted by kind and by provider; a provider without any counts 0."""
        store.register("empty")
        assert list(store.count_by_kind().items()) == [("api", 2), ("comp", 1), ("component", 5), ("zebra", 1)]
        assert list(store.count_by_provider().items()) == [("empty", 0), ("p", 6), ("q", 3)]

    def test_any_text_is_found_as_it_is(self, p: Driver, store: Store) -> None:
        """Whatever characters a title has, every part of it is found in any case, and no other entity's."""
        some = texts(min_size=1, max_size=8)

        @settings(max_examples=40)
        @given(some, some, st.data())
        def check(title: str, note: str, data: st.DataObject) -> None:
            p.cycle(entity("Component", "one", title=title, note=note, owner=note), entity("Component", "two"))
            start = data.draw(st.integers(0, len(title) - 1))
            part = title[start : start + 3]
            part = data.draw(st.sampled_from([part, part.upper(), part.lower(), part.swapcase()]))
            for query in (
                EntityQuery(text=part),
                EntityQuery(owner=note),
                EntityQuery(annotations=(("example.com/note", note),)),
            ):
                expected = [each for each in store.entities() if matches(query, each)]
                assert list(store.find(query)) == expected
                if query.text is None:
                    assert [each.ref for each in expected] == ["component:default/one"]

        check()

    @pytest.mark.parametrize(
        "asked",
        [{"kind": 1}, {"text": "x" * 10_000_000}, {"labels": ((1, None),)}, {"labels": (("a", None),) * 101}],
        ids=["number", "10 MB", "numbers in labels", "101 labels"],
    )
    def test_what_cannot_be_asked(self, asked: dict[str, Any]) -> None:
        """What is no text, or longer than anything that an entity has, is refused before it reaches a store."""
        with pytest.raises(InvalidQuery, match="asked for"):
            EntityQuery(**asked)
