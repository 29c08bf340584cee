"""A provider's first pages, looked at and kept nowhere: what they hold, how fast they come, and every rule that they
break.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from incrsim.clock import Clock, SystemClock
from incrsim.cursor import JSONValue, canonical_cursor, read_cursor
from incrsim.draft import draft_page
from incrsim.entity import Entity
from incrsim.errors import CallerError, IncrsimError, InvalidCursor, InvalidPage, PageTimeout
from incrsim.errors_text import escaped, text_of
from incrsim.host import BurstSession, Host, ThreadHost
from incrsim.options import ProviderOptions
from incrsim.preview_values import Finding, Preview, PreviewedPage
from incrsim.provider import check_provider


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
