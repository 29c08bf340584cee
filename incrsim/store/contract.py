"""What the engine and its readers need of a store, in words and types (C-10, C-27, C-37, C-39, C-40).

Every method is one whole transaction: all of it happens or nothing. Methods that change a provider lock its row first
(renewing a lease alone excepted), so that two of them on the same provider happen one after the other; on different
providers they may overlap. A method that fails with `StoreError` may have committed all the same (the answer can be
lost): the next claim reads the truth. `Fenced` means that it kept nothing. Times are the store's own (the database's
when live, the virtual clock's in a simulation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from incrsim.entity_annotation import annotated
from incrsim.guards import Verdict
from incrsim.ingestion import Counts, Failure, Ingestion
from incrsim.lifecycle import Decision
from incrsim.options import ProviderOptions
from incrsim.store.page import PageDraft, ProblemKind

SWEEP_CHUNK = 10_000
"""How many rows one statement of a sweep removes at most, so that its memory and locks stay bounded (C-13, C-27;
measurements: no slower)."""

HISTORY_LENGTH = 20
"""How many ingestions of a provider stay readable (C-19)."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a provider until it expires or is overtaken (C-37).

    Args:
        provider: the provider's name.
        holder: the replica.
        fence: grows with every claim, also through purges.
        length: for how long each renewal lasts.
        expires_at: when it expires unless it is renewed, as of the last renewal.
    """

    provider: str
    holder: str
    fence: int
    length: timedelta
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Granted:
    """The claim succeeded: the ingestion is `bursting` or `sweeping` under this lease.

    Args:
        lease: the lease.
        ingestion: as it is now.
        deltas: how many deltas the provider has had so far: what a page's draft says when its fetch began (C-29).
    """

    lease: Lease
    ingestion: Ingestion
    deltas: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """Another replica holds the lease."""

    holder: str
    until: datetime


@dataclass(frozen=True, slots=True)
class NotDue:
    """Nothing is due yet."""

    ingestion: Ingestion


@dataclass(frozen=True, slots=True)
class Paused:
    """An operator paused the provider: no burst or sweep begins, due or not (C-33)."""

    ingestion: Ingestion


Claim = Granted | Held | NotDue | Paused


@dataclass(frozen=True, slots=True)
class CommittedPage:
    """What a committed page did.

    Args:
        counts: of this page alone.
        decision: the ingestion afterwards: `bursting`, `sweeping` after the done page, or complete with its successor
            (too many invalid).
        lease: renewed.
        deltas: how many deltas the provider has had so far (C-29).
        paused: whether an operator paused the provider: the burst ends here, and a sweep that is due waits (C-33).
    """

    counts: Counts
    decision: Decision
    lease: Lease
    deltas: int = 0
    paused: bool = False


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A provider as it is now.

    Args:
        name: its name.
        fence: of the last claim.
        ingestion: the one that is not complete.
        lease: who works on it, if anybody; it may have expired.
        now: the store's time when this was read.
        paused: whether an operator paused it; durable (C-33).
        last_verdict: the last sweep's decision, kept until the next one or a purge (C-26).
        approved: whether an operator approved what that verdict refused to remove.
    """

    name: str
    fence: int
    ingestion: Ingestion
    lease: Lease | None
    now: datetime
    paused: bool = False
    last_verdict: Verdict | None = None
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """The durable record of one committed page.

    Args:
        ingestion: the ingestion's number.
        sequence: the page's number, from 1.
        cursor: the JSON text of the cursor *after* the page; `None` for the done page.
        counts: what the page did.
        committed_at: when.
    """

    ingestion: int
    sequence: int
    cursor: str | None
    counts: Counts
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class RecordedProblem:
    """A problem of an ingestion.

    Args:
        id: grows, for paging.
        ingestion: the ingestion's number.
        sequence: the page's number.
        kind: where it comes from.
        message: what is wrong.
        ref: the entity, if its ref could be read.
        field: where in the entity.
        rule: which rule it breaks.
    """

    id: int
    ingestion: int
    sequence: int
    kind: ProblemKind
    message: str
    ref: str | None
    field: str | None
    rule: str | None


