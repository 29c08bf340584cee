"""Events of sources and direct mutations: from what a provider or a caller says to what a store applies (C-29, C-30).

None of it waits for a burst, save that a full mutation takes the provider's lease.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from incrsim import events
from incrsim.draft import as_entity, draft_page
from incrsim.engine import Engine
from incrsim.entity import Entity, EntityRef
from incrsim.errors import (
    EventHandlerFailed,
    InvalidDelta,
    InvalidEntity,
    NoEventHandler,
    ProviderBusy,
    StoreError,
)
from incrsim.exact_json import text_defects
from incrsim.host import answer_beside
from incrsim.provider import Page
from incrsim.provider_events import Delta, SourceEvent, as_delta, topics_of
from incrsim.report_mutations import DeltaReport, EventReport, FullReport
from incrsim.store.contract import Held
from incrsim.store.mutating import DeltaDraft
from incrsim.store.page import PageDraft

PAGE_SIZE = 1000
"""How many entities of a full mutation are in memory at a time (C-13)."""

SPOOL_SIZE = 4_000_000
"""Bytes of a full mutation that stay in memory before they go to a temporary file."""

Publish = Callable[[events.Event], None]


def emit(engines: Iterable[Engine], event: SourceEvent, publish: Publish) -> EventReport:
    """Hand an event of a source to every provider that wants to hear of its topic, and apply what they make of it.

    One that fails keeps nothing, and the others are asked all the same; an event may come again, so that whoever sent
    it can repeat it as a whole.

    Args:
        engines: of all providers that are served.
        event: what happened.
        publish: is told what was applied.

    Raises:
        NoEventHandler: when no provider wants it.
        EventHandlerFailed: when a handler failed, or its answer could not be applied.
        StoreError: when the store cannot be used.
    """
    served = list(engines)
    wanted = [engine for engine in served if event.topic in topics_of(engine.provider)]
    if not wanted:
        raise NoEventHandler(_unwanted(event.topic, served))
    applied: list[DeltaReport] = []
    ignored_by: list[str] = []
    failures: list[EventHandlerFailed] = []
    for engine in wanted:
        try:
            report = _handled(engine, event, publish)
        except EventHandlerFailed as error:
            failures.append(error)
        else:
            applied += [] if report is None else [report]
            ignored_by += [engine.name] if report is None else []
    if failures:
        raise _together(failures)
    return EventReport(event.topic, tuple(applied), tuple(ignored_by))


def apply_delta(engine: Engine, delta: Delta, publish: Publish, topic: str | None = None) -> DeltaReport:
    """Add, change and remove some of a provider's entities at once, whatever it is doing.

    Args:
        engine: the provider's.
        delta: what to add and to remove.
        publish: is told what was applied.
        topic: of the event that it came from.

    Raises:
        InvalidDelta: when it cannot be applied as it is.
        InvalidEntity: when an entity has no readable ref, or is invalid and the options say so.
        StoreError: when the store cannot be used.
    """
    applied = engine.store.apply_delta(engine.name, draft_delta(delta), engine.options)
    number = applied.ingestion.number
    at = engine.clock.now()
    publish(events.DeltaApplied(at=at, provider=engine.name, ingestion=number, counts=applied.counts, topic=topic))
    return DeltaReport(engine.name, number, applied.counts)


def apply_full(engine: Engine, entities: Iterable[Any], publish: Publish) -> FullReport:
    """Make a provider's entities equal to these, in one step and under its guards.

    Args:
        engine: the provider's.
        entities: all of them, read one after the other before anything is changed.
        publish: is told what was applied.

    Raises:
        ProviderBusy: when somebody works on the provider.
        InvalidTransition: when its ingestion is under way.
        InvalidEntity: when an entity is invalid and the options say so.
        StoreError: when the store cannot be used; of a lost answer nobody knows whether it was applied.
    """
    store, options = engine.store, engine.options
    with _spooled(entities) as pages:
        lease = store.lease_for_full(engine.name, engine.holder, options)
        if isinstance(lease, Held):
            raise ProviderBusy(
                f"{lease.holder} works on the provider {engine.name!r} until {lease.until.isoformat()} at most; "
                "try again when it rests, or pause it first"
            )
        try:
            applied = store.apply_full(lease, pages, options)
        except BaseException:
            with suppress(StoreError):  # it expires by itself
                store.give_back(lease)
            raise
    record, counts, due_at = applied.ingestion, applied.counts, applied.next.due_at
    publish(
        events.FullApplied(
            at=engine.clock.now(),
            provider=engine.name,
            ingestion=record.number,
            record=record,
            counts=counts,
            due_at=due_at,
        )
    )
    return FullReport(engine.name, record, counts, due_at)


def draft_delta(delta: Delta) -> DeltaDraft:
    """A delta as a store applies it: each entity and each ref once.

    Raises:
        InvalidDelta: when it is no list of entities and refs, or a ref is both added and removed.
        InvalidEntity: when an entity has no readable ref.
    """
    added: dict[str, Entity] = {}
    for entity in map(as_entity, _listed("added", delta.added)):
        if entity.ref is None:
            raise InvalidEntity(
                f"a delta's entity has no readable ref: {entity.violations[0].message}; "
                "give it a kind and a metadata.name; nothing of the delta was applied"
            )
        added[entity.ref] = entity
    removed = {_ref(each): None for each in _listed("removed", delta.removed)}
    if both := sorted(added.keys() & removed.keys()):
        raise InvalidDelta(f"{both[0]} is both added and removed, and a delta has no order; name it once")
    return DeltaDraft(tuple(added.values()), tuple(removed))


def _handled(engine: Engine, event: SourceEvent, publish: Publish) -> DeltaReport | None:
    try:
        timeout = engine.options.page_timeout.total_seconds()
        delta = as_delta(answer_beside(lambda: engine.provider.on_event(event), timeout))
        return None if delta is None else apply_delta(engine, delta, publish, event.topic)
    except StoreError:
        raise
    except Exception as error:
        raise EventHandlerFailed(
            f"the provider {engine.name!r} could not take an event of the topic {event.topic!r}, "
            f"and nothing of it was kept: {type(error).__name__}: {error}"
        ) from error


def _together(failures: list[EventHandlerFailed]) -> EventHandlerFailed:
    first, *others = failures
    for each in others:
        first.add_note(str(each))
    return first


def _unwanted(topic: str, served: Iterable[Engine]) -> str:
    known = ", ".join(sorted({each for engine in served for each in topics_of(engine.provider)})) or "none"
    return f"no provider here has an event handler for the topic {topic!r}; topics that are heard: {known}"


def _listed(name: str, given: Any) -> Iterable[Any]:
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise InvalidDelta(f"{name}={given!r:.200} is no list; write a list, even for one")
    return given


def _ref(given: object) -> str:
    try:
        ref = str(EntityRef.parse(given))  # type: ignore[arg-type]  # says itself what is no ref
    except ValueError as error:
        raise InvalidDelta(f"a delta's removed ref {error}") from error
    if "\0" in ref or next(text_defects(ref, "ref"), None) is not None:
        raise InvalidDelta(f"a delta's removed ref {given!r:.200} holds what no entity's ref can; leave it out")
    return ref


# --- a full mutation on its way ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pages:
    """Entities in drafts of `PAGE_SIZE`, which can be read any number of times: a transaction may have to be run again
    (C-40), and a caller's iterator gives its entities once. The first ones are kept as they are: often they are all.
    """

    first: list[Entity]
    spool: IO[bytes]
    spooled: int

    def __iter__(self) -> Iterator[PageDraft]:
        yield draft_page(Page(self.first, done=not self.spooled), 1, None)
        self.spool.seek(0)
        for left in reversed(range(self.spooled)):
            entities: list[Entity] = pickle.load(self.spool)  # noqa: S301  # our own, written a moment ago
            yield draft_page(Page(entities, done=not left), 1 + self.spooled - left, None)


@contextmanager
def _spooled(entities: Iterable[Any]) -> Iterator[_Pages]:
    """Read all entities first: a caller's iterator may take its time, and nothing must be locked meanwhile."""
    left = iter(map(as_entity, _listed("entities", entities)))
    first, spooled = list(islice(left, PAGE_SIZE)), 0
    with SpooledTemporaryFile(SPOOL_SIZE) as spool:
        while chunk := list(islice(left, PAGE_SIZE)):
            pickle.dump(chunk, spool, pickle.HIGHEST_PROTOCOL)
            spooled += 1
        yield _Pages(first, spool, spooled)
