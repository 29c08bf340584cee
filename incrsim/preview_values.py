"""The first pages of a provider, to be read, printed and shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from incrsim.entity import Entity
from incrsim.entity_table import entity_table
from incrsim.frames import TEXT, TRUTH, WHOLE, Types, typed
from incrsim.glance import brief, entities, many
from incrsim.html import SHOWN, Html, card, table
from incrsim.provider import Problem

if TYPE_CHECKING:
    import pandas as pd

SHOWN_FINDINGS = 20
"""How many findings the text of a preview has; `findings` has all."""

_SHOWN_MESSAGE = 160


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a page breaks, or something that its author should know.

    Args:
        page: the page's number, from 1.
        rule: of the contract, for example `C-5`.
        message: what was found, and what to write instead.
        ref: the entity that it is about, when there is one and its ref can be read.
        field: where in the entity.
        harmless: whether the engine takes it as it is.
    """

    page: int
    rule: str
    message: str
    ref: str | None = None
    field: str | None = None
    harmless: bool = False

    def __str__(self) -> str:
        where = f" {self.ref}" if self.ref else ""
        field = f" {self.field}:" if self.field else ""
        return f"page {self.page}{where}:{field} {self.message} ({self.rule})"


@dataclass(frozen=True, slots=True)
class PreviewedPage:
    """A page as the provider returned it.

    Args:
        number: from 1.
        entities: what it holds, in its order.
        cursor: the cursor behind it as canonical JSON text; `None` when it is the last page, or cannot be kept.
        done: whether the provider called it the last one.
        seconds: how long the provider took for it.
        problems: what it reported itself.
    """

    number: int
    entities: tuple[Entity, ...]
    cursor: str | None
    done: bool
    seconds: float
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """The first pages of a provider.

    Args:
        provider: its name.
        pages: the pages that came.
        findings: every rule that they break, in the order of the pages.
    """

    provider: str
    pages: tuple[PreviewedPage, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether no rule is broken."""
        return all(each.harmless for each in self.findings)

    @property
    def entities(self) -> int:
        """How many entities the pages hold."""
        return sum(len(page.entities) for page in self.pages)

    @property
    def seconds(self) -> float:
        """How long the provider took for all pages."""
        return sum(page.seconds for page in self.pages)

    @property
    def entities_per_second(self) -> float:
        """How fast the provider is, storing left out."""
        return self.entities / self.seconds if self.seconds > 0 else 0.0

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame with a row per entity: page, ref, kind, namespace, name, title, valid, and what is wrong with it.

        Raises:
            MissingExtra: when pandas is not installed.
        """
        rows = [_row(page.number, entity) for page in self.pages for entity in page.entities]
        return typed(rows, _COLUMNS)

    def __str__(self) -> str:
        """For terminals: a line per page, then the findings."""
        lines = [self._headline(), *map(_page_line, self.pages)]
        broken = sorted(self.findings, key=lambda each: each.harmless)
        for each in broken[:SHOWN_FINDINGS]:
            text = " ".join(str(each).split())
            lines.append(
                f"  {'·' if each.harmless else '✗'} {text[:_SHOWN_MESSAGE]}{'…' * (len(text) > _SHOWN_MESSAGE)}"
            )
        if len(broken) > SHOWN_FINDINGS:
            lines.append(f"  … and {len(broken) - SHOWN_FINDINGS:,} more: see `findings`")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return brief(self, self._headline())

    def _repr_html_(self) -> str:
        """For notebooks: the pages, what is wrong, and the first entities."""
        pages = table(_PAGE_HEAD, ((p.number, len(p.entities), p.seconds, _behind(p)) for p in self.pages))
        first = list(islice((entity for page in self.pages for entity in page.entities), SHOWN))
        more = f"… and {self.entities - SHOWN:,} more: see `to_frame()`" if self.entities > SHOWN else ""
        shown = [entity_table(first, more)] if first else []
        word = "ok" if self.ok else "failed"
        return card(f"Preview of {self.provider}", self._headline(), pages, *self._found(), *shown, of=word)

    def _found(self) -> Iterator[Html]:
        """The findings, those first that break a rule."""
        if self.findings:
            found = sorted(self.findings, key=lambda each: each.harmless)[:SHOWN_FINDINGS]
            rows = (("· fine" if f.harmless else "✗ broken", f.rule, f.page, f.ref, f.field, f.message) for f in found)
            left = len(self.findings) - SHOWN_FINDINGS
            yield table(_FINDING_HEAD, rows, f"… and {left:,} more: see `findings`" if left > 0 else "")

    def _headline(self) -> str:
        broken = sum(not each.harmless for each in self.findings)
        verdict = f"{broken:,} problem{'s' * (broken > 1)}" if broken else "no rule broken"
        return (
            f"{self.provider}: {many(len(self.pages), 'page')}, {entities(self.entities)} in {self.seconds:.3f} s "
            f"({self.entities_per_second:,.0f}/s), {verdict}; nothing was written"
        )


_PAGE_HEAD = ("page", "entities", "seconds", "behind it")
_FINDING_HEAD = ("", "rule", "page", "entity", "field", "what was found")
_COLUMNS: Types = {
    "page": WHOLE,
    "ref": TEXT,
    "kind": "category",
    "namespace": "category",
    "name": TEXT,
    "title": TEXT,
    "valid": TRUTH,
    "violations": TEXT,
}


def _row(page: int, entity: Entity) -> tuple[object, ...]:
    body = entity.body
    metadata = body.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    violations = entity.violations
    return (
        page,
        entity.ref,
        body.get("kind"),
        named.get("namespace", "default"),
        named.get("name"),
        named.get("title"),
        not violations,
        "; ".join(map(str, violations)),
    )


def _behind(page: PreviewedPage) -> str:
    if page.done:
        return "the last page"
    return f"then {page.cursor}" if page.cursor else "no cursor that can be kept"


def _page_line(page: PreviewedPage) -> str:
    text = f"  page {page.number}: {entities(len(page.entities))} in {page.seconds:.3f} s, {_behind(page)}"
    return text if len(text) <= _SHOWN_MESSAGE else f"{text[:_SHOWN_MESSAGE]}…"
