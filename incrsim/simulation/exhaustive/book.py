"""What an observer of the exhaustive model writes down: what must be seen, and what nobody else remembers.

It is kept in sets of names, and shares no code with lifecycle, guards or stores; what each step writes into it is in
`exhaustive.contract`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from incrsim.ingestion import Status
from incrsim.simulation.exhaustive.source import ALWAYS

Names = frozenset[str]
NOBODY: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Judged:
    """A sweep's decision: whether it was refused, and the integers of C-23."""

    refused: bool
    removable: int
    base: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What anybody who reads the store must see.

    Args:
        catalog: what the provider owns, as (name, version).
        number: of the ingestion that is not complete.
        status: of it.
        due: when its next action may happen.
        attempts: its failures in a row.
        pages: how many of its pages are committed.
        done: whether its last page is.
        expired: whether a cursor expired since the last sweep.
        ended: number and outcome of the last complete ingestion, if one is kept.
        fence: of the provider.
        leased_until: when the lease expires, if there is one.
        paused: whether an operator paused it.
        judged: the last verdict, if one is kept.
        stale: what the last verdict would have removed, had it not been refused.
    """

    catalog: frozenset[tuple[str, int]]
    number: int
    status: Status
    due: datetime
    attempts: int = 0
    pages: int = 0
    done: bool = False
    expired: bool = False
    ended: tuple[int, str] | None = None
    fence: int = 0
    leased_until: datetime | None = None
    paused: bool = False
    judged: Judged | None = None
    stale: Names = NOBODY


@dataclass(frozen=True, slots=True)
class Memory:
    """What only an observer knows.

    Args:
        marked: what this ingestion's pages returned, or an event added during it, and the provider owns.
        old: what it owned before this ingestion's first page, and has not lost since.
        approvable: of the refused removals, what was not marked since.
        approved: what the next sweep may remove whatever the guards say.
        deltas: how many events there were.
        by_event: what events have set while the present burst runs, as (name, number of the event).
        kept: of what the source holds all along, what the provider has owned since no event or operator removed it.
        sweeps: how many there were.
    """

    marked: Names = NOBODY
    old: Names = NOBODY
    approvable: Names = NOBODY
    approved: Names = NOBODY
    deltas: int = 0
    by_event: frozenset[tuple[str, int]] = frozenset()
    kept: Names = NOBODY
    sweeps: int = 0


@dataclass(frozen=True, slots=True)
class Book:
    """Both, and the changes that steps are made of.

    Args:
        seen: what must be seen.
        memory: what only an observer knows.
    """

    seen: Seen
    memory: Memory = Memory()

    @property
    def names(self) -> Names:
        """What the provider owns."""
        return frozenset(name for name, _ in self.seen.catalog)

    @property
    def outcome(self) -> tuple[int, str]:
        """Number and outcome of this ingestion, were it ended now: a resting one keeps its own (C-33)."""
        seen = self.seen
        if seen.status is not Status.RESTING or seen.judged is None:
            return seen.number, "canceled"
        return seen.number, "refused" if seen.judged.refused else "swept"

    def seeing(self, **changes: Any) -> Book:
        """Other things are seen."""
        return replace(self, seen=replace(self.seen, **changes))

    def remembering(self, **changes: Any) -> Book:
        """Other things are known."""
        return replace(self, memory=replace(self.memory, **changes))

    def succeeded(self, due: datetime, ended: tuple[int, str] | None) -> Book:
        """The ingestion is complete; the next one is due then.

        Args:
            due: when.
            ended: how the one before is remembered; `None` when nothing of it is.
        """
        fresh = {"status": Status.SCHEDULED, "due": due, "attempts": 0, "pages": 0, "done": False, "ended": ended}
        return self.remembering(marked=NOBODY, old=self.names).seeing(number=self.seen.number + 1, **fresh)

    def released(self) -> Book:
        """The lease is given back."""
        return self.seeing(leased_until=None).remembering(by_event=frozenset())

    def overtaken(self) -> Book:
        """Whoever works on the provider has lost it."""
        return self.released().seeing(fence=self.seen.fence + 1)

    def holding(self, held: Mapping[str, int]) -> Book:
        """The provider owns these, and they are marked.

        Args:
            held: name → version.
        """
        names, memory = frozenset(held), self.memory
        others = frozenset(each for each in self.seen.catalog if each[0] not in names)
        return self.seeing(catalog=others | frozenset(held.items())).remembering(
            marked=memory.marked | names,
            approvable=memory.approvable - names,
            approved=memory.approved - names,
            kept=memory.kept | ALWAYS & names,
        )

    def without(self, names: Names) -> Book:
        """A sweep has removed these."""
        left = frozenset(each for each in self.seen.catalog if each[0] not in names)
        sets = ("marked", "old", "approvable", "approved")
        return self.seeing(catalog=left).remembering(**{each: getattr(self.memory, each) - names for each in sets})

    def dropping(self, names: Names) -> Book:
        """Somebody who may do so has removed these."""
        return self.without(names).remembering(kept=self.memory.kept - names)
