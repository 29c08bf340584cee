"""Makes a plan and shows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

from rich.console import RenderableType
from rich.spinner import Spinner
from rich.text import Text

from incrsim.cli.output import live, print_json, print_lines
from incrsim.cli.tables import cell
from incrsim.glance import entities, many
from incrsim.host import ThreadHost
from incrsim.ingestion import Counts
from incrsim.opening import open_store
from incrsim.options import ProviderOptions
from incrsim.planning import plan
from incrsim.planning_values import Change, Plan
from incrsim.progress import one_line

SHOWN_PROBLEMS = 5
"""How many problems a plan names; all are counted."""

_STYLES = {"+": "green", "~": "yellow", "-": "red"}


def make_plan(provider: Any, options: dict[str, Any], database: str) -> Plan:
    """Read a whole cycle of a provider; how far that is shows on standard error.

    Args:
        provider: the provider, checked.
        options: as `App.add` takes them.
        database: as `incrsim.open` takes it.
    """
    reading = _Reading(provider.name)
    with live(reading), closing(open_store(database)) as store:
        return plan(provider, ProviderOptions.of(**options), store, ThreadHost(), reading.page)


def show_plan(made: Plan, limit: int, *, as_json: bool) -> None:
    """Print a plan.

    Args:
        made: the plan.
        limit: how many changes are shown.
        as_json: as a document, as the REST interface has it.
    """
    changes = islice(made.changes(), limit)
    more = max(0, made.added + made.changed + made.removed - limit)
    if as_json:
        shown = [{"sign": each.sign, "ref": each.ref} for each in changes]
        print_json(made.to_dict() | {"changes": shown, "more": more})
    else:
        print_lines(_lines(made, changes, more))


class _Reading:
    """What is shown meanwhile."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._spinner = Spinner("dots")
        self._told = "beginning"

    def page(self, pages: int, counts: Counts) -> None:
        self._told = f"{many(pages, 'page')}, {entities(counts.returned)} read"

    def __rich__(self) -> RenderableType:
        self._spinner.update(text=Text.assemble((self._provider, "bold"), f" · planning · {self._told}"))
        return self._spinner


def _lines(made: Plan, changes: Iterator[Change], more: int) -> Iterator[Text]:
    counts = made.counts
    read = f"{many(made.pages, 'page')}, {entities(counts.returned)} read, {counts.unchanged:,} unchanged"
    yield Text.assemble((made.provider, "bold"), (f"  ingestion {made.ingestion} as planned  {read}", "dim"))
    yield from (Text(f"{each.sign} {each.ref}", _STYLES[each.sign]) for each in changes)
    if more:
        yield Text(f"… and {more:,} more, which --limit would show", "dim")
    yield from _problems(made)
    refused = made.verdict is None or made.verdict.refused
    yield Text(made.summary(), "bold yellow" if refused else "bold")
    if made.verdict is not None and not made.verdict.refused:
        verdict = made.verdict
        share = f"{verdict.removed:,} of {verdict.census.base:,} ({verdict.percentage:.2f} %)"
        yield Text(f"No guard refuses: the sweep would remove {share}.")
    yield Text("Nothing was written.", "dim")


def _problems(made: Plan) -> Iterator[Text]:
    counts = made.counts
    total = counts.invalid + counts.lost + counts.unreadable
    for kind, ref, message in islice(made.problems(), SHOWN_PROBLEMS):
        yield cell(f"! {ref or '(no ref)'}: {kind}: {one_line(message)}", "yellow")
    if total > SHOWN_PROBLEMS:
        yield Text(f"… of {total:,} problems", "dim")
