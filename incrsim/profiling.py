"""Where a provider's time goes: in its source, in reading and checking entities, in the database; and what follows for
its page size and burst length.

Pages are fetched and committed as the engine does it, each part with a stopwatch of its own. There is no sweep, and the
store must be empty: what is measured gets written.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from incrsim.clock import Clock, SystemClock
from incrsim.cursor import canonical_cursor, read_cursor
from incrsim.draft import draft_page
from incrsim.entity import Entity
from incrsim.errors import CallerError
from incrsim.glance import brief
from incrsim.host import BurstSession, Host, ThreadHost
from incrsim.html import bar, card, facts, table
from incrsim.options import ProviderOptions
from incrsim.profiling_advice import Advice, Measured, advise
from incrsim.provider import Page, as_page, check_provider
from incrsim.resident import rss_mb
from incrsim.store import Store
from incrsim.store.contract import Granted, Lease

Result = TypeVar("Result")

EMPTY_PAGES = 4
"""How many pages without entities are committed first, to know what a page costs by itself; the first one warms up."""

_PARTS = {
    "source": "the provider's code, and its source",
    "reading": "making entities of what came",
    "validation": "Backstage's rules",
    "database": "comparing, and storing",
}
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class PageCost:
    """What one page took, in seconds.

    Args:
        entities: how many it held.
        source: the provider's own code.
        reading: making entities of what it returned.
        validation: checking them.
        database: committing the page, validation left out.
        memory: of this process afterwards, in MB; `None` where the system does not tell.
    """

    entities: int
    source: float
    reading: float
    validation: float
    database: float
    memory: float | None


@dataclass(frozen=True, slots=True)
class Profile:
    """Where a provider's time went.

    Args:
        provider: its name.
        database: where the pages were stored.
        entering: seconds that its context took.
        empty_page: seconds that a page without entities takes to be committed.
        entity_bytes: mean size of an entity as JSON.
        pages: what each page took.
        advice: page size and burst length, and why.
    """

    provider: str
    database: str
    entering: float
    empty_page: float
    entity_bytes: float
    pages: tuple[PageCost, ...]
    advice: Advice

    @property
    def entities(self) -> int:
        """How many entities the pages held."""
        return sum(page.entities for page in self.pages)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds for each part, over all pages."""
        return {part: sum(getattr(page, part) for page in self.pages) for part in _PARTS}

    @property
    def entities_per_second(self) -> float:
        """How fast all of it together is."""
        total = sum(self.seconds.values())
        return self.entities / total if total > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON values."""
        return {
            **asdict(self),
            "entities": self.entities,
            "seconds": self.seconds,
            "entities_per_second": self.entities_per_second,
        }

    def __str__(self) -> str:
        """For terminals."""
        total = sum(self.seconds.values()) or 1.0
        parts = (
            f"  {part:<10} {seconds:8.3f} s {100 * seconds / total:5.1f} %  {_PARTS[part]}"
            for part, seconds in self.seconds.items()
        )
        memory = f"  memory     {_curve([page.memory for page in self.pages if page.memory is not None])}"
        reasons = (f"  · {reason}" for reason in self.advice.reasons)
        return "\n".join([self._headline(), *parts, memory, f"Advice: {self.advice}", *reasons])

    def __repr__(self) -> str:
        return brief(self, self._headline())

    def _repr_html_(self) -> str:
        """For notebooks."""
        total = sum(self.seconds.values()) or 1.0
        rows = (
            (part, seconds, f"{100 * seconds / total:.1f} %", bar(seconds / total), _PARTS[part])
            for part, seconds in self.seconds.items()
        )
        parts = table(["part", "seconds", "share", "", "what it is"], rows)
        advice = facts({"advice": str(self.advice), "why": "\n".join(self.advice.reasons)})
        return card(f"Profile of {self.provider}", self._headline(), parts, advice)

    def _headline(self) -> str:
        pages = f"{len(self.pages):,} pages, {self.entities:,} entities, {self.entities_per_second:,.0f}/s"
        return f"{self.provider} on {self.database}: {pages}"


def profile(
    provider: Any,
    store: Store,
    pages: int = 20,
    *,
    host: Host | None = None,
    clock: Clock | None = None,
    **options: object,
) -> Profile:
    """Measure a provider's first pages on a store.

    Args:
        provider: an object with a `name`, an `around` and a `next`.
        store: an empty one, that keeps what is measured.
        pages: how many pages at most.
        host: where the provider's code runs; on a thread of its own unless told otherwise.
        clock: what measures seconds.
        options: the provider's options.

    Raises:
        InvalidProvider: when it cannot serve as a provider.
        InvalidOptions: when an option has a value that cannot work.
        CallerError: when the store is not empty, or `pages` is not a whole number from 1.
    """
    name = check_provider(provider)
    if isinstance(pages, bool) or not isinstance(pages, int) or pages < 1:
        raise CallerError(f"profile(pages={pages!r}): write how many pages to measure, 1 or more")
    if store.providers() or store.count():
        raise CallerError(
            f"{store.describe()} is in use, and what is measured gets written; "
            "use memory, embedded, or an empty database"
        )
    bench = _Bench(_Timed(provider, clock or SystemClock()), store, ProviderOptions.of(**options))
    empty = bench.begin()
    session = (host or ThreadHost()).begin(bench.provider, bench.options.page_timeout.total_seconds())
    try:
        entering, _ = bench.timed(session.enter)
        costs = bench.measure(session, pages)
    except BaseException as error:
        with suppress(Exception):
            session.leave(error)
        raise
    session.leave()
    measured = Measured(
        entities=sum(cost.entities for cost in costs),
        pages=len(costs),
        source=sum(cost.source for cost in costs),
        work=sum(cost.reading + cost.validation + cost.database for cost in costs),
        empty_page=empty,
        entering=entering,
        entity_bytes=bench.bytes / max(1, bench.seen),
    )
    advice = advise(measured)
    return Profile(name, store.describe(), entering, empty, measured.entity_bytes, tuple(costs), advice)


class _Timed:
    """A provider whose own code is timed, entities that it makes on the way out included."""

    def __init__(self, provider: Any, clock: Clock) -> None:
        self.name = provider.name
        self.around = provider.around
        self.next = self._next_async if inspect.iscoroutinefunction(provider.next) else self._next
        self.clock = clock
        self.seconds = 0.0
        self._provider = provider

    def _next(self, context: Any, cursor: Any = None) -> Any:
        begun = self.clock.monotonic()
        returned = self._provider.next(context, cursor)
        if inspect.isawaitable(returned):
            return self._awaited(returned, begun)
        return self._whole(returned, begun)

    async def _next_async(self, context: Any, cursor: Any = None) -> Page:
        begun = self.clock.monotonic()
        return self._whole(await self._provider.next(context, cursor), begun)

    async def _awaited(self, returned: Any, begun: float) -> Page:
        return self._whole(await returned, begun)

    def _whole(self, returned: object, begun: float) -> Page:
        page = as_page(returned)
        page = replace(page, entities=list(page.entities))
        self.seconds = self.clock.monotonic() - begun
        return page


class _Bench:
    """Commits pages as an engine does, with a stopwatch."""

    def __init__(self, provider: _Timed, store: Store, options: ProviderOptions) -> None:
        self.provider = provider
        self.options = options
        self.bytes = 0
        self.seen = 0
        self._store = store
        self._sequence = 0
        self._lease: Lease

    def timed(self, work: Callable[[], Result]) -> tuple[float, Result]:
        """How long a call takes, and what comes back."""
        begun = self.provider.clock.monotonic()
        result = work()
        return self.provider.clock.monotonic() - begun, result

    def begin(self) -> float:
        """Claim the provider; returns what a page without entities costs."""
        self._store.register(self.provider.name)
        claim = self._store.claim(self.provider.name, f"incrsim bench {os.getpid()}", self.options)
        if not isinstance(claim, Granted):
            raise CallerError(f"{self._store.describe()} is in use: {claim}")
        self._lease = claim.lease
        _, *costs = (self._commit(Page(cursor=["incrsim bench", number])) for number in range(EMPTY_PAGES))
        return min(costs)

    def measure(self, session: BurstSession, limit: int) -> list[PageCost]:
        costs: list[PageCost] = []
        cursor = None
        while len(costs) < limit:
            fetching, page = self.timed(lambda at=cursor: session.fetch(at))  # type: ignore[misc]  # mypy infers no lambda with a default
            entities = [each for each in page.entities if isinstance(each, Entity)]
            validation, _ = self.timed(lambda found=entities: [each.violations for each in found])  # type: ignore[misc]  # mypy infers no lambda with a default
            committing = self._commit(page)
            self.bytes += sum(len(each.canonical or b"") for each in entities)
            self.seen += len(entities)
            source = min(self.provider.seconds, fetching)
            database = max(0.0, committing - validation)
            costs.append(PageCost(len(entities), source, fetching - source, validation, database, rss_mb()))
            if page.done:
                break
            cursor = read_cursor(canonical_cursor(page.cursor))
        return costs

    def _commit(self, page: Page) -> float:
        self._sequence += 1
        cursor = None if page.done else canonical_cursor(page.cursor)
        draft = draft_page(page, self._sequence, cursor)
        seconds, committed = self.timed(lambda: self._store.commit_page(self._lease, draft, self.options))
        self._lease = committed.lease
        return seconds


def _curve(values: list[float]) -> str:
    if not values:
        return "unknown on this system"
    low, high = min(values), max(values)
    step = (high - low) / (len(_BARS) - 1) or 1.0
    bars = "".join(_BARS[int((value - low) / step)] for value in values[:: max(1, len(values) // 40)])
    return f"{values[0]:.0f} MB after the first page, {values[-1]:.0f} MB after the last, {high:.0f} MB at most  {bars}"
