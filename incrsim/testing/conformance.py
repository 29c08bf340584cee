"""`incrsim.check`: a provider against every rule that its author answers for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from incrsim.errors import CallerError, shortened
from incrsim.options import ProviderOptions
from incrsim.provider import is_factory
from incrsim.testing.conformance_drift import ChangingSource
from incrsim.testing.conformance_report import ConformanceReport
from incrsim.testing.conformance_rules import RULES
from incrsim.testing.conformance_subject import Subject

PAGES = 20
"""How many pages are read at most, unless told otherwise: a real source may be large."""


def check(
    provider: Any, *, source: ChangingSource | None = None, max_pages: int = PAGES, **options: object
) -> ConformanceReport:
    """Look whether a provider keeps the contract; nothing is written anywhere.

    Its first pages are read once through; some of them again by fresh instances, out of order and twice in a row; and
    once more after an error. With a `source`, it is read while that changes.

    Args:
        provider: a class or function that makes providers, so that pages can be read by fresh instances; or a provider.
        source: what the provider reads, if that can be changed: it gets calls of `add(count)` and `remove(count=…)`.
            A `FakeSource` is its own.
        max_pages: how many pages of it are looked at.
        options: the provider's options; `page_timeout` holds here too.

    Raises:
        InvalidProvider: when it is nothing like a provider.
        InvalidOptions: when an option has a value that cannot work.
        CallerError: when the factory fails, `source` cannot be changed, or `max_pages` is not a whole number from 1.

    Example:
        print(incrsim.check(lambda: Services(url)))
    """
    subject = subject_of(provider, source, max_pages, options)
    rows = tuple(rule.examine(subject) for rule in RULES)
    reading = subject.reading
    whole = bool(reading.pages) and reading.pages[-1].done
    return ConformanceReport(reading.provider, len(reading.pages), reading.entities, whole, rows)


def subject_of(provider: Any, source: Any, max_pages: int, options: dict[str, object]) -> Subject:
    """What is checked; see `check`."""
    if isinstance(max_pages, bool) or not isinstance(max_pages, int) or max_pages < 1:
        raise CallerError(f"check(max_pages={max_pages!r}): write how many pages to look at, 1 or more")
    if source is not None and not isinstance(source, ChangingSource):
        raise CallerError(
            f"check(source={shortened(source)}): a source that can be changed has add(count) and remove(count=…); "
            "pass what the provider reads, for example an incrsim.simulation.FakeSource"
        )
    subject = Subject(_factory(provider), source, max_pages, ProviderOptions.of(**options))
    subject.reader  # noqa: B018  # what cannot be made at all is the caller's error, and no row of a report
    return subject


def _factory(provider: Any) -> Callable[[], Any]:
    return provider if is_factory(provider) else lambda: provider
