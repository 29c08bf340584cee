from __future__ import annotations

from incrsim.clock import VirtualClock
from incrsim.simulation import NOTHING, FakeSource, FixedView, ListSource, Simulation, compare
from incrsim.simulation.compare import SHOWN
from incrsim.store.memory import MemoryStore


def loaded(source: FakeSource | ListSource) -> MemoryStore:
    """A store that was brought up to date once."""
    clock = VirtualClock()
    store = MemoryStore(clock)
    Simulation(source, store=store, clock=clock).run_cycle()
    return store


def test_equal_sides_are_ok() -> None:
    """A catalog that holds exactly what it must is said to, with the number of entities."""
    source = FakeSource(entities=2_500)
    compared = compare(loaded(source), "fake", source.snapshot())
    assert compared.ok
    assert str(compared) == "the catalog of 'fake' holds exactly the 2,500 expected entities"


def test_each_difference_is_told_apart() -> None:
    """What is missing, unexpected or different is counted and named."""
    source = ListSource({"a": 1, "b": 1, "d": 1})
    store = loaded(source)
    source.items = {"a": 1, "b": 2, "c": 1}
    compared = compare(store, "list", source.snapshot())
    assert not compared.ok
    assert compared.compared == 4
    assert compared.missing.first == ["component:default/c"]
    assert compared.different.first == ["component:default/b"]
    assert compared.unexpected.first == ["component:default/d"]
    assert str(compared) == (
        "the catalog of 'list' is not what it must be; missing: 1 (component:default/c); "
        "unexpected: 1 (component:default/d); different: 1 (component:default/b)"
    )


def test_only_the_first_refs_are_kept() -> None:
    """However much differs, only a few refs are kept (and the rest is counted)."""
    source = FakeSource(entities=1_200)
    compared = compare(loaded(source), "fake", NOTHING)
    assert compared.unexpected.count == 1_200
    assert len(compared.unexpected.first) == SHOWN
    assert ", …)" in str(compared)
    assert compare(MemoryStore(VirtualClock()), "fake", source.snapshot()).missing.count == 1_200


def test_owner_counts() -> None:
    """An entity that another provider owns is missing for this one."""
    source = ListSource({"a": 1})
    store = loaded(source)
    assert compare(store, "somebody else", source.snapshot()).missing.count == 1


def test_refused_sweep_leaves_both_layers() -> None:
    """A view over an older one holds the newer entities, and of the older one what is only there."""
    source = ListSource({"a": 1, "b": 1, "d": 1, "e": 1})
    before = source.snapshot()
    source.items = {"b": 2, "c": 1}
    both = source.snapshot().over(before)
    names = [ref.rpartition("/")[2] for ref, _ in both]
    assert names == ["a", "b", "c", "d", "e"]
    assert len(both) == 5
    entities = dict(both)
    assert entities["component:default/b"].body["metadata"]["description"] == "revision 2"
    assert list(NOTHING.over(before)) == list(before)
    assert list(before.over(FixedView({}))) == list(before)
