"""How fast are the three cycles of W(N), and how far from what PostgreSQL itself can do?

The engine runs as users run it: `incrsim.App` on the system's clock, the provider on a thread of its own, one page
fetched and committed after the other. The bare limits take the same pages from the same source into the same database,
in turn with it, *page by page*: each time that a page is committed, the bare side does that page too. So whatever else
the machine does meets both alike. Each side's clock stands still while the other one works; it runs from the
generation of the first page to the last commit, and ours includes claim, lease, checks, counts and the sweep.

The process is settled as `incrsim run` and `incrsim worker` settle theirs (`incrsim.cli.collector`), for both sides:
else each full collection walks over all modules, about nine times a cycle, and it is chance on which side that falls.

Each run has a database of its own. A ratio is the median of the runs' ratios.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from statistics import median
from typing import Any

import psycopg
from psycopg import Connection

import incrsim.events
from benchmarks import workload
from benchmarks.peers import bare_postgres
from incrsim.cli.collector import settle

TARGETS: Mapping[str, float] = {"load": 0.65, "unchanged": 0.60}
"""The least share of the bare limit that the engine must reach, without overlapping fetch and commit."""

Run = dict[str, dict[str, float]]
"""Entities per second, by cycle and side (`incrsim`, `bare`)."""


class Paced:
    """The bare side of a cycle: does a page whenever the engine has done one.

    Args:
        pages: yields how many entities a page held, once it is committed.
    """

    def __init__(self, pages: Iterator[int]) -> None:
        self.entities = 0
        self.seconds = 0.0
        self._pages = pages

    def step(self, event: incrsim.events.Event) -> None:
        """Do the next page."""
        if isinstance(event, incrsim.events.PageCommitted):
            began = time.perf_counter()
            self.entities += next(self._pages, 0)
            self.seconds += time.perf_counter() - began


def run(app: incrsim.App, bare: Connection[Any], entities: int, page_size: int) -> Run:
    """All cycles, each on both sides.

    Args:
        app: on an empty database; serves nothing yet.
        bare: another connection to the same database, in autocommit mode.
        entities: N.
        page_size: entities a page.
    """
    source = workload.workload(entities, page_size)
    app.add(source, **workload.OPTIONS)
    settle()
    bare_postgres.create_tables(bare)
    # Nothing bare is comparable with the third cycle: it would have to sweep.
    limits = {"load": bare_postgres.load, "unchanged": bare_postgres.mark_unchanged}
    results: Run = {}
    for name, happens in workload.CYCLES.items():
        happens(source)
        gc.collect()
        limit = Paced(limits[name](bare, source.pages()) if name in limits else iter(()))
        unsubscribe = app.events.subscribe(limit.step)
        report = app.run_cycle(workload.PROVIDER)
        unsubscribe()
        workload.check(report, name, entities)
        results[name] = {"incrsim": report.returned / (report.seconds - limit.seconds)}
        if limit.entities:
            results[name]["bare"] = limit.entities / limit.seconds
    return results


def measure(server_url: str, entities: int, page_size: int, runs: int) -> Iterator[Run]:
    """Run after run, each in a database of its own.

    Args:
        server_url: where databases may be created.
        entities: N.
        page_size: entities a page.
        runs: how many.
    """
    for _ in range(runs):
        with (
            workload.fresh_database(server_url) as url,
            closing(incrsim.open(url)) as app,
            psycopg.connect(workload.plain(url), autocommit=True) as bare,
        ):
            yield run(app, bare, entities, page_size)


def summary(runs: list[Run]) -> dict[str, dict[str, Any]]:
    """Medians, ratios and targets by cycle."""
    result: dict[str, dict[str, Any]] = {}
    for name in workload.CYCLES:
        row: dict[str, Any] = {"incrsim": round(median(each[name]["incrsim"] for each in runs))}
        if all("bare" in each[name] for each in runs):
            row["bare"] = round(median(each[name]["bare"] for each in runs))
            row["ratio"] = round(median(each[name]["incrsim"] / each[name]["bare"] for each in runs), 3)
        if name in TARGETS:
            row |= {"target": TARGETS[name], "reached": row["ratio"] >= TARGETS[name]}
        result[name] = row | {"runs": [{side: round(rate) for side, rate in each[name].items()} for each in runs]}
    return result


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    lines = [
        f"{result['entities']} entities, pages of {result['page_size']}, medians of {result['runs']}",
        workload.described(result["machine"]),
        "",
        f"{'':24}{'incrsim':>12}{'bare':>12}{'ratio':>8}{'target':>8}",
    ]
    for name, row in result["cycles"].items():
        bare = f"{row['bare']:>10}/s{row['ratio']:>8.0%}" if "bare" in row else f"{'-':>12}{'-':>8}"
        target = f"{row['target']:>8.0%}{'' if row['reached'] else '  missed'}" if "target" in row else f"{'-':>8}"
        lines.append(f"{name:24}{row['incrsim']:>10}/s{bare}{target}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=100_000)
    parser.add_argument("--page-size", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--database", default="embedded", help="embedded, or the URL of a server (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    options = parser.parse_args(arguments)
    with workload.server(options.database) as server_url:
        runs = []
        for results in measure(server_url, options.entities, options.page_size, options.runs):
            runs.append(results)
            print(f"run {len(runs)} of {options.runs} is done", file=sys.stderr)
        result = {
            "entities": options.entities,
            "page_size": options.page_size,
            "runs": options.runs,
            "machine": workload.machine(server_url),
            "cycles": summary(runs),
        }
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
