"""How the pages of a source follow each other while others come and go, and what it held meanwhile."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st

from incrsim.clock import EPOCH, VirtualClock
from incrsim.cursor import canonical_cursor, read_cursor
from incrsim.errors import CursorExpired
from incrsim.simulation import FakeSource, holding
from incrsim.simulation.dialects import DIALECTS, DRIFTING, STABLE
from incrsim.simulation.population import shuffle, unshuffle

if TYPE_CHECKING:
    from collections.abc import Callable

    from incrsim.simulation.history import Change


def refs(source: FakeSource, between: Callable[[int], object] = lambda page: None) -> list[str]:
    """All refs that a cycle reads, by cursors as a store keeps them.

    Args:
        source: which is read.
        between: is called after each page with its number.
    """
    read: list[str] = []
    cursor, done, number = None, False, 0
    while not done:
        page = source.next(None, cursor)
        read += [entity.ref for entity in page.entities]  # type: ignore[union-attr, misc]  # a source's own pages hold entities with refs
        done, number = page.done, number + 1
        cursor = None if done else read_cursor(canonical_cursor(page.cursor))
        between(number)
    return read


@pytest.mark.parametrize("entities", [0, 1, 20, 95, 1_100])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_unchanged_source_is_listed_once_and_whole(dialect: str, entities: int) -> None:
    """When nothing happens meanwhile, each dialect lists everything once, in as few pages as it takes."""
    source = FakeSource(entities + entities // 5, 20, dialect=dialect)
    source.remove(count=entities // 5)
    pages: list[int] = []
    read = refs(source, pages.append)
    assert Counter(read) == Counter(source.snapshot().refs)
    assert len(read) == entities
    assert len(pages) == max(1, -(-entities // 20))
    assert sorted(read, reverse=dialect == "newest-first") == read


@pytest.mark.parametrize("dialect", sorted(STABLE))
@given(story=st.lists(st.sampled_from(["add", "remove", "change", "rename", "bring_back"]), min_size=1, max_size=9))
@settings(max_examples=30)
def test_stable_dialects_lose_nothing_that_was_there_throughout(dialect: str, story: list[str]) -> None:
    """Whatever happens between pages, what was there all the time is listed, and once."""
    source = FakeSource(60, 10, dialect=dialect, seed=len(story))

    def happen(number: int) -> None:
        verb = story[number % len(story)]
        if verb == "add":
            source.add(3)
        else:
            getattr(source, verb)(percent=12)

    start = source.changes
    read = refs(source, happen)
    assert source.held_throughout(start, source.changes).refs <= set(read)
    assert len(set(read)) == len(read)


@pytest.mark.parametrize("dialect", sorted(DRIFTING))
def test_drifting_dialects_lose_what_others_leave_behind(dialect: str) -> None:
    """What vanishes between two pages moves others past the cursor: they are there throughout, and not listed."""
    source = FakeSource(100, 10, dialect=dialect)
    read = refs(source, lambda number: source.remove(count=9) if number == 5 else None)
    lost = source.held_throughout(0, source.changes).refs - set(read)
    assert 0 < len(lost) <= 9


def test_new_ones_in_front_repeat_others() -> None:
    """In reverse chronological order what is new moves everything back: the next page repeats the last one's end."""
    source = FakeSource(30, 10, dialect="newest-first")
    read = refs(source, lambda number: source.add(4) if number == 1 else None)
    assert [ref for ref, times in Counter(read).items() if times > 1] == read[6:10]


def test_snapshot_shows_its_own_moment() -> None:
    """All pages show what was there at the first one, bodies too; a snapshot that never was is expired."""
    source = FakeSource(20, 10, dialect="snapshot")
    before = dict(source.snapshot())
    first = source.next(None)
    source.change(percent=100)
    source.remove(percent=50)
    source.add(3)
    second = source.next(None, first.cursor)
    assert {entity.ref: entity for entity in [*first.entities, *second.entities]} == before  # type: ignore[union-attr]  # a source's own pages hold entities with refs
    assert second.done
    with pytest.raises(CursorExpired):
        source.next(None, {"snapshot": 17, "after": 3})


@pytest.mark.parametrize("token", ["", "nonsense", "YWZ0ZXI=", "ü", 7, None.__class__])
def test_token_that_the_source_never_gave_is_expired(token: Any) -> None:
    """A token is the source's own: what it does not know is expired."""
    with pytest.raises(CursorExpired):
        FakeSource(20, 10, dialect="token").next(None, token)


def test_unknown_dialect_is_told_with_the_known_ones() -> None:
    """A dialect is one of six."""
    with pytest.raises(
        ValueError, match="dialect='pages' is none of keyset, snapshot, token, page-number, offset, new"
    ):
        FakeSource(dialect="pages")


def test_renamed_entities_keep_their_place_and_body() -> None:
    """One ref vanishes and another appears where it was, and all else that the entity says stays."""
    source = FakeSource(50, 10)
    before = dict(source.snapshot())
    assert source.rename(percent=10) == 5
    after = dict(source.snapshot())
    gone, new = before.keys() - after.keys(), after.keys() - before.keys()
    assert {f"{ref}-r1" for ref in gone} == new
    assert refs(source) == sorted(after)
    for ref in new:
        old, renamed = before[ref.removesuffix("-r1")].body, after[ref].body
        assert after[ref].violations == ()
        assert old["metadata"].pop("name") + "-r1" == renamed["metadata"].pop("name")
        assert old == renamed


