"""Lists of what a provider has left in the store, a page at a time, for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from incrsim.cli.instants import about, beside, utc
from incrsim.cli.screens_operating import heading
from incrsim.cli.tables import RIGHT, cell, headed, next_page
from incrsim.glance import many
from incrsim.ingestion import Counts, Ingestion, Outcome
from incrsim.operators import Listing, ProviderStatus
from incrsim.progress import one_line
from incrsim.store.contract import Mark, RecordedProblem
from incrsim.store.outbox import SinkState

Screen = Callable[[ProviderStatus, Sequence[Any]], list[RenderableType]]


def list_screen(name: str, status: ProviderStatus, page: Listing[Any]) -> list[RenderableType]:
    """One page of a list.

    Args:
        name: which list: `marks`, `problems`, `history` or `stale`.
        status: of the provider whose list it is.
        page: what of it is shown.
    """
    screen, word = _LISTS[name]
    numbers = Text(many(len(page.items), word) + (" on this page" if page.next is not None else ""), style="dim")
    shown = screen(status, page.items) if page.items else []
    return [heading(status), *shown, numbers, *next_page(page.next)]


def sinks_screen(sinks: Sequence[SinkState]) -> list[RenderableType]:
    """A line per sink."""
    if not sinks:
        return [Text("no sinks", style="dim")]
    table = headed("sink", "registered (UTC)", f"{RIGHT}changes behind", "state", fold=("sink", "state"))
    for each in sinks:
        table.add_row(cell(each.name, "bold"), utc(each.registered_at), cell(each.behind), _sink_state(each))
    failing = [each for each in sinks if each.failing_since is not None]
    return [
        table,
        *(
            cell(f"{each.name}: failing since {utc(each.failing_since)} UTC: {one_line(each.last_error or '')}", "red")
            for each in failing
        ),
    ]


def _marks(status: ProviderStatus, marks: Sequence[Mark]) -> list[RenderableType]:
    table = headed(
        f"{RIGHT}page",
        f"{RIGHT}entities",
        "changes",
        "committed (UTC)",
        "",
        "cursor after it",
        fold=("cursor after it",),
    )
    for each in marks:
        table.add_row(
            cell(each.sequence),
            cell(each.counts.returned),
            _changes(each.counts),
            utc(each.committed_at),
            cell(beside(each.committed_at, status.now), "dim"),
            cell("done" if each.cursor is None else one_line(each.cursor)),
        )
    return [table]


def _problems(status: ProviderStatus, problems: Sequence[RecordedProblem]) -> list[RenderableType]:
    table = headed(
        f"{RIGHT}id", "ingestion/\npage", "kind", "ref", "what is wrong", fold=("kind", "ref", "what is wrong")
    )
    for each in problems:
        where = f"{each.ingestion}/{each.sequence}" if each.sequence else f"{each.ingestion}/event"
        table.add_row(
            cell(each.id),
            where,
            str(each.kind),
            cell(each.ref or "(none)"),
            cell(one_line(each.message)),
            style="" if each.ingestion == status.ingestion else "dim",
        )
    return [table]


def _history(status: ProviderStatus, ingestions: Sequence[Ingestion]) -> list[RenderableType]:
    table = headed(
        f"{RIGHT}number",
        "outcome",
        "completed (UTC)",
        "",
        "took",
        f"{RIGHT}pages",
        f"{RIGHT}entities",
        "changes",
        fold=("changes",),
    )
    for each in ingestions:
        table.add_row(
            cell(each.number),
            cell(each.outcome, "" if each.outcome is Outcome.SWEPT else "yellow"),
            utc(each.completed_at),
            cell(beside(each.completed_at, status.now), "dim"),
            _took(each.started_at, each.completed_at),
            cell(each.pages),
            cell(each.counts.returned),
            _changes(each.counts),
        )
    return [table, *_reasons(ingestions)]


def _stale(status: ProviderStatus, refs: Sequence[str]) -> list[RenderableType]:
    verdict = status.last_verdict
    head = [] if verdict is None else [Text(f"verdict {verdict.id} {verdict}", style="yellow")]
    return [*head, *(cell(ref) for ref in refs)]


def _changes(counts: Counts) -> Text:
    """`+5 ~2 -1`; nothing where nothing changed."""
    signs = (("+", counts.added, "green"), ("~", counts.updated, "yellow"), ("-", counts.removed, "red"))
    told = [Text(f"{sign}{count:,}", style=style) for sign, count, style in signs if count]
    return Text(" ").join(told) if told else Text("none", style="dim")


def _reasons(ingestions: Sequence[Ingestion]) -> Iterator[Text]:
    """Why some were not swept; those in a row that ended for the same reason are told together."""
    for why, alike in groupby(ingestions, _why):
        numbers = [each.number for each in alike]
        which = f"{numbers[-1]} to {numbers[0]}" if len(numbers) > 1 else f"{numbers[0]}"
        if why:
            yield cell(f"{which}: {why}", "yellow")


def _why(ingestion: Ingestion) -> str:
    if ingestion.outcome is Outcome.SWEPT:
        return ""
    error = ingestion.last_error
    return one_line(
        f"{error.error}: {error.message}" if error is not None else str(ingestion.verdict or "by an operator")
    )


def _took(started: datetime | None, completed: datetime | None) -> str:
    return "" if started is None or completed is None else about(completed - started) or "< 1 s"


def _sink_state(sink: SinkState) -> Text:
    if sink.failing_since is not None:
        return cell("failing", "red")
    return cell("is given everything again" if sink.resyncing else "takes what comes")


_LISTS: dict[str, tuple[Screen, str]] = {
    "marks": (_marks, "mark"),
    "problems": (_problems, "problem"),
    "history": (_history, "ingestion"),
    "stale": (_stale, "ref"),
}
