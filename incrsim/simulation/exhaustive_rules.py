"""Does a step leave everything as the contract wants it? What is, beside what an observer's book says."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from incrsim.cursor import canonical_cursor
from incrsim.ingestion import Status
from incrsim.simulation.exhaustive_book import Book, Seen
from incrsim.simulation.exhaustive_source import NAME, PAGES
from incrsim.simulation.exhaustive_steps import FENCED, RULES_OF_ALL, Claim, CommitPage, Step, Sweep, Write
from incrsim.simulation.exhaustive_world import World, foreign, rows_key, seen_in, tables_of
from incrsim.store.memory import MemoryStore

_FIELDS = tuple(each.name for each in fields(Seen))


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
        store: as it is now.
        heard: what its caller heard, in a word.
        result: the same as it was returned or raised.
        book: how everything must be now.
        due: what its caller must hear.
    """

    step: Step
    before: World
    store: MemoryStore
    heard: str
    result: Any
    book: Book
    due: str

    def breaches(self) -> tuple[Breach, ...]:
        """All that is not as it must be; the likeliest cause first."""
        seen = seen_in(self.store)
        found = [*self._answer()]
        if seen != self.book.seen:
            found += [self._field(name, seen) for name in _FIELDS if getattr(seen, name) != getattr(self.book.seen, name)]
        if (lost := self.book.memory.kept - {name for name, _ in seen.catalog}):
            found.append(Breach("C-20", "what the source holds all along stays", f"{_names(lost)} gone"))
        found += self._rows(seen)
        return tuple(found)

    def _answer(self) -> list[Breach]:
        if self.heard == self.due:
            return []
        rule = "C-37" if FENCED in (self.heard, self.due) or isinstance(self.step, Claim) else "C-33"
        if isinstance(self.step, CommitPage) and self.heard not in (FENCED, self.due):
            rule = "C-38"  # its sequence number is not the next one
        heard = self.heard if self.heard == "done" else f"{self.heard} ({self.result})"
        return [Breach(rule, f"the answer {self.due}", heard)]

    def _field(self, name: str, seen: Seen) -> Breach:
        must, found = getattr(self.book.seen, name), getattr(seen, name)
        rule = self.step.rules.get(name, RULES_OF_ALL[name])
        if self.due == FENCED:
            rule = "C-37"  # whoever was overtaken changes nothing, whatever it is
        elif name == "catalog":
            if isinstance(self.step, Sweep):
                rule = _of_a_sweep(self.book, must, found)
            must, found = _entities(must), _entities(found)
        return Breach(rule, f"{name} = {must}", f"{name} = {found}")

    def _rows(self, seen: Seen) -> list[Breach]:
        found = []
        rows = tables_of(self.store).providers[NAME]
        if foreign(self.store) != foreign(self.before.store):
            found.append(Breach("C-20", "nothing of another provider is touched", "it was"))
        cursor = None if seen.pages in (0, PAGES) else canonical_cursor({"page": seen.pages})
        asks = None if rows.ingestion is None else rows.ingestion.cursor
        if asks != cursor:
            found.append(Breach("C-10", f"after {seen.pages} pages the next burst asks with {cursor}", f"with {asks}"))
        if (marks := [mark.sequence for mark in rows.marks]) != [*range(1, seen.pages + 1)]:
            found.append(Breach("C-10", f"a mark for each of {seen.pages} pages", f"marks {marks}"))
        numbers = [each.number for each in rows.history if each.status is Status.COMPLETE]
        if len(numbers) != len(rows.history) or any(each >= seen.number for each in numbers):
            found.append(Breach("C-15", "one ingestion is not complete", f"{rows.history} before {rows.ingestion}"))
        unchanged = self.book is self.before.book
        if unchanged and rows_key(self.store, self.before.now) != rows_key(self.before.store, self.before.now):
            found.append(Breach("C-37" if isinstance(self.step, Write) else "C-14", "nothing changes", "a row did"))
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
