"""Our routes to what happens in this process: events out and in, plans, metrics."""

from __future__ import annotations

import logging
import threading
from typing import Annotated

import orjson
from anyio import CapacityLimiter, to_thread
from fastapi import Query, Request
from starlette.responses import Response

from incrsim.api.access import Permission, Topic
from incrsim.api.problem import Problem
from incrsim.api.routes import JSON, PREFIX, Json, Limit, Provider, Route
from incrsim.api.schemas import Schema, object_of
from incrsim.api.stream import MEDIA_TYPE as EVENT_STREAM, Broadcast, EventResponse
from incrsim.app import App
from incrsim.errors import IncrsimError, ProviderError
from incrsim.errors_text import text_of
from incrsim.metrics import CONTENT_TYPE, render

log = logging.getLogger("incrsim.api")

GROUP = "live"

MOST_HANDLED = 8
"""Events whose handlers run at a time; others wait, so that every thread is never theirs."""

OURS_ALONE = frozenset({"authorization", "cookie"})
"""Headers that no handler sees."""

Only = Annotated[str | None, Query(description="Only what happens to this provider.")]


class Live:
    """The routes' calls.

    Args:
        app: where things happen.
        broadcast: what clients follow.
    """

    def __init__(self, app: App, broadcast: Broadcast) -> None:
        self._app = app
        self._broadcast = broadcast
        self._planning = threading.Lock()
        self._handling = CapacityLimiter(MOST_HANDLED)

    async def follow(self, provider: Only = None) -> Response:
        """Follow what happens in this process, as server-sent events."""
        if self._broadcast.full:
            raise Problem(503, "too many clients follow already, or the server stops", {"Retry-After": "60"})
        return EventResponse(self._broadcast, provider)

    async def send_event(self, topic: Topic, request: Request) -> Json:
        """Hand an event of a source to the providers that want its topic."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != JSON:
            raise Problem(415, f"an event is JSON; send it with `Content-Type: {JSON}`")
        headers = {name: value for name, value in request.headers.items() if name not in OURS_ALONE}
        return await to_thread.run_sync(self._emit, topic, await request.body(), headers, limiter=self._handling)

    def _emit(self, topic: str, body: bytes, headers: dict[str, str]) -> Json:
        try:
            report = self._app.emit(topic, orjson.loads(body), headers)
        except orjson.JSONDecodeError as error:
            raise Problem(400, f"the body is no JSON: {error}") from error
        except ProviderError as error:
            # Whoever signs events need not know what a provider says when it fails.
            log.warning("event %s: %s", topic, error)
            raise Problem(
                502, "a provider could not take the event; the server's log says why; send it again"
            ) from error
        return Json(report.to_dict())

    def plan(self, provider: Provider, limit: Limit = 100) -> Json:
        """Read a whole cycle of a provider served here and say what it would do; changes nothing."""
        if not self._planning.acquire(blocking=False):
            raise Problem(409, "another plan is being made here; ask again when it is done")
        try:
            with self._app.plan(provider) as plan:
                changes = plan.page(limit=limit)
                more = plan.added + plan.changed + plan.removed - len(changes)
                shown = [{"sign": each.sign, "ref": each.ref} for each in changes]
                return Json(plan.to_dict() | {"changes": shown, "more": more})
        except IncrsimError:
            raise
        except Exception as error:
            raise Problem(502, f"the provider failed: {type(error).__name__}: {text_of(error)}") from error
        finally:
            self._planning.release()

    def metrics(self) -> Response:
        """Everything that Prometheus may want to know."""
        return Response(render(self._app), media_type=CONTENT_TYPE)

    def routes(self) -> list[Route]:
        """All of them."""
        read, manage, text, number = Permission.READ, Permission.MANAGE, {"type": "string"}, {"type": "integer"}
        change = object_of(sign={"enum": ["+", "~", "-"]}, ref=text)
        plan = object_of(
            provider=text,
            **dict.fromkeys(("added", "changed", "removed", "more"), number),
            summary=text,
            changes={"type": "array", "items": change},
        )
        report = object_of(
            topic=text,
            applied={"type": "array", "items": {"type": "object"}},
            ignored_by={"type": "array", "items": text},
        )
        follow, send = f"{PREFIX}/events/stream", f"{PREFIX}/events/{{topic}}"
        planned = f"{PREFIX}/providers/{{provider}}/plan"
        return [
            Route("POST", planned, manage, self.plan, plan, GROUP, also=(409, 502)),
            Route("GET", follow, read, self.follow, text, GROUP, media=EVENT_STREAM),
            Route("POST", send, manage, self.send_event, report, GROUP, also=(415, 502), body=_BODY, signed=True),
            Route("GET", "/metrics", read, self.metrics, text, GROUP, also=(501,), media=CONTENT_TYPE),
        ]


_BODY: Schema = {
    "required": True,
    "content": {JSON: {"schema": {}, "example": {"action": "deleted", "name": "checkout"}}},
}
