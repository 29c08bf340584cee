"""Pages of the catalog for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from incrsim.catalog import CatalogEntity


def entity_table(items: Sequence[CatalogEntity], total: int, after: str | None) -> list[RenderableType]:
    """A row per entity, and below them how many there are and how to go on.

    Args:
        items: the entities of the page.
        total: how many there are on all pages.
        after: where the next page begins.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for name in ("ref", "provider", "owner", "title"):
        table.add_column(name, overflow="fold")
    for each in items:
        owner = each.body.get("spec", {}).get("owner")
        cells = (
            each.ref,
            each.provider,
            owner if isinstance(owner, str) else "",
            each.body["metadata"].get("title", ""),
        )
        table.add_row(*map(Text, cells))  # as text: a title may look like markup
    numbers = Text(f"{len(items):,} of {total:,} entities", style="dim")
    parts: list[RenderableType] = [table, numbers] if items else [numbers]
    return parts if after is None else [*parts, Text(f"The next page: --after {after}", style="dim")]
