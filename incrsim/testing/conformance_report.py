"""What a check of a provider saw, rule by rule, for people and programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from incrsim.frames import TEXT, Types, typed
from incrsim.glance import MARKS, brief, entities, many
from incrsim.html import card, label, table
from incrsim.plain import plain

if TYPE_CHECKING:
    import pandas as pd


class Outcome(StrEnum):
    """What came of a rule."""

    PASSED = "passed"
    FAILED = "failed"
    ADVICE = "advice"
    NOT_APPLICABLE = "not applicable"

    @property
    def sign(self) -> str:
        """One character for it."""
        return MARKS[self][0]


@dataclass(frozen=True, slots=True)
class ConformanceRow:
    """One rule, and what came of it.

    Args:
        rule: its name.
        contract: the rules of the contract that it stems from.
        sentence: what it asks for.
        outcome: whether the provider keeps it. Advice is given where the engine copes, at a price.
        seen: what was seen.
        why: why that is trouble; empty where there is none.
        instead: what to write instead, or what would make the rule applicable.
    """

    rule: str
    contract: tuple[str, ...]
    sentence: str
    outcome: Outcome
    seen: str
    why: str = ""
    instead: str = ""

    @property
    def clauses(self) -> str:
        """The contract's rules in one word."""
        return ", ".join(self.contract)

    def __str__(self) -> str:
        """A line, and one below it where something can be done."""
        line = f"{self.outcome.sign} {self.rule} ({self.clauses}): {self.seen}"
        return f"{line}\n    {self.advice}" if self.advice else line

    @property
    def advice(self) -> str:
        """Why, and what instead; empty where nothing can be done."""
        return " ".join(filter(None, (self.why, self.instead)))


@dataclass(frozen=True, slots=True)
class ConformanceReport:
    """Whether a provider keeps the contract, as far as its pages were looked at.

    Args:
        provider: its name.
        pages: how many pages were looked at.
        entities: how many entities they held.
        whole: whether that was all that the source has.
        rows: a row for each rule.
    """

    provider: str
    pages: int
    entities: int
    whole: bool
    rows: tuple[ConformanceRow, ...]

    @property
    def ok(self) -> bool:
        """Whether no rule failed."""
        return not self.of(Outcome.FAILED)

    def of(self, outcome: Outcome) -> tuple[ConformanceRow, ...]:
        """The rules of which that came."""
        return tuple(row for row in self.rows if row.outcome is outcome)

    def __iter__(self) -> Iterator[ConformanceRow]:
        return iter(self.rows)

    def __getitem__(self, rule: str) -> ConformanceRow:
        """The row of a rule.

        Raises:
            KeyError: there is no such rule.
        """
        rows = {row.rule: row for row in self.rows}
        if rule not in rows:
            raise KeyError(f"there is no rule {rule!r}; they are {', '.join(rows)}")
        return rows[rule]

    def headline(self) -> str:
        """One sentence."""
        counts = ", ".join(f"{len(self.of(each))} {each}" for each in Outcome if self.of(each))
        extent = "all that there is" if self.whole else "a part only"
        read = f"{many(self.pages, 'page')} and {entities(self.entities)} looked at, {extent}"
        return f"{self.provider}: {many(len(self.rows), 'rule')}, {counts}; {read}"

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values, a row per rule."""
        return {**plain(self), "ok": self.ok}

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame with a row per rule.

        Raises:
            MissingExtra: when pandas is not installed.
        """
        return typed([plain(row) | {"contract": row.clauses} for row in self.rows], _COLUMNS)

    def __str__(self) -> str:
        """For terminals: the sum, and a line per rule."""
        return "\n".join([self.headline(), *(f"  {row}".replace("\n", "\n  ") for row in self.rows)])

    def __repr__(self) -> str:
        return brief(self, self.headline())

    def _repr_html_(self) -> str:
        """For notebooks."""
        rows = ((label(row.outcome), row.rule, row.clauses, row.seen, row.advice) for row in self.rows)
        word = Outcome.PASSED if self.ok else Outcome.FAILED
        return card(f"Check of {self.provider}", self.headline(), table(_HEAD, rows), of=word)


_COLUMNS: Types = {
    "rule": TEXT,
    "contract": TEXT,
    "outcome": tuple(map(str, Outcome)),
    "seen": TEXT,
    "why": TEXT,
    "instead": TEXT,
    "sentence": TEXT,
}
_HEAD = ("", "rule", "contract", "what was seen", "what to do")
