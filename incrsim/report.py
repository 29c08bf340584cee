"""What came of one ingestion, in numbers for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from incrsim.glance import brief, many
from incrsim.html import card, facts
from incrsim.ingestion import Ingestion, Outcome


@dataclass(frozen=True, slots=True)
class CycleReport:
    """One ingestion, as far as `run_cycle` brought it.

    Args:
        provider: the provider's name.
        ingestion: the ingestion's record.
        returned: how many entities pages returned during this call.
        seconds: real seconds that this call took, waits included.
    """

    provider: str
    ingestion: Ingestion
    returned: int
    seconds: float

    @property
    def finished(self) -> bool:
        """Whether the ingestion came to its end; it did not when the app was stopped."""
        return self.ingestion.outcome is not None

    @property
    def ok(self) -> bool:
        """Whether the sweep was committed, or refused by a guard."""
        return self.ingestion.outcome in (Outcome.SWEPT, Outcome.REFUSED)

    @property
    def verdict(self) -> str:
        """`swept`, `refused`, `canceled` or `failed`; `open` when it was stopped before."""
        return self.ingestion.outcome or "open"

    @property
    def entities(self) -> int:
        """How many distinct entities the source had; how many its pages returned so far when there was no sweep."""
        verdict = self.ingestion.verdict
        return self.ingestion.counts.returned if verdict is None else verdict.census.marked

    @property
    def entities_per_second(self) -> float:
        """Entities returned per real second."""
        return self.returned / self.seconds if self.seconds > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        counts = self.ingestion.counts
        return {
            "name": self.provider,
            "entities": self.entities,
            "added": counts.added,
            "updated": counts.updated,
            "unchanged": counts.unchanged,
            "removed": counts.removed,
            "invalid": counts.invalid,
            "verdict": self.verdict,
            "seconds": round(self.seconds, 3),
            "entities_per_second": round(self.entities_per_second, 1),
        }

    def __str__(self) -> str:
        """One sentence for terminals."""
        counts = self.ingestion.counts
        text = (
            f"{self.provider}: {self.verdict}, {self.entities:,} entities "
            f"({counts.added:,} added, {counts.updated:,} updated, "
            f"{counts.unchanged:,} unchanged, {counts.removed:,} removed) "
            f"in {self.seconds:.1f} s"
        )
        return text if self.ingestion.verdict is None else f"{text}; {self.ingestion.verdict}"

    def __repr__(self) -> str:
        return brief(self, str(self))

    def _repr_html_(self) -> str:
        """For notebooks."""
        done, failure = self.ingestion, self.ingestion.last_error
        numbers = {
            "entities": f"{self.entities:,}",
            "of these": str(done.counts),
            "read": f"{many(done.pages, 'page')} in {self.seconds:.1f} s ({self.entities_per_second:,.0f} entities/s)",
            "sweep": str(done.verdict) if done.verdict else None,
            "last error": f"{failure.error}: {failure.message}" if failure else None,
        }
        return card(f"{self.provider}, ingestion {done.number}", facts(numbers), of=self.verdict)
