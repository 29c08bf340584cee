"""Runs the demonstration and shows it."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult

from incrsim import events
from incrsim.cli.failures import FAILED, complain
from incrsim.cli.interrupt import Interrupt
from incrsim.cli.output import live, opened, print_json, print_screen, teller
from incrsim.cli.screens import demo_summary, demo_table
from incrsim.clock import SystemClock, VirtualClock
from incrsim.demo import CYCLES, Cycle, Result, demonstrate
from incrsim.progress import Progress
from incrsim.resident import peak_rss_mb


class _Screen:
    """The table as far as it is filled, and below it what is being done."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.running: Cycle | None = None
        self.progress = Progress()

    def begins(self, cycle: Cycle) -> None:
        self.running = cycle

    def note(self, event: events.Event) -> None:
        self.progress(event)
        if isinstance(event, events.SweepCommitted):
            self.progress.doing("comparing the catalog with the source")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.running is not None:
            yield demo_table(self.results, self.running)
            yield ""
        yield self.progress


def run_demo(entities: int, page_size: int, database: str, seed: int, *, as_json: bool) -> int:
    """Run the demonstration, and print its report; returns the exit code."""
    screen = _Screen()
    # Virtual time goes on from the present: what another demonstration left in the database is of the same time.
    clock = VirtualClock(SystemClock().now())
    with (
        live(screen) as say,
        opened(database, screen.progress, clock) as app,
        Interrupt(app, screen.progress.stopping) as interrupt,
    ):
        app.events.subscribe(screen.note)
        app.events.subscribe(teller(say))
        for result in demonstrate(app, entities=entities, page_size=page_size, seed=seed, begins=screen.begins):
            screen.results.append(result)
            if interrupt.signal is not None:
                break
        where = app.store.describe()
    ok = len(screen.results) == len(CYCLES) and all(result.ok for result in screen.results)
    peak = peak_rss_mb()
    if as_json:
        cycles = [result.to_dict() for result in screen.results]
        print_json({"cycles": cycles, "peak_rss_mb": peak, "database": where, "ok": ok})
    else:
        print_screen(demo_table(screen.results), demo_summary(screen.results, where, peak))
    if interrupt.signal is not None:
        complain("interrupted; the next demo on this database begins by removing what this one wrote")
        return interrupt.exit_code
    return 0 if ok else FAILED
