"""What events and direct mutations did, in numbers for people and programs (C-29, C-30, C-35)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from incrsim.glance import brief
from incrsim.ingestion import Counts, Ingestion


@dataclass(frozen=True, slots=True)
class DeltaReport:
    """What one delta did to the catalog.

    Args:
        provider: the provider's name.
        ingestion: the number of the ingestion in which the added ones are marked.
        counts: of this delta alone.
    """

    provider: str
    ingestion: int
    counts: Counts

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {"provider": self.provider, "ingestion": self.ingestion, **_numbers(self.counts)}

    def __str__(self) -> str:
        """One sentence for terminals."""
        return f"{self.provider}: {_told(self.counts)}"

    def __repr__(self) -> str:
        return brief(self, str(self))


@dataclass(frozen=True, slots=True)
class EventReport:
    """What an event of a source led to.

    Args:
        topic: the event's topic.
        applied: what each provider made of it that had something to change.
        ignored_by: the providers that had nothing to change.
    """

    topic: str
    applied: tuple[DeltaReport, ...]
    ignored_by: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        applied = [each.to_dict() for each in self.applied]
        return {"topic": self.topic, "applied": applied, "ignored_by": list(self.ignored_by)}

    def __str__(self) -> str:
        """One line per provider."""
        return "\n".join([*map(str, self.applied), *(f"{name}: nothing to change" for name in self.ignored_by)])

    def __repr__(self) -> str:
        return brief(self, f"{self.topic}: {'; '.join(str(self).splitlines())}")


@dataclass(frozen=True, slots=True)
class FullReport:
    """What a full mutation did.

    Args:
        provider: the provider's name.
        record: the complete ingestion that it was.
        counts: of this mutation alone; the record's hold what events did before in it, too.
        due_at: when the provider's next ingestion is due.
    """

    provider: str
    record: Ingestion
    counts: Counts
    due_at: datetime | None

    @property
    def refused(self) -> bool:
        """Whether nothing was removed, because a guard said so or too much was invalid."""
        return self.record.verdict is None or self.record.verdict.refused

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "provider": self.provider,
            "ingestion": self.record.number,
            "outcome": self.record.outcome,
            **_numbers(self.counts),
            "due_at": None if self.due_at is None else self.due_at.isoformat(),
        }

    def __str__(self) -> str:
        """One sentence for terminals."""
        why = self.record.last_error.message if self.record.last_error else self.record.verdict
        return f"{self.provider}: {_told(self.counts)}; {why}"

    def __repr__(self) -> str:
        return brief(self, str(self))


def _numbers(counts: Counts) -> dict[str, int]:
    return {name: number for name, number in asdict(counts).items() if name not in ("returned", "valid")}


def _told(counts: Counts) -> str:
    numbers = _numbers(counts)
    always = [f"{numbers.pop(name):,} {name}" for name in ("added", "updated", "unchanged", "removed")]
    return ", ".join([*always, *(f"{number:,} {name}" for name, number in numbers.items() if number)])
