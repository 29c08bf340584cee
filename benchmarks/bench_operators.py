"""How long do operators' calls take, and does the memory that they need grow with the catalog or with the number of
providers (C-13)?

Each size is filled into a database of its own: one large provider whose last sweep was refused, and small ones. Then
every call is made, and every list read from its first page to its last, in a process of its own; what is told is the
most that this process ever had, the database's server not counted. A call that does not do what it is called for ends
the measurement.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import incrsim
from benchmarks import workload
from incrsim.operators import Done, Listing
from incrsim.plain import plain
from incrsim.resident import peak_rss_mb
from incrsim.simulation.source import FakeSource

TARGET_MB = 32
"""By how much the peak of any size may exceed that of the smallest one."""

SMALL = 10_000
"""Entities of the smallest size, which has one provider."""

PAGE_SIZE = 1000


class Troubled(workload.Workload):
    """W(N), with something to complain about on every page."""

    def next(self, context: Any, cursor: Any = None) -> incrsim.Page:
        """A page and a problem."""
        page = super().next(context, cursor)
        ref = f"component:default/behind-{-1 if cursor is None else cursor['after']}"
        return incrsim.Page(page.entities, page.cursor, done=page.done, problems=[incrsim.Problem("torn", ref=ref)])


@dataclass(frozen=True)
class Size:
    """How much there is.

    Args:
        entities: of the large provider.
        providers: all of them; each but the large one has one entity.
    """

    entities: int
    providers: int

    def __str__(self) -> str:
        return f"{self.entities:,} of {self.providers:,}"

    def source(self) -> Troubled:
        """The large provider, before anything happened to it."""
        return Troubled(self.entities, PAGE_SIZE, name=workload.PROVIDER)

    def fill(self, app: incrsim.App) -> None:
        """Load all providers; then half of the large one vanishes, and its guard refuses to remove that."""
        for number in range(1, self.providers):
            name = f"small-{number:04}"
            app.add(FakeSource(1, name=name, namespace=name))
            app.run_cycle(name)
        source = self.source()
        app.add(source, **workload.OPTIONS)
        app.run_cycle(workload.PROVIDER)
        source.remove(percent=50)
        app.add(source, replace=True, **{**workload.OPTIONS, "reject_removals_above_percentage": 20})
        report = app.run_cycle(workload.PROVIDER)
        if report.verdict != "refused":
            raise AssertionError(f"half of the entities vanished, and the sweep was {report.verdict}")


@dataclass(frozen=True)
class Call:
    """One call or query.

    Args:
        name: what it is called.
        make: makes it; returns how many there were, or how many it changed.
        expected: what that must be.
    """

    name: str
    make: Callable[[], int]
    expected: int


def calls(app: incrsim.App, size: Size) -> list[Call]:
    """What is done after `Size.fill`, in this order, by a process that serves the large provider."""
    do, name, catalog = app.operators, workload.PROVIDER, app.catalog
    entities, half, pages, providers = size.entities, size.entities // 2, -(-size.entities // PAGE_SIZE), size.providers
    pages_of_half = -(-half // PAGE_SIZE)
    everything = entities + providers - 1
    refused = do.status(name).last_verdict
    verdict = 0 if refused is None else refused.id
    return [
        Call("health", lambda: len(do.health()), providers),
        Call("providers, all pages", lambda: _length(do.providers), providers),
        Call("status", lambda: do.status(name).pages, pages_of_half),
        Call("marks, all pages", lambda: _length(do.marks, name), pages_of_half),
        Call("problems, all pages", lambda: _length(do.problems, name), pages + pages_of_half),
        Call("history", lambda: len(do.history(name).items), 1),
        Call("stale, all pages", lambda: _length(do.stale, name), half),
        Call("catalog: a page of a kind", lambda: len(catalog.find(kind="component").items), 100),
        Call("catalog: a page of a provider", lambda: len(catalog.find(name).items), 100),
        Call("catalog: count of a kind", lambda: catalog.count(kind="component"), everything),
        Call("catalog: counts", lambda: sum(catalog.counts().by_provider.values()), everything),
        Call("plan, all changes", lambda: _planned(app), half),
        Call("pause", lambda: _told(do.pause(name), "paused"), 1),
        Call("resume", lambda: _told(do.resume(name), "paused"), 0),
        Call("approve", lambda: _told(do.approve(name, verdict), "removed"), half),
        Call("apply_full", lambda: app.apply_full(name, _all(size.source())).record.counts.added, half),
        Call("trigger", lambda: _told(do.trigger(name), "gone", "marks"), 0),
        Call("start", lambda: _told(do.start(name), "gone", "marks"), 0),
        Call("cancel", lambda: _told(do.cancel(name), "gone", "marks"), 0),
        Call("delete marks", lambda: _told(do.delete_marks(name), "gone", "marks"), 0),
        Call("delete", lambda: _told(do.delete(name), "gone", "problems"), pages + pages_of_half),
        Call("retire", lambda: _told(do.retire(name, entities), "entities"), entities),
        Call("cleanup", lambda: _told(do.cleanup(), "ingestions"), providers),
    ]


def _length(read: Callable[..., Listing[Any]], *provider: str) -> int:
    page = read(*provider)
    length = len(page.items)
    while page.next is not None:
        page = read(*provider, page.next)
        length += len(page.items)
    return length


def _told(done: Done, *path: str) -> int:
    value: Any = plain(done.details)
    for name in path:
        value = value[name]
    return int(value)


def _planned(app: incrsim.App) -> int:
    with app.plan(workload.PROVIDER) as plan:
        return sum(1 for _ in plan.changes())


def _all(source: Troubled) -> Iterator[Mapping[str, Any]]:
    for page in source.pages():
        yield from page


def ask(database: str, size: Size) -> dict[str, Any]:
    """Make all calls in this process; says how long each took, and the most memory that there was so far."""
    source = size.source()
    source.remove(percent=50)
    seconds, peaks = {}, {}
    with incrsim.open(database) as app:
        app.add(source, **workload.OPTIONS)
        for call in calls(app, size):
            begun = time.perf_counter()
            found = call.make()
            seconds[call.name], peaks[call.name] = round(time.perf_counter() - begun, 4), peak_rss_mb()
            _tell(f"{size}: {call.name}: {found:,} in {seconds[call.name]:.2f} s, {peaks[call.name]} MB")
            if found != call.expected:
                raise AssertionError(f"{size}: {call.name} found or changed {found}, not {call.expected}")
    return {"seconds": seconds, "peaks_mb": peaks, "peak_mb": peak_rss_mb()}


def filled_and_asked(server_url: str, size: Size) -> dict[str, Any]:
    """Fill a database here, and ask in a new process."""
    with workload.fresh_database(server_url) as url:
        begun = time.perf_counter()
        with incrsim.open(url) as app:
            size.fill(app)
        _tell(f"{size}: filled in {time.perf_counter() - begun:.0f} s")
        command = [sys.executable, __file__, "--ask", url]
        command += ["--entities", str(size.entities), "--providers", str(size.providers)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  # ourselves
    return {"entities": size.entities, "providers": size.providers, **json.loads(done.stdout)}


def measure(database: str, entities: int, providers: int) -> dict[str, Any]:
    """Everything.

    Args:
        database: `embedded`, or the URL of a server.
        entities: of the largest size.
        providers: of the largest size.
    """
    with workload.server(database) as server_url:
        machine = workload.machine(server_url)
        sizes = [Size(SMALL, 1), Size(SMALL, providers), Size(entities, providers)]
        results = [filled_and_asked(server_url, size) for size in sizes]
    growth = round(max(each["peak_mb"] for each in results) - results[0]["peak_mb"], 1)
    return {"machine": machine, "results": results, "growth_mb": growth, "reached": growth <= TARGET_MB}


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    results = result["results"]
    lines = [workload.described(result["machine"]), ""]
    lines.append(f"{'ms, and peak MB so far':32}" + "".join(f"{_named(each):>22}" for each in results))
    lines += [f"{name:32}" + "".join(_cell(each, name) for each in results) for name in results[0]["seconds"]]
    verdict = "" if result["reached"] else ": missed"
    return "\n".join([*lines, "", f"growth: {result['growth_mb']} MB (target: at most {TARGET_MB}{verdict})"])


def _named(result: Mapping[str, Any]) -> str:
    return str(Size(result["entities"], result["providers"]))


def _cell(result: Mapping[str, Any], name: str) -> str:
    return f"{1000 * result['seconds'][name]:>14,.1f}{result['peaks_mb'][name]:>8}"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=1_000_000, help="of the largest size (default: %(default)s)")
    parser.add_argument("--providers", type=int, default=1000, help="of the largest size (default: %(default)s)")
    parser.add_argument(
        "--database", default="embedded", help="embedded, or the URL of a server (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument("--ask", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.ask:
        print(json.dumps(ask(options.ask, Size(options.entities, options.providers))))
        return
    result = measure(options.database, options.entities, options.providers)
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
