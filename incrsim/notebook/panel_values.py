"""What a panel shows of providers, as plain values: everything that is decided about it is decided here, without
widgets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incrsim.glance import until
from incrsim.ingestion import Ingestion, Status
from incrsim.operators import Listing, Operators, ProviderStatus

RATE_WINDOW = timedelta(seconds=5)
"""The rate that is shown is that of so much time: it follows a source that slows down, and does not flicker."""

ROWS = 10
"""How many providers are on a page of the panel."""


@dataclass(frozen=True, slots=True)
class Row:
    """A provider, as the panel shows it.

    Args:
        status: where it is.
        rate: entities a second, lately; `None` while nothing is read.
        last_total: how many entities its last whole cycle returned; `None` when there was none.
    """

    status: ProviderStatus
    rate: float | None = None
    last_total: int | None = None

    @property
    def share(self) -> float | None:
        """How far the ingestion is, 0 to 1, against the last cycle; `None` when nothing says so, or nothing is read."""
        if self.status.status in (Status.SWEEPING, Status.RESTING):
            return 1.0
        if not self.last_total or not self.status.pages:
            return None
        return min(1.0, self.status.counts.returned / self.last_total)

    @property
    def words(self) -> tuple[str, ...]:
        """The status, as labels have it; `refused` beside it when a guard let no removal through, and `paused` in its
        place when that is why nothing happens.
        """
        if self.status.paused and self.status.working is None:
            return ("paused",)
        beside = "paused" if self.status.paused else "refused" if self.is_refused else None
        return (str(self.status.status), *filter(None, [beside]))

    @property
    def is_refused(self) -> bool:
        """Whether it rests after a sweep that was refused and not approved."""
        status, verdict = self.status, self.status.last_verdict
        return status.status is Status.RESTING and verdict is not None and verdict.refused and not status.approved

    @property
    def next(self) -> str:
        """What comes next, and in how long."""
        status = self.status
        if status.working is not None:
            return "sweeping" if status.status is Status.SWEEPING else f"reading page {status.pages + 1:,}"
        if status.paused:
            return "nothing begins until it is resumed"
        if status.next_action_at is None or status.next_action_at <= status.now:
            return "due now" if status.serving else "due now, but nobody serves it"
        return f"{_NEXT[status.status]} {until(status.next_action_at, status.now)}"


_NEXT = {
    Status.SCHEDULED: "begins",
    Status.BURSTING: "goes on",
    Status.INTERSTITIAL: "next burst",
    Status.BACKING_OFF: "tries again",
    Status.SWEEPING: "goes on",
    Status.RESTING: "next ingestion",
    Status.COMPLETE: "nothing",
}


class Reader:
    """Asks the operators, and remembers between two looks what they do not say: how fast it goes, and how many entities
    the last cycle had.

    Args:
        operators: of the store.
    """

    def __init__(self, operators: Operators) -> None:
        self._operators = operators
        self._samples: dict[tuple[str, int], deque[tuple[datetime, int]]] = {}
        self._totals: dict[str, tuple[int, int | None]] = {}

    def page(self, after: str = "", limit: int = ROWS) -> Listing[Row]:
        """A page of the providers, by name.

        Raises:
            StoreError: when the store cannot be used.
        """
        listing = self._operators.providers(after=after, limit=limit)
        rows = tuple(map(self._row, listing.items))
        self._forget(listing.items)
        return Listing(rows, listing.next)

    def one(self, name: str) -> Row:
        """One provider.

        Raises:
            UnknownProvider: when there is none of that name.
        """
        return self._row(self._operators.status(name))

    def _row(self, status: ProviderStatus) -> Row:
        rate = self._rate(status) if status.working is not None and status.status is Status.BURSTING else None
        return Row(status, rate, self._total(status))

    def _rate(self, status: ProviderStatus) -> float | None:
        samples = self._samples.setdefault((status.provider, status.ingestion), deque())
        samples.append((status.now, status.counts.returned))
        while samples[0][0] < status.now - RATE_WINDOW:
            samples.popleft()
        seconds = (status.now - samples[0][0]).total_seconds()
        return (status.counts.returned - samples[0][1]) / seconds if seconds > 0 else None

    def _total(self, status: ProviderStatus) -> int | None:
        """Asked for once an ingestion: a query for each row and look would be too many."""
        known = self._totals.get(status.provider)
        if known is None or known[0] != status.ingestion:
            known = (status.ingestion, _whole(self._operators.history(status.provider).items))
            self._totals[status.provider] = known
        return known[1]

    def _forget(self, shown: Sequence[ProviderStatus]) -> None:
        """However many providers there are, only what is shown is remembered."""
        keep = {(each.provider, each.ingestion) for each in shown}
        self._samples = {key: kept for key, kept in self._samples.items() if key in keep}
        if len(self._totals) > 10 * ROWS:
            self._totals = {name: self._totals[name] for name, _ in keep}


def _whole(history: Sequence[Ingestion]) -> int | None:
    return next((each.counts.returned for each in history if each.verdict is not None), None)
