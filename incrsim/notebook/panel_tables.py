"""The tables of a panel, a page at a time: marks, history, problems, stale refs, events and entities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incrsim.catalog import Catalog
from incrsim.operators import Operators, ProviderStatus
from incrsim.store.contract import Mark

SIZE = 15
"""How many lines a page has."""

Cell = str | int | datetime | None
Position = str | int


@dataclass(frozen=True, slots=True)
class Table:
    """A page of a table.

    Args:
        columns: their names.
        rows: texts, and numbers, which are right-aligned.
        next: what the next page begins behind; `None` when there is none.
        empty: what is said instead of no rows.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    next: Position | None = None
    empty: str = "nothing here"


class Pager:
    """Where in a long table somebody is; one can go back to where one came from.

    Args:
        first: what the first page begins behind.
    """

    def __init__(self, first: Position) -> None:
        self._first = first
        self._behind: list[Position] = [first]

    @property
    def after(self) -> Any:
        """What this page begins behind."""
        return self._behind[-1]

    @property
    def number(self) -> int:
        """Of this page, from 1."""
        return len(self._behind)

    def forward(self, to: Position) -> None:
        """To the next page."""
        self._behind.append(to)

    def back(self) -> None:
        """To the page before; on the first page nothing happens."""
        if len(self._behind) > 1:
            self._behind.pop()

    def restart(self) -> None:
        """To the first page."""
        self._behind = [self._first]


def marks(operators: Operators, status: ProviderStatus, after: int) -> Table:
    """The pages that the ingestion has committed, the latest first.

    Args:
        operators: of the store.
        status: of the provider.
        after: how many of the latest come before these.
    """
    newest = max(0, status.pages - after)  # numbers are without gaps
    oldest = max(0, newest - SIZE)
    read = operators.marks(status.provider, after=oldest, limit=max(1, newest - oldest)).items if newest else ()
    rows = tuple(map(_mark, sorted(read, key=lambda mark: -mark.sequence)))
    columns = ("page", "committed", "returned", "added", "updated", "unchanged", "cursor after it")
    return Table(columns, rows, after + SIZE if oldest else None, "no page of this ingestion has been committed yet")


def history(operators: Operators, status: ProviderStatus, after: int) -> Table:
    """The complete ingestions, the latest first."""
    page = operators.history(status.provider, after=after, limit=SIZE)
    rows = tuple(
        (
            each.number,
            each.started_at,
            each.completed_at,
            str(each.outcome or ""),
            each.pages,
            each.counts.returned,
            each.counts.added,
            each.counts.updated,
            each.counts.removed,
            str(each.verdict) if each.verdict else _failure(each.last_error),
        )
        for each in page.items
    )
    columns = (
        "no.",
        "began",
        "ended",
        "outcome",
        "pages",
        "returned",
        "added",
        "updated",
        "removed",
        "why",
    )
    return Table(columns, rows, page.next, "no ingestion is complete yet: one that rests completes when its rest ends")


def problems(operators: Operators, status: ProviderStatus, after: int) -> Table:
    """What was wrong with entities, in the order in which it was found."""
    page = operators.problems(status.provider, after=after, limit=SIZE)
    rows = tuple(
        (each.ingestion, each.sequence, str(each.kind), each.ref or "(no ref)", each.field, each.message)
        for each in page.items
    )
    return Table(("ingestion", "page", "kind", "entity", "field", "what is wrong"), rows, page.next, "no problems")


def stale(operators: Operators, status: ProviderStatus, after: str) -> Table:
    """The refs that the last verdict refused to remove."""
    page = operators.stale(status.provider, after=after, limit=SIZE)
    return Table(("stale refs",), tuple((ref,) for ref in page.items), page.next, "none any more")


def entities(catalog: Catalog, provider: str | None, kind: str, text: str, after: str) -> Table:
    """A provider's entities, by ref.

    Args:
        catalog: where they are.
        provider: whose.
        kind: only of this kind, in any case; empty for all.
        text: only those that have it in ref, title or description.
        after: a ref.
    """
    page = catalog.find(provider, kind=kind.strip(), text=text.strip(), after=after, limit=SIZE)
    rows = tuple((each.ref, *_told(each.body)) for each in page.items)
    searched = "no entity matches" if kind or text else "it owns no entities yet"
    return Table(("ref", "title", "owner", "type", "description"), rows, page.next, searched)


def listed(rows: Sequence[tuple[Cell, ...]], columns: tuple[str, ...], after: int, empty: str) -> Table:
    """A page of what is in memory.

    Args:
        rows: all of them.
        columns: their names.
        after: how many come before these.
        empty: what is said instead of no rows.
    """
    end = after + SIZE
    return Table(columns, tuple(rows[after:end]), end if len(rows) > end else None, empty)


def _mark(mark: Mark) -> tuple[Cell, ...]:
    counts = mark.counts
    numbers = (counts.returned, counts.added, counts.updated, counts.unchanged)
    return (mark.sequence, mark.committed_at, *numbers, mark.cursor or "(the last page)")


def _failure(failure: Any) -> str:
    return "" if failure is None else f"{failure.error}: {failure.message}"


def _told(body: dict[str, Any]) -> tuple[str, ...]:
    metadata, spec = body["metadata"], body.get("spec", {})
    parts = (metadata.get("title"), spec.get("owner"), spec.get("type"), metadata.get("description"))
    return tuple("" if part is None else str(part) for part in parts)
