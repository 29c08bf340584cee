"""The reading side of the catalog: one entity, a page of a search, all of them in order, counts, a DataFrame, an export
for Backstage.

Whatever goes through the whole catalog reads it a page at a time, so that memory does not grow with it (C-13).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO, TypedDict, Unpack

import orjson

from incrsim.catalog_export import export_entities
from incrsim.entity import EntityRef
from incrsim.entity_table import entity_table
from incrsim.errors import InvalidQuery
from incrsim.frames import load_pandas
from incrsim.glance import brief, entities
from incrsim.store import Store
from incrsim.store.contract import StoredEntity
from incrsim.store.searching import EntityQuery

if TYPE_CHECKING:
    import pandas as pd

READ_AHEAD = 1000
"""How many entities one query brings: memory does not grow with the catalog (C-13)."""

LONGEST_PAGE = 10_000
"""How many entities a page of a search may have."""


class Filters(TypedDict, total=False):
    """Which entities; what is left out, `None` or empty does not matter, all else must hold.

    Attributes:
        kind: in any case.
        namespace: in any case.
        owner: `spec.owner`, exactly.
        label: keys and values of `metadata.labels`, exactly; a value of `None` asks for the key alone.
        annotation: the same of `metadata.annotations`.
        text: occurs in the ref, title or description, in any case.
    """

    kind: str | None
    namespace: str | None
    owner: str | None
    label: Mapping[str, str | None] | None
    annotation: Mapping[str, str | None] | None
    text: str | None


@dataclass(frozen=True, slots=True)
class CatalogEntity:
    """An entity of the catalog.

    Args:
        ref: `kind:namespace/name`, lower-cased.
        provider: who owns it.
        body: as Backstage has it, with the engine's annotation that names the provider (C-6).
    """

    ref: str
    provider: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EntityPage:
    """A page of a search.

    Args:
        items: the entities, in the order of their refs.
        next: what `after` must be for the page after this one; `None` when this is the last.
    """

    items: tuple[CatalogEntity, ...]
    next: str | None
    _count: Callable[[], int] = field(repr=False, compare=False)

    @property
    def total(self) -> int:
        """How many entities the search finds on all its pages; counted when it is asked for."""
        return self._count()

    def __repr__(self) -> str:
        return brief(self, f"of {entities(len(self.items))}{'' if self.next is None else ', and there are more'}")

    def _repr_html_(self) -> str:
        """For notebooks."""
        more = "" if self.next is None else f"there are more: after={self.next!r}"
        return entity_table([each.body for each in self.items], more)


@dataclass(frozen=True, slots=True)
class CatalogCounts:
    """How many entities there are.

    Args:
        by_kind: of each kind, lower-cased.
        by_provider: of each provider; 0 for one that owns nothing.
    """

    by_kind: dict[str, int]
    by_provider: dict[str, int]


class Catalog:
    """What the providers of a store have brought in.

    Args:
        store: where it is.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, ref: str) -> dict[str, Any] | None:
        """One entity's body, or `None` when there is none.

        Args:
            ref: `kind:namespace/name` or `kind:name`, in any case.

        Raises:
            ValueError: when `ref` is not a ref.
        """
        found = self._store.entity(str(EntityRef.parse(ref)))
        return None if found is None else _public(found).body

    def find(
        self, provider: str | None = None, *, after: str = "", limit: int = 100, **filters: Unpack[Filters]
    ) -> EntityPage:
        """A page of the entities that match, in the order of their refs.

        Args:
            provider: only what it owns.
            after: where the page begins: behind this ref; the `next` of the page before.
            limit: how many entities it has at most.
            filters: see `Filters`.

        Raises:
            InvalidQuery: when a filter, `after` or `limit` has a value that cannot work.
        """
        query = _query(provider, filters)
        _check_page(after, limit)
        found = self._store.find(query, after=after, limit=limit + 1)
        items = tuple(map(_public, found[:limit]))
        more = items[-1].ref if len(found) > limit else None
        return EntityPage(items, more, lambda: self._store.count_matching(query))

    def count(self, provider: str | None = None, **filters: Unpack[Filters]) -> int:
        """How many entities match.

        Args:
            provider: only what it owns.
            filters: see `Filters`.

        Raises:
            InvalidQuery: when a filter has a value that cannot work.
        """
        return self._store.count_matching(_query(provider, filters))

    def counts(self) -> CatalogCounts:
        """How many entities there are of each kind, and of each provider."""
        return CatalogCounts(self._store.count_by_kind(), self._store.count_by_provider())

    def entities(self, provider: str | None = None, **filters: Unpack[Filters]) -> Iterator[CatalogEntity]:
        """All entities that match, in the order of their refs, read as they are asked for.

        Args:
            provider: only what it owns.
            filters: see `Filters`.

        Raises:
            InvalidQuery: when a filter has a value that cannot work.
        """
        return self._all(_query(provider, filters))

    def to_frame(self, provider: str | None = None, **filters: Unpack[Filters]) -> pd.DataFrame:
        """A DataFrame with a row per entity: ref, kind, namespace, name, provider, title, owner and type; what comes
        again and again (kind, namespace, provider, owner, type) as categories.

        Args:
            provider: only what it owns.
            filters: see `Filters`.

        Raises:
            MissingExtra: when pandas is not installed.
            InvalidQuery: when a filter has a value that cannot work.
        """
        pandas = load_pandas()
        columns: dict[str, list[str | None]] = {name: [] for name in _COLUMNS}
        for entity in self.entities(provider, **filters):
            for column, value in zip(columns.values(), _row(entity), strict=True):
                column.append(value)
        made: pd.DataFrame = pandas.DataFrame(
            {name: pandas.Series(columns[name], dtype=dtype) for name, dtype in _COLUMNS.items()}
        )
        return made

    def export(
        self, target: str | os.PathLike[str] | TextIO, provider: str | None = None, **filters: Unpack[Filters]
    ) -> int:
        """Write entities as Backstage's `catalog-info` YAML, a document each, in the order of their refs; returns how
        many. They are written as they are read, and a file appears when all of it is written.

        Args:
            target: a file's path, or something to write text to.
            provider: only what it owns.
            filters: see `Filters`.

        Raises:
            MissingExtra: when PyYAML is not installed.
            InvalidQuery: when a filter has a value that cannot work.
        """
        return export_entities((each.body for each in self.entities(provider, **filters)), target)

    def _all(self, query: EntityQuery) -> Iterator[CatalogEntity]:
        after = ""
        while rows := self._store.find(query, after=after, limit=READ_AHEAD):
            yield from map(_public, rows)
            after = rows[-1].ref


