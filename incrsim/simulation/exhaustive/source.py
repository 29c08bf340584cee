"""The source of the exhaustive model: four entities on three pages, and what they are after the source has changed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from incrsim.entity import Entity
from incrsim.kinds import component
from incrsim.provider import Page

NAME = "small"
"""The provider whose every history is followed."""

OTHER = "other"
"""A provider that does nothing, and whose entity nobody may touch."""

EDITIONS: tuple[tuple[Mapping[str, int], ...], ...] = (
    ({"a": 1, "b": 1}, {"c": 1, "z": 1}, {"d": 1}),
    ({"a": 1}, {"c": 2}, {"d": 1, "e": 1}),
)
"""Before and after the change: what each page holds, by name and version. `b` vanishes, `c` changes, `e` is new; `z`
belongs to the other provider, and is claimed in vain before the change."""

PAGES = len(EDITIONS[0])
THEIRS = "z"
ALWAYS = frozenset("acd")
"""What the source holds all along: no sweep may ever remove it (C-20)."""


class SmallSource:
    """The source as a provider.

    Args:
        edition: 0 before the change, 1 after it.
    """

    name = NAME

    def __init__(self, edition: int = 0) -> None:
        self.edition = edition

    def around(self) -> AbstractContextManager[None]:
        """Nothing to set up."""
        return nullcontext()

    def next(self, context: Any, cursor: Any = None) -> Page:
        """The page behind the cursor, which is its place in the list."""
        index = 0 if cursor is None else cursor["page"]
        held = EDITIONS[self.edition][index]
        entities = [entity(name, version) for name, version in held.items()]
        done = index == PAGES - 1
        return Page(entities, cursor=None if done else {"page": index + 1}, done=done)


@cache
def entity(name: str, version: int) -> Entity:
    """An entity of the source; the same object each time, so that its digest is computed once."""
    return component(name, provider=NAME, type="service", owner="nobody", description=f"version {version}")


@cache
def ref(name: str) -> str:
    """Its ref."""
    return entity(name, 1).ref or ""


def versions() -> dict[bytes, int]:
    """Digest → version of every entity that there can be, to read a catalog with."""
    names = {name for edition in EDITIONS for page in edition for name in page}
    return {entity(name, version).digest: version for name in names for version in (1, 2)}
