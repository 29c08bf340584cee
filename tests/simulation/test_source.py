from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from incrsim.provider import check_provider
from incrsim.simulation import FakeSource, ListSource
from incrsim.simulation.population import shuffle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from incrsim.entity import Entity


def pages(source: FakeSource | ListSource) -> Iterator[list[Entity]]:
    """Everything the source returns, as an engine asks for it."""
    cursor, done = None, False
    while not done:
        page = source.next(None, cursor)
        cursor, done = page.cursor, page.done
        yield list(page.entities)  # type: ignore[arg-type]  # a source's own pages hold entities with refs


def held(source: FakeSource) -> dict[str, str]:
    """Ref → revision of all that the source holds."""
    return {ref: entity.body["metadata"]["annotations"]["source.example/revision"] for ref, entity in source.snapshot()}


def test_entities_are_valid_and_of_the_size_that_was_measured_with() -> None:
    """Each entity keeps Backstage's rules, has five annotations and 600 to 620 bytes."""
    source = FakeSource(entities=3_000)
    for page in pages(source):
        for entity in page[::250]:
            assert entity.violations == ()
            assert 600 <= len(entity.canonical or b"") <= 620
            assert len(entity.body["metadata"]["annotations"]) == 5


def test_pages_hold_everything_once_and_in_order() -> None:
    """Pages are full but for the last one, and refs come sorted."""
    source = FakeSource(entities=95, page_size=10)
    sizes = [len(page) for page in pages(source)]
    assert sizes == [10] * 9 + [5]
    refs = [entity.ref for page in pages(source) for entity in page]
    assert refs == sorted(refs)  # type: ignore[type-var]  # a source's own pages hold entities with refs
    assert len(set(refs)) == len(source) == 95


@pytest.mark.parametrize(("entities", "count"), [(0, 1), (10, 1), (20, 2), (21, 3)])
def test_last_page_says_so(entities: int, count: int) -> None:
    """A source ends with its last entity: there is no empty page behind a full one."""
    assert len(list(pages(FakeSource(entities=entities, page_size=10)))) == count


def test_shares_are_exact() -> None:
    """Removing, changing and bringing back meet exactly as many entities as they say."""
    source = FakeSource(entities=10_000)
    loaded = held(source)
    assert source.remove(percent=10) == 1_000
    assert source.change(percent=1) == 90
    changed = held(source)
    assert len(source) == len(changed) == 9_000
    assert changed.keys() < loaded.keys()
    assert sum(version == "2" for version in changed.values()) == 90
    assert source.remove(percent="50") == 4_500
    assert source.bring_back(percent=50) == 2_750
    assert source.add(7) == 7
    returned = held(source)
    assert len(returned) == len(source) == 4_500 + 2_750 + 7
    assert all(changed.get(ref, "1") == version for ref, version in returned.items())


