"""Four worker processes on one database, of which one is killed or put to sleep all the time."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from incrsim.clock import SystemClock
from incrsim.store.postgres import PostgresStore
from tests.soak.source import PROVIDERS, STEP, step_now
from tests.soak.watching import Watcher, differences

WORKERS = 4
KILL_EVERY = 2.0
SLEEP_FOR = 1.5
PATIENCE = 90.0
"""Seconds in which quiet must have come, once nobody is killed any more."""

CONFIG = """\
database = "{url}"
concurrency = 4
"""
PROVIDER = """
[providers.{name}]
object = "tests.soak.source:Changing"
arguments = {{ name = "{name}", quiet = "{quiet}" }}
burst_length = "200ms"
burst_interval = "0s"
rest_length = "0s"
page_timeout = "1s"
backoff = ["100ms"]
"""

_SERVES = "SELECT count(*) FROM incrsim.serving WHERE holder LIKE %s"
# A lease lasts 31 s at least, and a soak of a minute wants to see dozens of them expire. So for a process that was
# killed or put to sleep the time is moved, not waited for: its leases are dated back. That is all that anybody can see
# of half a minute that passed without a word of it.
_LET_LEASES_EXPIRE = (
    "UPDATE incrsim.lease SET expires_at = clock_timestamp() - interval '1 second' WHERE holder LIKE %s"
)


@dataclass(slots=True)
class Soaked:
    """What a soak saw.

    Args:
        findings: what must not have been; empty when all is well.
        pages: how many pages were committed.
        looks: how often the watcher looked.
        done_to_workers: how many were killed and put to sleep.
        ingestions: by provider, how many there were.
        exits: the exit codes of workers that were asked to end.
    """

    findings: list[str]
    pages: int = 0
    looks: int = 0
    done_to_workers: Counter[str] = field(default_factory=Counter)
    ingestions: dict[str, int] = field(default_factory=dict)
    exits: set[int] = field(default_factory=set)

    def __str__(self) -> str:
        deeds = ", ".join(f"{count} {deed}" for deed, count in sorted(self.done_to_workers.items()))
        least, most = min(self.ingestions.values()), max(self.ingestions.values())
        head = (
            f"{self.pages:,} pages in {least} to {most} ingestions of each of {len(self.ingestions)} providers; "
            f"workers: {deeds}; the watcher looked {self.looks:,} times"
        )
        return "\n".join([head, *(self.findings or ["nothing was lost, nothing came twice, catalogs equal sources"])])


class Workers:
    """The processes.

    Args:
        directory: for the configuration and what they say.
        url: the database.
        random: decides who is next.
    """

    def __init__(self, directory: Path, url: str, random_: random.Random) -> None:
        self._directory = directory
        self._url = url
        self._random = random_
        self.quiet = directory / "quiet"
        self._config = directory / "incrsim.toml"
        self._config.write_text(
            CONFIG.format(url=url) + "".join(PROVIDER.format(name=name, quiet=self.quiet) for name in PROVIDERS)
        )
        self._running = [self._start() for _ in range(WORKERS)]
        self.deeds: Counter[str] = Counter()

    def kill_one(self) -> None:
        """Kill a random worker, and start another in its place."""
        index = self._random.randrange(WORKERS)
        victim = self._running[index]
        victim.kill()
        victim.wait()
        self._let_leases_expire(victim)
        self._running[index] = self._start()
        self.deeds["killed"] += 1

    @contextmanager
    def one_asleep(self) -> Iterator[None]:
        """A random worker sleeps past its leases, and wakes up in the belief that it holds them."""
        sleeper = self._random.choice(self._running)
        sleeper.send_signal(signal.SIGSTOP)
        self._let_leases_expire(sleeper)
        try:
            yield
        finally:
            sleeper.send_signal(signal.SIGCONT)
        self.deeds["put to sleep"] += 1

    def end(self, clock: SystemClock) -> set[int]:
        """Ask all to end once they serve, and return their exit codes: one that has just been started does not hear
        signals yet.
        """
        for each in self._running:
            ends = clock.monotonic() + PATIENCE
            while clock.monotonic() < ends and not self._serves(each):
                clock.wait(0.1)
        for each in self._running:
            each.send_signal(signal.SIGTERM)
        return {each.wait(PATIENCE) for each in self._running}

    def kill_all(self) -> None:
        """Leave none behind."""
        for each in self._running:
            each.kill()
            each.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        with (self._directory / "workers.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", "from incrsim.cli import main; main()", "worker", "--config", self._config],
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )

    def _serves(self, worker: subprocess.Popen[bytes]) -> bool:
        with psycopg.connect(self._url) as connection:
            return connection.execute(_SERVES, (f"%-{worker.pid}-%",)).fetchone() != (0,)

    def _let_leases_expire(self, worker: subprocess.Popen[bytes]) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute(_LET_LEASES_EXPIRE, (f"%-{worker.pid}-%",))


def soak(url: str, directory: Path, seconds: float, seed: int = 1) -> Soaked:
    """Let workers live and die for so many seconds, then let them come to rest, and say what was seen.

    Args:
        url: an empty database with our tables.
        directory: an empty one.
        seconds: how long workers are killed.
        seed: of the choice of victims.
    """
    clock = SystemClock()
    watcher = Watcher(url)
    workers = Workers(directory, url, random.Random(seed))
    try:
        _wait_until_served(url, clock)
        ends = clock.monotonic() + seconds
        while clock.monotonic() < ends:
            with workers.one_asleep():
                clock.wait(SLEEP_FOR)
            clock.wait(KILL_EVERY - SLEEP_FOR)
            workers.kill_one()
        step = int(time.time() / STEP)
        workers.quiet.write_text(str(step))
        assert step_now(workers.quiet) == step
        findings, ingestions = _wait_for_quiet(url, clock)
        exits = workers.end(clock)
    finally:
        workers.kill_all()
        watcher.end()
    findings += [*watcher.findings(), *differences(url, step), *_left_over(url)]
    return Soaked(findings, watcher.pages(), watcher.looks, workers.deeds, ingestions, exits)


def _wait_until_served(url: str, clock: SystemClock) -> None:
    """Workers take their time to start; nobody learns anything from killing them meanwhile."""
    store = PostgresStore(url)
    try:
        ends = clock.monotonic() + PATIENCE
        while clock.monotonic() < ends and len(store.providers()) < len(PROVIDERS):
            clock.wait(0.1)
    finally:
        store.close()


def _wait_for_quiet(url: str, clock: SystemClock) -> tuple[list[str], dict[str, int]]:
    """Wait until each provider has done an ingestion that began after the source came to rest."""
    store = PostgresStore(url)
    try:
        numbers = {name: store.state(name).ingestion.number for name in PROVIDERS}
        wanted = {name: number + 2 for name, number in numbers.items()}
        ends = clock.monotonic() + PATIENCE
        while clock.monotonic() < ends:
            clock.wait(0.2)
            numbers = {name: store.state(name).ingestion.number for name in PROVIDERS}
            if all(numbers[name] >= wanted[name] for name in PROVIDERS):
                return [], numbers
        late = [f"{store.state(name).ingestion.story()}" for name in PROVIDERS if numbers[name] < wanted[name]]
        return [f"no progress: {each}" for each in late], numbers
    finally:
        store.close()


def _left_over(url: str) -> list[str]:
    store = PostgresStore(url)
    try:
        leases = [store.state(name).lease for name in PROVIDERS]
    finally:
        store.close()
    return [f"not given back: {lease}" for lease in leases if lease is not None]
