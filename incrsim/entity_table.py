"""Entities as a table for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from incrsim.entity import Entity
from incrsim.html import Html, table

_HEAD = ("entity", "type", "owner", "title", "what is wrong")


def entity_table(entities: Iterable[Entity | Mapping[str, Any]], more: str = "") -> Html:
    """A row for each entity.

    Args:
        entities: as a page has them.
        more: what stands below.
    """
    return table(_HEAD, map(_row, entities), more)


def _row(given: Entity | Mapping[str, Any]) -> tuple[object, ...]:
    if not isinstance(given, Entity | Mapping):
        return (str(given), None, None, None, "not an entity")
    entity = given if isinstance(given, Entity) else Entity(given.get("entity", given))
    metadata, spec = (_mapping(entity.body.get(name)) for name in ("metadata", "spec"))
    wrong = "; ".join(map(str, entity.violations))
    return (entity.ref or "(no ref)", spec.get("type"), spec.get("owner"), metadata.get("title"), wrong)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
