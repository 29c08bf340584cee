"""How much memory a process needs to bring a source into a catalog that is elsewhere: real processes, real Postgres.

Each figure is the most that a process of its own ever held, from its start to its end, the database's server not
counted. Run as a program, this module is that process.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from incrsim.app import App
from incrsim.errors import IncrsimError
from incrsim.frames import frame
from incrsim.opening import open as open_app
from incrsim.resident import peak_rss_mb
from incrsim.simulation.pressure.table import table
from incrsim.simulation.source import FakeSource

if TYPE_CHECKING:
    import pandas as pd

SIZES = (10_000, 50_000, 100_000)

PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What one process needed.

    Args:
        way: `full`, `streamed` or `bursts`.
        entities: how many it brought.
        peak_mb: the most that it ever held, in MB of 2²⁰ bytes.
    """

    way: str
    entities: int
    peak_mb: float


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """All ways at all sizes.

    Args:
        rows: what each process needed.
    """

    rows: tuple[MemoryUse, ...]

    def peaks(self, way: str) -> dict[int, float]:
        """MB by number of entities, one way."""
        return {row.entities: row.peak_mb for row in self.rows if row.way == way}

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame with a row per process.

        Raises:
            MissingExtra: when pandas is not installed.
        """
        return frame(map(astuple, self.rows), [field.name for field in fields(MemoryUse)])

    def __str__(self) -> str:
        """For terminals: peaks in MB."""
        peaks = {way: self.peaks(way) for way in dict.fromkeys(row.way for row in self.rows)}
        sizes = dict.fromkeys(row.entities for row in self.rows)
        rows = [(f"{size:,}", *(f"{found[size]:,.0f} MB" for found in peaks.values())) for size in sizes]
        return table(("entities", *peaks), rows)


class Mappings(FakeSource):
    """A source whose pages hold mappings, as a client of an API returns them."""

    def item(self, index: int, version: int) -> Mapping[str, Any]:
        """The entity's mapping."""
        return self.formula.body(index, version)

    def pages(self) -> Iterator[Any]:
        """All entities, page by page as they are asked for."""
        page = self.next(None)
        while not page.done:
            yield from page.entities
            page = self.next(None, page.cursor)
        yield from page.entities


def _full(app: App, source: Mappings) -> object:
    return app.apply_full(source.name, list(source.pages()))


def _streamed(app: App, source: Mappings) -> object:
    return app.apply_full(source.name, source.pages())


def _bursts(app: App, source: Mappings) -> object:
    return app.run_cycle(source.name)


WAYS: Mapping[str, Callable[[App, Mappings], object]] = MappingProxyType(
    {"full": _full, "streamed": _streamed, "bursts": _bursts}
)
"""All entities in a list and then a full mutation; the same of an iterator, which `apply_full` never holds at once; and
bursts."""


def memory(
    sizes: Sequence[int] = SIZES, *, ways: Sequence[str] = tuple(WAYS), database: str | None = None
) -> MemoryReport:
    """Measure; takes some minutes for a few hundred thousand entities.

    Args:
        sizes: how many entities, in turn.
        ways: some of `WAYS`.
        database: the URL of one without anything in it, which is not emptied; `"memory"`, in which case the catalog
            itself is in the process and is counted; by default an embedded Postgres that is removed afterwards.

    Raises:
        MissingExtra: when an embedded Postgres is to be used, and is not installed.
    """
    with _database(database) as url:
        return MemoryReport(tuple(_in_a_process(way, size, url) for size in sizes for way in ways))


@contextmanager
def _database(given: str | None) -> Iterator[str]:
    if given is not None:
        yield given
        return
    from incrsim.store.embedded import start

    directory = Path(tempfile.mkdtemp(prefix="incrsim-pressure-"))
    directory.chmod(0o711)  # when we are root, the server runs as somebody else, who must get to its data below
    try:
        with start(directory / "data") as server:
            yield server.url
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _in_a_process(way: str, entities: int, database: str) -> MemoryUse:
    command = [sys.executable, "-m", "incrsim.simulation.pressure.memory_use", way, str(entities)]
    done = subprocess.run(command, input=database, capture_output=True, text=True, check=False)  # noqa: S603  # ourselves
    if done.returncode:
        raise IncrsimError(
            f"the process that measures {way!r} with {entities:,} entities failed: {done.stderr[-2000:]}"
        )
    return MemoryUse(way, entities, json.loads(done.stdout))


def main() -> None:
    """Bring so many entities one way; the database comes on the standard input, since it may hold a password."""
    way, entities = sys.argv[1], int(sys.argv[2])
    name = f"{way}-{entities}"
    source = Mappings(entities, PAGE_SIZE, name=name, namespace=name)
    with open_app(sys.stdin.read()) as app:
        app.add(source, burst_interval="0s")
        WAYS[way](app, source)
        if (count := app.catalog.count(name)) != entities:
            raise SystemExit(f"{count} entities are in the catalog, not {entities}")
    print(json.dumps(peak_rss_mb()))  # noqa: T201  # to the process that started this one


if __name__ == "__main__":
    main()
