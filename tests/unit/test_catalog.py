"""The reading side of the catalog."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from typing import Any

import pytest

import incrsim
from incrsim import catalog as catalogs
from incrsim.errors import InvalidQuery, MissingExtra
from tests.unit.fakes import Rig, Source


@pytest.fixture
def catalog() -> incrsim.Catalog:
    """Five components of one provider and a group of another."""
    rig = Rig(Source(["e", "d", "c"], ["b", incrsim.component("A", provider="source", title="First", owner="team")]))
    rig.cycle()
    other = Source([incrsim.group("g", provider="other", namespace="people")], name="other")
    rig.store.register("other")
    list(replace(rig.engine, provider=other).tick())
    return incrsim.Catalog(rig.store)


def test_one_entity_by_its_ref(catalog: incrsim.Catalog) -> None:
    """A ref is found in any case and with or without the default namespace; another one is None, nonsense an error."""
    body = catalog.get("Component:A")
    assert body is not None
    assert body == catalog.get("component:DEFAULT/a")
    assert body["metadata"]["title"] == "First"
    assert catalog.get("component:default/nobody") is None
    with pytest.raises(ValueError, match="write kind:namespace/name"):
        catalog.get("nonsense")


@pytest.mark.parametrize("read_ahead", [1, 2, 5, 1000])
def test_all_entities_in_order(catalog: incrsim.Catalog, monkeypatch: pytest.MonkeyPatch, read_ahead: int) -> None:
    """All entities come sorted by ref, each once, however many one query brings; of one provider only its own."""
    monkeypatch.setattr(catalogs, "READ_AHEAD", read_ahead)
    components = [f"component:default/{name}" for name in "abcde"]
    assert [each.ref for each in catalog.entities()] == [*components, "group:people/g"]
    assert [each.ref for each in catalog.entities("source")] == components
    assert (catalog.count(), catalog.count("source"), catalog.count("nobody")) == (6, 5, 0)


def test_pages(catalog: incrsim.Catalog) -> None:
    """A search comes in pages, each says where the next begins, and how many there are in all when asked."""
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = catalog.find(kind="component", after=after, limit=2)
        assert page.total == 5
        found += [each.ref for each in page.items]
        after = page.next
    assert found == [f"component:default/{name}" for name in "abcde"]
    assert catalog.find(kind="component", limit=5).next is None
    assert catalog.find("other").items[0].body["metadata"]["name"] == "g"


def test_filters(catalog: incrsim.Catalog) -> None:
    """Every way to read takes the same filters."""
    assert [each.ref for each in catalog.entities(text="FIRST", owner="team")] == ["component:default/a"]
    assert catalog.count(namespace="people") == catalog.count("other") == 1
    assert catalog.count(annotation={"backstage.io/managed-by-location": None}) == 6
    assert list(catalog.to_frame("source", text="first")["title"]) == ["First"]
    stream = io.StringIO()
    assert catalog.export(stream, kind="group") == 1
    assert "kind: Group" in stream.getvalue()


def test_counts(catalog: incrsim.Catalog) -> None:
    """Entities are counted by kind and by provider."""
    counts = catalog.counts()
    assert (counts.by_kind, counts.by_provider) == ({"component": 5, "group": 1}, {"other": 1, "source": 5})


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"limit": 0}, "limit=0 is not a whole number from 1 to 10000"),
        ({"limit": True}, "limit=True"),
        ({"limit": 10_001}, "limit=10001"),
        ({"after": None}, "after=None is no text"),
        ({"label": "tier=1"}, 'write for example label={"tier": "1"}'),
        ({"labels": {}}, "unknown filter labels; the filters are provider, kind, namespace, owner, label"),
        ({"kind": 5}, "kind=5 is of type int"),
    ],
    ids=str,
)
def test_what_cannot_be_asked(catalog: incrsim.Catalog, asked: dict[str, Any], message: str) -> None:
    """A filter or a page that cannot work is refused with what to write instead."""
    with pytest.raises(InvalidQuery, match=re.escape(message)):
        catalog.find(**asked)


def test_frame(catalog: incrsim.Catalog) -> None:
    """A DataFrame has a row per entity, of one kind if asked, and its columns also when it is empty."""
    frame = catalog.to_frame(kind="Component")
    assert list(frame["name"]) == ["A", "b", "c", "d", "e"]
    assert tuple(frame.iloc[0]) == (
        "component:default/a",
        "Component",
        "default",
        "A",
        "source",
        "First",
        "team",
        "service",
    )
    assert {name: str(frame[name].dtype) for name in ("kind", "owner", "type")} == dict.fromkeys(
        ("kind", "owner", "type"), "category"
    )
    assert list(catalog.to_frame(provider="other")["namespace"]) == ["people"]
    empty = catalog.to_frame(kind="Comp")
    assert (len(empty), list(empty.columns)) == (0, list(frame.columns))


def test_frame_without_pandas(catalog: incrsim.Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pandas the error holds the command that installs it."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"pip install 'incrsim\[notebook\]'"):
        catalog.to_frame()
