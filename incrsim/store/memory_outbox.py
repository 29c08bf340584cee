"""The outboxes and sinks of a memory store, as tables; `memory_sinks` does `OutboxStore` over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from incrsim.store.outbox import OutboxRow, Turn


@dataclass(slots=True)
class Outbox:
    """What waits of one provider; rows that every sink has are gone.

    Args:
        last: the number of the last row that was ever written.
        rows: those that wait, in order and without gaps.
    """

    last: int = 0
    rows: list[OutboxRow] = field(default_factory=list)

    def add(self, refs: Iterable[str], ingestion: int | None, *, removed: bool) -> None:
        """Write a row for each ref."""
        for ref in refs:
            self.last += 1
            self.rows.append(OutboxRow(self.last, ingestion, ref, removed))

    def after(self, sequence: int, limit: int) -> Sequence[OutboxRow]:
        """The rows behind one, which must not be gone."""
        start = len(self.rows) - (self.last - sequence)
        return self.rows[start : start + limit]

    def take_back(self, sequence: int) -> None:
        """Forget the rows behind one, which nobody has seen."""
        del self.rows[len(self.rows) - (self.last - sequence) :]
        self.last = sequence

    def trim(self, sequence: int) -> None:
        """Remove the rows up to one."""
        del self.rows[: max(0, len(self.rows) - (self.last - sequence))]


@dataclass(slots=True)
class SinkRow:
    """A registered sink; see `SinkState`.

    Args:
        name: its name.
        registered_at: when.
        turns: where it stands, by provider; nothing has been told of one that is missing.
    """

    name: str
    registered_at: datetime
    turns: dict[str, Turn] = field(default_factory=dict)
    holder: str | None = None
    held_until: datetime | None = None
    failing_since: datetime | None = None
    last_error: str | None = None

    def turn(self, provider: str) -> Turn:
        """Where it stands with a provider."""
        return self.turns.get(provider) or Turn(self.name, provider)


class Outboxes:
    """The tables of sinks and of what waits for them."""

    def __init__(self) -> None:
        self.sinks: dict[str, SinkRow] = {}
        self._of: dict[str, Outbox] = {}
        self._last_turn = 0

    def of(self, provider: str) -> Outbox:
        """A provider's outbox."""
        outbox = self._of.get(provider)
        if outbox is None:
            outbox = self._of[provider] = Outbox()
        return outbox

    def open(self, provider: str) -> Outbox | None:
        """A provider's outbox, if there is anybody to write it for."""
        return self.of(provider) if self.sinks else None

    def next_turn(self) -> int:
        """A number that was never given out before."""
        self._last_turn += 1
        return self._last_turn

    def waiting(self, sink: SinkRow, providers: Iterable[str]) -> list[Turn]:
        """The turns of which something waits, the one that waits longest first."""
        turns = (sink.turn(provider) for provider in providers)
        found = [each for each in turns if each.resync_after is not None or self.of(each.provider).last > each.sequence]
        return sorted(found, key=lambda each: (each.number, each.provider))

    def trim(self, provider: str) -> None:
        """Remove the rows that every sink has; all of them, when there is no sink."""
        outbox = self.of(provider)
        outbox.trim(min((sink.turn(provider).sequence for sink in self.sinks.values()), default=outbox.last))
