"""Whole cycles of the providers that ship here, in memory, where waiting is free."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import incrsim
from incrsim.clock import VirtualClock
from incrsim.cursor import canonical_cursor, read_cursor
from incrsim.ingestion import Counts


class Cycles:
    """One provider, run cycle by cycle."""

    def __init__(self, app: incrsim.App, name: str) -> None:
        self.app = app
        self.name = name

    def __call__(self, verdict: str = "swept") -> tuple[int, int, int, int]:
        """Run a cycle; how many entities were added, updated, unchanged and removed."""
        report = self.app.run_cycle(self.name)
        assert report.verdict == verdict, report.ingestion.story()
        counts: Counts = report.ingestion.counts
        return counts.added, counts.updated, counts.unchanged, counts.removed

    @property
    def problems(self) -> list[str]:
        """What was recorded."""
        return [each.message for each in self.app.store.problems(self.name)]

    @property
    def names(self) -> list[str]:
        """The names of the entities, in order."""
        return [each.ref.rpartition("/")[2] for each in self.app.catalog.entities(self.name)]

    def spec(self, name: str) -> dict[str, Any]:
        """What an entity says beside its name."""
        (found,) = [each.ref for each in self.app.catalog.entities(self.name) if each.ref.endswith(f"/{name}")]
        body = self.app.catalog.get(found)
        assert body is not None
        spec: dict[str, Any] = body["spec"]
        return spec


@contextmanager
def cycles(provider: Any, **options: Any) -> Iterator[Cycles]:
    """Serve a provider."""
    with incrsim.open(clock=VirtualClock()) as app:
        app.add(provider, **options)
        yield Cycles(app, provider.name)


def page_by_page(provider: Any) -> Iterator[incrsim.Page]:
    """The pages of a cycle, each in a burst of its own that knows nothing but the cursor, as JSON holds it."""
    cursor: Any = None
    while True:
        with provider.around() as context:
            page = provider.next(context, cursor)
        yield page
        if page.done:
            return
        cursor = read_cursor(canonical_cursor(page.cursor))


def refs(pages: Iterator[incrsim.Page] | list[incrsim.Page]) -> list[str]:
    """Names of the entities of some pages, in their order."""
    entities = [each for page in pages for each in page.entities]
    return [str(each.ref).rpartition("/")[2] for each in entities if isinstance(each, incrsim.Entity)]
