"""Searching the catalog of a `PostgresStore`: the server narrows, `matches` decides.

What the server leaves out can certainly not match; what it lets through is judged in Python, as in memory. Texts are
compared as the bytes of the JSON that is stored: its writer leaves no space, sorts keys and escapes the same
characters in every place, so that a part of a text is a part of its JSON too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import orjson

from incrsim.store.contract import StoredEntity
from incrsim.store.postgres_reading import PostgresReading
from incrsim.store.postgres_records import can_hold
from incrsim.store.searching import EntityQuery, bounds, matches

CHUNK = 1000
"""How many rows one statement of a search brings at most, so that memory stays flat (C-13)."""

WINDOW = 2000
"""How many rows one statement looks at when bodies decide: by the index of refs, whatever the planner thinks of the
filters, and no statement takes long however rare a match is."""

_WILD = re.compile(r"[\\%_]")


class PostgresSearching(PostgresReading):
    """`SearchStore` over SQL."""

    def find(self, query: EntityQuery, *, after: str = "", limit: int = 1000) -> Sequence[StoredEntity]:
        """See `Store.find`."""
        return list(islice(self._matching(query, after, min(limit, CHUNK)), limit))

    def count_matching(self, query: EntityQuery) -> int:
        """See `Store.count_matching`."""
        if query.needs_body:
            return sum(1 for _ in self._matching(query, "", CHUNK))
        if not _answerable(query):
            return 0
        (row,) = self._rows("count_found", **_by_row(query, self._owner(query)))
        return int(row[0])

    def count_by_kind(self) -> dict[str, int]:
        """See `Store.count_by_kind`."""
        return dict(self._rows("count_by_kind"))

    def count_by_provider(self) -> dict[str, int]:
        """See `Store.count_by_provider`."""
        return dict(self._rows("count_by_provider"))

    def _matching(self, query: EntityQuery, after: str, chunk: int) -> Iterator[StoredEntity]:
        if not _answerable(query):
            return
        window = WINDOW if query.needs_body else chunk
        narrowed = _by_row(query, self._owner(query)) | _by_body(query) | {"window": window, "limit": chunk}
        while rows := self._entities("find", after=after, **narrowed):
            yield from (each for each in rows if matches(query, each))
            after = rows[-1].ref

    def _owner(self, query: EntityQuery) -> int | None:
        name = next(iter(query.providers), None)
        return None if name is None else self._id_of(name)


def _answerable(query: EntityQuery) -> bool:
    """Nothing is stored with a text that Postgres cannot hold, nor owned by two providers."""
    return len(query.providers) <= 1 and all(map(can_hold, query.texts()))


def _by_row(query: EntityQuery, owner: int | None) -> dict[str, Any]:
    """What can be told without the body, exactly."""
    low, high = bounds(query)
    within = f":{query.namespace.lower()}/" if query.namespace else ""
    return {
        "low": low,
        "high": high,
        "within": _containing(within),
        "provider": owner,
    }


def _by_body(query: EntityQuery) -> dict[str, Any]:
    """What every body that matches contains."""
    needle = (query.text or "").casefold()
    return {
        "fragments": [_containing(each) for each in _fragments(query)],
        "in_ref": _containing(needle),
        "in_body": _containing(_json(needle)[1:-1]),
    }


def _fragments(query: EntityQuery) -> Iterator[str]:
    if query.owner:
        yield f'"owner":{_json(query.owner)}'
    for key, value in (*query.labels, *query.own_annotations):
        yield f"{_json(key)}:" + ("" if value is None else _json(value))


def _json(text: str) -> str:
    return orjson.dumps(text).decode()


def _containing(text: str) -> str:
    """A pattern of `LIKE` for all that contains a text."""
    escaped = _WILD.sub(r"\\\g<0>", text)
    return f"%{escaped}%"
