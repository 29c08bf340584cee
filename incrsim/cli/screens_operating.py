"""Where providers are, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from incrsim.cli.instants import beside, utc, when
from incrsim.cli.tables import RIGHT, cell, headed, labelled, next_page
from incrsim.glance import entities, many
from incrsim.ingestion import Counts, NextAction, Status
from incrsim.operators import Listing, ProviderStatus, Reason, Unhealthy
from incrsim.progress import one_line

_COUNTED = ("added", "updated", "unchanged", "removed", "invalid", "lost", "unreadable")


def health_screen(unhealthy: Sequence[Unhealthy]) -> list[RenderableType]:
    """Who needs somebody to look, and why."""
    if not unhealthy:
        return [Text("✓ healthy: no provider and no sink needs to be looked at", style="green")]
    parts: list[RenderableType] = []
    for each in unhealthy:
        who = each.provider if each.sink is None else f"sink {each.sink}"
        parts += [Text.assemble(("✗ ", "bold red"), (str(who), "bold")), labelled(*_told(each.reasons))]
    return [*parts, Text(f"{len(unhealthy):,} not healthy", style="dim")]


def providers_screen(page: Listing[ProviderStatus]) -> list[RenderableType]:
    """A line per provider."""
    if not page.items:
        return [Text("no providers", style="dim")]
    table = headed("provider", "status", "next", f"{RIGHT}entities", "last", "health", fold=("provider", "health"))
    for each in page.items:
        table.add_row(
            cell(each.provider, "bold"),
            cell("paused" if each.paused else each.status, "yellow" if each.paused else ""),
            cell(_due(each)),
            cell(each.counts.returned),
            _last(each),
            _health(each),
        )
    as_of = f"{many(len(page.items), 'provider')}, as of {utc(page.items[-1].now)} UTC"
    return [table, Text(as_of, style="dim"), *next_page(page.next)]


def status_screen(status: ProviderStatus) -> list[RenderableType]:
    """All that is known of one provider."""
    headline = Text.assemble((status.provider, "bold"), "  ", (status.status, "cyan"))
    if status.paused:
        headline.append("  paused: nothing begins until it is resumed", "yellow")
    return [headline, labelled(*_rows(status))]


def heading(status: ProviderStatus) -> Text:
    """Whose list this is."""
    return Text.assemble((status.provider, "bold"), (f"  ingestion {status.ingestion}  {status.status}", "dim"))


def counted(counts: Counts) -> str:
    """What an ingestion did: `2,000 entities: 5 added, 1,995 unchanged`."""
    told = ", ".join(f"{getattr(counts, name):,} {name}" for name in _COUNTED if getattr(counts, name))
    return entities(counts.returned) + (f": {told}" if told else "")


def _rows(status: ProviderStatus) -> Iterator[tuple[str, Text | str]]:
    now = status.now
    yield "next", _next(status)
    yield "ingestion", f"{status.ingestion}, {many(status.pages, 'page')}, {counted(status.counts)}"
    if status.last_outcome is not None:
        yield "the one before", str(status.last_outcome)
    if (verdict := status.last_verdict) is not None:
        approved = "; approved" if status.approved else ""
        yield "last verdict", f"{verdict.id}: {verdict}{approved}"
        yield "  decided", when(verdict.decided_at, now)
    if (error := status.last_error) is not None:
        page = "" if error.page is None else f"page {error.page:,}: "
        tried = f"; {many(status.attempts, 'failure')} in a row" if status.attempts else ""
        yield "last error", cell(f"{page}{one_line(f'{error.error}: {error.message}')}{tried}", "red")
    if status.working is not None and status.working_until is not None:
        yield "working", f"{status.working}, its lease lasts until {when(status.working_until, now)}"
    for index, each in enumerate(status.serving):
        stuck = ", stuck" if each.stuck else ""
        yield "" if index else "served by", f"{each.holder}, seen {beside(each.seen_at, now)}{stuck}"
    yield "health", _health(status)
    yield from _told(status.reasons)


def _told(reasons: Sequence[Reason]) -> list[tuple[str, Text | str]]:
    return [(f"  {reason.trouble}", one_line(reason.sentence)) for reason in reasons]


def _health(status: ProviderStatus) -> Text:
    if not status.reasons:
        return Text("✓ healthy", style="green")
    return Text(f"✗ {', '.join(reason.trouble for reason in status.reasons)}", style="red")


def _last(status: ProviderStatus) -> str:
    """How the last ingestion ended that came to an end: one that rests has had its sweep."""
    if status.status is Status.RESTING and status.last_verdict is not None:
        return status.last_verdict.word
    return str(status.last_outcome or "-")


def _next(status: ProviderStatus) -> str:
    if status.working is not None:
        return "goes on: somebody is at work"
    action = "the rest ends" if status.next_action is NextAction.REST else str(status.next_action)
    if status.next_action_at is None or status.next_action_at <= status.now:
        return f"{action} now"
    return f"{action} at {when(status.next_action_at, status.now)}"


def _due(status: ProviderStatus) -> str:
    """What is overdue is due now; for how long already is told by its health."""
    if status.working is not None:
        return "at work"
    due = status.next_action_at
    return "now" if due is None or due <= status.now else beside(due, status.now)
