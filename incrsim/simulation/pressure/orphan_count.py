"""What becomes of entities that vanish from their source, cycle after cycle: removed by a sweep, or left for ever."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from incrsim.app import App
from incrsim.clock import VirtualClock
from incrsim.errors import CallerError
from incrsim.frames import frame
from incrsim.host import InlineHost
from incrsim.simulation.compare import compare
from incrsim.simulation.pressure.table import table
from incrsim.simulation.source import FakeSource
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Orphans:
    """The catalog after one cycle, one way.

    Args:
        cycle: its number, from 1.
        way: `upserts`, `full`, `bursts` or `guarded`.
        source: how many entities the source holds, whatever it said.
        catalog: how many the catalog holds.
        orphans: of these, how many the source holds no more.
        missing: how many the source holds and the catalog does not.
        refused: whether a guard refused this cycle's removals.
    """

    cycle: int
    way: str
    source: int
    catalog: int
    orphans: int
    missing: int
    refused: bool


@dataclass(frozen=True, slots=True)
class OrphanReport:
    """All ways, cycle by cycle.

    Args:
        half_missing: in which cycle the source said only half of what it holds.
        rows: what came of each.
    """

    half_missing: int | None
    rows: tuple[Orphans, ...]

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame with a row per cycle and way.

        Raises:
            MissingExtra: when pandas is not installed.
        """
        return frame(map(astuple, self.rows), [field.name for field in fields(Orphans)])

    def __str__(self) -> str:
        """For terminals: orphans and missing entities, `!` where a guard refused."""
        ways = list(WAYS)
        cycles = [self.rows[start : start + len(ways)] for start in range(0, len(self.rows), len(ways))]
        rows = [(self._cycle(each[0]), f"{each[0].source:,}", *map(_cell, each)) for each in cycles]
        return f"orphans + missing\n{table(('cycle', 'source', *ways), rows)}"

    def _cycle(self, row: Orphans) -> str:
        return f"{row.cycle}, half said" if row.cycle == self.half_missing else str(row.cycle)


def orphans(
    *,
    entities: int = 2_000,
    cycles: int = 10,
    vanish_percent: int = 2,
    half_missing: int | None = 6,
    guard_percent: int = 5,
    seed: int = 1,
) -> OrphanReport:
    """Let entities vanish and appear before each cycle but the first, and see what each way makes of it.

    Args:
        entities: how many the source has at first.
        cycles: how many ingestions.
        vanish_percent: how many of a hundred vanish before each; as many new ones appear.
        half_missing: the cycle in which the source says only half of what it holds, and says that it is all; `None` for
            never.
        guard_percent: `reject_removals_above_percentage` of the way that has a guard.
        seed: of the source.

    Raises:
        CallerError: when there would be nothing to see.
    """
    if cycles < 1:
        raise CallerError(f"orphans(cycles={cycles}): there would be nothing to see; write 1 or more")
    clock = VirtualClock()
    apps = {way: App(MemoryStore(clock), clock=clock, host=InlineHost(clock), holder="pressure") for way in WAYS}
    limits = {"guarded": guard_percent}
    rows = []
    for cycle, source, said in _story(FakeSource(entities, seed=seed), cycles, vanish_percent, half_missing):
        for way, bring in WAYS.items():
            app = apps[way]
            app.add(said, replace=True, reject_removals_above_percentage=limits.get(way))
            refused = bring(app, said)
            found = compare(app.store, source.name, source.snapshot())
            orphaned, missing = found.unexpected.count, found.missing.count
            rows.append(Orphans(cycle, way, len(source), app.catalog.count(source.name), orphaned, missing, refused))
    return OrphanReport(half_missing, tuple(rows))


# --- the ways ---------------------------------------------------------------------------------------------------------


def _upserts(app: App, said: FakeSource) -> bool:
    for page in _pages(said):
        app.apply_delta(said.name, page)
    return False


def _full(app: App, said: FakeSource) -> bool:
    return app.apply_full(said.name, chain.from_iterable(_pages(said))).refused


def _bursts(app: App, said: FakeSource) -> bool:
    verdict = app.run_cycle(said.name).ingestion.verdict
    return verdict is not None and verdict.refused


WAYS: Mapping[str, Callable[[App, FakeSource], bool]] = MappingProxyType(
    {"upserts": _upserts, "full": _full, "bursts": _bursts, "guarded": _bursts}
)
"""Brings what a source says into the catalog; says whether a guard refused removals."""


def _pages(source: FakeSource) -> Iterator[list[Any]]:
    page = source.next(None)
    while not page.done:
        yield list(page.entities)
        page = source.next(None, page.cursor)
    yield list(page.entities)


def _story(
    source: FakeSource, cycles: int, vanish_percent: int, half_missing: int | None
) -> Iterator[tuple[int, FakeSource, FakeSource]]:
    """Each cycle with what the source holds in it, and with what it says."""
    for cycle in range(1, cycles + 1):
        if cycle > 1:
            source.add(source.remove(percent=vanish_percent))
        said = source
        if cycle == half_missing:
            said = copy.deepcopy(source)
            said.remove(percent=50)
        yield cycle, source, said


def _cell(row: Orphans) -> str:
    return f"{row.orphans:,} + {row.missing:,}{' !' if row.refused else ''}"
