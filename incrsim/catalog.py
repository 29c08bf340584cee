"""The reading side of the catalog: one entity, all of them in order, or a DataFrame."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from incrsim.entity import EntityRef
from incrsim.errors import MissingExtra
from incrsim.store import Store
from incrsim.store.contract import StoredEntity

if TYPE_CHECKING:
    import pandas as pd

READ_AHEAD = 1000
"""How many entities one query brings: memory does not grow with the catalog (C-13)."""


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
        return None if found is None else _body(found)

    def count(self, provider: str | None = None) -> int:
        """How many entities there are, of one provider or of all."""
        return self._store.count(provider)

    def entities(self, provider: str | None = None) -> Iterator[StoredEntity]:
        """All entities in the order of their refs, read as they are asked for.

        Args:
            provider: only those that it owns.
        """
        after = ""
        while rows := self._store.entities(provider, after=after, limit=READ_AHEAD):
            yield from rows
            after = rows[-1].ref

    def to_frame(self, kind: str | None = None, provider: str | None = None) -> pd.DataFrame:
        """A DataFrame with a row per entity: ref, kind, namespace, name, provider, title, owner and type.

        Args:
            kind: only this kind, in any case.
            provider: only what it owns.

        Raises:
            MissingExtra: when pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingExtra("DataFrames need pandas: pip install 'incrsim[notebook]'") from error
        wanted = None if kind is None else f"{kind.lower()}:"
        rows = [_row(each) for each in self.entities(provider) if wanted is None or each.ref.startswith(wanted)]
        return pd.DataFrame(rows, columns=["ref", "kind", "namespace", "name", "provider", "title", "owner", "type"])


def _body(entity: StoredEntity) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(entity.body)
    return body


def _row(entity: StoredEntity) -> dict[str, Any]:
    body = _body(entity)
    metadata, spec = body["metadata"], body.get("spec") or {}
    return {
        "ref": entity.ref,
        "kind": body["kind"],
        "namespace": metadata.get("namespace", "default"),
        "name": metadata["name"],
        "provider": entity.provider,
        "title": metadata.get("title"),
        "owner": spec.get("owner"),
        "type": spec.get("type"),
    }