_COLUMNS = {
    "ref": "string",
    "kind": "category",
    "namespace": "category",
    "name": "string",
    "provider": "category",
    "title": "string",
    "owner": "category",
    "type": "category",
}


def _row(entity: CatalogEntity) -> tuple[str | None, ...]:
    metadata, spec = entity.body["metadata"], entity.body.get("spec", {})
    return (
        entity.ref,
        _shared(entity.body["kind"]),
        _shared(metadata.get("namespace", "default")),
        metadata["name"],
        _shared(entity.provider),
        metadata.get("title"),
        _shared(spec.get("owner")),
        _shared(spec.get("type")),
    )


def _shared(value: object) -> str | None:
    """The same text once in memory, however many entities have it; Backstage has no rule that it is text."""
    return sys.intern(value) if isinstance(value, str) else None


def _public(entity: StoredEntity) -> CatalogEntity:
    return CatalogEntity(entity.ref, entity.provider, orjson.loads(entity.body))


def _query(provider: str | None, filters: Filters) -> EntityQuery:
    unknown = sorted(filters.keys() - Filters.__annotations__.keys())
    if unknown:
        known = ", ".join(("provider", *Filters.__annotations__))
        raise InvalidQuery(f"unknown filter {', '.join(unknown)}; the filters are {known}")
    return EntityQuery(
        provider=provider,
        kind=filters.get("kind"),
        namespace=filters.get("namespace"),
        owner=filters.get("owner"),
        text=filters.get("text"),
        labels=_pairs("label", filters.get("label")),
        annotations=_pairs("annotation", filters.get("annotation")),
    )


def _pairs(name: str, asked: object) -> tuple[tuple[str, str | None], ...]:
    if asked is None:
        return ()
    if not isinstance(asked, Mapping):
        raise InvalidQuery(f'{name}={asked!r:.80} is no mapping; write for example {name}={{"tier": "1"}}')
    return tuple(asked.items())


def _check_page(after: object, limit: object) -> None:
    if not isinstance(after, str):
        raise InvalidQuery(f"after={after!r:.80} is no text; write the `next` of the page before, or leave it out")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LONGEST_PAGE:
        raise InvalidQuery(f"limit={limit!r:.80} is not a whole number from 1 to {LONGEST_PAGE}")
