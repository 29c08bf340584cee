"""Errors as `application/problem+json` (RFC 9457), whatever raised them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from incrsim.errors import (
    CallerError,
    DuplicateProvider,
    InvalidTransition,
    MissingExtra,
    NoEventHandler,
    ProviderBusy,
    ProviderError,
    StoreError,
    SupersededVerdict,
    UnknownProvider,
    UnknownSink,
    WrongCount,
)
from incrsim.errors_text import escaped

log = logging.getLogger("incrsim.api")

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER = 5
"""Seconds after which a client should ask again when the store cannot be used."""

STATUSES: Sequence[tuple[type[Exception], int]] = (
    (UnknownProvider, 404),
    (UnknownSink, 404),
    (NoEventHandler, 404),
    (SupersededVerdict, 409),
    (WrongCount, 409),
    (ProviderBusy, 409),
    (InvalidTransition, 409),
    (DuplicateProvider, 409),
    (MissingExtra, 501),
    (CallerError, 400),
    (ProviderError, 502),
)
"""What an error of incrsim is over HTTP; the first that fits."""

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `success` and `message` are what clients of upstream's routes look at.",
    "required": ["type", "title", "status", "detail", "success", "message"],
    "properties": {
        "type": {"type": "string", "description": "`about:blank`, or `urn:incrsim:` and the class of the error."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was passed, why it cannot work, what to write instead."},
        "success": {"const": False},
        "message": {"type": "string", "description": "The same as `detail`."},
        "errors": {
            "type": "array",
            "description": "With 422: each value that cannot be.",
            "items": {
                "type": "object",
                "required": ["where", "message"],
                "properties": {"where": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
    "examples": [
        {
            "type": "urn:incrsim:UnknownProvider",
            "title": "Not Found",
            "status": 404,
            "detail": "no provider is called 'servces'; known: services",
            "success": False,
            "message": "no provider is called 'servces'; known: services",
        }
    ],
}


class Problem(HTTPException):
    """A request that cannot be answered as asked.

    Args:
        status: of HTTP.
        detail: for people: what was wrong and what to do instead.
        headers: of the answer.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)


def answer(
    status: int, detail: str, *, kind: str = "about:blank", headers: Mapping[str, str] | None = None, **more: object
) -> Response:
    """A problem as a response.

    Args:
        status: of HTTP.
        detail: for people.
        kind: a URI for programs.
        headers: of the answer.
        more: further members.
    """
    title = HTTPStatus(status).phrase
    detail = escaped(detail)  # a provider's error may hold what JSON cannot
    document = {"type": kind, "title": title, "status": status, "detail": detail, "success": False, "message": detail}
    return Response(orjson.dumps(document | more), status, headers, MEDIA_TYPE)


def install(api: FastAPI) -> None:
    """Answer every error that a request leads to."""
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(RequestValidationError, _invalid)
    for kind in (CallerError, ProviderError):
        api.add_exception_handler(kind, _ours)
    api.add_exception_handler(StoreError, _store)


class Unexpected:
    """Answers what nobody expected: the log gets the traceback, the client learns nothing of the inside.

    Args:
        app: what is behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and answer it if that fails before it was answered."""
        began = False

        async def watched(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            log.exception("%s %s failed unexpectedly", scope.get("method"), scope.get("path"))
            if not began:
                await answer(500, "something unexpected happened; the server's log says what")(scope, receive, send)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as it was registered
    match error.status_code:
        case 404 if not isinstance(error, Problem):
            return answer(404, f"there is nothing at {request.url.path}; /openapi.json lists what there is")
        case 405:
            allowed = ", ".join(_allowed(request))
            return answer(405, f"{request.method} is not for this path; {allowed} is", headers={"Allow": allowed})
        case status:
            return answer(status, str(error.detail), headers=error.headers)


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as it was registered
    errors = [{"where": " ".join(map(str, each["loc"])), "message": str(each["msg"])} for each in error.errors()]
    told = "; ".join(f"{each['where']}: {each['message']}" for each in errors)
    return answer(422, told, errors=errors)


def _ours(_: Request, error: Exception) -> Response:
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    return answer(status, str(error), kind=f"urn:incrsim:{type(error).__name__}")


def _store(request: Request, error: Exception) -> Response:
    # Its message may name hosts and users.
    log.warning("%s %s: %s", request.method, request.url.path, error)
    told = "the store cannot be used at the moment; the server's log says why"
    kind = f"urn:incrsim:{type(error).__name__}"
    return answer(503, told, kind=kind, headers={"Retry-After": str(RETRY_AFTER)})


def _allowed(request: Request) -> list[str]:
    """The methods of all routes at this path; Starlette names those of one."""
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)