class StoredEntity(NamedTuple):
    """An entity of the catalog. A tuple, since catalogs are read by the million.

    Args:
        ref: `kind:namespace/name`.
        provider: who owns it.
        canonical: its body as JSON with sorted keys, as the provider returned it.
        digest: of the entity as its provider returned it.
        location_key: as it was committed.
    """

    ref: str
    provider: str
    canonical: bytes
    digest: bytes
    location_key: str | None

    @property
    def body(self) -> bytes:
        """The same JSON with the engine's annotation, which names the provider (C-6)."""
        return annotated(self.canonical, self.provider)


class EngineStore(Protocol):
    """What the engine calls."""

    def register(self, provider: str) -> None:
        """Make sure that the provider has a row and an ingestion that is not complete, due now. Repeatable."""

    def claim(self, provider: str, holder: str, options: ProviderOptions) -> Claim:
        """Take the lease if the provider is due and nobody holds it; the fence grows, and a rest that has passed ends
        on the way.

        Raises:
            UnknownProvider: when it was never registered.
        """

    def commit_page(self, lease: Lease, draft: PageDraft, options: ProviderOptions) -> CommittedPage:
        """Commit entities, mark, cursor, problems and lease renewal of one page, together (C-10). Not repeatable: the
        page's sequence number must be the next one.

        Raises:
            Fenced: when another claim or an operator overtook the lease.
            InvalidEntity: when an entity is invalid and the options say so.
            CursorRepeated: when this ingestion has seen the cursor before (C-5).
            TooManyPages: when the page would be past `max_pages`.
        """

    def end_burst(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """The burst is spent: `interstitial`, and the lease is given back. A sweep that is due stays due (a pause came
        with the done page).

        Raises:
            Fenced: when the lease was overtaken.
        """

    def record_failure(self, lease: Lease, failure: Failure, options: ProviderOptions) -> Decision:
        """Keep what went wrong, decide what follows (C-17), and give the lease back.

        Raises:
            Fenced: when the lease was overtaken.
        """

    def commit_sweep(self, lease: Lease, options: ProviderOptions) -> Ingestion:
        """Remove what was not marked, or refuse to; verdict and status change with it, and the lease is given back
        (C-27). Removes in chunks of at most `SWEEP_CHUNK`, and renews the lease meanwhile.

        Raises:
            Fenced: when the lease was overtaken.
        """


class ReadingStore(Protocol):
    """What can be read; nothing is locked."""

    def providers(self) -> list[str]:
        """The names of all providers, sorted."""

    def states(self, *, after: str = "", limit: int = 1000) -> list[ProviderState]:
        """All providers as they are now, sorted by name, those after `after`."""

    def state(self, provider: str) -> ProviderState:
        """A provider as it is now.

        Raises:
            UnknownProvider: when it was never registered.
        """

    def history(self, provider: str) -> list[Ingestion]:
        """Its complete ingestions, the latest first, at most `HISTORY_LENGTH` (C-19)."""

    def marks(self, provider: str, *, after: int = 0, limit: int = 1000) -> list[Mark]:
        """Marks of the ingestion that is not complete, in order of their sequence number, those after `after`."""

    def problems(self, provider: str, *, after: int = 0, limit: int = 1000) -> list[RecordedProblem]:
        """Problems of all readable ingestions, in order of their id, those after `after`."""

    def stale(self, provider: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """The refs that the last verdict would have removed, had no guard refused; sorted, those after `after`
        (C-26).
        """

    def entity(self, ref: str) -> StoredEntity | None:
        """One entity by its ref."""

    def entities(self, provider: str | None = None, *, after: str = "", limit: int = 1000) -> Sequence[StoredEntity]:
        """Entities sorted by ref (by code point), those after `after`; of one provider, or of all."""

    def count(self, provider: str | None = None) -> int:
        """How many entities there are; of one provider, or of all."""

    def describe(self) -> str:
        """Where this store is, in a few words, without secrets."""

    def close(self) -> None:
        """Give back connections and memory. Repeatable."""
