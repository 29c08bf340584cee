"""From a page as a provider returned it to one that a store can commit."""

from __future__ import annotations

from typing import Any

import pytest

import incrsim
from incrsim.draft import draft_page
from incrsim.errors import InvalidPage
from incrsim.provider import Page, Problem
from incrsim.store.page import PageDraft, ProblemKind
from tests.unit.fakes import entity


def draft(*entities: Any, problems: Any = ()) -> PageDraft:
    """The draft of a done page."""
    return draft_page(Page(entities, done=True, problems=problems), 1, None)


def test_every_form_of_an_entity_is_read() -> None:
    """Entities, mappings, and upstream's wrapped form with a location key are the same entity."""
    plain = entity("a")
    keyed = incrsim.Entity(plain.body, location_key="k")
    assert draft(plain).entities == draft(plain.body).entities == draft({"entity": plain.body}).entities == [plain]
    for form in (
        {"entity": plain.body, "locationKey": "k"},
        {"entity": plain.body, "location_key": "k"},
        {"entity": plain, "locationKey": "k"},
        {"entity": keyed},
    ):
        assert draft(form).entities == [keyed]


@pytest.mark.rule("C-8")
def test_the_later_of_two_wins() -> None:
    """The same ref twice on a page is one entity, the later one, where the later one stood; both were returned."""
    first, last = entity("a"), incrsim.component("A", provider="source", title="later")
    found = draft(first, entity("b"), last)
    assert [each.ref for each in found.entities] == ["component:default/b", "component:default/a"]
    assert found.entities[1] == last
    assert found.returned == 3


@pytest.mark.parametrize(
    "what", [None, 5, "text", [1], {}, {"kind": 5}, {"entity": None}, object()], ids=lambda w: type(w).__name__
)
@pytest.mark.rule("C-7")
def test_what_is_no_entity_is_unreadable(what: Any) -> None:
    """Anything that is no entity is a problem without a ref, and costs its page nothing else."""
    found = draft(entity("a"), what)
    assert [each.ref for each in found.entities] == ["component:default/a"]
    assert [(each.kind, each.problem.ref) for each in found.unreadable] == [(ProblemKind.INVALID, None)]
    assert found.returned == 2


def test_reported_problems_are_sentences_or_values() -> None:
    """A page's own problems are kept as it said them, and two that differ are two."""
    found = draft(problems=["cannot read x", Problem("odd", ref="component:default/a"), "cannot read y"]).reported
    assert [(each.kind, each.problem.message, each.problem.ref) for each in found] == [
        (ProblemKind.REPORTED, "cannot read x", None),
        (ProblemKind.REPORTED, "odd", "component:default/a"),
        (ProblemKind.REPORTED, "cannot read y", None),
    ]
    assert len({each.key for each in found}) == 3


@pytest.mark.parametrize("key", [5, b"k", ["k"]])
def test_location_key_is_text(key: Any) -> None:
    """A location key of another type says so."""
    with pytest.raises(InvalidPage, match="a location key is text, or left out"):
        draft({"entity": entity("a").body, "locationKey": key})
