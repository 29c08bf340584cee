"""How long does a status take beside a large ingestion (C-32)?

A worker in a process of its own loads a million entities, and this process asks all the while where it is: as a call,
as a request to an API of its own, and as one to the API of the worker, which has no time to spare.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import incrsim
from benchmarks import workload
from incrsim.api import ApiSettings, serve
from incrsim.api.settings import READ_TOKEN, random_token
from incrsim.clock import SystemClock
from incrsim.ingestion import Status

TARGET_MS = 20
"""What the median may be."""

BETWEEN = 0.05
"""Seconds between two rounds of questions."""

SHOWN = ("asked", "median", "p95", "max")


def work(database: str, entities: int) -> None:
    """Load so many entities, with an API beside, until somebody ends this process."""
    with incrsim.open(database) as app:
        app.add(workload.workload(entities, 1000), **{**workload.OPTIONS, "rest_length": "1h"})
        with serve(app, ApiSettings.from_environment(os.environ, port=0)) as api:
            print(api.port, flush=True)
            app.run()


def latencies(server_url: str, entities: int) -> dict[str, Any]:
    """Milliseconds of each way to ask for a status while a worker loads so many entities."""
    token = random_token()
    settings = ApiSettings(port=0, read_tokens=(token,))
    with workload.fresh_database(server_url) as url, incrsim.open(url) as app, serve(app, settings) as api:
        worker = _worker(url, entities, token)
        try:
            assert worker.stdout is not None  # noqa: S101  # it is a pipe
            port = int(worker.stdout.readline())
            with closing(_connected(api.port)) as ours, closing(_connected(port)) as its:
                ways = {
                    "a call": lambda: app.operators.status(workload.PROVIDER),
                    "the route, by an API of its own": lambda: _request(ours, token),
                    "the route, by the worker's API": lambda: _request(its, token),
                }
                found = _asked_while_loading(app, worker, ways)
        finally:
            worker.kill()
            worker.wait()
    return {name: _summary(seconds) for name, seconds in found.items()}


def _asked_while_loading(
    app: incrsim.App, worker: subprocess.Popen[str], ways: Mapping[str, Callable[[], object]]
) -> dict[str, list[float]]:
    clock, pages = SystemClock(), 0
    found: dict[str, list[float]] = {name: [] for name in ways}
    while (status := app.operators.status(workload.PROVIDER)).status is not Status.RESTING:
        if worker.poll() is not None:
            raise AssertionError(f"the worker ended while its provider was {status.status}: exit {worker.returncode}")
        clock.wait(BETWEEN)
        if status.status is Status.SCHEDULED:
            continue
        for name, way in ways.items():
            found[name].append(_seconds(way))
        if status.pages >= pages + 100:
            pages = status.pages
            print(
                f"a worker has loaded {status.counts.added:,} entities; {len(found[name])} rounds of questions",
                file=sys.stderr,
            )
    return found


def _summary(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    told = {"median": statistics.median(seconds), "p95": cuts[-1], "max": max(seconds)}
    return {"asked": len(seconds)} | {name: round(1000 * each, 2) for name, each in told.items()}


def _connected(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def _request(connection: http.client.HTTPConnection, token: str) -> None:
    path = f"/api/catalog/incremental/providers/{workload.PROVIDER}"
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    body = response.read()
    if response.status != http.client.OK:
        raise AssertionError(f"{path} answered {response.status}: {body!r}")


def _worker(database: str, entities: int, token: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--work", database, "--entities", str(entities)]
    environment = os.environ | {READ_TOKEN: token}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603  # ourselves


def _seconds(way: Callable[[], object]) -> float:
    begun = time.perf_counter()
    way()
    return time.perf_counter() - begun


def measure(database: str, entities: int) -> dict[str, Any]:
    """All ways.

    Args:
        database: `embedded`, or the URL of a server.
        entities: how many are loaded meanwhile.
    """
    with workload.server(database) as server_url:
        machine = workload.machine(server_url)
        found = latencies(server_url, entities)
    reached = all(each["median"] < TARGET_MS for each in found.values())
    return {"machine": machine, "entities": entities, "milliseconds": found, "reached": reached}


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    lines = [workload.described(result["machine"]), "", f"{'milliseconds':32}" + "".join(f"{it:>10}" for it in SHOWN)]
    for way, each in result["milliseconds"].items():
        lines.append(f"{way:32}" + "".join(f"{each[name]:>10,}" for name in SHOWN))
    return "\n".join([*lines, "", f"target: medians below {TARGET_MS} ms{'' if result['reached'] else ': missed'}"])


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=1_000_000, help="loaded meanwhile (default: %(default)s)")
    parser.add_argument(
        "--database", default="embedded", help="embedded, or the URL of a server (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--work", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.work:
        work(options.work, options.entities)
        return
    result = measure(options.database, options.entities)
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
