"""What the catalog's reader may ask for, and which entities match: one exact predicate for every store (C-13: a page
at a time, by key).

A database that compares text by rules of its own narrows the search, and never decides it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import orjson

from incrsim.entity import PROVIDER_ANNOTATION
from incrsim.errors import InvalidQuery
from incrsim.store.contract import StoredEntity

Pairs = tuple[tuple[str, str | None], ...]

LONGEST_TEXT = 10_000
"""Characters that one part of a query may have: more than any name, label or owner, less than what slows a server."""

MOST_PAIRS = 100
"""How many labels, and how many annotations, one query may ask for."""


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

    Raises:
        InvalidQuery: when one of them is no text, or longer than any entity has it.
    """

    kind: str | None = None
    namespace: str | None = None
    provider: str | None = None
    owner: str | None = None
    labels: Pairs = ()
    annotations: Pairs = ()
    text: str | None = None

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            if isinstance(value, tuple):
                _check_pairs(name, value)
            elif value is not None:
                _check_text(name, value)

    @property
    def needs_body(self) -> bool:
        """Whether an entity's body must be read to know that it matches."""
        return bool(self.owner or self.labels or self.text or self.own_annotations)

    @property
    def own_annotations(self) -> Pairs:
        """The annotations that are the entity's own; the engine's says who owns it, which every row does."""
        return tuple(pair for pair in self.annotations if pair[0] != PROVIDER_ANNOTATION)

    @property
    def providers(self) -> frozenset[str]:
        """The names that the entity's owner must have; two different ones match nothing."""
        asked = [value for key, value in self.annotations if key == PROVIDER_ANNOTATION and value is not None]
        return frozenset([*asked, self.provider] if self.provider else asked)

    def texts(self) -> Iterator[str]:
        """Every text in it."""
        yield from filter(None, (self.kind, self.namespace, self.provider, self.owner, self.text))
        for pair in (*self.labels, *self.annotations):
            yield from (each for each in pair if each is not None)


def matches(query: EntityQuery, entity: StoredEntity) -> bool:
    """Whether an entity is one of those that a query asks for: the only judge of it."""
    kind, _, rest = entity.ref.partition(":")
    if query.kind and kind != query.kind.lower():
        return False
    if query.namespace and rest.partition("/")[0] != query.namespace.lower():
        return False
    if not query.providers <= {entity.provider}:
        return False
    return not query.needs_body or _body_matches(query, entity.ref, orjson.loads(entity.body))


def bounds(query: EntityQuery) -> tuple[str, str]:
    """Between which refs, by code point, all lie that can match: the first is included, the second is not."""
    if not query.kind:
        return "", "\U0010ffff"
    if not query.namespace:
        return f"{query.kind.lower()}:", f"{query.kind.lower()};"  # ";" comes right after ":"
    start = f"{query.kind.lower()}:{query.namespace.lower()}"
    return f"{start}/", f"{start}0"  # "0" comes right after "/"


def _body_matches(query: EntityQuery, ref: str, body: dict[str, Any]) -> bool:
    metadata = body["metadata"]
    if query.owner and body.get("spec", {}).get("owner") != query.owner:
        return False
    if not _holds(metadata.get("labels", {}), query.labels):
        return False
    if not _holds(metadata.get("annotations", {}), query.own_annotations):
        return False
    needle = (query.text or "").casefold()
    return any(needle in text.casefold() for text in (ref, metadata.get("title", ""), metadata.get("description", "")))


def _holds(held: dict[str, str], pairs: Pairs) -> bool:
    return all(key in held and value in (None, held[key]) for key, value in pairs)


def _check_pairs(name: str, pairs: tuple[Any, ...]) -> None:
    if len(pairs) > MOST_PAIRS:
        raise InvalidQuery(f"{len(pairs)} {name} were asked for at once; ask for at most {MOST_PAIRS}")
    for key, value in pairs:
        _check_text(name, key)
        if value is not None:
            _check_text(name, value)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise InvalidQuery(f"{name}={value!r:.80} is of type {type(value).__name__}, and only text can be asked for")
    if len(value) > LONGEST_TEXT:
        raise InvalidQuery(
            f"{name}={value[:40]!r}… has {len(value)} characters; at most {LONGEST_TEXT} can be asked for"
        )


class SearchStore(Protocol):
    """What `catalog` calls."""

    def find(self, query: EntityQuery, *, after: str = "", limit: int = 1000) -> Sequence[StoredEntity]:
        """Entities that match, sorted by ref (by code point), those after `after`. Not a snapshot: an entity that is
        written meanwhile may be seen or not.
        """

    def count_matching(self, query: EntityQuery) -> int:
        """How many entities match."""

    def count_by_kind(self) -> dict[str, int]:
        """How many entities there are of each kind, lower-cased as in refs, sorted by kind."""

    def count_by_provider(self) -> dict[str, int]:
        """How many entities each registered provider owns, sorted by name; those that own nothing too."""
