"""Tables and sentences for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from incrsim.demo import CYCLES, Cycle, Result


def demo_table(results: Sequence[Result], running: Cycle | None = None) -> Table:
    """A column per cycle, so that a million entities fit 80 columns too.

    Args:
        results: of the cycles that are done.
        running: the one that is not.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("cycle", style="dim", no_wrap=True)
    for cycle in CYCLES:
        table.add_column(cycle.name, justify="right", min_width=9, style="dim" if cycle is running else "")
    table.add_row("source", *(Text(cycle.story, style="dim") for cycle in CYCLES))
    table.add_section()
    for label, show in _ROWS:
        shown: list[RenderableType] = [show(result) for result in results]
        shown += ["…" if cycle is running else "" for cycle in CYCLES[len(results) :]]
        table.add_row(label, *shown)
    return table


def demo_summary(results: Sequence[Result], database: str, peak: float | None) -> RenderableType:
    """What was shown, where, and in how much memory."""
    lines = []
    if peak is not None:
        lines.append(f"Peak memory of this process: {peak:,.0f} MB. Database: {escape(database)}.")
    else:
        lines.append(f"Database: {escape(database)}.")
    wrong = [result.cycle.name for result in results if not result.ok]
    if wrong:
        lines.append(f"[bold red]The catalog is not what it must be after: {', '.join(wrong)}.[/]")
        lines += [f"  {result.cycle.name}: {escape(str(result.comparison))}" for result in results if not result.ok]
    elif len(results) == len(CYCLES):
        lines.append(
            f"{results[0].report.entities:,} entities were loaded page by page and kept equal to their source; "
            "a source that had lost half of them could not empty the catalog, and once it had recovered, "
            "only what was really gone went."
        )
    return Group("", *(Text.from_markup(line) for line in lines))


def _count(name: str) -> Callable[[Result], RenderableType]:
    def show(result: Result) -> RenderableType:
        value: int = getattr(result.report.ingestion.counts, name)
        return f"{value:,}" if value else Text("-", style="dim")

    return show


def _verdict(result: Result) -> Text:
    return Text(result.report.verdict, style="yellow" if result.report.verdict == "refused" else "green")


def _catalog(result: Result) -> Text:
    return Text("✓ correct", style="green") if result.ok else Text("✗ wrong", style="bold red")


_ROWS: tuple[tuple[str, Callable[[Result], RenderableType]], ...] = (
    ("entities", lambda result: f"{result.report.entities:,}"),
    ("added", _count("added")),
    ("updated", _count("updated")),
    ("unchanged", _count("unchanged")),
    ("removed", _count("removed")),
    ("verdict", _verdict),
    ("seconds", lambda result: f"{result.report.seconds:.2f}"),
    ("entities/s", lambda result: f"{result.report.entities_per_second:,.0f}"),
    ("catalog", _catalog),
)
