"""Our routes to what the catalog holds, to metrics, and to this document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import FastAPI, Path, Query
from pydantic import StringConstraints

from incrsim.api.access import Permission
from incrsim.api.problem import Problem
from incrsim.api.routes import PREFIX, AfterText, Json, Limit, Route
from incrsim.api.schemas import Schema, object_of
from incrsim.app import App

GROUP = "catalog"

FEW = 100
"""How many entities a page has unless asked otherwise."""

Filter = Annotated[str | None, Query(description="In any case; `owner` and `provider` exactly.", max_length=1000)]
Text = Annotated[
    str | None, Query(description="Occurs in the ref, title or description, in any case.", max_length=1000)
]
Part = Annotated[str, Path(description="In any case.")]
Pairs = Annotated[
    list[Annotated[str, StringConstraints(pattern="^[^=]")]] | None,
    Query(description="`key=value`, or `key` alone for any value; may come again.", max_length=100),
]


class Reading:
    """The routes' calls.

    Args:
        api: whose document is shown.
        app: has the catalog.
    """

    def __init__(self, api: FastAPI, app: App) -> None:
        self._api = api
        self._app = app

    def entities(  # noqa: PLR0913  # a search has as many filters as it has
        self,
        *,
        kind: Filter = None,
        namespace: Filter = None,
        provider: Filter = None,
        owner: Filter = None,
        label: Pairs = None,
        annotation: Pairs = None,
        text: Text = None,
        after: AfterText = "",
        limit: Limit = FEW,
    ) -> Json:
        """Search the catalog; all filters that are given must hold."""
        page = self._app.catalog.find(
            provider,
            after=after,
            limit=limit,
            kind=kind,
            namespace=namespace,
            owner=owner,
            label=_pairs("label", label or ()),
            annotation=_pairs("annotation", annotation or ()),
            text=text,
        )
        return Json({"total": page.total, "entities": [each.body for each in page.items], "next": page.next})

    def entity(self, kind: Part, namespace: Part, name: Part) -> Json:
        """Get one entity, as Backstage has it."""
        ref = f"{kind}:{namespace}/{name}"
        try:
            found = self._app.catalog.get(ref)
        except ValueError as error:
            raise Problem(400, str(error)) from error
        if found is None:
            raise Problem(404, f"the catalog has no entity {ref!r}")
        return Json(found)

    def openapi(self) -> Json:
        """This document."""
        return Json(self._api.openapi())

    def routes(self) -> list[Route]:
        """All of them."""
        read = Permission.READ
        found = object_of(
            total={"type": "integer", "description": "How many there are on all pages."},
            entities={"type": "array", "items": _ENTITY},
            next={"type": ["string", "null"], "description": "What `after` must be for the next page."},
        )
        one = f"{PREFIX}/entities/by-name/{{kind}}/{{namespace}}/{{name}}"
        return [
            Route("GET", f"{PREFIX}/entities", read, self.entities, found, GROUP),
            Route("GET", one, read, self.entity, _ENTITY, GROUP),
            Route("GET", "/openapi.json", read, self.openapi, {"type": "object"}, "about"),
        ]


_ENTITY: Schema = {
    "type": "object",
    "description": "As Backstage has it, with the annotation that names its provider.",
    "required": ["apiVersion", "kind", "metadata"],
}


def _pairs(name: str, given: Sequence[str]) -> dict[str, str | None]:
    pairs: dict[str, str | None] = {}
    for each in given:
        key, separator, value = each.partition("=")
        if key in pairs:
            raise Problem(400, f"{name} {key!r:.100} comes twice, and an entity has each key once; leave one out")
        pairs[key] = value if separator else None
    return pairs
