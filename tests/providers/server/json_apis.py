"""JSON APIs of every usual way to number pages. `/services` is the imaginary API of Backstage's tutorial."""

from __future__ import annotations

import base64
import json
from math import ceil
from typing import Any
from urllib.parse import urlencode

from tests.providers.server.world import Reply, Request, World

Items = list[dict[str, Any]]


def page_number(world: World, request: Request) -> Reply:
    """`getServices(page)` → `{items, totalPages}`, pages from 1."""
    items, size = _items(world), _size(world, request, "pageSize")
    page = int(request.query.get("page", "1"))
    return Reply(200, {"items": items[(page - 1) * size : page * size], "totalPages": ceil(len(items) / size)})


def offset(world: World, request: Request) -> Reply:
    """`offset` and `limit`, of which large ones are cut; `{items, total}`."""
    items, size = _items(world), _size(world, request, "limit")
    first = int(request.query.get("offset", "0"))
    return Reply(200, {"items": items[first : first + size], "total": len(items)})


def token(world: World, request: Request) -> Reply:
    """An opaque word (aip.dev/158): empty after the last page, and no longer good after a while."""
    after, issued = _opened(request.query.get("pageToken", ""))
    if issued is not None and world.now - issued > world.lifetime:
        error = {"code": "page_token_expired", "message": "the page token has expired; start over"}
        return Reply(world.expiry_status, {"error": error})
    items, more = _after(world, after, _size(world, request, "pageSize"))
    following = _sealed(items[-1]["name"], world.now) if more else ""
    return Reply(200, {"items": items, "nextPageToken": following})


def link_header(world: World, request: Request) -> Reply:
    """The body is a list, and `Link` (RFC 8288) names other pages, as REST at GitHub does
    (docs.github.com, "Using pagination in the REST API"): no `rel="next"` on the last page.
    """
    items, following = _linked(world, request)
    links = [f'<{request.origin}{request.path}?per_page=5>; rel="first"']
    if following:
        links.insert(0, f'<{request.origin}{following}>; rel="next"')
    return Reply(200, items, {"Link": ", ".join(links)})


def link_field(world: World, request: Request) -> Reply:
    """The body names the next page, as Django REST framework does: `{next, results}`, null on the last page."""
    items, following = _linked(world, request)
    return Reply(200, {"next": following and f"{request.origin}{following}", "results": items})


ROUTES = {
    "/services": page_number,
    "/offset/services": offset,
    "/token/services": token,
    "/link-header/services": link_header,
    "/link-field/services": link_field,
}


def _items(world: World) -> Items:
    return world.collections.get("services", [])


def _size(world: World, request: Request, parameter: str) -> int:
    return min(int(request.query.get(parameter, world.largest_page)), world.largest_page)


def _after(world: World, name: str, size: int) -> tuple[Items, bool]:
    """Keyset: what comes and goes beside it moves nothing."""
    rest = sorted((each for each in _items(world) if each["name"] > name), key=lambda each: str(each["name"]))
    return rest[:size], len(rest) > size


def _linked(world: World, request: Request) -> tuple[Items, str | None]:
    items, more = _after(world, request.query.get("after", ""), _size(world, request, "per_page"))
    query = request.query | {"after": items[-1]["name"]} if items else {}
    return items, f"{request.path}?{urlencode(query)}" if more else None


def _sealed(name: str, now: float) -> str:
    return base64.urlsafe_b64encode(json.dumps([name, now]).encode()).decode()


def _opened(text: str) -> tuple[str, float | None]:
    if not text:
        return "", None
    name, issued = json.loads(base64.urlsafe_b64decode(text))
    return name, issued
