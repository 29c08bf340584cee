from __future__ import annotations

from collections.abc import Iterable

import pytest

from incrsim.draft import draft_page
from incrsim.entity import Entity
from incrsim.errors import InvalidEntity
from incrsim.options import ProviderOptions
from incrsim.provider import Page, Problem
from incrsim.store.page import (
    Compared,
    PageChanges,
    ProblemKind,
    Stored,
    decide,
    without_repeated_problems,
)
from tests.contract.samples import broken, good, ref, unreadable

QUARANTINE = ProviderOptions()
FAIL = ProviderOptions.of(on_invalid_entity="fail")
INGESTION = 5


def stored(entity: Entity, *, owner: str = "me", id_: int = 1, written_in: int = 1) -> Stored:
    """What the catalog holds of an entity."""
    return Stored(id_, owner, entity.location_key, entity.digest, written_in)


def decided(
    *entities: Entity,
    catalog: dict[str, Stored] | None = None,
    same: Iterable[int] = (),
    options: ProviderOptions = QUARANTINE,
    problems: Iterable[Problem | str] = (),
) -> PageChanges:
    """What follows for a page of the provider `me`, with the catalog as it is told to be."""
    draft = draft_page(Page(entities, done=True, problems=problems), 1, None)
    compared = Compared(list(same), 0, catalog or {}, draft.entities)
    inserted: list[Entity] = []
    changes = decide(draft, compared, "me", INGESTION, options, inserted.extend)
    assert inserted == changes.insert
    return changes


# --- the same ref twice (C-8) -----------------------------------------------------------------------------------------


@pytest.mark.rule("C-8")
def test_the_later_one_of_a_page_wins() -> None:
    """Of the same ref twice on a page the later one counts, alone and once."""
    changes = decided(good("a", "old"), good("b"), good("a", "new"))
    assert changes.insert == [good("b"), good("a", "new")]
    assert (changes.counts.returned, changes.counts.valid, changes.counts.added) == (3, 2, 2)


@pytest.mark.rule("C-8")
def test_case_makes_no_other_ref() -> None:
    """Refs are lower-cased, so that two spellings are one entity."""
    assert decided(good("Web"), good("web")).insert == [good("web")]


@pytest.mark.rule("C-8")
def test_what_this_ingestion_wrote_counts_once() -> None:
    """A row that this ingestion has written before is written again, but counts as neither added nor updated again."""
    changes = decided(good("a", "new"), catalog={ref("a"): stored(good("a"), written_in=INGESTION)})
    assert [entity for _, entity in changes.update] == [good("a", "new")]
    assert (changes.counts.added, changes.counts.updated) == (0, 0)


# --- what is written (C-11) -------------------------------------------------------------------------------------------


@pytest.mark.rule("C-11")
def test_new_changed_and_unchanged() -> None:
    """What is new is inserted, what differs is updated, and what is the same is neither sent nor validated again."""
    row = stored(good("b"), id_=7)
    changes = decided(good("a"), good("b", "new"), same=[3, 4], catalog={ref("b"): row})
    assert (changes.insert, changes.update) == ([good("a")], [(row, good("b", "new"))])
    assert (changes.take_over, changes.seen, changes.problems) == ([], [], [])
    counts = changes.counts
    assert (counts.valid, counts.added, counts.updated, counts.unchanged) == (4, 1, 1, 2)


@pytest.mark.rule("C-11")
def test_the_digest_covers_the_location_key() -> None:
    """The same body with another location key is another digest, so that the key is written too."""
    assert len({good("a").digest, good("a", key="x").digest, good("a", key="y").digest}) == 3
    assert good("a", key="x").digest == good("a", key="x").digest


# --- another owner (C-9) ----------------------------------------------------------------------------------------------


