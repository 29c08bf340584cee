"""What all tables for people look like; they are read without colour, too."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from incrsim.errors_text import escaped

RIGHT = ">"
"""Before the name of a column of numbers."""

LEAST_WIDTH = 12
"""A column that gives way keeps so many characters: most words, and most parts of a ref, stay whole."""


def headed(*names: str, fold: Sequence[str] = ()) -> Table:
    """An empty table.

    Args:
        names: of its columns; one with `RIGHT` before it holds numbers.
        fold: the columns that give way when the terminal is narrow; all others keep their width.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for name in names:
        shown = name.removeprefix(RIGHT)
        folds = shown in fold
        table.add_column(
            shown,
            justify="right" if name.startswith(RIGHT) else "left",
            overflow="fold",
            no_wrap=not folds,
            min_width=LEAST_WIDTH if folds else None,
        )
    return table


def labelled(*rows: tuple[str, Text | str]) -> Table:
    """A value on each line, with what it is before it."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, cell(value) if isinstance(value, str) else value)
    return table


def cell(value: str | int | None, style: str = "") -> Text:
    """A value in a table: as text, since it may look like markup, and without what a terminal would obey."""
    if isinstance(value, int):
        return Text(f"{value:,}", style)
    return Text(escaped(value or ""), style)


def next_page(position: str | int | None) -> list[Text]:
    """How to go on, when there is more."""
    return [] if position is None else [Text(f"The next page: --after {shlex.quote(str(position))}", style="dim")]
