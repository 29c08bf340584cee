"""How long a provider waits for another replica when the one that worked on it is killed.

A worker process is killed while it is in the middle of pages of many providers; another one, which serves the same
providers, has been running. What counts is the time from the instant when a lease expires to the one when it is taken
over, both by the database's clock. Nobody wants to wait for half a minute thirty times over, so the leases of the dead
are dated back to a few seconds: what the survivors see is the same.

    python benchmarks/bench_takeover.py [ROUNDS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

import incrsim
from incrsim.clock import SystemClock
from incrsim.store.embedded import start
from incrsim.store.postgres import PostgresStore

PROVIDERS = 12
SETTINGS = {"fsync": "off", "synchronous_commit": "off"}
LIMIT = 1.0
"""Seconds after the lease that the contract's issue allows."""

_SERVING = "SELECT count(*) FROM incrsim.serving WHERE holder LIKE %s"
_HELD = "SELECT count(*) FROM incrsim.lease WHERE holder LIKE %s"
_DATE_BACK = """
UPDATE incrsim.lease SET expires_at = clock_timestamp() + (1 + 3 * random()) * interval '1 second'
RETURNING provider_id, expires_at
"""
_TAKEN = "SELECT provider_id, expires_at - length FROM incrsim.lease WHERE holder LIKE %s"


class Endless(incrsim.IncrementalEntityProvider):
    """Gets its first page, and waits for the second one for ever."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._clock = SystemClock()

    def next(self, context: Any, cursor: Any = None) -> incrsim.Page:
        """One page, or none."""
        if cursor is not None:
            self._clock.wait(3600)
        return incrsim.Page([incrsim.resource(f"{self.name}-one", provider=self, type="thing")], cursor=1)


def serve(url: str) -> None:
    """One worker, until it is killed."""
    with incrsim.open(url) as app:
        for number in range(PROVIDERS):
            app.add(Endless(f"p{number}"), page_timeout="1h")
        app.run(concurrency=PROVIDERS)


def measure(url: str, rounds: int) -> list[float]:
    """Seconds between the end of a lease and the beginning of the next, for each takeover."""
    found: list[float] = []
    holder = _begin(url)
    with psycopg.connect(url, autocommit=True) as connection:
        _wait_until(connection, _HELD, holder, PROVIDERS)
        try:
            for _ in range(rounds):
                heir = _begin(url)
                _wait_until(connection, _SERVING, heir, PROVIDERS)
                holder.kill()
                holder.wait()
                ended: dict[int, datetime] = dict(connection.execute(_DATE_BACK).fetchall())
                _wait_until(connection, _HELD, heir, PROVIDERS)
                begun: dict[int, datetime] = dict(connection.execute(_TAKEN, (_holder(heir),)).fetchall())
                found += [(begun[provider] - ended[provider]).total_seconds() for provider in ended]
                holder = heir
        finally:
            holder.kill()
    return found


def _begin(url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, "serve"]
    return subprocess.Popen(command, env=os.environ | {"TAKEOVER_DATABASE": url})  # noqa: S603  # this very program


def _holder(worker: subprocess.Popen[bytes]) -> str:
    return f"%-{worker.pid}-%"


def _wait_until(
    connection: psycopg.Connection[Any], question: str, worker: subprocess.Popen[bytes], count: int
) -> None:
    clock = SystemClock()
    while connection.execute(question.encode(), (_holder(worker),)).fetchone() != (count,):
        clock.wait(0.05)


def main(rounds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="incrsim-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        with start(directory / "data", settings=SETTINGS) as server, closing(PostgresStore.open(server.url)):
            found = measure(server.url, rounds)
    median, most = statistics.median(found), max(found)
    print(f"takeovers                 {len(found)}")
    print(f"median after the lease    {median * 1000:,.0f} ms (target: {LIMIT * 1000:,.0f} ms)")
    print(f"slowest                   {most * 1000:,.0f} ms")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve(os.environ["TAKEOVER_DATABASE"])
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 3)
