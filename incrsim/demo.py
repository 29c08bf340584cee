"""The demonstration: a generated source goes through five cycles of the real engine, and after each of them the catalog
is compared with what it must be.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from incrsim.app import App
from incrsim.errors import CallerError
from incrsim.lifecycle import Operator
from incrsim.report import CycleReport
from incrsim.simulation.compare import Comparison, compare
from incrsim.simulation.source import FakeSource
from incrsim.simulation.view import View

PROVIDER = "demo"
"""The provider's name and its entities' namespace: the same in every run, so that what one leaves behind in a database
is what the next one removes."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One of the five.

    Args:
        name: what it is called.
        story: what has happened to the source.
        limit: `reject_removals_above_percentage` during it.
    """

    name: str
    story: str
    limit: int | None = None


LOAD = Cycle("load", "all new")
UNCHANGED = Cycle("unchanged", "as before")
SWEPT = Cycle("swept", "10 % gone\n1 % changed")
REFUSED = Cycle("refused", "50 % gone\nlimit 20 %", limit=20)
HEALED = Cycle("healed", "half back\nlimit 60 %", limit=60)
CYCLES = (LOAD, UNCHANGED, SWEPT, REFUSED, HEALED)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a cycle.

    Args:
        cycle: which one.
        report: what the engine did.
        comparison: the catalog afterwards beside what it must be.
    """

    cycle: Cycle
    report: CycleReport
    comparison: Comparison

    @property
    def ok(self) -> bool:
        """Whether the catalog is what it must be."""
        return self.comparison.ok

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values."""
        counts = self.report.ingestion.counts
        return {
            "name": self.cycle.name,
            "entities": self.report.entities,
            "added": counts.added,
            "updated": counts.updated,
            "unchanged": counts.unchanged,
            "removed": counts.removed,
            "verdict": self.report.verdict,
            "seconds": round(self.report.seconds, 3),
            "entities_per_second": round(self.report.entities_per_second, 1),
            "catalog_as_expected": self.ok,
        }


def demonstrate(
    app: App,
    *,
    entities: int,
    page_size: int,
    seed: int,
    begins: Callable[[Cycle], None],
) -> Iterator[Result]:
    """Run the five cycles one after the other; one that is stopped ends them, and yields nothing.

    Args:
        app: opened with a `VirtualClock` that starts at the present; serves nothing else.
        entities: how many the source has at first.
        page_size: how many come on a page.
        seed: decides what the source is like.
        begins: called with each cycle before it runs.

    Raises:
        CallerError: another process runs the demonstration on the same database.
        StoreError: the store cannot be used.
    """
    _make_room(app)
    source = FakeSource(entities, page_size, seed=seed, name=PROVIDER, namespace=PROVIDER)
    for cycle, present, expected in _acts(source):
        begins(cycle)
        app.add(present, replace=True, reject_removals_above_percentage=cycle.limit)
        report = app.run_cycle(PROVIDER)
        if not report.finished:
            return
        yield Result(cycle, report, compare(app.store, PROVIDER, expected))


def _acts(source: FakeSource) -> Iterator[tuple[Cycle, FakeSource, View]]:
    """Each cycle with its source and with what the catalog must hold after it."""
    yield LOAD, source, source.snapshot()
    yield UNCHANGED, source, source.snapshot()
    source.remove(percent=10)
    source.change(percent=1)
    yield SWEPT, source, source.snapshot()
    # From a copy the same ones are removed in the same order: fewer of them are what is left of a larger removal.
    before, healed = source.snapshot(), copy.deepcopy(source)
    gone = source.remove(percent=50)
    yield REFUSED, source, source.snapshot().over(before)
    healed.remove(count=gone - gone // 2)
    yield HEALED, healed, healed.snapshot()


def _make_room(app: App) -> None:
    """Remove what an earlier demonstration left in this database, so that `load` finds an empty catalog."""
    nothing = FakeSource(0, name=PROVIDER, namespace=PROVIDER)
    app.add(nothing, replace=True)
    state = app.state(PROVIDER)
    if state.lease is not None and state.lease.expires_at > state.now:
        wait = (state.lease.expires_at - state.now).total_seconds()
        raise CallerError(
            f"{state.lease.holder} is running the demonstration on this database; wait until it has ended "
            f"(if it was killed: {wait:.0f} s), or name another database"
        )
    if state.ingestion.started_at is not None:  # one that was cut short would be gone on with, its marks and all
        app.store.operate(PROVIDER, Operator.START)
    if app.catalog.count(PROVIDER):
        app.run_cycle(PROVIDER)
