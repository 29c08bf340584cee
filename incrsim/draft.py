"""From a page as a provider returned it to one that a store can commit (C-6, C-7, C-8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from incrsim.entity import Entity, EntityRef
from incrsim.errors import InvalidPage
from incrsim.provider import Page, Problem
from incrsim.store.page import FoundProblem, PageDraft, ProblemKind, invalid, problem_key


def draft_page(page: Page, sequence: int, cursor: str | None, deltas: int = 0) -> PageDraft:
    """Read a page's entities, each ref once, and its problems.

    Args:
        page: what the provider returned.
        sequence: the page's number in the ingestion, from 1.
        cursor: the page's cursor as canonical JSON text; `None` when it is done.
        deltas: how many deltas the provider had had when the page's fetch began (C-29).
    """
    entities = [item if type(item) is Entity else as_entity(item) for item in page.entities]
    latest, unreadable = _each_once(entities)
    return PageDraft(
        sequence=sequence,
        entities=latest,
        cursor=cursor,
        done=page.done,
        returned=len(entities),
        unreadable=tuple(unreadable),
        reported=_reported(page.problems),
        deltas=deltas,
    )


def _each_once(entities: list[Entity]) -> tuple[list[Entity], list[FoundProblem]]:
    """The entities with a readable ref, each ref once, and the problems of the others."""
    latest = {entity.ref: entity for entity in entities}
    if len(latest) == len(entities) and None not in latest:  # nearly all pages
        return entities, []
    latest.clear()
    unreadable: list[FoundProblem] = []
    for entity in entities:
        if entity.ref is None:
            unreadable.append(invalid(entity))
        else:
            # The later one wins (C-8); taken out first, so that it also stands where the later one stood.
            latest.pop(entity.ref, None)
            latest[entity.ref] = entity
    return list(latest.values()), unreadable


def as_entity(item: Any) -> Entity:
    """One item of a page as an entity, whatever it is (C-6).

    Args:
        item: an `Entity`, a mapping in Backstage's format, or `{"entity": …, "locationKey": …}` as upstream has it.

    Raises:
        InvalidPage: when its location key is not text.
    """
    if type(item) is Entity:
        return item
    if type(item) is dict and "entity" not in item:  # nearly all are: not asked whether they are a `Mapping`
        return Entity(item)
    if not isinstance(item, Mapping):
        # Not an entity at all: kept as one without a readable ref, so that this ingestion sweeps nothing (C-7).
        return Entity({"not an entity": repr(item)[:200]})
    inner = item.get("entity")
    if isinstance(inner, Entity):
        key = _location_key(item)
        return inner if key is None else Entity(inner.body, location_key=key)
    if isinstance(inner, Mapping) and "kind" not in item:
        return Entity(inner, location_key=_location_key(item))
    return Entity(item)


def _location_key(item: Mapping[Any, Any]) -> str | None:
    key = item.get("locationKey", item.get("location_key"))
    if key is None or isinstance(key, str):
        return key
    raise InvalidPage(f"a page's entity has locationKey={key!r}; a location key is text, or left out")


def _reported(problems: Iterable[Problem | str]) -> tuple[FoundProblem, ...]:
    found = []
    for each in problems:
        problem = _storable(each if isinstance(each, Problem) else Problem(message=str(each)))
        subject = f"{problem.ref}\0{problem.field}\0{problem.rule}\0{problem.message}"
        found.append(FoundProblem(ProblemKind.REPORTED, problem, problem_key(ProblemKind.REPORTED, subject)))
    return tuple(found)


def _storable(problem: Problem) -> Problem:
    """A reported problem as every store can hold it. A ref that names no entity leaves open what is missing, just as
    none at all does (C-7).
    """
    message, ref = problem.message, problem.ref
    try:
        ref = None if ref is None else str(EntityRef.parse(ref))
    except ValueError:
        message, ref = f"{message} (about {problem.ref!r}, which is no entity ref)", None
    return Problem(_escaped(message), *(text and _escaped(text) for text in (ref, problem.field, problem.rule)))


def _escaped(text: str) -> str:
    """No database takes NUL or a lone surrogate."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
