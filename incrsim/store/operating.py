"""What operators need of a store (C-26, C-31 … C-35).

As everywhere in a store, a method is one whole transaction that locks the provider's row first (C-40).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from incrsim.guards import Verdict
from incrsim.ingestion import Ingestion
from incrsim.lifecycle import Decision, Effect, Operator

SERVED_FOR = timedelta(seconds=60)
"""A replica that has not announced itself for so long no longer counts as serving (C-31)."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What a call removed.

    Args:
        ingestions: records, the one that was open included.
        marks: of the open ingestion.
        problems: of all readable ingestions.
        entities: of the catalog.
    """

    ingestions: int = 0
    marks: int = 0
    problems: int = 0
    entities: int = 0

    def __add__(self, other: Gone) -> Gone:
        """Field by field."""
        return Gone(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Operated:
    """What an operator's call did.

    Args:
        operator: what was asked for.
        effect: what that means in the status that was met.
        before: the ingestion that was met.
        decision: what became of it.
        gone: what was removed.
        paused: whether the provider is paused now.
    """

    operator: Operator
    effect: Effect
    before: Ingestion
    decision: Decision
    gone: Gone
    paused: bool


@dataclass(frozen=True, slots=True)
class Approved:
    """What the approval of a refused removal did (C-26).

    Args:
        verdict: the one that was approved.
        removed: how many entities were removed at once: those still owned, and not marked or added since.
        kept: how many of the verdict's refs are owned by somebody else now, gone, or were marked or added since.
        waiting: how many refs no longer count in the guards of the ingestion that is open; 0 while resting.
    """

    verdict: Verdict
    removed: int
    kept: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Serving:
    """A replica that serves a provider.

    Args:
        provider: the provider's name.
        holder: the replica, as in leases.
        options: the provider's options there (`ProviderOptions.describe()`).
        stuck: whether a thread of the provider is stuck there (C-16).
        seen_at: when it announced itself last.
    """

    provider: str
    holder: str
    options: dict[str, Any]
    stuck: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a replica says of a provider that it serves; see `Serving`."""

    provider: str
    options: dict[str, Any]
    stuck: bool


class OperatorStore(Protocol):
    """What `operators` calls."""

    def operate(self, provider: str, operator: Operator) -> Operated:
        """Do what an operator asks for, as the table in `lifecycle` says. What ends the ingestion, and what purges,
        moves the fence: a running burst's next commit is refused (C-33, C-34). Wakes listeners.

        Raises:
            UnknownProvider: when it was never registered.
        """

    def approve(self, provider: str, verdict: int) -> Approved:
        """Let a refused removal through: at once while its ingestion rests, else its refs no longer count in the guards
        of the ingestion that is open (C-26). Repeatable.

        Args:
            provider: the provider's name.
            verdict: the id of its last verdict.

        Raises:
            UnknownProvider: when it was never registered.
            SupersededVerdict: when that is not its last verdict, or did not refuse; the message has the current
                numbers.
        """

    def retire(self, provider: str, expected: int) -> Gone:
        """Remove all that the provider owns, in chunks inside one transaction, and its records as `delete` does
        (C-34).

        Raises:
            UnknownProvider: when it was never registered.
            WrongCount: when it owns more or fewer than `expected` entities; nothing was changed.
        """

    def announce(self, holder: str, served: Sequence[Announcement]) -> None:
        """A replica says which providers it serves now; those that it served before and did not name are served no
        longer by it. An empty sequence withdraws it. Forgets replicas that were silent for `SERVED_FOR`. Locks no
        provider. Repeatable.
        """

    def serving(self, providers: Sequence[str]) -> list[Serving]:
        """Replicas that announced any of these providers within `SERVED_FOR`, by provider and holder."""

    def latest(self, providers: Sequence[str]) -> dict[str, Ingestion]:
        """The last complete ingestion of each of these providers that has one."""
