"""A plan, to be read, printed and thrown away (C-28)."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from types import TracebackType
from typing import Any, Literal, Self

from incrsim.glance import brief, entities, many
from incrsim.guards import Verdict
from incrsim.html import SHOWN as SHOWN_ROWS, Html, card, facts, table
from incrsim.ingestion import Counts
from incrsim.planning_ledger import Ledger
from incrsim.store.contract import ProviderState
from incrsim.store.page import ProblemKind

SHOWN = 100
"""How many changes a plan shows when it is printed; `lines()` gives all."""

Sign = Literal["+", "~", "-"]


@dataclass(frozen=True, slots=True)
class Change:
    """One entity that a cycle would change.

    Args:
        sign: `+` added, `~` changed, `-` removed.
        ref: the entity.
    """

    sign: Sign
    ref: str

    def __str__(self) -> str:
        return f"{self.sign} {self.ref}"


class Plan:
    """What the next cycle would do, as the source and the catalog were when it was made.

    The changes are kept in a temporary file, which is gone when the plan is: use it in a `with`, or let it go.

    Attributes:
        provider: the provider's name.
        ingestion: the number that the planned ingestion would have.
        pages: how many pages the source has.
        added: how many entities would be new, or taken over from another provider.
        changed: how many would be changed.
        removed: how many the sweep would remove if no guard refused it.
        counts: what pages would count: `returned`, `valid`, `unchanged`, `invalid`, `lost`, `unreadable`.
        verdict: what the sweep would decide; its id is 0, since nothing was decided. `None` when there would be no
            sweep, because too much is invalid (C-7).
    """

    def __init__(self, ledger: Ledger, state: ProviderState, ingestion: int, pages: int, counts: Counts) -> None:
        self.provider = state.name
        self.ingestion = ingestion
        self.pages = pages
        self.added, self.changed, self.removed = (ledger.count_changes(sign) for sign in "+~-")
        self.counts = replace(counts, unchanged=ledger.count_unchanged())
        self.verdict: Verdict | None = None
        self._ledger = ledger
        self._close = weakref.finalize(self, ledger.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the temporary file back; counts and verdict stay. Repeatable."""
        self._close()

    def page(self, *, sign: Sign | None = None, after: str = "", limit: int = 1000) -> list[Change]:
        """Changes in the order of refs, those after `after`.

        Args:
            sign: only what is added, changed or removed.
            after: a ref.
            limit: how many at most.
        """
        return [Change(each, ref) for each, ref in self._ledger.changes(sign, after, limit)]  # type: ignore[arg-type]  # as it was written

    def changes(self, sign: Sign | None = None) -> Iterator[Change]:
        """All changes in the order of refs, read as they are asked for.

        Args:
            sign: only what is added, changed or removed.
        """
        after = ""
        while found := self.page(sign=sign, after=after):
            yield from found
            after = found[-1].ref

    def problems(self) -> Iterator[tuple[ProblemKind, str | None, str]]:
        """Kind, ref and message of everything that could not be taken as it is: invalid entities, lost claims, and what
        the provider reports.
        """
        return self._ledger.problems()

    def lines(self) -> Iterator[str]:
        """The plan for terminals: one line per change, then the sum and what the guards say."""
        yield from map(str, self.changes())
        yield self.summary()

    def summary(self) -> str:
        """One sentence: how many changes, and what the sweep would decide."""
        told = f"Plan: {self.added:,} to add, {self.changed:,} to change, {self.removed:,} to remove."
        if self.verdict is None:
            return f"{told} There would be no sweep: {self.counts.invalid:,} entities are invalid."
        return f"{told} The sweep would be {self.verdict}." if self.verdict.refused else told

    def to_dict(self) -> dict[str, Any]:
        """Counts and verdict as JSON values; `page` has the changes themselves."""
        verdict = self.verdict
        return {
            "provider": self.provider,
            "ingestion": self.ingestion,
            "pages": self.pages,
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "unchanged": self.counts.unchanged,
            "invalid": self.counts.invalid,
            "lost": self.counts.lost,
            "unreadable": self.counts.unreadable,
            "verdict": None if verdict is None else verdict.word,
            "refused_by": [] if verdict is None else [str(guard) for guard in verdict.refused_by],
            "summary": self.summary(),
        }

    def __str__(self) -> str:
        """The first changes, and the sum."""
        shown = [str(each) for each in islice(self.changes(), SHOWN)]
        more = self.added + self.changed + self.removed - len(shown)
        return "\n".join([*shown, *([f"… and {more:,} more"] if more else []), self.summary()])

    def __repr__(self) -> str:
        return brief(self, f"of {self.provider}: {self.summary().removeprefix('Plan: ')}")

    def _repr_html_(self) -> str:
        """For notebooks; a plan that was closed has its numbers only."""
        counts = self.counts
        numbers = {
            "source": f"{entities(counts.returned)} on {many(self.pages, 'page')}",
            "to add": entities(self.added),
            "to change": entities(self.changed),
            "to remove": entities(self.removed),
            "as they are": entities(counts.unchanged),
            "not taken": f"{counts.invalid:,} invalid, {counts.lost:,} of another provider",
            "sweep": self._sweep(),
        }
        title = f"Plan of {self.provider}, ingestion {self.ingestion}: nothing was changed"
        word = "no sweep" if self.verdict is None else f"would be {self.verdict.word}"
        return card(title, facts(numbers), *self._first_changes(), of=word)

    def _sweep(self) -> str:
        verdict = self.verdict
        if verdict is None:
            return "none: too much is invalid"
        if verdict.refused:
            return f"would be {verdict}"
        return f"would remove {verdict.collected:,} of {verdict.census.base:,} ({verdict.percentage:.2f} %)"

    def _first_changes(self) -> Iterator[Html]:
        changes = self.added + self.changed + self.removed
        if not changes or not self._close.alive:
            return
        rows = ((change.sign, _MEANING[change.sign], change.ref) for change in islice(self.changes(), SHOWN_ROWS))
        more = f"… and {changes - SHOWN_ROWS:,} more: see `changes()`" if changes > SHOWN_ROWS else ""
        yield table(["", "", "entity"], rows, more)


_MEANING = {"+": "add", "~": "change", "-": "remove"}
