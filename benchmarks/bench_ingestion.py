"""How fast are the three cycles of W(N), and how far from what PostgreSQL itself can do?

The engine runs as users run it: `incrsim.App` on the system's clock, the provider on a thread of its own, one page
fetched and committed after the other. The bare limits take the same pages from the same source, in the same database,
in turn with it. On both sides the clock runs from the first page's generation to the last commit; ours includes
claim, lease, checks, counts, sweep and the report.

Each run has a database of its own. A ratio is the median of the runs' ratios, since each is of two neighbours in time.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg
from psycopg import Connection

import incrsim
from benchmarks import workload
from benchmarks.peers import bare_postgres

TARGETS: Mapping[str, float] = {"load": 0.65, "unchanged": 0.60}
"""The least share of the bare limit that the engine must reach, without overlapping fetch and commit."""

Run = dict[str, dict[str, float]]
"""Entities per second, by cycle and side (`incrsim`, `bare`)."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a comparison in one empty database.

    Args:
        app: serves nothing yet.
        bare: another connection to the same database, in autocommit mode.
        entities: N.
        page_size: entities a page.
    """

    app: incrsim.App
    bare: Connection[Any]
    entities: int
    page_size: int

    def run(self, *, bare_first: bool) -> Run:
        """All cycles, each on both sides before the next one.

        Args:
            bare_first: which side goes first.
        """
        bare_postgres.create_tables(self.bare)
        ours, limits = self._ours(), self._limits()
        results: Run = {}
        for name in workload.CYCLES:
            turns: list[tuple[str, Callable[[], float | None]]] = [
                ("incrsim", ours.__next__),
                ("bare", limits.__next__),
            ]
            rates = {}
            for side, turn in turns[::-1] if bare_first else turns:
                gc.collect()
                rates[side] = turn()
            results[name] = {side: rate for side, rate in rates.items() if rate is not None}
        return results

    def _ours(self) -> Iterator[float]:
        source = workload.workload(self.entities, self.page_size)
        self.app.add(source, **workload.OPTIONS)
        for name, happens in workload.CYCLES.items():
            happens(source)
            report = self.app.run_cycle(workload.PROVIDER)
            workload.check(report, name, self.entities)
            yield report.entities_per_second

    def _limits(self) -> Iterator[float | None]:
        source = workload.workload(self.entities, self.page_size)
        yield bare_postgres.load(self.bare, source.pages()).entities_per_second
        yield bare_postgres.mark_unchanged(self.bare, source.pages()).entities_per_second
        yield None  # nothing bare is comparable with the third cycle: it would have to sweep


def measure(server_url: str, entities: int, page_size: int, runs: int) -> Iterator[Run]:
    """Run after run, each in a database of its own.

    Args:
        server_url: where databases may be created.
        entities: N.
        page_size: entities a page.
        runs: how many; the side that goes first alternates.
    """
    for number in range(runs):
        with (
            workload.fresh_database(server_url) as url,
            closing(incrsim.open(url)) as app,
            psycopg.connect(workload.plain(url), autocommit=True) as bare,
        ):
            yield Sides(app, bare, entities, page_size).run(bare_first=number % 2 == 0)


def summary(runs: list[Run]) -> dict[str, dict[str, Any]]:
    """Medians, ratios and targets by cycle."""
    result: dict[str, dict[str, Any]] = {}
    for name in workload.CYCLES:
        row: dict[str, Any] = {"incrsim": round(median(run[name]["incrsim"] for run in runs))}
        if all("bare" in run[name] for run in runs):
            row["bare"] = round(median(run[name]["bare"] for run in runs))
            row["ratio"] = round(median(run[name]["incrsim"] / run[name]["bare"] for run in runs), 3)
        if name in TARGETS:
            row |= {"target": TARGETS[name], "reached": row["ratio"] >= TARGETS[name]}
        result[name] = row | {"runs": [{side: round(rate) for side, rate in run[name].items()} for run in runs]}
    return result


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    machine = " · ".join(f"{name} {value}" for name, value in result["machine"].items())
    lines = [
        f"{result['entities']} entities, pages of {result['page_size']}, medians of {result['runs']}",
        machine,
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
        for run in measure(server_url, options.entities, options.page_size, options.runs):
            runs.append(run)
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
