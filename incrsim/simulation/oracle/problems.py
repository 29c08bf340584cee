"""Problems are recorded once each: invalid entities, lost claims, and what a page reported (C-7, C-9)."""

from __future__ import annotations

from collections import Counter

from incrsim.simulation.oracle.book import Book, Model
from incrsim.simulation.oracle.entities import Fate
from incrsim.store.page import ProblemKind

_MOST = 10_000


def found(book: Book, fate: Fate, invalid: set[str | bytes]) -> Counter[tuple[str, str | None]]:
    """The problems that a page or event adds: kind and ref of each."""
    cycle = book.cycle
    fresh: Counter[tuple[str, str | None]] = Counter()
    for each in invalid - cycle.invalid:
        fresh[ProblemKind.INVALID, each if isinstance(each, str) else None] += 1
    for ref in fate.lost - cycle.lost:
        fresh[ProblemKind.LOST_CLAIM, ref] += 1
    return fresh


def check(model: Model, book: Book, ingestion: int, must: Counter[tuple[str, str | None]]) -> None:
    """See that the store has recorded these, and no others but those that a page reported itself."""
    if not must and not book.cycle.invalid and not book.cycle.lost:
        return
    recorded: Counter[tuple[str, str | None]] = Counter()
    for each in model.store.problems(book.name, after=book.last_problem, limit=_MOST):
        book.last_problem = each.id
        if each.kind is not ProblemKind.REPORTED:
            recorded[each.kind, each.ref] += 1
    if recorded != must:
        kind = next(iter((recorded - must) or (must - recorded)))[0]
        rule = "C-9" if kind == ProblemKind.LOST_CLAIM else "C-7"
        raise book.violated(rule, f"problems {_told(must)} in ingestion {ingestion}", _told(recorded))


def _told(problems: Counter[tuple[str, str | None]]) -> str:
    return ", ".join(f"{kind}: {ref} ({times})" for (kind, ref), times in sorted(problems.items(), key=str)) or "none"
