"""What trouble with a source costs: an ingestion goes on behind its last page, a full read begins anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from incrsim.app import App
from incrsim.clock import VirtualClock
from incrsim.frames import frame
from incrsim.host import InlineHost
from incrsim.options import ProviderOptions
from incrsim.simulation.pressure.source import PacedSource, Trouble
from incrsim.simulation.pressure.table import table, told
from incrsim.simulation.pressure.world import Begin, Bursts, FullRead, play
from incrsim.simulation.source import FakeSource
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    import pandas as pd

OPTIONS: Mapping[str, Any] = MappingProxyType(
    {"burst_length": "3s", "burst_interval": "3s", "backoff": ["5s", "30s", "10m", "3h"]}
)
"""The options of Backstage's example. A full read waits as long after its failures."""

TROUBLES = (
    Trouble(),
    Trouble(failing_percent=0.5),
    Trouble(failing_percent=2),
    Trouble(failing_percent=5),
    Trouble(down=(100, 400)),
    Trouble(limit=150, window=600),
)

_COLUMNS = ("trouble", "way", "requests", "failures", "answered", "needed", "repeated", "seconds")

PATIENCE = 25
"""A way that has made so many times the requests that are needed never comes to its end."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How one way got through one trouble.

    Args:
        trouble: what was wrong.
        way: `full` or `bursts`.
        requests: how many it made.
        answered: how many of them were answered with a page.
        needed: how many pages the source has.
        seconds: virtual seconds until the whole source was in the catalog; `None` when it was given up.
    """

    trouble: str
    way: str
    requests: int
    answered: int
    needed: int
    seconds: float | None

    @property
    def failures(self) -> int:
        """How often it was interrupted."""
        return self.requests - self.answered

    @property
    def repeated(self) -> int:
        """How many pages were read in vain."""
        return self.answered - (self.needed if self.seconds is not None else 0)


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """Both ways through each trouble.

    Args:
        rows: what came of each.
    """

    rows: tuple[Recovery, ...]

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame with a row per trouble and way.

        Raises:
            MissingExtra: when pandas is not installed.
        """
        return frame(([getattr(row, name) for name in _COLUMNS] for row in self.rows), _COLUMNS)

    def __str__(self) -> str:
        """For terminals."""
        head = ("trouble", "way", "interrupted", "pages read", "of them in vain", "complete after")
        rows = [
            (
                row.trouble,
                row.way,
                f"{row.failures:,}",
                f"{row.answered:,}",
                f"{row.repeated:,}",
                told(row.seconds),
            )
            for row in self.rows
        ]
        return table(head, rows)


def recover(
    troubles: Sequence[Trouble] = TROUBLES,
    *,
    entities: int = 2_000,
    page_size: int = 10,
    page_seconds: float = 1.0,
    seed: int = 1,
) -> RecoveryReport:
    """Bring a source in trouble into the catalog, by a full read and in bursts.

    Args:
        troubles: one after the other, each with a fresh catalog.
        entities: how many the source has.
        page_size: how many come on a page.
        page_seconds: how long a request takes.
        seed: of the source and its trouble.
    """
    options = ProviderOptions.of(**OPTIONS)
    ways: dict[str, Begin] = {
        "full": partial(FullRead, waits=options.backoff),
        "bursts": partial(Bursts, options=options),
    }
    needed = max(1, -(-entities // page_size))
    rows = []
    for trouble in troubles:
        for way, begin in ways.items():
            clock = VirtualClock()
            source = PacedSource(FakeSource(entities, page_size, seed=seed), clock, page_seconds, trouble, seed)
            seconds = _seconds(begin, source, clock, PATIENCE * needed)
            rows.append(Recovery(str(trouble), way, source.requests, source.answered, needed, seconds))
    return RecoveryReport(tuple(rows))


def _seconds(begin: Begin, source: PacedSource, clock: VirtualClock, patience: int) -> float | None:
    """How long one way takes; `None` when it has made too many requests."""
    with App(MemoryStore(clock), clock=clock, host=InlineHost(clock), holder="pressure") as app:
        way = begin(source, app, clock)
        play(clock, [way], lambda: way.done or source.requests >= patience)
        return clock.monotonic() if way.done else None