def test_those_met_lie_scattered() -> None:
    """What vanishes is taken from all over the source, neither in one piece nor evenly."""
    source = FakeSource(entities=10_000, page_size=100)
    before = [len(page) for page in pages(source)]
    kept = {ref for ref, _ in source.snapshot().lazily()}
    source.remove(percent=20)
    gone = sorted(int(ref[-9:]) for ref in kept - held(source).keys())
    per_page = [sum(1 for index in gone if index // 100 == page) for page in range(len(before))]
    assert min(per_page) > 3
    assert max(per_page) < 50
    assert len(set(per_page)) > 5


def test_seeds_differ_and_repeat() -> None:
    """The same seed meets the same entities, another seed other ones."""

    def kept(seed: int) -> set[str]:
        source = FakeSource(entities=1_000, seed=seed)
        source.remove(percent=50)
        return set(held(source))

    assert kept(1) == kept(1)
    assert kept(1) != kept(2)


def test_snapshot_does_not_change() -> None:
    """What happens to a source later does not reach a snapshot."""
    source = FakeSource(entities=100)
    snapshot = source.snapshot()
    before = list(snapshot)
    source.remove(percent=100)
    source.add(5)
    assert list(snapshot) == before
    assert len(snapshot) == 100
    assert len(source) == 5


@pytest.mark.parametrize("source", [FakeSource(entities=100, page_size=10), ListSource({"a": 1, "b": 1, "c": 1}, 2)])
def test_nothing_behind_the_cursor_is_a_last_page(source: FakeSource | ListSource) -> None:
    """When everything behind a cursor has vanished, its page is empty and done."""
    first = source.next(None)
    if isinstance(source, FakeSource):
        source.remove(percent=100)
    else:
        source.items.clear()
    page = source.next(None, first.cursor)
    assert page.done
    assert list(page.entities) == []


def test_cursor_names_a_place() -> None:
    """What vanishes before a cursor shifts nothing behind it."""
    source = ListSource({"a": 1, "b": 1, "c": 1, "d": 1}, page_size=2)
    first = source.next(None)
    del source.items["a"]
    assert [entity.ref for entity in source.next(None, first.cursor).entities] == [  # type: ignore[union-attr]  # a source's own pages hold entities with refs
        "component:default/c",
        "component:default/d",
    ]


def test_million_entities_take_no_memory() -> None:
    """What a source keeps grows with what happened to it, and not with its entities."""
    tracemalloc.start()
    source = FakeSource(entities=1_000_000)
    for _ in range(10):
        source.remove(percent=10)
        source.change(percent=1)
    source.next(None, {"after": 500_000})
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 200_000


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "remove", "change", "bring_back"]), st.integers(min_value=0, max_value=100)),
        max_size=12,
    ),
    st.integers(min_value=0, max_value=60),
)
def test_any_story_keeps_its_books(story: list[tuple[str, int]], entities: int) -> None:
    """Whatever happens to a source, each change meets exactly what it says and nothing else."""
    source = FakeSource(entities=entities, page_size=7)
    now = held(source)
    last = dict(now)
    for verb, number in story:
        met = source.add(number) if verb == "add" else getattr(source, verb)(percent=number)
        before, now = now, held(source)
        came, went = now.keys() - before.keys(), before.keys() - now.keys()
        changed = {ref for ref in now.keys() & before.keys() if now[ref] != before[ref]}
        assert len(came) == (met if verb in ("add", "bring_back") else 0)
        assert len(went) == (met if verb == "remove" else 0)
        assert len(changed) == (met if verb == "change" else 0)
        assert all(now[ref] == last.get(ref, "1") for ref in came)
        last.update(now)
        assert len(source) == len(now)
    assert [entity.ref for page in pages(source) for entity in page] == sorted(now)


@given(st.integers(min_value=1, max_value=400), st.text(max_size=3))
def test_shuffle_meets_every_number_once(size: int, seed: str) -> None:
    """A shuffle is a permutation, whatever the size."""
    rank = shuffle(size, seed)
    assert sorted(map(rank, range(size))) == list(range(size))


def test_wrong_calls_say_what_to_write() -> None:
    """A share is a count or a percentage, and not more than there is."""
    source = FakeSource(entities=10)
    with pytest.raises(TypeError, match=r"give one of them, for example remove\(percent=10\)"):
        source.remove()
    with pytest.raises(TypeError, match="give one of them"):
        source.change(count=1, percent=1)
    with pytest.raises(ValueError, match=r"bring_back\(count=1\): there are 0 to choose from"):
        source.bring_back(count=1)
    with pytest.raises(ValueError, match="a percentage is between 0 and 100"):
        source.remove(percent=101)
    with pytest.raises(ValueError, match=r"add\(count=-1\): it must be 0 or more"):
        source.add(-1)
    with pytest.raises(ValueError, match=r"FakeSource\(page_size=0\): a page holds at least 1 entity"):
        FakeSource(page_size=0)


def test_sources_are_providers() -> None:
    """Both can be handed to an engine as they are."""
    assert check_provider(FakeSource(name="numbers")) == "numbers"
    assert check_provider(ListSource({})) == "list"


def test_list_source_pages_by_name() -> None:
    """A source of named items gives them in the order of their names, as they are now."""
    source = ListSource({"b": 1, "a": 1, "c": 3}, page_size=2)
    assert [[entity.ref for entity in page] for page in pages(source)] == [
        ["component:default/a", "component:default/b"],
        ["component:default/c"],
    ]
    assert all(entity.violations == () for page in pages(source) for entity in page)
    source.items["d"] = 1
    assert len(source.snapshot()) == 4
