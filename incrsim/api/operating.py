"""Our routes beside upstream's: all that `operators` can do, and what a cycle would do."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from incrsim.api.access import Permission
from incrsim.api.routes import PREFIX, AfterNumber, AfterText, Json, Limit, Provider, Route
from incrsim.api.schemas import NEXT, Schemas, object_of
from incrsim.app import App
from incrsim.guards import Verdict
from incrsim.ingestion import Ingestion
from incrsim.operators import Done, ProviderStatus
from incrsim.operators_input import LARGEST_NUMBER
from incrsim.plain import plain
from incrsim.store.contract import RecordedProblem

GROUP = "operators"

FEW = 100
"""How many items a page has unless asked otherwise."""

VerdictId = Annotated[
    int, Query(description="The id of the last verdict, as `verdict` shows it.", ge=0, le=LARGEST_NUMBER)
]
ExpectedCount = Annotated[
    int, Query(description="How many entities it owns; another number is refused.", ge=0, le=LARGEST_NUMBER)
]


class Operating:
    """The routes' calls.

    Args:
        app: does it all.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._operators = app.operators

    def statuses(self, after: AfterText = "", limit: Limit = FEW) -> Json:
        """Say where every provider is, in full."""
        page = self._operators.providers(after, limit)
        return Json({"items": [each.to_dict() for each in page.items], "next": page.next})

    def status(self, provider: Provider) -> Json:
        """Say where a provider is, in full: progress, attempts, last error and verdict, who serves it."""
        return Json(self._operators.status(provider).to_dict())

    def problems(self, provider: Provider, after: AfterNumber = 0, limit: Limit = FEW) -> Json:
        """List what was wrong with entities."""
        return Json(self._operators.problems(provider, after, limit).to_dict())

    def history(self, provider: Provider, after: AfterNumber = 0, limit: Limit = FEW) -> Json:
        """List complete ingestions, the latest first; the last 20 are kept."""
        return Json(self._operators.history(provider, after, limit).to_dict())

    def verdict(self, provider: Provider) -> Json:
        """Show the last sweep's verdict, with its numbers; null when there is none."""
        status = self._operators.status(provider)
        verdict = status.last_verdict
        return Json(
            {
                "verdict": plain(verdict),
                "refused": verdict is not None and verdict.refused,
                "approved": status.approved,
                "sentence": None if verdict is None else str(verdict),
            }
        )

    def stale(self, provider: Provider, after: AfterText = "", limit: Limit = FEW) -> Json:
        """List the refs that the last verdict refused to remove."""
        return Json(self._operators.stale(provider, after, limit).to_dict())

    def approve(self, provider: Provider, verdict: VerdictId) -> Json:
        """Let a refused removal through: at once while its ingestion rests, else with the next sweep."""
        return _told(self._operators.approve(provider, verdict))

    def retire(self, provider: Provider, expected_count: ExpectedCount) -> Json:
        """Remove a provider's entities and its records."""
        return _told(self._operators.retire(provider, expected_count))

    def pause(self, provider: Provider) -> Json:
        """Begin nothing until `resume`; a running burst ends at its next page."""
        return _told(self._operators.pause(provider))

    def resume(self, provider: Provider) -> Json:
        """Go on after `pause`."""
        return _told(self._operators.resume(provider))

    def routes(self, schemas: Schemas) -> list[Route]:
        """All of them."""
        read, manage = Permission.READ, Permission.MANAGE
        one, text, yes = f"{PREFIX}/providers/{{provider}}", {"type": "string"}, {"type": "boolean"}
        status, refs = schemas.of(ProviderStatus), object_of(items={"type": "array", "items": text}, next=NEXT)
        done = object_of(call=text, provider=text, message=text, details={"type": "object"})
        verdict = object_of(
            verdict=schemas.of(Verdict | None), refused=yes, approved=yes, sentence={"type": ["string", "null"]}
        )
        all_statuses = schemas.listing(ProviderStatus)
        problems, history = schemas.listing(RecordedProblem), schemas.listing(Ingestion)
        return [
            Route("GET", f"{PREFIX}/status", read, self.statuses, all_statuses, GROUP),
            Route("GET", f"{one}/status", read, self.status, status, GROUP),
            Route("GET", f"{one}/problems", read, self.problems, problems, GROUP),
            Route("GET", f"{one}/history", read, self.history, history, GROUP),
            Route("GET", f"{one}/verdict", read, self.verdict, verdict, GROUP),
            Route("GET", f"{one}/stale", read, self.stale, refs, GROUP),
            Route("POST", f"{one}/approve", manage, self.approve, done, GROUP, also=(409,)),
            Route("POST", f"{one}/retire", manage, self.retire, done, GROUP, also=(409,)),
            Route("POST", f"{one}/pause", manage, self.pause, done, GROUP),
            Route("POST", f"{one}/resume", manage, self.resume, done, GROUP),
        ]


def _told(done: Done) -> Json:
    return Json(done.to_dict())
