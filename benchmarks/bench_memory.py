"""How much memory do the three cycles of W(N) take, and does it grow with N (C-13)?

Each size runs in a process of its own, on a database of its own; what is told is the most that this process ever had,
the database's server not counted. The memory store keeps the entities themselves: its figure is bytes per entity.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import incrsim
from benchmarks import workload
from incrsim.resident import peak_rss_mb

TARGET_MB = 32
"""By how much the largest size may exceed the smallest one on Postgres."""

MEMORY_STORE_SIZES = (10_000, 100_000)


def cycles(database: str, entities: int, page_size: int) -> dict[str, Any]:
    """Run all cycles in this process.

    Args:
        database: `memory`, or the URL of an empty database.
        entities: N.
        page_size: entities a page.
    """
    source = workload.workload(entities, page_size)
    with incrsim.open(database) as app:
        app.add(source, **workload.OPTIONS)
        seconds = {}
        for name, happens in workload.CYCLES.items():
            happens(source)
            report = app.run_cycle(workload.PROVIDER)
            workload.check(report, name, entities)
            seconds[name] = round(report.seconds, 1)
    return {"entities": entities, "peak_mb": peak_rss_mb(), "seconds": seconds}


def in_a_process_of_its_own(database: str, entities: int, page_size: int) -> dict[str, Any]:
    """The same, in a new process."""
    command = [sys.executable, __file__, "--cycles-on", database, "--sizes", str(entities)]
    command += ["--page-size", str(page_size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # ourselves
    result: dict[str, Any] = json.loads(done.stdout)
    print(f"{entities} entities: {result['peak_mb']} MB", file=sys.stderr)
    return result


def measure(database: str, sizes: list[int], page_size: int) -> dict[str, Any]:
    """All sizes on Postgres, and two on the memory store.

    Args:
        database: `embedded`, or the URL of a server.
        sizes: what N is, in turn.
        page_size: entities a page.
    """
    with workload.server(database) as server_url:
        machine = workload.machine(server_url)
        postgres = []
        for size in sizes:
            with workload.fresh_database(server_url) as url:
                postgres.append(in_a_process_of_its_own(url, size, page_size))
    peaks = [each["peak_mb"] for each in postgres]
    small, large = (in_a_process_of_its_own("memory", size, page_size) for size in MEMORY_STORE_SIZES)
    more = large["entities"] - small["entities"]
    return {
        "machine": machine,
        "page_size": page_size,
        "postgres": postgres,
        "growth_mb": round(peaks[-1] - peaks[0], 1),
        "target_mb": TARGET_MB,
        "reached": peaks[-1] - peaks[0] <= TARGET_MB,
        "memory_store": [small, large],
        "memory_store_bytes_per_entity": round((large["peak_mb"] - small["peak_mb"]) * 2**20 / more),
    }


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    lines = [workload.described(result["machine"]), "", f"{'':10}{'entities':>12}{'peak MB':>10}   seconds a cycle"]
    for store in ("postgres", "memory_store"):
        for row in result[store]:
            seconds = " / ".join(str(each) for each in row["seconds"].values())
            lines.append(f"{store.partition('_')[0]:10}{row['entities']:>12,}{row['peak_mb']:>10}   {seconds}")
    verdict = "" if result["reached"] else ": missed"
    lines += [
        "",
        f"growth on Postgres: {result['growth_mb']} MB (target: at most {result['target_mb']}{verdict})",
        f"the memory store: {result['memory_store_bytes_per_entity']} bytes an entity",
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--page-size", type=int, default=1000)
    parser.add_argument(
        "--database", default="embedded", help="embedded, or the URL of a server (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--cycles-on", metavar="DATABASE", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.cycles_on:
        print(json.dumps(cycles(options.cycles_on, options.sizes[0], options.page_size)))
        return
    result = measure(options.database, options.sizes, options.page_size)
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
