"""Runs the demonstration and shows it."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult

from incrsim import events
from incrsim.cli.failures import complain
from incrsim.cli.interrupt import Interrupt
from incrsim.cli.output import Say, live, print_json, print_screen
from incrsim.cli.screens import demo_summary, demo_table
from incrsim.clock import SystemClock, VirtualClock
from incrsim.demo import CYCLES, Cycle, Result, demonstrate, peak_rss_mb
from incrsim.opening import open as open_app
from incrsim.progress import Progress, notice


class _Screen:
    """The table as far as it is filled, and below it what is being done."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.running: Cycle | None = None
        self.progress = Progress()

    def begins(self, cycle: Cycle) -> None:
        self.running = cycle
        self.progress.doing(f"{cycle.name}: {cycle.story}")

    def note(self, event: events.Event) -> None:
        self.progress(event)
        if isinstance(event, events.SweepCommitted):
            self.progress.doing("comparing the catalog with the source")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.running is not None:
            yield demo_table(self.results, self.running)
        yield self.progress


def run_demo(entities: int, page_size: int, database: str, seed: int, *, as_json: bool) -> tuple[bool, int | None]:
    """Run the demonstration, and print its report.

    Returns:
        Whether every catalog was as expected, and the exit code when a signal ended it.
    """
    screen = _Screen()
    with live(screen) as say:
        screen.progress.doing(f"opening the database ({database.partition('@')[2] or database})")
        # From the present on, since a demonstration on the same database left its leases in the same kind of time.
        with open_app(database, clock=VirtualClock(SystemClock().now())) as app, Interrupt(app, screen.progress.stopping) as interrupt:
            app.events.subscribe(screen.note)
            app.events.subscribe(lambda event: _tell(event, say))
            for result in demonstrate(
                app, entities=entities, page_size=page_size, seed=seed, begins=screen.begins
            ):
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
    if interrupt.signal is None:
        return ok, None
    complain("stopped; the next demonstration on this database begins by removing what this one loaded")
    return ok, interrupt.exit_code


def _tell(event: events.Event, say: Say) -> None:
    if (line := notice(event)) is not None:
        say(line)
