"""Shows what came of a check."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from incrsim.cli.failures import FAILED
from incrsim.cli.output import print_result
from incrsim.cli.tables import cell, headed
from incrsim.testing.conformance_report import ConformanceReport, ConformanceRow, Outcome

_WORST_FIRST = (Outcome.FAILED, Outcome.ADVICE, Outcome.NOT_APPLICABLE)
_STYLES = {Outcome.PASSED: "green", Outcome.FAILED: "bold red", Outcome.ADVICE: "yellow"}


def show_report(report: ConformanceReport, *, as_json: bool) -> int:
    """Print a report, and return the exit code."""
    print_result(report.to_dict(), _screen(report), as_json=as_json)
    return 0 if report.ok else FAILED


def _screen(report: ConformanceReport) -> Iterator[RenderableType]:
    yield _table(report)
    yield from (_todo(row) for outcome in _WORST_FIRST for row in report.of(outcome) if row.advice)
    yield Text()
    yield cell(report.headline(), "bold" if report.ok else _STYLES[Outcome.FAILED])


def _table(report: ConformanceReport) -> Table:
    table = headed("", "rule", "contract", "what was seen", fold=("what was seen",))
    for row in report:
        style = _STYLES.get(row.outcome, "dim")
        table.add_row(Text(f"{row.outcome.sign} {_word(row)}", style), row.rule, row.clauses, cell(row.seen, style))
    return table


def _word(row: ConformanceRow) -> str:
    return "n/a" if row.outcome is Outcome.NOT_APPLICABLE else str(row.outcome)


def _todo(row: ConformanceRow) -> Text:
    """What to do about a rule, under the table."""
    return Text.assemble("\n", (f"{row.rule}: ", _STYLES.get(row.outcome, "dim")), row.advice)
