"""The reading side of the catalog."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

import incrsim
from incrsim import catalog as catalogs
from incrsim.errors import MissingExtra
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
    assert list(catalog.to_frame(provider="other")["namespace"]) == ["people"]
    empty = catalog.to_frame(kind="Comp")
    assert (len(empty), list(empty.columns)) == (0, list(frame.columns))


def test_frame_without_pandas(catalog: incrsim.Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pandas the error holds the command that installs it."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"pip install 'incrsim\[notebook\]'"):
        catalog.to_frame()