@pytest.mark.rule("C-9")
@pytest.mark.parametrize(("theirs", "mine"), [(None, None), ("k", None), (None, "k"), ("k", "other"), ("", None)])
def test_the_first_owner_keeps_it(theirs: str | None, mine: str | None) -> None:
    """Unless both carry the same location key, and one at all, the claim is lost: recorded, and nothing is changed."""
    row = stored(good("a", key=theirs), owner="first", id_=9)
    changes = decided(good("a", "mine", key=mine), catalog={ref("a"): row})
    assert (changes.insert, changes.update, changes.take_over) == ([], [], [])
    (found,) = changes.problems
    assert (found.kind, found.problem.ref) == (ProblemKind.LOST_CLAIM, ref("a"))
    assert "'first'" in found.problem.message
    assert (changes.counts.valid, changes.counts.added) == (1, 0)


@pytest.mark.rule("C-9")
def test_the_newer_one_wins_with_the_same_key() -> None:
    """Both carry the same location key: the newer provider owns it now, and that counts as added."""
    row = stored(good("a", key="k"), owner="first", id_=9)
    changes = decided(good("a", "mine", key="k"), catalog={ref("a"): row})
    assert (changes.take_over, changes.problems) == ([(row, good("a", "mine", key="k"))], [])
    assert (changes.counts.added, changes.counts.updated) == (1, 0)


# --- invalid entities (C-7) -------------------------------------------------------------------------------------------


@pytest.mark.rule("C-7")
def test_the_others_of_the_page_are_stored() -> None:
    """An invalid entity is a problem with ref, field and rule; the rest of its page is written."""
    changes = decided(good("a"), broken("b"))
    assert changes.insert == [good("a")]
    (found,) = changes.problems
    assert (found.kind, found.problem.ref) == (ProblemKind.INVALID, ref("b"))
    assert found.problem.field == 'metadata.labels["no spaces allowed"]'
    assert found.problem.rule
    assert changes.counts.valid == 1


@pytest.mark.rule("C-7")
def test_a_typo_marks_what_was_valid() -> None:
    """An invalid entity whose ref can be read counts as marked, and what is stored stays as it is."""
    changes = decided(broken("b"), catalog={ref("b"): stored(good("b"), id_=7)})
    assert (changes.seen, changes.update) == ([7], [])


@pytest.mark.rule("C-7")
def test_an_unreadable_one_has_no_ref() -> None:
    """An invalid entity without a readable ref is a problem that says so."""
    (found,) = decided(unreadable()).problems
    assert (found.kind, found.problem.ref) == (ProblemKind.INVALID, None)


@pytest.mark.rule("C-7")
@pytest.mark.parametrize("bad", [broken("b"), unreadable()])
def test_fail_refuses_the_page(bad: Entity) -> None:
    """With `on_invalid_entity="fail"` one invalid entity fails its page, and the error says which and what to do."""
    with pytest.raises(InvalidEntity, match=r"1 invalid entities on the page, the first is .*quarantine"):
        decided(good("a"), bad, options=FAIL)
    assert decided(good("a"), options=FAIL).insert == [good("a")]


@pytest.mark.rule("C-7")
def test_a_problem_is_recorded_once() -> None:
    """A problem that the ingestion knows already is neither recorded nor counted again, and nor is a repetition."""
    changes = decided(broken("a"), broken("b"), unreadable("x"), problems=["no /teams", "no /teams"])
    known = {found.key for found in changes.problems if found.problem.ref == ref("a")}
    fresh, counts = without_repeated_problems(changes, known)
    assert sorted(str(found.problem.ref) for found in fresh) == sorted([ref("b"), "None", "None"])
    assert (counts.invalid, counts.unreadable) == (2, 2)
    everything = {found.key for found in changes.problems}
    assert without_repeated_problems(changes, everything)[0] == []


@pytest.mark.rule("C-7")
def test_a_reported_problem_with_a_ref_refuses_nothing() -> None:
    """Only a problem without a ref leaves open what is missing."""
    changes = decided(problems=[Problem("no owner", ref=ref("a")), "no /teams"])
    _, counts = without_repeated_problems(changes, set())
    assert (counts.unreadable, counts.invalid) == (1, 0)
