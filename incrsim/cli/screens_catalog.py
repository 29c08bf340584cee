"""Pages of the catalog for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from incrsim.catalog import CatalogEntity
from incrsim.cli.tables import cell, headed, next_page


def entity_table(items: Sequence[CatalogEntity], total: int, after: str | None) -> list[RenderableType]:
    """A row per entity, and below them how many there are and how to go on.

    Args:
        items: the entities of the page.
        total: how many there are on all pages.
        after: where the next page begins.
    """
    columns = ("ref", "provider", "owner", "title")
    table = headed(*columns, fold=columns)
    for each in items:
        owner = each.body.get("spec", {}).get("owner")
        cells = (
            each.ref,
            each.provider,
            owner if isinstance(owner, str) else "",
            each.body["metadata"].get("title", ""),
        )
        table.add_row(*map(cell, cells))
    numbers = Text(f"{len(items):,} of {total:,} entities", style="dim")
    parts: list[RenderableType] = [table, numbers] if items else [numbers]
    return [*parts, *next_page(after)]
