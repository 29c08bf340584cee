"""An app on the server's clock, and what happened in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import incrsim
from incrsim.events import Event, Failed
from tests.providers.server.control import ApiServer, ServedClock

Kind = TypeVar("Kind", bound=Event)


@dataclass
class Reader:
    """An app with one provider.

    Args:
        app: on the server's clock.
        name: the provider's.
        events: all that were published.
    """

    app: incrsim.App
    name: str
    events: list[Event] = field(default_factory=list)

    def cycle(self) -> incrsim.CycleReport:
        """One ingestion."""
        return self.app.run_cycle(self.name)

    def load(self) -> incrsim.CycleReport:
        """Ingestions until one of them is swept or refused."""
        reports = (self.cycle() for _ in range(5))
        return next(report for report in reports if report.ok)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The events of one kind."""
        return [each for each in self.events if isinstance(each, kind)]

    def failures(self) -> list[Failed]:
        """What failed."""
        return self.of(Failed)

    def bodies(self) -> list[dict[str, Any]]:
        """The catalog."""
        return [each.body for each in self.app.catalog.entities()]

    def names(self) -> set[str]:
        """The names in the catalog."""
        return {each["metadata"]["name"] for each in self.bodies()}

    def everything_kept(self) -> str:
        """All that anybody can read later: events, history, problems, marks, entities."""
        store = self.app.store
        kept = (self.events, store.history(self.name), store.problems(self.name), store.marks(self.name), self.bodies())
        return f"{kept} {store.state(self.name)}"


@contextmanager
def reading(provider: Any, clock: ServedClock, **options: Any) -> Iterator[Reader]:
    """Open a catalog in memory for one provider."""
    with incrsim.open(clock=clock) as app:
        app.add(provider, **{"burst_interval": "1s", "backoff": ["5s", "30s"], **options})
        reader = Reader(app, provider.name)
        app.events.subscribe(reader.events.append)
        yield reader


def requests(api: ApiServer) -> list[str]:
    """What was asked for, as `path?query`."""
    return [f"{each['path']}?{'&'.join(f'{key}={text}' for key, text in each['query'].items())}" for each in api.log]
