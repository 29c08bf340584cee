"""Stores in which operators' calls do too much or too little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from incrsim.ingestion import Ingestion, Outcome, Status
from incrsim.lifecycle import Operator
from incrsim.options import ProviderOptions
from incrsim.store.contract import Claim
from incrsim.store.memory_rows import MemoryTransaction
from incrsim.store.operating import Gone, Operated
from incrsim.testing.mutants.broken import BrokenStore
from incrsim.testing.mutants.mutant import breaks


class _AfterTheCall(BrokenStore):
    def meddle(self, provider: str, done: Operated) -> None:
        """What happens behind an operator's call."""
        raise NotImplementedError

    def operate(self, provider: str, operator: Operator) -> Operated:
        """See `Store.operate`."""
        done = super().operate(provider, operator)
        self.meddle(provider, done)
        return done


@breaks("C-33")
class CancelsForADayOfTheClock(_AfterTheCall):
    """`cancel` puts off the next ingestion to the same hour of the next day, where a day may have 23."""

    def meddle(self, provider: str, done: Operated) -> None:
        """See `_AfterTheCall.meddle`."""
        if done.operator is Operator.CANCEL:
            self.change(provider, due_at=self.now + timedelta(hours=23))


@breaks("C-33")
class CancelsWhatHasRested(_AfterTheCall):
    """An ingestion that was swept and rests loses its outcome when it is ended."""

    def meddle(self, provider: str, done: Operated) -> None:
        """See `_AfterTheCall.meddle`."""
        if done.operator in {Operator.START, Operator.CANCEL} and done.before.status is Status.RESTING:
            self.change_last(provider, outcome=Outcome.CANCELED)


@breaks("C-33")
class ForgivesWhenTriggered(_AfterTheCall):
    """`trigger` makes all failures forgotten."""

    def meddle(self, provider: str, done: Operated) -> None:
        """See `_AfterTheCall.meddle`."""
        if done.operator is Operator.TRIGGER:
            self.change(provider, attempts=0)


@breaks("C-33")
class TriggersIntoTheBurst(_AfterTheCall):
    """`trigger` overtakes a burst that runs, where there is nothing to hurry."""

    def meddle(self, provider: str, done: Operated) -> None:
        """See `_AfterTheCall.meddle`."""
        rows = self.rows(provider)
        if done.operator is Operator.TRIGGER and rows.lease is not None:
            rows.row, rows.lease = replace(rows.row, fence=rows.row.fence + 1), None


@breaks("C-33")
class ForgetsPause(BrokenStore):
    """A paused provider goes on when it is due."""

    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        """See `Store.claim`."""
        rows = self.rows(provider)
        rows.row = replace(rows.row, paused=False)
        return super().claim(provider, holder, options)


@breaks("C-34", "C-37")
class BearsFenceAgain(_AfterTheCall):
    """A deleted provider begins with the first fence again, and so may a replica that was overtaken long ago."""

    def meddle(self, provider: str, done: Operated) -> None:
        """See `_AfterTheCall.meddle`."""
        if done.operator is Operator.DELETE:
            rows = self.rows(provider)
            rows.row = replace(rows.row, fence=0)


@breaks("C-26")
class BearsVerdictsAgain(_AfterTheCall):
    """A deleted provider's verdicts are numbered anew: an approval of an old one may meet a new one."""

    def meddle(self, provider: str, done: Operated) -> None:
        """See `_AfterTheCall.meddle`."""
        if done.operator is Operator.DELETE:
            rows = self.rows(provider)
            rows.row = replace(rows.row, last_verdict=0)


@breaks("C-34")
class DeletesEntitiesToo(_AfterTheCall):
    """`delete provider` removes what the provider owns."""

    def meddle(self, provider: str, done: Operated) -> None:
        """See `_AfterTheCall.meddle`."""
        if done.operator is Operator.DELETE:
            rows = self._tables.entities.items()
            self._tables.remove([ref for ref, row in rows if row.stored.owner == provider])


@breaks("C-34")
class KeepsProblemsOfTheDeleted(MemoryTransaction):
    """The problems of a deleted provider stay."""

    def purge(self, ingestion: Ingestion) -> Gone:
        """See `OperatingRows.purge`."""
        problems = self._rows.problems
        gone = super().purge(ingestion)
        self._writes.append(lambda: setattr(self._rows, "problems", problems))
        return gone


@breaks("C-34")
class GoesOnAfterMarksAreDeleted(_AfterTheCall):
    """`delete marks` keeps the cursor: the ingestion after it begins in the middle of the source."""

    def meddle(self, provider: str, done: Operated) -> None:
        """See `_AfterTheCall.meddle`."""
        if done.operator is Operator.DELETE_MARKS:
            self.change(provider, cursor=done.before.cursor)


@breaks("C-34")
class RetiresAllButOne(MemoryTransaction):
    """`retire` leaves an entity, which nobody sweeps any more."""

    def remove_owned(self, chunk: int) -> Iterator[int]:
        """See `OperatingRows.remove_owned`."""
        owned = self._owned()
        yield from self.removing(owned[:-1], chunk, None)
        yield len(owned[-1:])
        self._writes.append(self._rows.streaks.clear)


@breaks("C-26")
class ApprovesWhatCameBack(MemoryTransaction):
    """An approval removes what the source has returned since."""

    def approve_stale(self, ingestion: int) -> int:
        """See `OperatingRows.approve_stale`."""
        approved = [replace(each, approved=True) for each in self._rows.stale if self._still_owned(each)]
        self._writes.append(lambda: setattr(self._rows, "stale", approved))
        return len(approved)

    def _written(self, *_: object) -> bool:
        return False
