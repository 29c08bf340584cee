"""A source that holds what is written out, for small cases."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from incrsim.entity import Entity
from incrsim.provider import Page
from incrsim.simulation.formula import SITE
from incrsim.simulation.view import FixedView, View


class ListSource:
    """A source of named entities, for small cases that are written out; change `items` as you like, also between pages.

    Args:
        items: name → version of each entity.
        page_size: entities a page.
        name: the provider's name.
        namespace: where the entities live.
    """

    def __init__(
        self, items: Mapping[str, int], page_size: int = 4, *, name: str = "list", namespace: str = "default"
    ) -> None:
        self.items = dict(items)
        self.name = name
        self.page_size = page_size
        self._namespace = namespace

    def around(self) -> AbstractContextManager[None]:
        """Nothing to set up."""
        return nullcontext()

    def next(self, context: Any, cursor: Any = None) -> Page:
        """The entities with names behind the cursor, a page of them."""
        behind = sorted(name for name in self.items if cursor is None or name > cursor)
        names, done = behind[: self.page_size], len(behind) <= self.page_size
        entities = [self._entity(name) for name in names]
        return Page(entities, cursor=None if done else names[-1], done=done)

    def snapshot(self) -> View:
        """What the source holds now."""
        entities = map(self._entity, self.items)
        return FixedView({entity.ref or "": entity for entity in entities})

    def _entity(self, name: str) -> Entity:
        annotations = {f"backstage.io/managed-by-{kind}location": SITE + name for kind in ("", "origin-")}
        metadata = {
            "name": name,
            "namespace": self._namespace,
            "description": f"revision {self.items[name]}",
            "annotations": annotations,
        }
        spec = {"type": "service", "lifecycle": "production", "owner": "nobody"}
        return Entity({"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": metadata, "spec": spec})
