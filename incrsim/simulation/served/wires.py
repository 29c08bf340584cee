"""How an HTTP API asks for pages and shows them, in the five ways that are common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Protocol

import orjson

from incrsim.entity import Entity
from incrsim.simulation.weather import SourcePage


class BadRequest(Exception):  # noqa: N818 -- called so in HTTP
    """The request cannot be understood; the message says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent.

    Args:
        address: of the server, such as `http://127.0.0.1:8080`.
        method: `GET` or `POST`.
        path: without the query.
        query: the query's parameters.
        body: as sent.
    """

    address: str
    method: str
    path: str
    query: Mapping[str, str]
    body: bytes = b""

    def number(self, name: str, least: int) -> int | None:
        """A parameter that is a number, `None` when it was not given.

        Raises:
            BadRequest: it is no number, or too small.
        """
        text = self.query.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and int(text) >= least):
            raise BadRequest(f"{name}={text}: it must be a number from {least} on")
        return int(text)


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks the source for.

    Args:
        cursor: of the page, `None` for the first one.
        size: how many entities; as many as the source likes unless given.
    """

    cursor: Any = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A page in an answer.

    Args:
        body: a JSON value.
        headers: beside the usual ones.
    """

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Totals:
    """What an API says of its whole listing.

    Args:
        size: entities a page.
        entities: how many there are.
    """

    size: int
    entities: int


class Wire(Protocol):
    """A way in which an API pages.

    Attributes:
        dialect: how pages follow each other behind it.
        method: of its requests.
        path: of its one resource.
    """

    dialect: str
    method: str
    path: str

    def question(self, request: Request) -> Question:
        """What a request asks for.

        Raises:
            BadRequest: when that cannot be told.
        """

    def shown(self, page: SourcePage, request: Request, totals: Totals) -> Shown:
        """A page in the API's own words."""


class _Pages:
    """`/services?page=2` → `{"items": […], "page": 2, "totalPages": 9}`."""

    dialect, method, path = "page-number", "GET", "/services"

    def question(self, request: Request) -> Question:
        """See `Wire.question`."""
        page = request.number("page", 1) or 1
        return Question({"page": page} if page > 1 else None)

    def shown(self, page: SourcePage, request: Request, totals: Totals) -> Shown:
        """See `Wire.shown`."""
        number = request.number("page", 1) or 1
        true = max(1, ceil(totals.entities / totals.size))
        total = min(number, true) if page.done else max(number + 1, true)
        return Shown({"items": _shown_items(page), "page": number, "totalPages": total})


class _Offsets:
    """`/services?offset=200&limit=100` → `{"items": […], "offset": 200, "limit": 100, "total": 812}`."""

    dialect, method, path = "offset", "GET", "/services"

    def question(self, request: Request) -> Question:
        """See `Wire.question`."""
        offset = request.number("offset", 0)
        return Question({"offset": offset} if offset else None, request.number("limit", 1))

    def shown(self, page: SourcePage, request: Request, totals: Totals) -> Shown:
        """See `Wire.shown`."""
        offset = request.number("offset", 0) or 0
        end = offset + totals.size
        total = min(totals.entities, end) if page.done else max(totals.entities, end + 1)
        return Shown({"items": _shown_items(page), "offset": offset, "limit": totals.size, "total": total})


class _Tokens:
    """`/services?pageToken=…&pageSize=100` → `{"items": […], "nextPageToken": "…"}`, the last page without one."""

    dialect, method, path = "token", "GET", "/services"

    def question(self, request: Request) -> Question:
        """See `Wire.question`."""
        return Question(request.query.get("pageToken") or None, request.number("pageSize", 1))

    def shown(self, page: SourcePage, request: Request, totals: Totals) -> Shown:
        """See `Wire.shown`."""
        following = {} if page.done else {"nextPageToken": page.cursor}
        return Shown({"items": _shown_items(page), **following})


class _Links:
    """`/services?after=99` → `[…]` with `Link: <http://…/services?after=199>; rel="next"` (RFC 8288)."""

    dialect, method, path = "keyset", "GET", "/services"

    def question(self, request: Request) -> Question:
        """See `Wire.question`."""
        after = request.number("after", 0)
        return Question(None if after is None else {"after": after})

    def shown(self, page: SourcePage, request: Request, totals: Totals) -> Shown:
        """See `Wire.shown`."""
        items = _shown_items(page)
        if page.cursor is None:
            return Shown(items)
        return Shown(items, {"Link": f'<{request.address}{self.path}?after={page.cursor["after"]}>; rel="next"'})


class _Connections:
    """A connection as GraphQL servers have it, for queries of one shape.

    ```graphql
    query ($first: Int, $after: String) {
      services(first: $first, after: $after) {
        edges { node { name namespace description } }
        pageInfo { endCursor hasNextPage }
      }
    }
    ```

    Both variables may be missing. Nodes hold all fields of an item, whichever are selected.
    """

    dialect, method, path = "token", "POST", "/graphql"

    def question(self, request: Request) -> Question:
        """See `Wire.question`."""
        try:
            sent = orjson.loads(request.body)
            query, variables = sent["query"], sent.get("variables") or {}
            after, first = variables.get("after"), variables.get("first")
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
            raise BadRequest('write {"query": "…", "variables": {"first": 100, "after": null}}') from None
        if "services(" not in query:
            raise BadRequest("the only connection is services(first: $first, after: $after)")
        if first is not None and (type(first) is not int or first < 1):
            raise BadRequest(f"first={first!r}: it must be a number from 1 on")
        return Question(after, first)

    def shown(self, page: SourcePage, request: Request, totals: Totals) -> Shown:
        """See `Wire.shown`."""
        edges = [{"node": item} for item in _shown_items(page)]
        info = {"endCursor": page.cursor, "hasNextPage": not page.done}
        return Shown({"data": {"services": {"edges": edges, "pageInfo": info}}})


WIRES: Mapping[str, Wire] = {
    "page-number": _Pages(),
    "offset": _Offsets(),
    "token": _Tokens(),
    "link": _Links(),
    "graphql": _Connections(),
}
"""All, by name."""


def _shown_items(page: SourcePage) -> list[dict[str, Any]]:
    """What an API shows of a page's entities: flat, and not as Backstage has them."""
    return [_shown_item(item) for item in page.items]


def _shown_item(item: Entity | Mapping[str, Any]) -> dict[str, Any]:
    body = item.body if isinstance(item, Entity) else item
    metadata, spec = _mapping(body.get("metadata")), _mapping(body.get("spec"))
    shown = {name: metadata.get(name) for name in ("name", "namespace", "description", "labels", "annotations")}
    shown |= {name: spec.get(name) for name in ("type", "lifecycle", "owner", "system")}
    return {"kind": body.get("kind"), **shown, "locationKey": item.location_key if isinstance(item, Entity) else None}


def _mapping(value: Any) -> Mapping[str, Any]:
    """What an API finds where weather has left no mapping is nothing."""
    return value if isinstance(value, Mapping) else {}
