"""A page's refs and digests against the catalog of a Postgres database (C-8, C-9, C-11).

Most pages lie in the catalog as they are, or nothing lies where they belong. In a sorted source both show in what
follows the first ref of the page, without a look at each of its refs; all other pages are compared ref by ref.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from incrsim.entity import Entity
from incrsim.ingestion import Ingestion
from incrsim.store.page import Compared, Stored


class PostgresComparingRows:
    """`Transaction.compare`, for a `PostgresTransaction`."""

    ingestion: Ingestion | None

    if TYPE_CHECKING:

        def _fetch(self, name: str, **parameters: Any) -> tuple[Any, ...] | None: ...
        def _one(self, name: str, **parameters: Any) -> tuple[Any, ...]: ...

    def compare(self, entities: Sequence[Entity], ingestion: int, cursor: bytes | None) -> Compared:
        """See `Transaction.compare`."""
        looked = self._look(entities, ingestion, cursor) if entities else None
        return self._compare_each(entities, ingestion, cursor) if looked is None else looked

    def _look(self, entities: Sequence[Entity], ingestion: int, cursor: bytes | None) -> Compared | None:
        """A page that needs no comparison of its own, if what was seen of the ingestion lets expect one."""
        if self._is_first_load():
            # Pages of a sorted source lie behind each other: nothing between their ends, nothing to compare.
            first, last = entities[0].ref, entities[-1].ref
            free, cursor_seen = self._one("look_between", first=first, last=last, ingestion=ingestion, cursor=cursor)
            return Compared([], 0, {}, entities, cursor_seen) if free else None
        if self._has_few_changes():
            alike = self._fetch(
                "look_alike", **_packed(entities), first=entities[0].ref, ingestion=ingestion, cursor=cursor
            )
            return None if alike is None else Compared(_numbers(alike[0]), alike[1], {}, [], alike[2])
        return None

    def _is_first_load(self) -> bool:
        """Whether all that the ingestion returned so far was new."""
        return self.ingestion is not None and 0 < self.ingestion.counts.returned == self.ingestion.counts.added

    def _has_few_changes(self) -> bool:
        """Whether at most one entity a page was not as it was stored so far: then most pages hold none."""
        if self.ingestion is None:
            return False
        counts = self.ingestion.counts
        return counts.returned - counts.unchanged <= self.ingestion.pages

    def _compare_each(self, entities: Sequence[Entity], ingestion: int, cursor: bytes | None) -> Compared:
        # A ref with a line break is readable but never valid, so nothing can be stored under it; and lines are how refs
        # travel.
        comparable = [each for each in entities if each.ref is not None and "\n" not in each.ref]
        never_stored = [each for each in entities if each.ref is None or "\n" in each.ref]
        same, written_before, missing, differing, cursor_seen = self._one(
            "compare_page", **_packed(comparable), ingestion=ingestion, cursor=cursor
        )
        stored = {
            comparable[position - 1].ref or "": Stored(id_, owner, key, bytes.fromhex(digest), written_in)
            for position, id_, owner, key, digest, written_in in differing or ()
        }
        positions = sorted([*_numbers(missing), *(row[0] for row in differing or ())])
        candidates = [comparable[position - 1] for position in positions]
        return Compared(_numbers(same), written_before, stored, [*candidates, *never_stored], cursor_seen)


def _packed(entities: Sequence[Entity]) -> dict[str, str | bytes]:
    """Refs and digests as one parameter each: a list of a thousand costs the driver as many conversions."""
    return {
        "refs": "\n".join([each.ref or "" for each in entities]),
        "digests": b"".join([each.digest for each in entities]),
    }


def _numbers(array: str | None) -> list[int]:
    """An array of integers as Postgres writes it: `{1,2,3}`."""
    return [] if array is None else json.loads(f"[{array[1:-1]}]")
