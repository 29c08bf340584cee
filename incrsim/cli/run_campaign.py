"""Runs a campaign and shows how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from incrsim.cli.failures import FAILED, INTERRUPTED, UsageError, complain
from incrsim.cli.output import print_json, print_lines, print_screen
from incrsim.cli.tables import labelled
from incrsim.simulation.campaign.campaign import Campaign, Standing, Tell
from incrsim.simulation.campaign.result import CampaignResult

TENTHS = 10
"""Where nobody watches, so many lines tell how far a campaign is."""

LONG = 200
"""A campaign of fewer scenarios than that is over before anybody wonders."""

SHOWN = 10
"""So many violations are told of in full."""


def seeds_of(seed: int, seeds: int | None, seed_range: str | None) -> range:
    """The seeds that the options name.

    Raises:
        UsageError: when they name none.
    """
    if seed_range is None:
        return range(seed, seed + (seeds or 1))
    first, _, end = seed_range.partition(":")
    if seeds is not None or not (first.isdigit() and end.isdigit() and int(first) < int(end)):
        raise UsageError(
            f"--seed-range {seed_range}: write two numbers, the first seed and the one after the last, as in 0:100, "
            "and leave out --seeds"
        )
    return range(int(first), int(end))


def run_campaign(campaign: Campaign, seeds: range, jobs: int | None, results: Path | None, *, as_json: bool) -> int:
    """Run a campaign, and print what came of it; returns the exit code."""
    try:
        with _told() as tell:
            result = campaign.over(seeds, jobs=jobs, results=results, tell=tell)
    except KeyboardInterrupt:
        kept = "nothing is kept; --results FILE keeps it" if results is None else f"the same command goes on: {results}"
        complain(f"stopped; {kept}")
        return INTERRUPTED
    if as_json:
        print_json(result.to_dict())
    else:
        print_lines(_violations(result))
        style = "bold green" if result.ok else "bold red"
        print_screen(labelled(*result.sentences()), Text(), Text(result.headline(), style))
    return 0 if result.ok else FAILED


def _violations(result: CampaignResult) -> Iterator[Text]:
    for row in result.violations[:SHOWN]:
        again = f"{result.again} --seed {row.seed}"
        yield Text.assemble((f"seed {row.seed}: ", "bold red"), f"{row.finding}\n  again: {again}\n")
    for reduced in result.reduced:
        yield Text(f"Made small in {reduced.runs:,} runs; to paste into a test:\n", style="bold")
        yield Text(f"{reduced}\n")


# --- how far it is ----------------------------------------------------------------------------------------------------


@contextmanager
def _told() -> Iterator[Tell]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=None, speed="")

        def tell(standing: Standing) -> None:
            progress.update(
                task,
                total=standing.wanted,
                completed=standing.done,
                description=_doing(standing),
                speed=f"{standing.rate:.1f}/s" if standing.rate else "",
            )

        yield tell


class _Lines:
    """Says how far a campaign is where no line can be drawn anew: at each tenth, when it takes a while."""

    def __init__(self) -> None:
        self._next = 1

    def __call__(self, standing: Standing) -> None:
        """A little further."""
        if standing.wanted >= LONG and standing.done * TENTHS >= standing.wanted * self._next:
            self._next = 1 + standing.done * TENTHS // standing.wanted
            complain(f"{standing.done:,} of {standing.wanted:,} scenarios, {_doing(standing)}")


def _doing(standing: Standing) -> str:
    if standing.doing is not None:
        return standing.doing
    return f"{standing.violations:,} violations" if standing.violations else "no violation"
