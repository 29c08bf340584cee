"""Does a step leave everything as the contract wants it? What is, beside what an observer's book says."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from incrsim.cursor import canonical_cursor
from incrsim.ingestion import Status
from incrsim.simulation.exhaustive.book import Book, Seen
from incrsim.simulation.exhaustive.source import NAME, PAGES
from incrsim.simulation.exhaustive.steps import DONE, FENCED, CommitPage, Step, Sweep, Write, told_by
from incrsim.simulation.exhaustive.world import World, foreign, seen_in, tables_of

_FIELDS = tuple(each.name for each in fields(Seen))
_CURSORS = (None, *(canonical_cursor({"page": page}) for page in range(1, PAGES)), None)
"""What the next burst asks with after so many committed pages."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that does not hold.

    Args:
        rule: of the contract.
        expected: what must be.
        found: what is.
    """

    rule: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken.

    Args:
        step: which.
        before: where.
        after: where, now; its book says how everything must be.
        heard: what its caller heard, in a word.
        result: the same as it was returned or raised.
        due: what its caller must hear.
    """

    step: Step
    before: World
    after: World
    heard: str
    result: Any
    due: str

    def breaches(self) -> tuple[Breach, ...]:
        """All that is not as it must be; the likeliest cause first."""
        seen, must = seen_in(self.after.store), self.after.book.seen
        found = self._answer()
        if seen != must:
            found += [self._field(name, seen) for name in _FIELDS if getattr(seen, name) != getattr(must, name)]
        if lost := self.after.book.memory.kept - {name for name, _ in seen.catalog}:
            found.append(Breach("C-20", "what the source holds all along stays", f"{_names(lost)} gone"))
        return (*found, *self._rows(seen))

    def _answer(self) -> list[Breach]:
        found = []
        if self.heard != self.due:
            heard = self.heard if self.heard == DONE else f"{self.heard} ({self.result})"
            found.append(Breach(self._rule_of_answer(), f"the answer {self.due}", f"{heard}"))
        told, pages = told_by(self.result), self.after.book.seen.pages
        if told is not None and self.heard == self.due and told.pages != pages:
            found.append(Breach("C-10", f"the next page is {pages + 1}", f"the replica asks for page {told.pages + 1}"))
        return found

    def _rule_of_answer(self) -> str:
        step = self.step
        if isinstance(step, CommitPage) and self.heard == DONE and step.index < self.before.book.seen.pages:
            return "C-38"  # it was committed before
        if isinstance(step, Write):
            return "C-37"
        return "C-33" if self.due == "Paused" else step.rule("answer")

    def _field(self, name: str, seen: Seen) -> Breach:
        must, found = getattr(self.after.book.seen, name), getattr(seen, name)
        rule = self._rule_of(name, must, found)
        if name == "catalog":
            must, found = _entities(must), _entities(found)
        return Breach(rule, f"{name} = {must}", f"{name} = {found}")

    def _rule_of(self, name: str, must: Any, found: Any) -> str:
        step = self.step
        if self.due == FENCED:
            return "C-37"  # whoever was overtaken changes nothing, whatever it is
        if name == "fence" and found < self.before.book.seen.fence:
            return "C-37"
        if name == "catalog" and isinstance(step, Sweep):
            return _of_a_sweep(self.after.book, must, found)
        if name == "catalog" and isinstance(step, CommitPage) and step.deltas < self.before.book.memory.deltas:
            return "C-29"  # an event came between fetch and commit
        return step.rule(name)

    def _rows(self, seen: Seen) -> list[Breach]:
        found = []
        before, after = (tables_of(each.store) for each in (self.before, self.after))
        rows = after.providers[NAME]
        if foreign(after) != foreign(before):
            found.append(Breach("C-20", "nothing of another provider is touched", "it was"))
        asks = None if rows.ingestion is None else rows.ingestion.cursor
        if asks != _CURSORS[seen.pages]:
            found.append(Breach("C-10", f"after page {seen.pages} comes {_CURSORS[seen.pages]}", f"comes {asks}"))
        if len(rows.marks) != seen.pages or any(mark.sequence != at for at, mark in enumerate(rows.marks, 1)):
            found.append(Breach("C-10", f"a mark for each of {seen.pages} pages", f"marks {rows.marks}"))
        if any(each.status is not Status.COMPLETE or each.number >= seen.number for each in rows.history):
            found.append(Breach("C-15", "one ingestion is not complete", f"{rows.history} before {rows.ingestion}"))
        if self.after.book is self.before.book and self.after.rows != self.before.rows:
            rule = "C-37" if isinstance(self.step, Write) else "C-14"
            found.append(Breach(rule, "nothing changes", "a row did"))
        return found


def _of_a_sweep(book: Book, must: frozenset[tuple[str, int]], found: frozenset[tuple[str, int]]) -> str:
    if must <= found:
        return "C-21"
    judged = book.seen.judged
    return "C-26" if judged is not None and judged.refused else "C-20"


def _entities(catalog: frozenset[tuple[str, int]]) -> str:
    return ", ".join(f"{name}{version}" for name, version in sorted(catalog)) or "nothing"


def _names(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
