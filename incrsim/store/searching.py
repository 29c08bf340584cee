"""What the catalog's reader may ask for (C-13: a page at a time, by key)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from incrsim.store.contract import StoredEntity


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityQuery:
    """Which entities; what is `None` or empty does not matter, all else must hold.

    Args:
        kind: in any case.
        namespace: in any case.
        provider: who owns it.
        owner: `spec.owner`, exactly.
        labels: keys and values of `metadata.labels`, exactly; a value of `None` asks for the key alone.
        annotations: the same of `metadata.annotations`; the engine's own annotation is one of them.
        text: occurs in the ref, title or description, in any case (Python's `str.casefold`).
    """

    kind: str | None = None
    namespace: str | None = None
    provider: str | None = None
    owner: str | None = None
    labels: tuple[tuple[str, str | None], ...] = ()
    annotations: tuple[tuple[str, str | None], ...] = ()
    text: str | None = None


class SearchStore(Protocol):
    """What `catalog` calls."""

    def find(self, query: EntityQuery, *, after: str = "", limit: int = 1000) -> Sequence[StoredEntity]:
        """Entities that match, sorted by ref (by code point), those after `after`."""

    def count_matching(self, query: EntityQuery) -> int:
        """How many entities match."""
