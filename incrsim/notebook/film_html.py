"""The markup of a film's pictures."""

from __future__ import annotations

from html import escape

from incrsim.html import facts, text
from incrsim.notebook import panel_html
from incrsim.notebook.film import Film, Picture, Side
from incrsim.notebook.panel_tables import Cell, Table, listed
from incrsim.store.contract import Mark, ProviderState

AROUND = 3
"""How many lines of the trace are shown before and after a step."""

MARKS = 8
"""How many of the last marks are shown."""

STYLE = """<style>
.incrsim-reel { font-family: var(--jp-code-font-family, monospace); font-size: 12px; line-height: 1.5; }
.incrsim-reel div { padding: 0 6px; border-left: 3px solid transparent; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
.incrsim-reel .now { background: var(--wash); border-left-color: currentColor; font-weight: 600; }
.incrsim-reel .wrong { background: var(--bad); border-left-color: rgb(214,69,65); }
.incrsim-film { display: grid; grid-template-columns: minmax(320px, 1.2fr) minmax(300px, 1fr); gap: 4px 24px; }
.incrsim-sides td { white-space: nowrap; }
.incrsim-film h4 { margin: 6px 0 2px; font-size: 13px; }
</style>"""


def reel(film: Film, step: int) -> str:
    """The lines of the trace around a step, with the first wrong one."""
    first, last = max(0, step - AROUND), min(film.length, step + AROUND)
    return f'<div class="incrsim-reel">{"".join(_frame(film, each, step) for each in range(first, last + 1))}</div>'


def verdict(film: Film, step: int) -> str:
    """What does not hold, once it does not."""
    finding = film.finding
    if finding is None:
        return panel_html.note("every rule holds in this run")
    if step < finding.step:
        return panel_html.note(f"every rule holds so far; the first wrong step is {finding.step}")
    since = "with this step" if step == finding.step else f"since step {finding.step}"
    text = f"✗ {finding.rule} does not hold {since}\nexpected: {finding.expected}\nfound: {finding.found}"
    return panel_html.note(text, bad=True)


def picture(shown: Picture, sides: Table) -> str:
    """Source and catalog, marks and leases.

    Args:
        shown: the picture.
        sides: the page of refs that is open.
    """
    same = "equal" if not shown.differing else f"{shown.differing:,} of {len(shown.sides):,} refs differ"
    told = f"Source: {shown.held:,} entities · Catalog: {shown.owned:,} · {same}"
    left = f"<div class=incrsim-sides><h4>{text(told)}</h4>{panel_html.table(sides)}</div>"
    return f'<div class="incrsim-film">{left}<div>{_leases(shown)}{_marks(shown)}</div></div>'


def sides(shown: Picture, before: Picture | None, after: int) -> Table:
    """A page of the refs: first what the step changed, then what differs.

    Args:
        shown: the picture.
        before: the one before it.
        after: how many refs come before these.
    """
    was = {} if before is None else {each.ref: each for each in before.sides}
    still = {each.ref for each in shown.sides}
    gone = [Side(ref, in_source=False, owner=None, same=True) for ref in was if ref not in still]
    rows = [(each, _change(was.get(each.ref), each)) for each in (*shown.sides, *gone)]
    rows.sort(key=lambda row: (not row[1], row[0].same, row[0].ref))
    cells = [(side.ref, _dot(side.in_source), _dot(side.owner), _difference(side), change) for side, change in rows]
    columns = ("ref", "source", "catalog", "both", "with this step")
    return listed(cells, columns, after, "neither source nor catalog holds anything")


def _frame(film: Film, step: int, now: int) -> str:
    finding = film.finding
    kind = ("now " if step == now else "") + ("wrong" if finding is not None and step == finding.step else "")
    line = film.line(step)
    told = "0  before the first step" if step == 0 else f"{step}  the run ends here" if line is None else str(line)
    if line is None and finding is not None and step:
        told = f"{step}  ✗ the step that breaks {finding.rule}: {finding.found}"
    return f'<div class="{kind}" title="{escape(told)}">{text(told)}</div>'


def _dot(there: object) -> str:
    return "●" if there else "·"


def _change(was: Side | None, now: Side) -> str:
    """What a step did to a ref."""
    before = (False, None) if was is None else (was.in_source, was.owner)
    told = []
    if before[0] != now.in_source:
        told.append("new in the source" if now.in_source else "gone from the source")
    if before[1] != now.owner:
        told.append("- left the catalog" if now.owner is None else "+ came into the catalog")
    elif was is not None and was.same != now.same and not told:
        told.append("~ changed")
    return ", ".join(told)


def _difference(side: Side) -> str:
    if side.same:
        return "=" if side.in_source else ""
    if side.owner is None:
        return "≠ source only"
    return "≠ another body" if side.in_source else "≠ catalog only"


def _leases(shown: Picture) -> str:
    if not shown.states:
        return f"<h4>Leases</h4>{panel_html.note('no provider is registered yet')}"
    return "".join(f"<h4>Lease of {text(state.name)}</h4>{facts(_lease(state, shown))}" for state in shown.states)


def _lease(state: ProviderState, shown: Picture) -> dict[str, object]:
    ingestion, lease = state.ingestion, state.lease
    held = "nobody's" if lease is None else f"{lease.holder} until {lease.expires_at:%H:%M:%S}"
    if lease is not None and lease.expires_at <= shown.at:
        held += ", expired"
    return {
        "held by": held,
        "fence": state.fence,
        "ingestion": f"{ingestion.number}, {ingestion.status}{', paused' if state.paused else ''}",
        "pages": ingestion.pages,
        "last verdict": None if state.last_verdict is None else str(state.last_verdict),
    }


def _marks(shown: Picture) -> str:
    rows = tuple(map(_mark, shown.marks[-MARKS:]))
    columns = ("page", "at", "returned", "added", "cursor after it")
    empty = "no page of the open ingestion is committed"
    return f"<h4>Marks of the open ingestion</h4>{panel_html.table(Table(columns, rows, empty=empty))}"


def _mark(mark: Mark) -> tuple[Cell, ...]:
    counts = mark.counts
    return (mark.sequence, f"{mark.committed_at:%H:%M:%S}", counts.returned, counts.added, mark.cursor or "(last)")
