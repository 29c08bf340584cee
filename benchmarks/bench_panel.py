"""Does the panel stay responsive over a thousand providers and a million entities?

A database is filled as in `bench_operators`: one large provider whose last sweep was refused, and small ones. Then a
process opens `app.panel()` on it, as a notebook's kernel would, and does what a person does: looks, opens each tab,
turns pages, asks to approve the removal, searches. What is told is how long each of these holds the kernel's loop; a
search is done on a thread of its own, so for it that is told, too, and how long a look takes meanwhile.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from statistics import median
from typing import Any

import incrsim
from benchmarks import workload
from benchmarks.bench_operators import Size
from incrsim.notebook.panel_buttons import Button

LOOKS = 50
TARGET_MS = 200
"""A panel looks five times a second: what takes longer holds up the looks behind it, and the cells of its notebook."""

RARE = "service-000000499"
"""A text that one entity has: no page gets full, so all of them are looked at."""


def acts(panel: Any) -> Iterator[tuple[str, Callable[[], object]]]:
    """What a person does, in this order: each with a name."""
    tabs, question = panel.tabs, panel.steering.question
    yield "first look", panel.refresh
    yield "choose the large provider", lambda: _choose(panel)
    for number, title in enumerate(tabs.box.titles[:-1]):  # entities are searched for, on a thread of their own
        yield f"open the tab {title}", partial(_open, panel, number)
        if not tabs.all[number].table.pages.forward.disabled:
            yield f"next page of {title}", tabs.all[number].table.pages.forward.click
    yield "ask to approve", panel.steering.buttons[Button.APPROVE].click
    yield "next page of stale refs", question._refs.pages.forward.click  # noqa: SLF001  # what a click does


def _choose(panel: Any) -> None:
    panel.list.begin.value = workload.PROVIDER
    panel.list.choice = workload.PROVIDER  # what a click on the first row does
    panel.refresh()


def _open(panel: Any, number: int) -> None:
    panel.tabs.box.selected_index = number
    panel.refresh()


def searches(panel: Any) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is searched for on a thread of its own."""
    tab = panel.tabs.entities
    yield "open the tab Entities", partial(_open, panel, len(panel.tabs.all) - 1)
    yield "next page of entities", tab.table.pages.forward.click
    yield "entities of a kind", lambda: setattr(tab.kind, "value", "component")
    yield "entities with a rare text", partial(_search, tab, RARE)
    yield "count of all", lambda: _count_all(tab)


def _search(tab: Any, text: str) -> None:
    tab.kind.value = ""
    tab.text.value = text


def _count_all(tab: Any) -> None:
    _search(tab, "")
    tab.count.click()


def searched(panel: Any, begin: Callable[[], object]) -> dict[str, float]:
    """Begin a search, and look until it is done."""
    begun, looks = time.perf_counter(), []
    begin()
    while True:
        looked = time.perf_counter()
        panel.refresh()
        looks.append(time.perf_counter() - looked)
        if not panel.tabs.busy:
            break
        time.sleep(0.1)
    return {"seconds": round(time.perf_counter() - begun, 2), "slowest_look_ms": _ms(max(looks))}


def measure(database: str, size: Size) -> dict[str, Any]:
    """Everything."""
    with workload.server(database) as server_url, workload.fresh_database(server_url) as url:
        with incrsim.open(url) as app:
            size.fill(app)
        print(f"{size}: filled", file=sys.stderr)
        with incrsim.open(url) as app:
            panel: Any = app.panel()
            held = {}
            for name, act in acts(panel):
                begun = time.perf_counter()
                act()
                held[name] = _ms(time.perf_counter() - begun)
            looks = [_timed(panel.refresh) for _ in range(LOOKS)]
            found = {name: searched(panel, begin) for name, begin in searches(panel)}
            panel.close()
    looked = {"median": _ms(median(looks)), "slowest": _ms(max(looks))}
    slowest = max([*held.values(), looked["slowest"], *(each["slowest_look_ms"] for each in found.values())])
    return {"size": str(size), "looks_ms": looked, "held_ms": held, "searches": found, "reached": slowest <= TARGET_MS}


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    looks = result["looks_ms"]
    lines = [result["size"], "", f"{'':32}{'ms':>10}", f"{'a look, median of ' + str(LOOKS):32}{looks['median']:>10}"]
    lines += [f"{'a look, the slowest':32}{looks['slowest']:>10}"]
    lines += [f"{name:32}{ms:>10}" for name, ms in result["held_ms"].items()]
    lines += ["", f"{'':32}{'s':>10}{'slowest look meanwhile, ms':>30}"]
    lines += [
        f"{name:32}{each['seconds']:>10}{each['slowest_look_ms']:>30}" for name, each in result["searches"].items()
    ]
    return "\n".join([*lines, "", f"target: nothing holds the loop for more than {TARGET_MS} ms"])


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=1_000_000, help="of the large provider (default: %(default)s)")
    parser.add_argument("--providers", type=int, default=1000, help="all of them (default: %(default)s)")
    parser.add_argument(
        "--database", default="embedded", help="embedded, or the URL of a server (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    options = parser.parse_args(arguments)
    result = measure(options.database, Size(options.entities, options.providers))
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
