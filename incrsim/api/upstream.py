"""Upstream's ten administrative routes: its methods, paths and fields, and what its documentation says that they do
(C-31 … C-34). Its words for things appear in this file only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from incrsim.api.access import Permission
from incrsim.api.routes import PREFIX, AfterNumber, AfterText, Json, Limit, Provider, Route
from incrsim.api.schemas import NEXT, Schemas, object_of
from incrsim.ingestion import Failure, Status
from incrsim.operators import Done, Operators, ProviderStatus, Unhealthy
from incrsim.plain import plain
from incrsim.store.contract import Mark
from incrsim.store.operating import Gone, Operated

GROUP = "upstream's"

MANY = 1000
"""Upstream lists everything; so long is a page unless asked otherwise."""

ACTIONS = {
    Status.SCHEDULED: "rest complete, waiting to start",
    Status.BURSTING: "bursting",
    Status.INTERSTITIAL: "interstitial",
    Status.BACKING_OFF: "backing off",
    Status.SWEEPING: "bursting",  # upstream removes at the end of the last burst
    Status.RESTING: "resting",
}
"""Our statuses in upstream's words."""


def current_action(status: ProviderStatus) -> str:
    """What a provider does, in upstream's words: what an operator put off for 24 hours rests there."""
    due_at = status.next_action_at
    if status.status is Status.SCHEDULED and due_at is not None and due_at > status.now:
        return ACTIONS[Status.RESTING]
    return ACTIONS[status.status]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether anything needs a look.

    Args:
        healthy: whether nothing does.
        duplicateIngestions: always empty: the database allows a provider one ingestion that is not complete.
        unhealthy: what does, and why.
    """

    healthy: bool
    duplicateIngestions: Sequence[str]
    unhealthy: Sequence[Unhealthy]


@dataclass(frozen=True, slots=True)
class Action:
    """Where a provider is.

    Args:
        current_action: in upstream's words.
        next_action_at: when the next thing happens.
        paused: whether an operator paused it, so that nothing begins.
    """

    current_action: str
    next_action_at: datetime | None
    paused: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """That something was done.

    Args:
        message: what was done, in a sentence with counts.
        success: that it was.
    """

    message: str
    success: bool = True


@dataclass(frozen=True, slots=True)
class Deletions:
    """What went.

    Args:
        ingestionsDeleted: ingestions.
        marksDeleted: marks.
        markEntitiesDeleted: always 0: a mark holds its refs itself.
    """

    ingestionsDeleted: int
    marksDeleted: int
    markEntitiesDeleted: int


@dataclass(frozen=True, slots=True)
class MarkRecord:
    """A committed page.

    Args:
        id: of the ingestion and the page.
        sequence: the page's number, from 1.
        ingestion_id: the ingestion's number.
        cursor: after the page, as JSON text; null for the last one.
        created_at: when it was committed.
    """

    id: str
    sequence: int
    ingestion_id: str
    cursor: str | None
    created_at: datetime


class Administration:
    """The routes' calls.

    Args:
        operators: does it all.
    """

    def __init__(self, operators: Operators) -> None:
        self._operators = operators

    def health(self) -> Json:
        """Check the health of all providers; lists the unhealthy ones, and why."""
        unhealthy = self._operators.health()
        return Json(plain(Health(not unhealthy, (), unhealthy)))

    def providers(self, after: AfterText = "", limit: Limit = MANY) -> Json:
        """List the names of all providers."""
        page = self._operators.providers(after, limit)
        return Json({"success": True, "providers": [each.provider for each in page.items], "next": page.next})

    def provider(self, provider: Provider) -> Json:
        """Say where a provider is: resting, interstitial, and so on."""
        status = self._operators.status(provider)
        action = Action(current_action(status), status.next_action_at, status.paused)
        return Json({"success": True, "status": plain(action), "last_error": _said(status.last_error)})

    def trigger(self, provider: Provider) -> Json:
        """Do a provider's next action now: a wait or a rest ends."""
        return _answered(self._operators.trigger(provider))

    def start(self, provider: Provider) -> Json:
        """End the current ingestion, also a running burst, and start a new one now."""
        return _answered(self._operators.start(provider))

    def cancel(self, provider: Provider) -> Json:
        """End the current ingestion, also a running burst, and start a new one in 24 hours."""
        return _answered(self._operators.cancel(provider))

    def delete_provider(self, provider: Provider) -> Json:
        """Remove all records of a provider and start again in 24 hours; its entities stay."""
        done = self._operators.delete(provider)
        return Json(plain(Answer(done.message)) | {"provider": provider} | plain(_deletions(done)))

    def marks(self, provider: Provider, after: AfterNumber = 0, limit: Limit = MANY) -> Json:
        """List the marks of the current ingestion."""
        page = self._operators.marks(provider, after, limit)
        return Json({"success": True, "records": [plain(_record(each)) for each in page.items], "next": page.next})

    def delete_marks(self, provider: Provider) -> Json:
        """Remove the marks of the current ingestion; a new one begins at the first page now."""
        done = self._operators.delete_marks(provider)
        return Json(plain(Answer(done.message)) | {"deletions": plain(_deletions(done))})

    def cleanup(self) -> Json:
        """Remove all records of ALL providers and start them again in 24 hours; entities stay."""
        done = self._operators.cleanup()
        deletions = _deletions(done)
        return Json(
            plain(Answer(done.message))
            | plain(deletions)
            | {"ingestionMarksDeleted": deletions.marksDeleted}  # so upstream calls it here, and only here
        )

    def routes(self, schemas: Schemas) -> list[Route]:
        """The ten."""
        read, manage = Permission.READ, Permission.MANAGE
        success, text, one = {"const": True}, {"type": "string"}, f"{PREFIX}/providers/{{provider}}"
        answer, deletions = schemas.of(Answer), schemas.of(Deletions)
        names = object_of(success=success, providers={"type": "array", "items": text}, next=NEXT)
        status = object_of(success=success, status=schemas.of(Action), last_error={"type": ["string", "null"]})
        records = object_of(success=success, records={"type": "array", "items": schemas.of(MarkRecord)}, next=NEXT)
        deleted = {"allOf": [answer, deletions, object_of(provider=text)]}
        unmarked = {"allOf": [answer, object_of(deletions=deletions)]}
        cleaned = {"allOf": [answer, deletions, object_of(ingestionMarksDeleted={"type": "integer"})]}
        return [
            Route("GET", f"{PREFIX}/health", read, self.health, schemas.of(Health), GROUP),
            Route("GET", f"{PREFIX}/providers", read, self.providers, names, GROUP),
            Route("GET", one, read, self.provider, status, GROUP),
            Route("POST", f"{one}/trigger", manage, self.trigger, answer, GROUP),
            Route("POST", f"{one}/start", manage, self.start, answer, GROUP),
            Route("POST", f"{one}/cancel", manage, self.cancel, answer, GROUP),
            Route("DELETE", one, manage, self.delete_provider, deleted, GROUP),
            Route("GET", f"{one}/marks", read, self.marks, records, GROUP),
            Route("DELETE", f"{one}/marks", manage, self.delete_marks, unmarked, GROUP),
            Route("POST", f"{PREFIX}/cleanup", manage, self.cleanup, cleaned, GROUP),
        ]


def _answered(done: Done) -> Json:
    return Json(plain(Answer(done.message)))


def _deletions(done: Done) -> Deletions:
    assert isinstance(done.details, Operated | Gone)  # noqa: S101  # the calls of this table do nothing else
    gone = done.details if isinstance(done.details, Gone) else done.details.gone
    return Deletions(gone.ingestions, gone.marks, 0)


def _record(mark: Mark) -> MarkRecord:
    return MarkRecord(
        f"{mark.ingestion}-{mark.sequence}", mark.sequence, str(mark.ingestion), mark.cursor, mark.committed_at
    )


def _said(failure: Failure | None) -> str | None:
    return None if failure is None else f"{failure.error}: {failure.message}"
