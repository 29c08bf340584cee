"""What events, direct mutations and `plan` need of a store (C-28, C-29, C-30)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from incrsim.entity import Entity
from incrsim.guards import Verdict
from incrsim.ingestion import Counts, Ingestion
from incrsim.options import ProviderOptions
from incrsim.store.contract import Held, Lease
from incrsim.store.page import PageDraft


@dataclass(frozen=True, slots=True)
class DeltaDraft:
    """An event's or a caller's delta, ready to be applied.

    Args:
        added: entities with a readable ref, each once, valid or not; they count as marked.
        removed: refs that go at once where the provider owns them; none of them is in `added`.
    """

    added: Sequence[Entity]
    removed: Sequence[str]


@dataclass(frozen=True, slots=True)
class AppliedDelta:
    """What a delta did.

    Args:
        ingestion: the one that is not complete, in which the added ones are marked.
        counts: `added`, `updated`, `unchanged`, `removed`, `invalid` and `lost` of this delta alone.
    """

    ingestion: Ingestion
    counts: Counts


@dataclass(frozen=True, slots=True)
class AppliedFull:
    """What a full mutation did (C-30).

    Args:
        ingestion: the complete ingestion that it stands for in the history, with counts and verdict.
        verdict: whether a guard refused the removals; what was added and changed stays in either case. `None` when too
            many entities were invalid, which removes nothing either (C-7).
        next: the ingestion that is open now, due when the one before was.
        counts: of this mutation alone; the ingestion's hold what events did before in it, too.
    """

    ingestion: Ingestion
    verdict: Verdict | None
    next: Ingestion
    counts: Counts


@dataclass(frozen=True, slots=True)
class OwnedRef:
    """What `plan` needs of an owned entity.

    Args:
        ref: the entity.
        stale_cycles: sweeps in a row that found it stale and kept it; 0 once it was marked again (C-25).
        marked: whether the ingestion that is not complete wrote or marked its row; while that is scheduled only an
            event can have done so, and its sweep will not find it stale.
        approved: whether an operator approved its removal (C-26).
    """

    ref: str
    stale_cycles: int
    marked: bool
    approved: bool


class Known(NamedTuple):
    """What the catalog holds under a ref, for comparing; see `StoredEntity`."""

    ref: str
    provider: str
    digest: bytes
    location_key: str | None


class MutationStore(Protocol):
    """What `mutations` and `planning` call."""

    def apply_delta(self, provider: str, delta: DeltaDraft, options: ProviderOptions) -> AppliedDelta:
        """Apply an event: upsert and mark in the ingestion that is not complete, whatever its status; remove at once.
        While a burst runs, the refs are recorded with the delta's number, so that a page that was fetched before does
        not undo them (C-29). Guards do not apply.

        Raises:
            UnknownProvider: when it was never registered.
            InvalidEntity: when an entity is invalid and the options say so; nothing was applied.
        """

    def lease_for_full(self, provider: str, holder: str, options: ProviderOptions) -> Lease | Held:
        """Take the lease for a full mutation; the ingestion stays as it is (C-30).

        Raises:
            UnknownProvider: when it was never registered.
            InvalidTransition: when the ingestion is neither scheduled nor resting.
        """

    def give_back(self, lease: Lease) -> None:
        """Give a lease back that was taken by `lease_for_full` and not used; one that was overtaken is no matter."""

    def apply_full(self, lease: Lease, pages: Iterable[PageDraft], options: ProviderOptions) -> AppliedFull:
        """Make the provider's entities equal to these, in one transaction, under its guards; gives the lease back.

        In the history this is an ingestion of its own: the scheduled one, or the one after a resting one, which is
        then complete with its outcome kept. The next one is due when the one before was.

        Args:
            lease: from `lease_for_full`.
            pages: all entities, in drafts of bounded size, numbered from 1, the last one `done`; read as they are
                needed, and again from the first when the transaction must be run again.
            options: the guards.

        Raises:
            Fenced: when the lease was overtaken.
            InvalidTransition: when the ingestion is neither scheduled nor resting any more.
            CallerError: when the last page is not `done`.
            InvalidEntity: when an entity is invalid and the options say so.
        """

    def known(self, refs: Sequence[str]) -> list[Known]:
        """What the catalog holds under these refs, sorted by ref; those that are free are left out."""

    def owned(self, provider: str, *, after: str = "", limit: int = 1000) -> list[OwnedRef]:
        """What a provider owns, sorted by ref, those after `after`."""
