"""What a route is: one table entry says who may call it, what it answers, and how OpenAPI tells it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import Depends, FastAPI, Path, Query, Request
from starlette.responses import JSONResponse, Response

from incrsim.api import problem
from incrsim.api.access import Access, Permission
from incrsim.api.problem import Problem
from incrsim.api.schemas import Schema
from incrsim.errors import shortened
from incrsim.operators_input import LARGEST_NUMBER, LARGEST_PAGE, LONGEST_CURSOR

PREFIX = "/api/catalog/incremental"
"""Where upstream's routes are, and ours beside them."""

ALWAYS = (400, 401, 403, 404, 413, 421, 422, 500, 503)
"""What any route may answer instead."""

JSON = "application/json"

Provider = Annotated[
    str,
    Path(
        description="The provider's name; a slash in it is written `%2F`.",
        openapi_examples={"one": {"value": "services"}},
    ),
]
AfterText = Annotated[str, Query(description="The `next` of the page before.", max_length=LONGEST_CURSOR)]
AfterNumber = Annotated[int, Query(description="The `next` of the page before.", ge=0, le=LARGEST_NUMBER)]
Limit = Annotated[int, Query(description="How many items at most.", ge=1, le=LARGEST_PAGE)]


class Json(JSONResponse):
    """A JSON document of values that are plain already."""

    def render(self, content: Any) -> bytes:
        """As bytes."""
        return orjson.dumps(content)


@dataclass(frozen=True, slots=True)
class Route:
    """A route.

    Args:
        method: of HTTP.
        path: with `{provider}` for what varies.
        permission: who may call it.
        call: does it; its name is the operation's id, its docstring what people read.
        answers: the schema of what it answers.
        group: under which heading it is told.
        also: statuses of errors beside those of `ALWAYS`.
        media: the type of what it answers.
        body: of OpenAPI's requestBody, if it takes one.
        signed: whether a signature may stand in for the token.
    """

    method: str
    path: str
    permission: Permission
    call: Callable[..., Any]
    answers: Schema
    group: str
    also: Sequence[int] = ()
    media: str = JSON
    body: Schema | None = None
    signed: bool = False


def install(api: FastAPI, routes: Sequence[Route], access: Access) -> None:
    """Add routes to the application, each behind its permission."""
    for route in routes:
        guards = {Permission.READ: access.reading, Permission.MANAGE: access.managing}
        api.add_api_route(
            route.path.replace("}", ":segment}"),
            route.call,
            methods=[route.method],
            dependencies=[Depends(access.sending if route.signed else guards[route.permission]), Depends(_only_known)],
            response_model=None,
            response_class=Json if route.media == JSON else Response,
            responses=_responses(route),
            operation_id=route.call.__name__,
            summary=(route.call.__doc__ or "").rstrip("."),
            description=f"Needs a token that may `{route.permission}`" + (", or a signature." if route.signed else "."),
            tags=[route.group],
            openapi_extra=_extra(route),
        )


def _only_known(request: Request) -> None:
    """A parameter that a route does not have may be a filter or a limit with a typing error: ignoring it would answer
    another question.
    """
    known = sorted(each.alias for each in request.scope["route"].dependant.query_params)
    if unknown := sorted(request.query_params.keys() - set(known)):
        names = ", ".join(shortened(each) for each in unknown)
        raise Problem(422, f"unknown parameter {names}; this route has {', '.join(known) or 'none'}")


def _responses(route: Route) -> dict[int | str, dict[str, Any]]:
    content = {"schema": route.answers}
    refusal = {problem.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    told: dict[int | str, dict[str, Any]] = {200: {"description": "It worked.", "content": {route.media: content}}}
    for status in sorted({*ALWAYS, *route.also}):
        told[status] = {"description": HTTPStatus(status).phrase, "content": refusal} | _HEADERS.get(status, {})
    return told


_HEADERS: dict[int, dict[str, Any]] = {
    401: {"headers": {"WWW-Authenticate": {"schema": {"type": "string"}}}},
    503: {"headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}},
}


def _extra(route: Route) -> dict[str, Any]:
    extra: dict[str, Any] = {"x-permission": route.permission}
    return extra if route.body is None else extra | {"requestBody": route.body}
