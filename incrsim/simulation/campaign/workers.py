"""Runs the scenarios of a campaign: in batches, in as many processes as are wanted, each with a database of its own."""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Protocol

from incrsim.opening import postgres_url
from incrsim.simulation.campaign.row import Row
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.world.store import Stores, stores

BATCH = 4
"""Scenarios that a process runs before it tells of them: it is told of each, and asks for each, across a pipe."""

Draw = Callable[[int], Scenario]
"""Makes the scenario of a seed."""


class Runner(Protocol):
    """Runs a scenario on an empty store; must be found by its name in another process."""

    def __call__(self, scenario: Scenario, store: Stores) -> Run:
        """Run it."""


def run_seeds(seeds: Sequence[int], databases: Sequence[str], draw: Draw, run: Runner) -> Iterator[Row]:
    """Run the scenarios of seeds; the rows come in any order.

    Args:
        seeds: which.
        databases: one for each process, as for `stores`; with a single one all is done in this process.
        draw: makes the scenarios.
        run: runs them.
    """
    size = max(1, min(BATCH, len(seeds) // (2 * len(databases))))
    batches = (seeds[first : first + size] for first in range(0, len(seeds), size))
    if len(databases) == 1:
        for batch in batches:
            yield from run_batch(batch, databases[0], draw, run)
        return
    with ProcessPoolExecutor(len(databases), get_context("spawn"), begin) as pool:

        def submit(batch: Sequence[int], database: str) -> Future[list[Row]]:
            return pool.submit(run_batch, batch, database, draw, run)

        try:
            yield from _in_turn(batches, list(databases), submit)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _in_turn(
    batches: Iterator[Sequence[int]], free: list[str], submit: Callable[[Sequence[int], str], Future[list[Row]]]
) -> Iterator[Row]:
    """As many batches at a time as there are databases, so that no two share one."""
    running: dict[Future[list[Row]], str] = {}
    while True:
        while free and (batch := next(batches, None)) is not None:
            database = free.pop()
            running[submit(batch, database)] = database
        if not running:
            return
        for done in wait(running, return_when=FIRST_COMPLETED).done:
            free.append(running.pop(done))
            yield from done.result()


def run_batch(seeds: Sequence[int], database: str, draw: Draw, run: Runner) -> list[Row]:
    """Run some scenarios, one after the other, on one database."""
    with stores(database) as opened, silence():
        return [run_one(draw(seed), opened, run) for seed in seeds]


def run_one(scenario: Scenario, opened: Stores, run: Runner) -> Row:
    """Run a scenario, whatever comes of it."""
    try:
        return Row.of(run(scenario, opened))
    except Exception as error:  # noqa: BLE001 -- nothing may raise: what does is what a campaign looks for
        return Row.broken_off(scenario, error)


@contextmanager
def silence() -> Iterator[None]:
    """Failures are what a simulation is about: nobody reads them in the log."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)


def begin() -> None:
    """A process begins: Ctrl-C is its parent's to hear, and what is imported by now stays for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()


def cores() -> int:
    """How many processes can really run at a time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# --- databases --------------------------------------------------------------------------------------------------------


@contextmanager
def databases(database: str | None, count: int) -> Iterator[Sequence[str]]:
    """So many databases of which each can be emptied without harm to the others.

    Args:
        database: as for `stores`; on the server of a URL, databases are created, and dropped afterwards.
        count: how many.

    Raises:
        CallerError: when `database` is none.
        StoreError: when the server cannot be used.
    """
    if database is None or database == "memory":
        yield ["memory"] * count
    elif database == "embedded":
        from incrsim.store.embedded_store import temporary_server

        with temporary_server() as server:
            yield from _created(server.url, count)
    else:
        yield from _created(postgres_url(database), count)


def _created(url: str, count: int) -> Iterator[Sequence[str]]:
    from incrsim.store.postgres_databases import dropped_afterwards

    with dropped_afterwards(url, [f"incrsim_campaign_{os.getpid()}_{number}" for number in range(count)]) as urls:
        yield urls
