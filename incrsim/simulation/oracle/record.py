"""What an oracle keeps of a provider's row: what it expects, in the same words as what it reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from incrsim.ingestion import Outcome, Status
from incrsim.store.contract import ProviderState


class Tenure(NamedTuple):
    """Who works on a provider (C-37)."""

    holder: str
    fence: int
    until: datetime


class Kept(NamedTuple):
    """What is kept of a failure (C-18)."""

    error: str
    page: int | None
    cursor: str | None


class Record(NamedTuple):
    """A provider's open ingestion and its lease, fence and verdict; the fields are those of `ProviderState` and
    `Ingestion`.
    """

    number: int
    status: Status
    due_at: datetime | None
    scheduled_at: datetime
    started_at: datetime | None
    attempts: int
    sweep_due: bool
    expired_before: bool
    cursor: str | None
    pages: int
    outcome: Outcome | None
    error: Kept | None
    fence: int
    lease: Tenure | None
    paused: bool
    verdict: int | None
    approved: bool

    @classmethod
    def first(cls, now: datetime) -> Record:
        """A provider that has just been registered."""
        return cls(
            number=1,
            status=Status.SCHEDULED,
            due_at=now,
            scheduled_at=now,
            started_at=None,
            attempts=0,
            sweep_due=False,
            expired_before=False,
            cursor=None,
            pages=0,
            outcome=None,
            error=None,
            fence=0,
            lease=None,
            paused=False,
            verdict=None,
            approved=False,
        )

    @classmethod
    def read(cls, state: ProviderState) -> Record:
        """A provider as the store says that it is."""
        open_, lease, failure = state.ingestion, state.lease, state.ingestion.last_error
        return cls(
            open_.number,
            open_.status,
            open_.due_at,
            open_.scheduled_at,
            open_.started_at,
            open_.attempts,
            open_.sweep_due,
            open_.expired_before,
            open_.cursor,
            open_.pages,
            open_.outcome,
            None if failure is None else Kept(failure.error, failure.page, failure.cursor),
            state.fence,
            None if lease is None else Tenure(lease.holder, lease.fence, lease.expires_at),
            state.paused,
            None if state.last_verdict is None else state.last_verdict.id,
            state.approved,
        )

    def succeeded(self, now: datetime, wait: timedelta = timedelta(0)) -> Record:
        """The ingestion is complete, and the next one due after `wait`; the provider's own fields stay."""
        return Record.first(now)._replace(
            number=self.number + 1,
            due_at=now + wait,
            expired_before=self.expired_before,
            fence=self.fence,
            lease=self.lease,
            paused=self.paused,
            verdict=self.verdict,
            approved=self.approved,
        )


class Completed(NamedTuple):
    """What the history must say of an ingestion that has just become complete (C-19)."""

    number: int
    outcome: Outcome | None
    completed_at: datetime
    pages: int

    def __str__(self) -> str:
        """In a few words."""
        return f"ingestion {self.number} {self.outcome} after {self.pages} pages at {self.completed_at.isoformat()}"


FIELD_RULES = {
    "number": "C-15",
    "status": "C-14",
    "due_at": "C-14",
    "scheduled_at": "C-39",
    "started_at": "C-39",
    "attempts": "C-17",
    "sweep_due": "C-14",
    "expired_before": "C-17",
    "cursor": "C-10",
    "pages": "C-10",
    "outcome": "C-14",
    "error": "C-18",
    "fence": "C-37",
    "lease": "C-37",
    "paused": "C-33",
    "verdict": "C-26",
    "approved": "C-26",
}
"""To which rule a field belongs, unless the step that changed it says otherwise; the order is that of judging."""
