"""What sinks need of a store: an outbox per provider, written in the transaction that changes entities (C-12).

Rows are numbered per provider, in commit order, by a counter on the provider's row. A row holds a ref, not a body:
bodies are read at delivery, and a ref that is gone or owned by another by then is skipped, since its own row follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Protocol

from incrsim.errors import CallerError, UnknownSink, shortened
from incrsim.store.contract import StoredEntity

DELIVERY_LEASE = timedelta(seconds=60)
"""For how long one replica may deliver to a sink before another may go on."""


@dataclass(frozen=True, slots=True)
class SinkState:
    """A registered sink.

    Args:
        name: its name.
        registered_at: when.
        behind: outbox rows that it has not got yet, over all providers; refs still to be resynced not counted.
        resyncing: whether it is being given everything again.
        failing_since: when its first failure in a row was, or `None`.
        last_error: the last one of that row.
    """

    name: str
    registered_at: datetime
    behind: int
    resyncing: bool
    failing_since: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of refs, in the order of their code points.

    Args:
        after: it begins right behind this one; the empty text comes before every ref.
        to: its last one; `None` when it goes on to the end.
    """

    after: str
    to: str | None

    def __contains__(self, ref: str) -> bool:
        return self.after < ref and (self.to is None or ref <= self.to)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An entity was written or removed.

    Args:
        sequence: its number in the provider's outbox, from 1, without gaps.
        ingestion: the number of the ingestion that did it; `None` for events, direct deltas and `retire`.
        ref: the entity.
        removed: whether it was removed.
    """

    sequence: int
    ingestion: int | None
    ref: str
    removed: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a sink stands with one provider.

    Args:
        sink: the sink's name.
        provider: the provider's name.
        sequence: the last outbox row that it has.
        resync_after: the last ref that it was given again, while it is given everything again.
        number: grows with each delivery to any sink and each resync, so that a confirmation that comes too late is
            recognised; who has the smallest waits longest.
    """

    sink: str
    provider: str
    sequence: int = 0
    resync_after: str | None = None
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a sink gets next: rows of one provider, all of the same ingestion, or a part of a resync.

    Args:
        turn: whose turn it is, as it was before.
        ingestion: the number of the ingestion that wrote the rows; `None` for events and direct deltas outside of pages
            and sweeps, and for a resync.
        sequence: the outbox number of the last row: what `delivered` confirms, and what the sink is told.
        added: entities that are there now, new or changed.
        removed: refs that are gone.
        span: for a resync, the refs that this part stands for: what the provider owns of them is all in `added`.
    """

    turn: Turn
    ingestion: int | None
    sequence: int
    added: tuple[StoredEntity, ...] = ()
    removed: tuple[str, ...] = ()
    span: Span | None = None


class OutboxStore(Protocol):
    """What `sinks` calls."""

    def register_sink(self, name: str) -> None:
        """Keep a sink by name until `remove_sink`; it begins with a resync. Waits for every transaction that is under
        way, so that none misses the outbox. Repeatable: one that is registered already stays as it is.

        Raises:
            CallerError: when no store can hold the name.
        """

    def remove_sink(self, name: str) -> None:
        """Forget a sink, and what of the outbox waited for it alone.

        Raises:
            UnknownSink: when it is not registered.
        """

    def resync(self, name: str) -> None:
        """Give a sink everything again; what waits for it follows after that, removals included.

        Raises:
            UnknownSink: when it is not registered.
        """

    def sinks(self) -> list[SinkState]:
        """All registered sinks, by name."""

    def lease_sink(self, name: str, holder: str, *, provider: str | None = None) -> bool:
        """Take or renew the right to deliver to a sink, for `DELIVERY_LEASE`: one deliverer at a time keeps the order
        across providers too. `False` when there is nothing to do: nothing waits, of this provider or of any, or another
        one has that right.

        Raises:
            UnknownSink: when it is not registered.
        """

    def release_sink(self, name: str, holder: str) -> None:
        """Give that right back."""

    def next_delivery(self, name: str, *, provider: str | None = None, limit: int = 500) -> Delivery | None:
        """What the sink gets next, of one provider or of the one that waits longest; `None` when there is nothing.

        Raises:
            UnknownSink: when it is not registered.
        """

    def delivered(self, delivery: Delivery) -> None:
        """The sink has it; rows that every sink has go. Clears the sink's failure. Changes nothing when another replica
        has delivered it meanwhile, or an operator asked for a resync or removed the sink.
        """

    def delivery_failed(self, name: str, error: str) -> None:
        """Keep that a sink fails, and since when; one that was removed meanwhile is no matter."""


class OutboxRows(Protocol):
    """What a step needs that changes entities; without a registered sink both cost nothing.

    Statements that remove many rows at once write their outbox rows themselves.
    """

    def outbox_upserts(self, refs: Sequence[str], ingestion: int | None) -> None:
        """Tell the sinks of entities that were inserted, updated or taken over."""

    def outbox_removals(self, refs: Sequence[str], ingestion: int | None) -> None:
        """Tell the sinks of entities that were removed."""


# --- decided once for every store -------------------------------------------------------------------------------------


def alike(rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """The first rows, up to one of another ingestion."""
    return list(takewhile(lambda row: row.ingestion == rows[0].ingestion, rows))


def delivery_of(turn: Turn, rows: Sequence[OutboxRow], stored: Mapping[str, StoredEntity]) -> Delivery:
    """What a sink is told of some rows.

    Args:
        turn: where the sink stands.
        rows: what comes next, at least one, all of the same ingestion.
        stored: what the catalog holds under their refs, read together with the rows or later.
    """
    present = {row.ref: stored[row.ref] for row in rows if row.ref in stored and not row.removed}
    added = [entity for entity in present.values() if entity.provider == turn.provider]
    # A ref that came back is no removal any more: the row of whoever added it follows, or was delivered before.
    gone = dict.fromkeys(row.ref for row in rows if row.removed and row.ref not in stored)
    return Delivery(turn, rows[0].ingestion, rows[-1].sequence, tuple(added), tuple(gone))


def resync_of(turn: Turn, part: Sequence[StoredEntity], limit: int) -> Delivery:
    """A part of a resync.

    Args:
        turn: where the sink stands.
        part: the next entities of the provider, at most `limit`.
        limit: how many were asked for: fewer means that there are no more.
    """
    span = Span(turn.resync_after or "", part[-1].ref if len(part) == limit else None)
    return Delivery(turn, None, turn.sequence, tuple(part), span=span)


def check_name(name: str) -> None:
    """Refuse a sink's name that not every store can hold.

    Raises:
        CallerError: when it is empty, too long or not printable.
    """
    if not (isinstance(name, str) and 1 <= len(name) <= 255 and name.isprintable()):  # noqa: PLR2004  # as of providers
        raise CallerError(f"{name!r:.300} cannot be the name of a sink; use 1 to 255 printable characters")


def unknown_sink(name: str, known: Sequence[str]) -> UnknownSink:
    """The error for a sink that is not registered."""
    return UnknownSink(f"no sink is called {shortened(name)}; registered: {', '.join(known) or 'none yet'}")
