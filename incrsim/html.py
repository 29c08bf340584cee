"""Pieces of HTML for notebooks: tables, labels, values with their units.

They inherit the colours of the page around them, so that they can be read in light and dark themes; a label is a word
with a mark before it, and its tint only repeats what both say. Styles stand at each element: notebooks that are not
trusted yet lose all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from html import escape

from incrsim.errors_text import escaped
from incrsim.glance import MARKS, duration, moment

SHOWN = 20
"""How many rows a table shows of a list that may be long."""

LONGEST = 2000
"""How many characters of a text a cell shows."""


WHOLE = 45
"""Texts of so many characters stay on one line: statuses, most refs."""


class Html(str):
    """Text that is HTML already: all other text is escaped before it becomes part of some."""

    __slots__ = ()


# Of Okabe and Ito's palette: people with any kind of colour vision tell them apart, and none is lost on black or white.
_TINTS = {"good": "0,158,115", "busy": "0,114,178", "warn": "230,159,0", "bad": "213,94,0", "still": "128,128,128"}
_TABLE = "border-collapse:collapse;margin:.3em 0"
_CELL = "padding:.15em 1.2em .15em 0;vertical-align:top;max-width:48em"
_LINE = "border-bottom:1px solid rgba(128,128,128,.35)"


def cell(value: object) -> Html:
    """A value as people read it: numbers with separators, instants in UTC, durations with their units, `Html` as it is,
    and everything else as text.
    """
    match value:
        case Html():
            return value
        case None:
            return Html("")
        case bool():
            return Html("yes" if value else "no")
        case int():
            return Html(f"{value:,}")
        case float():
            return Html(f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}")  # noqa: PLR2004 -- three digits
        case datetime():
            return Html(f"<span style='white-space:nowrap'>{moment(value)}</span>")
        case timedelta():
            return Html(duration(value))
        case Enum() if str(value.value) in MARKS:
            return label(str(value.value))
    return text(str(value))


def text(value: str) -> Html:
    """Text on its own lines, without what a browser would obey, and not longer than people read."""
    shown = value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
    return Html(escape(escaped(shown)).replace("\n", "<br>"))


def verbatim(value: str) -> Html:
    """Text that keeps its line breaks and blanks, all of it: something to paste."""
    return Html(f'<pre style="margin:.3em 0">{escape(value)}</pre>')


def label(word: str) -> Html:
    """A word that stands out, with its mark; one that has none stands for itself."""
    mark, tint = MARKS.get(word, ("", "still"))
    colour = _TINTS[tint]
    style = (
        f"background:rgba({colour},.18);border:1px solid rgba({colour},.9);border-radius:.6em;"
        "padding:0 .5em;white-space:nowrap"
    )
    return Html(f'<span style="{style}">{escape(f"{mark} {word}".strip())}</span>')


def bar(share: float) -> Html:
    """A part of a whole, as a length.

    Args:
        share: 0 to 1.
    """
    inner = f"width:{100 * share:.1f}%;height:.8em;background:currentColor;opacity:.5"
    return Html(f'<div style="width:10em;border:1px solid rgba(128,128,128,.5)"><div style="{inner}"></div></div>')


def table(head: Sequence[str], rows: Iterable[Sequence[object]], more: str = "") -> Html:
    """A table; numbers stand to the right, and columns that hold nothing are left out.

    Args:
        head: the columns' names, with their units; none is shown when all are empty.
        rows: values as `cell` takes them.
        more: what stands below it, say that there are more rows.
    """
    columns = [(name, values) for name, *values in zip(head, *rows, strict=True) if not all(map(_is_empty, values))]
    names = "".join(_td("th", name, values[0], f"white-space:nowrap;{_LINE}") for name, values in columns)
    top = f"<thead><tr>{names}</tr></thead>" if any(name for name, _ in columns) else ""
    across = zip(*(values for _, values in columns), strict=True)
    body = "".join(f"<tr>{''.join(_td('td', each, each, _wrapping(each)) for each in line)}</tr>" for line in across)
    below = f'<div style="opacity:.75">{text(more)}</div>' if more else ""
    return Html(f'<table style="{_TABLE}">{top}<tbody>{body}</tbody></table>{below}')


def facts(known: Mapping[str, object]) -> Html:
    """A value on each line, with what it is before it; `None` and empty ones are left out."""
    body = "".join(
        f'<tr><th style="{_CELL};text-align:left;font-weight:normal;opacity:.75;white-space:nowrap">{text(name)}</th>'
        f'<td style="{_CELL};text-align:left;overflow-wrap:anywhere">{cell(value)}</td></tr>'
        for name, value in known.items()
        if not _is_empty(value)
    )
    return Html(f'<table style="{_TABLE}"><tbody>{body}</tbody></table>')


def card(title: str, *parts: str | Html, of: str = "") -> Html:
    """What a notebook shows of one value.

    Args:
        title: stands above all.
        parts: stand below each other.
        of: a label beside the title.
    """
    beside = f" {label(of)}" if of else ""
    below = "".join(cell(part) if isinstance(part, Html) else f"<div>{text(part)}</div>" for part in parts if part)
    return Html(f'<div style="line-height:1.5"><div><b>{text(title)}</b>{beside}</div>{below}</div>')


def records(items: Sequence[object], more: str = "") -> Html:
    """A table of values of one dataclass, a column for each of its fields; of other values one column without a name.

    Args:
        items: the values.
        more: what stands below it.
    """
    first = items[0] if items else None
    if first is None or not is_dataclass(first):
        return table([""], [(each,) for each in items], more)
    names = [each.name for each in fields(first)]
    head = [name.replace("_", " ") for name in names]
    return table(head, ([_field(each, name) for name in names] for each in items), more)


def _field(item: object, name: str) -> object:
    """A number that is a name is not written as a number."""
    value = getattr(item, name)
    return str(value) if name == "id" else value


def _is_empty(value: object) -> bool:
    return value is None or value == ""


def _wrapping(value: object) -> str:
    """Words and refs stay whole; sentences give way."""
    short = not isinstance(value, str) or isinstance(value, Html) or len(value) <= WHOLE
    return "white-space:nowrap" if short else "overflow-wrap:anywhere;min-width:16em"


def _td(tag: str, shown: object, value: object, line: str = "") -> str:
    """A cell that is aligned as its column's values are."""
    side = "right" if isinstance(value, int | float) and not isinstance(value, bool) else "left"
    return f'<{tag} style="{_CELL};text-align:{side};{line}">{cell(shown)}</{tag}>'