def test_spoiled_entities_are_invalid_until_they_are_healed() -> None:
    """A spoiled label leaves the ref readable, a spoiled name does not; healing restores both to the byte."""
    source = FakeSource(50, 10)
    sound = dict(source.snapshot())
    source.spoil(count=3)
    source.spoil("name", count=2)
    spoiled = source.snapshot().spoiled
    now = dict(source.snapshot())
    assert {ref for ref, entity in now.items() if entity.violations} == spoiled.keys()
    assert sorted(now[ref].ref is None for ref in spoiled) == [False] * 3 + [True] * 2
    assert source.heal() == 5
    assert dict(source.snapshot()) == sound


def test_claimed_refs_come_last_and_leave_again() -> None:
    """A source returns refs of another provider behind its own, with their location key, until it drops them."""
    source = FakeSource(10, 5, location_key="mine")
    wanted = ["component:a/website", "group:default/owners"]
    assert source.claim(wanted, location_key="shared") == 2
    assert refs(source)[10:] == wanted
    held = dict(source.snapshot())
    assert [held[ref].location_key for ref in wanted] == ["shared"] * 2
    assert held[source.formula.ref(0)].location_key == "mine"
    assert all(entity.violations == () for entity in held.values())
    assert list(held) == sorted(held)
    assert len(source) == len(source.snapshot()) == 12
    assert source.unclaim(wanted[:1]) == 1
    assert refs(source)[10:] == wanted[1:]


def test_it_knows_what_it_held_at_every_instant() -> None:
    """By its clock, or by the number of its changes, a source knows what it held then and throughout."""
    clock = VirtualClock()
    source = FakeSource(10, 5)
    source.clock = clock
    everything = source.snapshot().refs
    clock.advance(timedelta(hours=1))
    source.remove(count=4)
    clock.advance(timedelta(hours=1))
    source.bring_back(count=4)
    source.add(1)
    hours = [source.held(EPOCH + timedelta(hours=hour)).refs for hour in range(4)]
    assert [len(each) for each in hours] == [10, 6, 11, 11]
    assert [source.held(number).refs for number in range(4)] == [everything, hours[1], everything, hours[2]]
    throughout = source.held_throughout(EPOCH, EPOCH + timedelta(hours=3))
    assert throughout.refs == hours[1]
    assert len(throughout) == 6
    assert source.held_throughout(EPOCH + timedelta(hours=3), EPOCH + timedelta(hours=3)).refs == hours[3]
    # At the very instant of a change nobody knows what came first.
    assert source.held_throughout(clock.now(), clock.now()).refs == hours[1]
    assert source.held_throughout(source.changes, source.changes).refs == hours[3]


def test_observers_hear_of_each_change() -> None:
    """Each change tells, when asked, which refs appeared, vanished and say something else."""
    source = FakeSource(100, 10)
    heard: list[Change] = []
    source.on_change.append(heard.append)
    views = [source.snapshot()]
    story: list[Callable[[], object]] = [
        lambda: source.remove(percent=10),
        lambda: source.change(count=7),
        lambda: source.rename(count=3),
        lambda: source.add(5),
        lambda: source.spoil(count=2),
        lambda: source.claim(["component:other/x"]),
        lambda: source.bring_back(count=4),
        source.heal,
        lambda: source.unclaim(["component:other/x"]),
    ]
    for happen in story:
        happen()
        views.append(source.snapshot())
    assert [change.number for change in heard] == list(range(1, 10))
    for change, before, after in zip(heard, views, views[1:], strict=False):
        was, now = dict(before), dict(after)
        told = change.differences
        assert told.appeared == tuple(sorted(now.keys() - was.keys()))
        assert told.vanished == tuple(sorted(was.keys() - now.keys()))
        assert told.changed == tuple(sorted(ref for ref in was.keys() & now.keys() if was[ref] != now[ref]))


@given(st.integers(min_value=1, max_value=400), st.text(max_size=3))
def test_unshuffle_undoes_shuffle(size: int, seed: str) -> None:
    """What was shuffled can be put back, whatever the size."""
    rank, number = shuffle(size, seed), unshuffle(size, seed)
    assert [number(rank(each)) for each in range(size)] == list(range(size))


def test_unchanged_entities_are_the_same_objects() -> None:
    """A source that is read again hands out what it made before, so that nothing is made or compared twice."""
    source = FakeSource(100, 100)
    first = source.next(None).entities
    source.change(count=1)
    again = source.next(None).entities
    assert sum(one is not other for one, other in zip(first, again, strict=True)) == 1


def test_few_entities_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many a source has, what it keeps ready is bounded."""
    monkeypatch.setattr(holding, "KEPT", 100)
    source = FakeSource(1_000, 100)
    refs(source)
    source.change(percent=100)
    refs(source)
    assert len(source._shelf._kept) == 100


@pytest.mark.parametrize("dialect", DIALECTS)
def test_cursors_are_exact_json(dialect: str) -> None:
    """A cursor comes back from JSON as it was."""
    cursor = FakeSource(20, 10, dialect=dialect).next(None).cursor
    assert json.loads(json.dumps(cursor)) == cursor
