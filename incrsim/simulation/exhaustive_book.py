"""What an observer of the exhaustive model writes down: how everything must be after each step, by the contract alone.

A second account of the life of an ingestion, in sets of names; it shares no code with lifecycle, guards or stores, and
never looks at what they did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from incrsim.ingestion import Consequence, Status
from incrsim.options import ProviderOptions
from incrsim.simulation.exhaustive_source import ALWAYS, PAGES, THEIRS

DAY = timedelta(hours=24)
RATE_LIMIT = timedelta(minutes=10)
"""How long the source asks to be left alone when it limits its rate."""

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
        by_event: what an event has set while the present burst runs.
        kept: of what the source holds all along, what the provider has owned since no event or operator removed it.
        sweeps: how many there were.
    """

    marked: Names = NOBODY
    old: Names = NOBODY
    approvable: Names = NOBODY
    approved: Names = NOBODY
    deltas: int = 0
    by_event: Names = NOBODY
    kept: Names = NOBODY
    sweeps: int = 0


@dataclass(frozen=True, slots=True)
class Book:
    """Both, and what follows from each step.

    Args:
        seen: what must be seen.
        memory: what only an observer knows.
    """

    seen: Seen
    memory: Memory = Memory()

    # --- what the engine does -----------------------------------------------------------------------------------------

    def claimed(self, now: datetime, options: ProviderOptions) -> tuple[Book, str]:
        """A replica asks for the lease; also says what it must hear."""
        seen = self.seen
        if seen.leased_until is not None and seen.leased_until > now:
            return self, "Held"
        if seen.paused:
            return self, "Paused"
        if seen.due > now:
            return self, "NotDue"
        book = self._next(now, now, self._outcome()) if seen.status is Status.RESTING else self
        status = Status.SWEEPING if book.seen.done else Status.BURSTING
        lease = {"fence": seen.fence + 1, "leased_until": now + options.lease_length}
        return book._seeing(status=status, **lease), "Granted"

    def page(self, held: Mapping[str, int], deltas: int, now: datetime, options: ProviderOptions) -> Book:
        """A page is committed, fetched when there had been so many deltas."""
        memory = self.memory
        later = memory.by_event if deltas < memory.deltas else NOBODY
        mine = {name: version for name, version in held.items() if name not in later and name != THEIRS}
        done = self.seen.pages + 1 == PAGES
        status = Status.SWEEPING if done else Status.BURSTING
        book = self._put(mine)._marking(frozenset(mine))
        return book._seeing(
            pages=self.seen.pages + 1,
            done=done,
            status=status,
            due=now,
            attempts=0,
            leased_until=now + options.lease_length,
        )

    def burst_ended(self, now: datetime, options: ProviderOptions) -> Book:
        """The lease is given back at a page boundary."""
        if self.seen.status is Status.SWEEPING:
            return self._released()
        return self._released()._seeing(status=Status.INTERSTITIAL, due=now + options.burst_interval)

    def failed(self, consequence: Consequence, now: datetime, options: ProviderOptions) -> Book:
        """A failure is recorded."""
        seen, book = self.seen, self._released()
        if seen.status is Status.BURSTING:
            if consequence is Consequence.RATE_LIMITED:
                return book._seeing(status=Status.INTERSTITIAL, due=now + RATE_LIMIT)
            if consequence is Consequence.FATAL:
                return book._next(now, now + options.backoff[-1], (seen.number, "canceled"))
            if consequence is Consequence.CURSOR_EXPIRED and not seen.expired:
                return book._seeing(expired=True)._next(now, now, (seen.number, "canceled"))
        attempts = seen.attempts + 1
        if attempts > len(options.backoff) and seen.status is Status.BURSTING:
            return book._next(now, now + options.backoff[-1], (seen.number, "canceled"))
        wait = options.backoff[min(attempts, len(options.backoff)) - 1]
        return book._seeing(status=Status.BACKING_OFF, due=now + wait, attempts=attempts)

    def swept(self, now: datetime, options: ProviderOptions) -> Book:
        """What was not marked goes, unless a guard refuses."""
        memory = self.memory
        stale = self.names - memory.marked
        removable = len(stale - memory.approved)
        base = len(self.names & memory.old) - len(stale & memory.approved)
        judged = Judged(_refuses(removable, base, options), removable, base)
        left = stale if judged.refused else NOBODY
        book = self if judged.refused else self._without(stale)
        book = book._remembering(sweeps=memory.sweeps + 1, approvable=left, approved=NOBODY)._released()
        resting = {"status": Status.RESTING, "due": now + options.rest_length, "attempts": 0, "expired": False}
        return book._seeing(**resting, judged=judged, stale=left)

    # --- what others do -----------------------------------------------------------------------------------------------

    def hurried(self, now: datetime) -> Book:
        """`trigger` (C-33)."""
        match self.seen.status:
            case Status.BURSTING | Status.SWEEPING:
                return self
            case Status.RESTING:
                return self._next(now, now, self._outcome())
        return self._seeing(due=min(now, self.seen.due))

    def ended(self, now: datetime, due: datetime) -> Book:
        """`start`, `cancel`, `delete marks`: the fence moves, and the next ingestion is due then (C-33, C-34)."""
        return self._overtaken()._next(now, due, self._outcome())

    def purged(self, now: datetime) -> Book:
        """`delete`: only the entities stay, and the numbers (C-34)."""
        book = self._overtaken()._next(now, now + DAY, None)
        return book._remembering(approvable=NOBODY, approved=NOBODY)._seeing(judged=None, stale=NOBODY)

    def retired(self, now: datetime) -> Book:
        """`retire`: the entities go, too (C-34)."""
        return self._dropping(self.names).purged(now)

    def pausing(self, *, paused: bool) -> Book:
        """`pause` and `resume`."""
        return self._seeing(paused=paused)

    def approving(self) -> Book:
        """`approve` (C-26)."""
        refs = self.memory.approvable
        if self.seen.status is Status.RESTING and self.seen.judged is not None:
            return self._dropping(refs)
        return self._remembering(approved=refs)

    def event(self, added: Mapping[str, int], removed: Names) -> Book:
        """An event adds and removes (C-29)."""
        book = self._dropping(removed)._put(added, before=not self.seen.pages)._marking(frozenset(added))
        book = book._remembering(deltas=self.memory.deltas + 1)
        if self.seen.status is Status.BURSTING:
            return book._remembering(by_event=removed | frozenset(added))
        return book

    # --- parts of these -----------------------------------------------------------------------------------------------

    @property
    def names(self) -> Names:
        """What the provider owns."""
        return frozenset(name for name, _ in self.seen.catalog)

    def _seeing(self, **changes: Any) -> Book:
        return replace(self, seen=replace(self.seen, **changes))

    def _remembering(self, **changes: Any) -> Book:
        return replace(self, memory=replace(self.memory, **changes))

    def _outcome(self) -> tuple[int, str]:
        seen = self.seen
        if seen.status is not Status.RESTING or seen.judged is None:
            return seen.number, "canceled"
        return seen.number, "refused" if seen.judged.refused else "swept"

    def _next(self, now: datetime, due: datetime, ended: tuple[int, str] | None) -> Book:
        book = self._remembering(marked=NOBODY, old=self.names)
        return book._seeing(
            number=self.seen.number + 1,
            status=Status.SCHEDULED,
            due=due,
            attempts=0,
            pages=0,
            done=False,
            ended=ended,
        )

    def _released(self) -> Book:
        return self._seeing(leased_until=None)._remembering(by_event=NOBODY)

    def _overtaken(self) -> Book:
        return self._released()._seeing(fence=self.seen.fence + 1)

    def _put(self, held: Mapping[str, int], *, before: bool = False) -> Book:
        new = frozenset(held) - self.names
        others = frozenset(each for each in self.seen.catalog if each[0] not in held)
        memory = self.memory
        book = self._remembering(old=memory.old | new if before else memory.old, kept=memory.kept | ALWAYS & {*held})
        return book._seeing(catalog=others | frozenset(held.items()))

    def _marking(self, names: Names) -> Book:
        memory = self.memory
        return self._remembering(
            marked=memory.marked | names, approvable=memory.approvable - names, approved=memory.approved - names
        )

    def _without(self, names: Names) -> Book:
        left = frozenset(each for each in self.seen.catalog if each[0] not in names)
        memory = self.memory
        book = self._remembering(
            marked=memory.marked - names,
            old=memory.old - names,
            approvable=memory.approvable - names,
            approved=memory.approved - names,
        )
        return book._seeing(catalog=left)

    def _dropping(self, names: Names) -> Book:
        return self._without(names)._remembering(kept=self.memory.kept - names)


def _refuses(removable: int, base: int, options: ProviderOptions) -> bool:
    limit = options.reject_removals_above_percentage
    if limit is not None and 100 * removable * limit.denominator > limit.numerator * base:
        return True
    count = options.reject_removals_above_count
    return count is not None and removable > count
