"""Which faults a campaign has seen strike in which statuses of an ingestion, and which ones it never can."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

from incrsim.frames import TEXT, WHOLE, Types, typed
from incrsim.glance import brief
from incrsim.ingestion import Status
from incrsim.simulation.campaign.row import Row
from incrsim.simulation.faults import KINDS, Need

if TYPE_CHECKING:
    import pandas as pd

MET, UNCOVERED, IMPOSSIBLE, CONTRADICTED = "met", "uncovered", "impossible", "impossible, and met"


@dataclass(frozen=True, slots=True)
class Pair:
    """A kind of fault in a status.

    Args:
        fault: which kind.
        status: of the ingestion that it meets.
        times: how often it took effect there.
        impossible: why it never can; `None` when it may.
    """

    fault: str
    status: Status
    times: int = 0
    impossible: str | None = None

    @property
    def verdict(self) -> str:
        """`met`, `uncovered`, `impossible`, or that it was met although it is impossible."""
        if self.times:
            return MET if self.impossible is None else CONTRADICTED
        return UNCOVERED if self.impossible is None else IMPOSSIBLE

    def __str__(self) -> str:
        return f"{self.fault} while {self.status}"


class Coverage:
    """All pairs of a fault that was planned and a status.

    Args:
        rows: of the campaign.
        planned: the kinds of faults that could happen.
    """

    def __init__(self, rows: Iterable[Row], planned: AbstractSet[str]) -> None:
        times: Counter[tuple[str, Status]] = Counter()
        present: set[Need] = set()
        for row in rows:
            times.update(row.pairs())
            present |= row.needs_met
        kinds = [kind for kind in KINDS.values() if kind.name in planned]
        self._pairs = tuple(
            Pair(kind.name, status, times[kind.name, status], kind.impossible(present) or kind.impossible_in(status))
            for kind in kinds
            for status in Status
        )

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def of(self, verdict: str) -> tuple[Pair, ...]:
        """The pairs of which this is so."""
        return tuple(pair for pair in self if pair.verdict == verdict)

    def to_frame(self) -> pd.DataFrame:
        """A row for each pair.

        Raises:
            MissingExtra: when pandas is not installed.
        """
        verdicts = (MET, UNCOVERED, IMPOSSIBLE, CONTRADICTED)
        types: Types = {
            "fault": "category",
            "status": tuple(map(str, Status)),
            "times": WHOLE,
            "verdict": verdicts,
            "reason": TEXT,
        }
        rows = ((pair.fault, str(pair.status), pair.times, pair.verdict, pair.impossible or "") for pair in self)
        return typed(rows, types)

    def __str__(self) -> str:
        """A sentence."""
        counts = {verdict: len(self.of(verdict)) for verdict in (MET, IMPOSSIBLE, UNCOVERED)}
        return ", ".join(f"{count:,} {verdict}" for verdict, count in counts.items())

    def __repr__(self) -> str:
        return brief(self, f"of {len(self):,} pairs of fault and status: {self}")
