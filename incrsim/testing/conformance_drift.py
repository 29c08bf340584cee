"""What a provider misses when its source changes between its pages (C-20, C-25)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from incrsim.cursor import JSONValue, canonical_cursor, read_cursor
from incrsim.entity import Entity
from incrsim.glance import many
from incrsim.simulation.source import FakeSource
from incrsim.testing.conformance_seen import Seen, advice, failed, not_applicable, passed, raised
from incrsim.testing.conformance_subject import Subject

VANISHING_PERCENTAGE = 10
"""Of the source's entities, over a whole reading."""


@runtime_checkable
class ChangingSource(Protocol):
    """A source that can be told to change, as `FakeSource` can."""

    def add(self, count: int, /) -> object:
        """Let so many new entities appear."""

    def remove(self, *, count: int) -> object:
        """Let so many of its entities vanish."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What was missed.

    Args:
        held: how many entities the source held throughout.
        missed: how many of them a reading did not return.
        vanished: how many others vanished meanwhile.
        pages: how many pages the reading had.
    """

    held: int
    missed: int
    vanished: int
    pages: int

    @property
    def percentage(self) -> float:
        """How many of a hundred were missed."""
        return 100 * self.missed / self.held if self.held else 0.0

    def __str__(self) -> str:
        share = f"{self.missed:,} of {self.held:,} ({self.percentage:.2f} %)"
        return (
            f"missed {share} of those that were there throughout, "
            f"while {self.vanished:,} others vanished between {many(self.pages, 'page')}"
        )


def drift(subject: Subject) -> Seen:
    """Read while entities vanish between pages."""
    provider = subject.fresh()
    source = provider if subject.source is None and isinstance(provider, FakeSource) else subject.source
    if source is None:
        return not_applicable(
            "its source was not given, so nothing could be changed between pages",
            "Pass source=…, an object with add(count) and remove(count=…) that the provider reads: "
            "incrsim.simulation.FakeSource, or your own around a test database.",
        )
    try:
        measured = _measure(subject, provider, source)
    except Exception as error:  # noqa: BLE001  # a provider may raise anything
        return failed(f"while its source changed, it {raised(error)}")
    return measured if isinstance(measured, Seen) else _judged(measured, subject.options.removal_grace_cycles)


def _judged(measured: Drift, grace: int) -> Seen:
    if measured.missed and not grace:
        return advice(str(measured))
    return passed(f"{measured}" + (f"; removal_grace_cycles={grace} makes up for it" if measured.missed else ""))


def _measure(subject: Subject, provider: Any, source: ChangingSource) -> Drift | Seen:
    before = _read(subject, provider)
    if not before.whole:
        return not_applicable(
            f"it does not end within {many(before.pages, 'page')}", "Give it a smaller source, or more max_pages."
        )
    if before.pages == 1:
        return not_applicable("its source is a single page", "Give it a larger source, or smaller pages.")
    each = max(1, len(before.refs) * VANISHING_PERCENTAGE // 100 // (before.pages - 1))
    vanished: list[int] = []

    def change() -> None:
        source.remove(count=each)
        vanished.append(each)

    try:
        during = _read(subject, provider, change)
        held = before.refs & _read(subject, provider).refs
    finally:
        source.add(sum(vanished))
    return Drift(len(held), len(held - during.refs), sum(vanished), during.pages)


@dataclass(frozen=True, slots=True)
class _Cycle:
    """A whole reading."""

    refs: set[str]
    pages: int
    whole: bool


def _read(subject: Subject, provider: Any, between: Callable[[], None] = lambda: None) -> _Cycle:
    """Each page in a burst of its own, as in the worst case."""
    refs: set[str] = set()
    cursor: JSONValue = None
    for number in range(1, subject.max_pages + 1):
        with subject.burst(provider) as session:
            page = session.fetch(cursor)
        refs |= {each.ref for each in page.entities if isinstance(each, Entity) and each.ref}
        if page.done:
            return _Cycle(refs, number, whole=True)
        cursor = read_cursor(canonical_cursor(page.cursor))
        between()
    return _Cycle(refs, subject.max_pages, whole=False)
