"""The markup of panels: readable in light and dark themes, since it inherits colours, and without any, since a status
is a word with a mark.
"""

from __future__ import annotations

from html import escape

from incrsim.errors_text import escaped
from incrsim.glance import entities, many
from incrsim.html import label, table as plain_table, text
from incrsim.notebook.panel_tables import Table
from incrsim.notebook.panel_values import Row
from incrsim.operators import ProviderStatus

STYLE = """<style>
.incrsim { --line: rgba(127,127,127,.28); --wash: rgba(127,127,127,.10); --bar: rgba(38,128,235,.38);
  --bad: rgba(214,69,65,.16); border: 1px solid var(--line); border-radius: 6px;
  padding: 6px 10px 8px; font-variant-numeric: tabular-nums; }
.incrsim .jupyter-widgets.widget-html-content, .incrsim .widget-html-content { line-height: 1.45; }
.incrsim-head { display: flex; gap: 12px; align-items: baseline; flex-wrap: wrap; }
.incrsim-dim { opacity: .68; }
.incrsim-name > button, .incrsim button.incrsim-name { text-align: left; }
.incrsim-below { border-top: 1px solid var(--line); margin-top: 6px; padding-top: 4px; }
.incrsim-row { display: grid; grid-template-columns: 142px 172px minmax(190px, 1.15fr) minmax(170px, 1.6fr);
  gap: 4px 12px; align-items: center; padding: 3px 0; }
.incrsim-note.bad { background: var(--bad); }
.incrsim-bar { height: 5px; border-radius: 3px; background: var(--wash); overflow: hidden; margin-top: 3px;
  border: 1px solid var(--line); }
.incrsim-bar > div { height: 100%; background: var(--bar); }
.incrsim-clip { overflow: hidden; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
  overflow-wrap: anywhere; }
.incrsim-note { border-left: 3px solid var(--line); padding: 2px 8px; margin: 4px 0; background: var(--wash);
  white-space: pre-wrap; overflow-wrap: anywhere; }
.incrsim-scroll { overflow-x: auto; }
.incrsim-scroll table { font-size: 12px; }
.incrsim button:disabled { opacity: .45; }
</style>"""


def note(told: str, *, bad: bool = False) -> str:
    """A paragraph that somebody should see; empty when there is none.

    Args:
        told: plain.
        bad: whether something went wrong.
    """
    return f'<div class="incrsim-note{" bad" if bad else ""}">{text(told)}</div>' if told else ""


def dim(told: str) -> str:
    """Less important."""
    return f'<span class="incrsim-dim">{text(told)}</span>'


def state(what: str, *told: str) -> str:
    """A line that says what something is like.

    Args:
        what: it is.
        told: about it.
    """
    return f"<b>{text(what)}</b> {' · '.join(map(text, told))}"


def labels(row: Row) -> str:
    """A provider's status: words with their marks."""
    return " ".join(map(label, row.words))


def headings() -> str:
    """Above the rows of providers."""
    return _grid(*map(dim, ("status", "next", "this ingestion", "last sweep, last error")))


def provider_row(row: Row) -> str:
    """A provider in the list."""
    following = f'<div class="incrsim-clip">{text(row.next)}</div>'
    return _grid(labels(row), following, progress(row), outcome(row.status))


def _grid(*parts: str) -> str:
    return f'<div class="incrsim-row">{"".join(f"<div>{part}</div>" for part in parts)}</div>'


def progress(row: Row) -> str:
    """How far the ingestion is."""
    status = row.status
    told = f"{many(status.pages, 'page')}, {entities(status.counts.returned)}"
    more = [] if row.rate is None else [f"{row.rate:,.0f}/s"]
    if row.last_total is not None and row.share != 1.0:
        more.append(f"last cycle {row.last_total:,}")
    share = row.share
    bar = "" if share is None else f'<div class="incrsim-bar"><div style="width:{100 * share:.1f}%"></div></div>'
    beside = f" {dim(' · '.join(more))}" if more else ""
    return f"<div>{text(told)}{beside}</div>{bar}"


def outcome(status: ProviderStatus) -> str:
    """The last verdict, and the last error."""
    lines = []
    if status.last_verdict is not None:
        approved = ", approved" if status.approved else ""
        lines.append(f"verdict {status.last_verdict.id}: {status.last_verdict}{approved}")
    if status.last_error is not None:
        failure = status.last_error
        again = f"failure {status.attempts} in a row: " if status.attempts else "earlier: "
        lines.append(f"{again}{failure.error}: {failure.message}")
    if not lines:
        return dim("no sweep yet")
    return "".join(f'<div class="incrsim-clip" title="{escape(escaped(line))}">{text(line)}</div>' for line in lines)


def table(shown: Table) -> str:
    """A page of a table."""
    if not shown.rows:
        return note(shown.empty)
    return f'<div class="incrsim-scroll">{plain_table(shown.columns, shown.rows)}</div>'
