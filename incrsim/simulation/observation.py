"""What can be seen of a simulation from outside: pages as a provider returned them, steps of the store as they were
asked for, and what came of them. An `Observer` (the oracle, above all) believes nothing else but what it then reads
from the store itself.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from incrsim.simulation.simulator import Happening

OPERATOR = -1
"""In place of a replica's number: an operator, or an event of the source, asked for the step."""


class Seen(NamedTuple):
    """An entity as a provider returned it.

    Args:
        ref: its ref; `None` when it has none that can be read.
        digest: of its body and location key; says whether two are the same.
        location_key: what the page says beside it (C-9).
        valid: whether the source meant it to be valid: known by who made it, not by asking the engine's rules (C-6).
    """

    ref: str | None
    digest: bytes
    location_key: str | None = None
    valid: bool = True


class Returned(NamedTuple):
    """A page that the provider's code returned to a replica, before the engine has looked at it.

    Args:
        provider: whose.
        replica: to which replica.
        asked: the cursor that was asked for, as canonical JSON text; `None` for the first page.
        entities: in the page's order.
        cursor: the cursor after it as JSON text; `None` when there is none, or it is none that JSON can hold.
        done: whether it says that there is no more.
        lost: how many reported problems without a ref it carries: parts of the source that could not be read (C-7).
        problems: refs of reported problems.
    """

    provider: str
    replica: int
    asked: str | None
    entities: tuple[Seen, ...]
    cursor: str | None
    done: bool
    lost: int = 0
    problems: tuple[str, ...] = ()


class Outcome(StrEnum):
    """What whoever asked for a step got to know of it."""

    DONE = "done"
    REFUSED = "refused"  # it raised what the store's contract says: fenced, unknown, a superseded verdict …
    FAILED = "failed"  # the store was not there: nothing was done
    LOST = "answer lost"  # done or not: whoever asked cannot know
    DIED = "died"  # the process is gone


class StepCall(NamedTuple):
    """A step of the store, as it was asked for.

    Args:
        provider: whose row it locks.
        replica: who asked, or `OPERATOR`.
        step: the store's method, for instance `commit_page`.
        arguments: as they were passed: leases, drafts, options.
    """

    provider: str
    replica: int
    step: str
    arguments: tuple[Any, ...]


class Observer(Protocol):
    """Sees a simulation from outside. Each call may raise `Violation` (`incrsim.simulation.violation`)."""

    def source_changed(self, provider: str, held: AbstractSet[str]) -> None:
        """A source holds these refs from now on (valid ones); also called once before the first step."""

    def returned(self, page: Returned) -> None:
        """A provider returned a page."""

    def asks(self, call: StepCall) -> None:
        """A step of the store is about to be taken."""

    def answered(self, call: StepCall, outcome: Outcome, result: Any) -> None:
        """It was taken, or not; `result` is what it returned or raised, as far as the caller got it."""

    def happened(self, replica: int, happening: Happening) -> None:
        """A replica's step ended with this."""

    def redeployed(self, replica: int, options: Any) -> None:
        """A replica runs with these options (`ProviderOptions`) from its next step on; once for each at first."""

    def quiet(self) -> None:
        """The faults are over, and the source changes no more."""

    def ended(self) -> None:
        """The run is over: everything must have come to rest."""
