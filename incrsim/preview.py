"""A provider's first pages, looked at and kept nowhere: what they hold, how fast they come, and every rule that they
break.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from incrsim.clock import Clock, SystemClock
from incrsim.cursor import JSONValue, canonical_cursor, read_cursor
from incrsim.draft import draft_page
from incrsim.entity import Entity
from incrsim.entity_table import entity_table
from incrsim.errors import CallerError, IncrsimError, InvalidCursor, InvalidPage, PageTimeout
from incrsim.errors_text import escaped, text_of
from incrsim.frames import frame
from incrsim.glance import brief, entities, many
from incrsim.host import BurstSession, Host, ThreadHost
from incrsim.html import SHOWN, Html, card, table
from incrsim.options import ProviderOptions
from incrsim.provider import Problem, check_provider

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
        return frame(rows, _COLUMNS)

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


def preview(
    provider: Any, pages: int = 3, *, host: Host | None = None, clock: Clock | None = None, **options: object
) -> Preview:
    """Ask a provider for its first pages, in one burst, and look at them; nothing is written anywhere.

    What goes wrong is a finding, with the rule of the contract that it breaks; only what no engine could begin with
    raises.

    Args:
        provider: an object with a `name`, an `around` and a `next`.
        pages: how many pages at most.
        host: where its code runs; on a thread of its own unless told otherwise.
        clock: what measures seconds.
        options: the provider's options; `page_timeout` holds here too.

    Raises:
        InvalidProvider: when it cannot serve as a provider.
        InvalidOptions: when an option has a value that cannot work.
        CallerError: when `pages` is not a whole number from 1.
    """
    name = check_provider(provider)
    timeout = ProviderOptions.of(**options).page_timeout.total_seconds()
    if isinstance(pages, bool) or not isinstance(pages, int) or pages < 1:
        raise CallerError(f"preview(pages={pages!r}): write how many pages to look at, 1 or more")
    look = _Look(clock or SystemClock())
    session = (host or ThreadHost()).begin(provider, timeout)
    try:
        look.enter(session)
        look.pages_of(session, pages)
    except Exception as error:  # noqa: BLE001  # a provider may raise anything, and that is what its author asks for
        look.note_error(error)
        with suppress(Exception):
            session.leave(error)
    else:
        look.leave(session)
    return Preview(name, tuple(look.pages), tuple(look.findings))


class _Look:
    """What was seen so far."""

    def __init__(self, clock: Clock) -> None:
        self.pages: list[PreviewedPage] = []
        self.findings: list[Finding] = []
        self._entered = False
        self._clock = clock
        self._cursors: set[str] = set()
        self._refs: dict[str, int] = {}

    def pages_of(self, session: BurstSession, limit: int) -> None:
        cursor: JSONValue = None
        for number in range(1, limit + 1):
            begun = self._clock.monotonic()
            page = session.fetch(cursor)
            seconds = self._clock.monotonic() - begun
            text = None if page.done else self._cursor(number, page.cursor)
            entities = tuple(each for each in page.entities if isinstance(each, Entity))  # a session has read them
            problems = tuple(found.problem for found in draft_page(page, number, None).reported)
            self.pages.append(PreviewedPage(number, entities, text, page.done, seconds, problems))
            self.findings += self._findings(self.pages[-1])
            if text is None:
                return
            cursor = read_cursor(text)

    def enter(self, session: BurstSession) -> None:
        session.enter()
        self._entered = True

    def note_error(self, error: Exception) -> None:
        rules: dict[type[Exception], str] = {InvalidPage: "C-3", InvalidCursor: "C-4", PageTimeout: "C-16"}
        if self._entered:
            self._add(len(self.pages) + 1, rules.get(type(error), "C-17"), _said(error))
        else:
            self._add(1, "C-2", f"entering the context failed: {_said(error)}")

    def leave(self, session: BurstSession) -> None:
        try:
            session.leave()
        except Exception as error:  # noqa: BLE001  # likewise
            self._add(len(self.pages), "C-2", f"leaving the context failed: {_said(error)}")

    def _cursor(self, number: int, cursor: JSONValue) -> str | None:
        try:
            text = canonical_cursor(cursor)
        except InvalidCursor as error:
            self._add(number, "C-4", str(error))
            return None
        if text in self._cursors:
            self._add(number, "C-5", f"the cursor {text[:80]} came before: the ingestion would never finish")
            return None
        self._cursors.add(text)
        return text

    def _findings(self, page: PreviewedPage) -> Iterator[Finding]:
        number = page.number
        for entity in page.entities:
            rule = "C-7" if entity.ref is None else "C-6"
            for each in entity.violations:
                yield Finding(number, rule, each.message, entity.ref, each.field)
            if entity.ref is not None and entity.ref in self._refs:
                before = self._refs[entity.ref]
                message = f"came before, on page {before}: the later one wins, and it counts once"
                yield Finding(number, "C-8", message, entity.ref, harmless=True)
            self._refs[entity.ref or ""] = number
        for problem in page.problems:
            yield Finding(number, "C-7", problem.message, problem.ref, problem.field)
        if not page.entities and page.done and number == 1:
            yield Finding(number, "C-22", "the source is empty; see reject_empty_source_collections", harmless=True)

    def _add(self, page: int, rule: str, message: str) -> None:
        self.findings.append(Finding(page, rule, message))


def _said(error: Exception) -> str:
    kind = "" if isinstance(error, IncrsimError) else f"{type(error).__name__}: "
    return escaped(kind + text_of(error))


_PAGE_HEAD = ("page", "entities", "seconds", "behind it")
_FINDING_HEAD = ("", "rule", "page", "entity", "field", "what was found")
_COLUMNS = ["page", "ref", "kind", "namespace", "name", "title", "valid", "violations"]


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
