"""How long do questions to the catalog take, and does the memory that they need grow with it (C-13)?

Each size is loaded into a database of its own, and asked in a process of its own; what is told is the most that this
process ever had, the database's server not counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import incrsim
from benchmarks import workload
from incrsim.resident import peak_rss_mb

TARGET_MB = 32
"""By how much the largest size may exceed the smallest one."""


class Nowhere:
    """A stream that forgets what it is given."""

    def write(self, text: str) -> int:
        """Forget it."""
        return len(text)


def questions(app: incrsim.App) -> Mapping[str, Callable[[], object]]:
    """What is asked."""
    catalog = app.catalog
    last = next(iter(catalog.find(limit=1).items)).body["metadata"]["name"]
    return {
        "one entity by its ref": lambda: catalog.get(f"component:{last}"),
        "a page of a kind": lambda: catalog.find(kind="component", limit=100),
        "a page of a provider": lambda: catalog.find(workload.PROVIDER, limit=100),
        "a page of a common text": lambda: catalog.find(text="E", limit=100),
        "a text that nothing has": lambda: catalog.find(text="no entity has this", limit=100),
        "counts by kind and provider": catalog.counts,
        "count of a kind": lambda: catalog.count(kind="component"),
        "an export": lambda: catalog.export(Nowhere()),  # type: ignore[arg-type]  # all that is used of a stream
    }


def ask(database: str) -> dict[str, Any]:
    """Ask everything in this process."""
    with incrsim.open(database) as app:
        seconds = {}
        for name, question in questions(app).items():
            begun = time.perf_counter()
            question()
            seconds[name] = round(time.perf_counter() - begun, 4)
    return {"seconds": seconds, "peak_mb": peak_rss_mb()}


def loaded_and_asked(server_url: str, entities: int) -> dict[str, Any]:
    """Load so many entities here, and ask in a new process."""
    with workload.fresh_database(server_url) as url:
        with incrsim.open(url) as app:
            app.add(workload.workload(entities, 1000), **workload.OPTIONS)
            app.run_cycle(workload.PROVIDER)
        command = [sys.executable, __file__, "--ask", url]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # ourselves
    result: dict[str, Any] = json.loads(done.stdout)
    print(f"{entities} entities: {result['peak_mb']} MB", file=sys.stderr)
    return {"entities": entities, **result}


def measure(database: str, sizes: list[int]) -> dict[str, Any]:
    """All sizes.

    Args:
        database: `embedded`, or the URL of a server.
        sizes: how many entities, in turn.
    """
    with workload.server(database) as server_url:
        machine = workload.machine(server_url)
        results = [loaded_and_asked(server_url, size) for size in sizes]
    growth = round(results[-1]["peak_mb"] - results[0]["peak_mb"], 1)
    return {"machine": machine, "results": results, "growth_mb": growth, "reached": growth <= TARGET_MB}


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    results = result["results"]
    lines = [workload.described(result["machine"]), ""]
    lines.append(f"{'milliseconds':32}" + "".join(f"{each['entities']:>14,}" for each in results))
    lines += [
        f"{name:32}" + "".join(f"{1000 * each['seconds'][name]:>14,.1f}" for each in results)
        for name in results[0]["seconds"]
    ]
    lines.append(f"{'peak MB':32}" + "".join(f"{each['peak_mb']:>14}" for each in results))
    verdict = "" if result["reached"] else ": missed"
    return "\n".join([*lines, "", f"growth: {result['growth_mb']} MB (target: at most {TARGET_MB}{verdict})"])


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument(
        "--database", default="embedded", help="embedded, or the URL of a server (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--ask", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.ask:
        print(json.dumps(ask(options.ask)))
        return
    result = measure(options.database, options.sizes)
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
