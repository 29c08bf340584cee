"""What came of one run of a provider, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from incrsim.app import App
from incrsim.guards import Verdict
from incrsim.progress import one_line
from incrsim.report import CycleReport
from incrsim.store import Store
from incrsim.store.contract import RecordedProblem

SHOWN_PROBLEMS = 5
"""How many problems a report names; the store has the others."""

_READ_AHEAD = 1000
_WORDS = {"open": "not finished"}


@dataclass(frozen=True, slots=True)
class RunReport:
    """One ingestion, as far as it came.

    Args:
        cycle: what the engine did.
        database: where the catalog is.
        owned: how many entities the provider has in it now.
        problems: how many problems the ingestion recorded.
        first_problems: the first of them.
        interrupted: the exit code of a run that a signal ended before its ingestion did.
    """

    cycle: CycleReport
    database: str
    owned: int
    problems: int
    first_problems: tuple[RecordedProblem, ...]
    interrupted: int

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values: the fields of a cycle of the demo, and more."""
        cycle, ingestion = self.cycle, self.cycle.ingestion
        error = ingestion.last_error
        return {
            **cycle.to_dict(),
            "provider": cycle.provider,
            "database": self.database,
            "ingestion": ingestion.number,
            "status": str(ingestion.status),
            "pages": ingestion.pages,
            "in_catalog": self.owned,
            "lost_claims": ingestion.counts.lost,
            "problems": self.problems,
            "verdict_details": None if ingestion.verdict is None else _details(ingestion.verdict),
            "last_error": None
            if error is None
            else {"error": error.error, "message": error.message, "page": error.page},
            "ok": cycle.ok,
        }

    def screen(self) -> RenderableType:
        """The report as a table and a few lines."""
        cycle, counts = self.cycle, self.cycle.ingestion.counts
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim")
        table.add_column(justify="right")
        table.add_row("entities", f"{cycle.entities:,}")
        for name in ("added", "updated", "unchanged", "removed"):
            table.add_row(name, f"{getattr(counts, name):,}")
        for name in ("invalid", "lost"):
            if getattr(counts, name):
                table.add_row(name, Text(f"{getattr(counts, name):,}", style="yellow"))
        table.add_row("pages", f"{cycle.ingestion.pages:,}")
        table.add_row("seconds", f"{cycle.seconds:.2f}")
        table.add_row("entities/s", f"{cycle.entities_per_second:,.0f}")
        table.add_row("in catalog", f"{self.owned:,}")
        return Group(self._headline(), table, *self._notes())

    def _headline(self) -> Text:
        cycle = self.cycle
        style = {"swept": "bold green", "refused": "bold yellow"}.get(cycle.verdict, "bold red")
        verdict = str(cycle.ingestion.verdict or _WORDS.get(cycle.verdict, cycle.verdict))
        return Text.assemble(
            (cycle.provider, "bold"), (f"  ingestion {cycle.ingestion.number}  ", "dim"), (verdict, style)
        )

    def _notes(self) -> list[Text]:
        notes = [Text(f"Database: {self.database}", style="dim")]
        error = self.cycle.ingestion.last_error
        if error is not None and not self.cycle.ok:
            notes.append(Text(f"Last error: {one_line(f'{error.error}: {error.message}')}", style="red"))
        if self.problems:
            notes.append(Text(f"{self.problems:,} problems, such as:", style="yellow"))
        notes += [Text(f"  {each.ref or '(no ref)'}: {one_line(each.message)}") for each in self.first_problems]
        return notes


def read_report(app: App, cycle: CycleReport, *, interrupted: int) -> RunReport:
    """Put a report together from what the engine says and what the store holds."""
    count, first = 0, []
    for problem in _problems(app.store, cycle.provider):
        if problem.ingestion == cycle.ingestion.number:
            count += 1
            if count <= SHOWN_PROBLEMS:
                first.append(problem)
    return RunReport(cycle, app.store.describe(), app.catalog.count(cycle.provider), count, tuple(first), interrupted)


def _problems(store: Store, provider: str) -> Any:
    after = 0
    while page := store.problems(provider, after=after, limit=_READ_AHEAD):
        yield from page
        after = page[-1].id


def _details(verdict: Verdict) -> dict[str, Any]:
    census = verdict.census
    return {
        "id": verdict.id,
        "text": str(verdict),
        "refused_by": [str(guard) for guard in verdict.refused_by],
        "marked": census.marked,
        "stale": census.stale,
        "removable": census.removable,
        "base": census.base,
        "percentage": round(verdict.percentage, 4),
        "limit_percentage": verdict.limit_percentage,
        "limit_count": verdict.limit_count,
    }
