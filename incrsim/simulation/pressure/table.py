"""What the tables of these reports look like in a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text; those behind the first that hold numbers are aligned to the right.

    Args:
        head: the columns' names.
        rows: as many texts each.
    """
    first, *others = zip(head, *rows, strict=True)
    columns = [_padded("<", first), *(_padded(_side(cells), cells) for cells in others)]
    return "\n".join("  ".join(cells).rstrip() for cells in zip(*columns, strict=True))


def told(seconds: float | None) -> str:
    """Seconds as people read them; `never` for none."""
    return "never" if seconds is None else f"{seconds:,.{1 if seconds < 100 else 0}f} s"  # noqa: PLR2004 -- three digits


def _side(cells: Sequence[str]) -> str:
    return ">" if any(cell[:1].isdecimal() for cell in cells) else "<"


def _padded(side: str, cells: Sequence[str]) -> list[str]:
    name, *others = cells
    width = max(map(len, cells))
    return [f"{text:{side}{width}}" for text in (name, "─" * width, *others)]
