"""The rows of one provider, as the atomic steps in `transactions` and `operations` see them; a store brings its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from incrsim.entity import Entity
from incrsim.guards import Verdict
from incrsim.ingestion import Counts, Ingestion
from incrsim.store.contract import Lease
from incrsim.store.listening import NotifyingRows
from incrsim.store.outbox import OutboxRows
from incrsim.store.page import Compared, FoundProblem, Insert, PageChanges


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """What is kept of a provider for ever, so that no fence, ingestion or verdict number is ever born again (C-34).

    Args:
        name: its name.
        fence: of the last claim.
        last_verdict: the id of its last verdict, counted through purges.
        paused: whether an operator paused it (C-33).
        verdict: its last verdict itself, until the next one or a purge (C-26).
        approved: whether an operator approved that.
        deltas: how many events and direct deltas it has had (C-29).
    """

    name: str
    fence: int
    last_verdict: int
    paused: bool = False
    verdict: Verdict | None = None
    approved: bool = False
    deltas: int = 0


@dataclass(frozen=True, slots=True)
class SweepCount:
    """What `collect_stale` found.

    Args:
        owned: how many entities the provider owns.
        stale: those not marked.
        approved: those of the stale whose removal was approved (C-26).
        removable: those of the other stale ones that are past their grace (C-25).
        base: those owned that existed before the ingestion's first page, approved ones left out (C-23).
    """

    owned: int
    stale: int
    approved: int
    removable: int
    base: int


class Transaction(NotifyingRows, OutboxRows, Protocol):
    """The rows of one provider inside one transaction; nothing that it does is seen by others before it commits."""

    now: datetime
    provider: ProviderRow
    lease: Lease | None
    ingestion: Ingestion | None
    """The ingestion that is not complete."""

    def save_provider(self, row: ProviderRow) -> None:
        """Write the provider's row."""

    def save_lease(self, lease: Lease | None) -> None:
        """Write the lease, or give it back: no page is in flight then, and what deltas recorded goes."""

    def save_ingestion(self, ingestion: Ingestion) -> None:
        """Write the ingestion that is not complete: a new one, or the one that `ingestion` was read from."""

    def archive(self, ingestion: Ingestion) -> None:
        """Write an ingestion that is complete; what it marked has its whole grace again (C-25) and is no longer among
        what an approval removes (C-26), its marks go, and so does what is older than the last `HISTORY_LENGTH` (C-19).
        """

    def compare(self, entities: Sequence[Entity], ingestion: int, cursor: bytes | None) -> Compared:
        """Compare refs and digests with the catalog, and the cursor's digest with the marks, in a bounded number of
        round trips (C-11).
        """

    def ids_of(self, refs: Sequence[str]) -> list[int]:
        """The ids of what is stored under these refs."""

    def later_deltas(self, refs: Sequence[str], after: int) -> set[str]:
        """Which of these refs a delta later than number `after` has set while this burst runs (C-29)."""

    def inserting(self, ingestion: int) -> AbstractContextManager[Insert]:
        """A way to insert new entities, as written by this ingestion; nothing else may be asked meanwhile."""

    def apply(self, changes: PageChanges, ingestion: int) -> None:
        """Update and take over, in the order of refs; the rows say that this ingestion wrote them."""

    def known_problems(self, keys: Sequence[bytes], ingestion: int) -> set[bytes]:
        """Which of these problems this ingestion has recorded already."""

    def add_problems(self, problems: Sequence[FoundProblem], ingestion: int, sequence: int) -> None:
        """Record problems."""

    def add_mark(self, mark: NewMark) -> None:
        """Record the page."""

    def count_distinct(self, ingestion: int) -> int:
        """How many distinct entities the ingestion's pages returned, invalid ones included (C-7)."""

    def collect_stale(self, ingestion: int, grace: int) -> SweepCount:
        """Count the sweep, and keep the refs that it would remove in place of those of the verdict before (C-26); with
        it an approval that was not used lapses, should this sweep be refused.
        """

    def remove_stale(self, ingestion: int, chunk: int) -> Iterator[int]:
        """Remove the collected entities that are still owned and that this ingestion did not write, at most `chunk` of
        them a statement, and tell the sinks; yields how many each one removed.
        """

    def end_removal(self, grace: int) -> None:
        """The sweep went through: forget the collected refs, and count one more cycle of grace for what stays stale
        (C-25).
        """

    def renew_lease(self, lease: Lease) -> None:
        """Renew the lease at once, seen by others before this transaction commits (C-27)."""


@dataclass(frozen=True, slots=True)
class NewMark:
    """A mark about to be written.

    Args:
        ingestion: the ingestion's number.
        sequence: the page's number.
        cursor: the cursor after the page, as JSON text.
        cursor_digest: 16 bytes of it; `None` for a done page, whose cursor is ignored.
        seen: ids of the entities that the page returned and that this ingestion did not write.
        counts: what the page did.
    """

    ingestion: int
    sequence: int
    cursor: str | None
    cursor_digest: bytes | None
    seen: Sequence[int]
    counts: Counts
