"""What the benchmarks measure: the workload W(N), databases of their own to put it in, and how figures are told.

W(N) is N `Component`s of about 640 bytes with five annotations, in pages. Cycle 1 loads them into empty tables, cycle 2
finds them unchanged, before cycle 3 10 % vanish and 1 % change.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

import incrsim
from incrsim.simulation.source import FakeSource
from incrsim.store.embedded import start

PROVIDER = "workload"

OPTIONS: Mapping[str, Any] = {"burst_length": "6h", "burst_interval": "0s", "rest_length": "0s"}
"""One burst a cycle and nothing to wait for: what is timed is work."""


class Workload(FakeSource):
    """W(N) as a client of an API would return it: its pages hold mappings.

    Both sides of a comparison read these pages, and make refs, JSON and digests of them themselves.
    """

    def item(self, index: int, version: int) -> Mapping[str, Any]:
        """The entity's mapping."""
        return self.formula.body(index, version)

    def pages(self) -> Iterator[list[Mapping[str, Any]]]:
        """All pages, generated as they are asked for."""
        cursor: Any = None
        done = False
        while not done:
            page = self.next(None, cursor)
            yield page.entities  # type: ignore[misc]  # `item` says what they are
            cursor, done = page.cursor, page.done

    def third_cycle(self) -> None:
        """10 % vanish, 1 % change."""
        self.remove(percent=10)
        self.change(percent=1)


def workload(entities: int, page_size: int) -> Workload:
    """W(N), the same in each run.

    Args:
        entities: N.
        page_size: entities a page.
    """
    return Workload(entities, page_size, name=PROVIDER)


CYCLES: Mapping[str, Callable[[Workload], object]] = {
    "load": len,  # nothing happens
    "unchanged": len,
    "10 % gone, 1 % changed": Workload.third_cycle,
}
"""The three cycles by name, each with what happens to the source before it."""


def check(report: incrsim.CycleReport, name: str, before: int) -> None:
    """Make sure that a cycle was what it is called, so that no figure is that of something else.

    Args:
        report: what the engine did.
        name: of the cycle.
        before: how many entities there were before the cycle.
    """
    counts = report.ingestion.counts
    did = (counts.added, counts.updated, counts.removed)
    left = before - before // 10
    must = {"load": (before, 0, 0), "unchanged": (0, 0, 0)}.get(name, (0, left // 100, before // 10))
    if report.verdict != "swept" or did != must:
        raise AssertionError(f"{name} of {before} entities: added, updated, removed were {did}, not {must}: {report}")


@contextmanager
def server(database: str) -> Iterator[str]:
    """The URL of a server on which databases may be created.

    Args:
        database: `embedded`, or the URL of a running one.
    """
    if database != "embedded":
        yield database
        return
    with start() as embedded:
        yield embedded.url


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """The URL of an empty database, which is dropped afterwards."""
    name = f"incrsim_bench_{os.getpid()}"
    with psycopg.connect(plain(server_url), autocommit=True) as connection:
        identifier = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(identifier))
        try:
            yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def plain(url: str) -> str:
    """A URL as libpq takes it."""
    return make_conninfo(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def machine(server_url: str) -> dict[str, Any]:
    """What the figures depend on."""
    with psycopg.connect(plain(server_url)) as connection:
        setting = connection.execute(
            "SELECT current_setting('server_version'), current_setting('shared_buffers'), "
            "current_setting('fsync'), current_setting('synchronous_commit')"
        ).fetchone()
    version, buffers, fsync, synchronous = setting or ("", "", "", "")
    return {
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "psycopg": psycopg.__version__,
        "postgres": version,
        "shared_buffers": buffers,
        "fsync": fsync,
        "synchronous_commit": synchronous,
    }


def described(machine: Mapping[str, Any]) -> str:
    """What the figures depend on, in one line."""
    return " · ".join(f"{name} {value}" for name, value in machine.items())
