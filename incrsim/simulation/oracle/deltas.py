"""An event or direct delta is in the catalog at once, and no page that was fetched before undoes it (C-29, C-30)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from incrsim.entity import Entity
from incrsim.errors import InvalidEntity
from incrsim.ingestion import Status
from incrsim.simulation.observation import Seen
from incrsim.simulation.oracle import entities, problems
from incrsim.simulation.oracle.book import Asked, Held
from incrsim.simulation.oracle.entities import Fate
from incrsim.simulation.oracle.plan import Plan, all_of, refusal
from incrsim.store.mutating import AppliedDelta, DeltaDraft


@dataclass(slots=True)
class Told:
    """What an event said, and what must become of it."""

    added: dict[str, Seen]
    removed: set[str]
    fate: Fate

    @property
    def refs(self) -> set[str]:
        """All that it names."""
        return self.removed | self.added.keys()


def apply_delta(asked: Asked) -> Plan:
    """Upsert and mark what was added, remove what is gone."""
    told = _told(asked)
    if told.fate.quarantined and asked.options.on_invalid_entity == "fail":
        return refusal(asked, "C-7", InvalidEntity)
    return Plan(
        asked.before,
        all_of("C-29"),
        effect=lambda: _keep(asked, told),
        undone=lambda: _undone(asked, told),
        is_done=lambda: _is_done(asked, told),
    )


def seen(entity: Entity) -> Seen:
    """An entity as an observer sees it."""
    return Seen(entity.ref, entity.digest, entity.location_key, not entity.violations)


def _told(asked: Asked) -> Told:
    draft = asked.arguments[1]
    assert isinstance(draft, DeltaDraft)  # noqa: S101  # the store's contract
    added = entities.latest(map(seen, draft.added))
    return Told(added, set(draft.removed), entities.fate_of(asked.model, asked.book, added))


def _keep(asked: Asked, told: Told) -> None:
    model, book, fate = asked.model, asked.book, told.fate
    new_problems = problems.found(book, fate, set(fate.quarantined))
    gone = told.removed & book.owned
    book.cycle.did += replace(fate.counts(book, fresh_invalid=0), removed=len(gone))
    entities.apply(model, book, fate, fresh=asked.before.pages > 0)
    marked = told.added.keys() & book.owned
    book.mark(marked)
    book.cycle.written |= marked
    book.cycle.invalid |= fate.quarantined
    book.cycle.by_events |= told.refs
    model.remove(book, gone)
    if asked.before.status is Status.BURSTING:
        for hand in book.hands.values():
            hand.since |= told.refs
    entities.check(model, book, fate, told.refs, "C-29")
    problems.check(model, book, asked.before.number, new_problems)
    _check_counts(asked, fate, len(gone))


def _check_counts(asked: Asked, fate: Fate, gone: int) -> None:
    if not isinstance(asked.result, AppliedDelta):
        return
    counts = asked.result.counts
    must = (len(fate.inserted) + len(fate.taken), len(fate.updated), len(fate.same), gone)
    found = (counts.added, counts.updated, counts.unchanged, counts.removed)
    if must != found:
        raise asked.book.violated("C-29", f"added, updated, unchanged, removed: {must}", f"{found}")


def _after(asked: Asked, told: Told, refs: Iterable[str]) -> dict[str, Held]:
    """What the catalog holds under these refs once the delta is applied."""
    catalog = asked.model.catalog
    gone = told.removed & asked.book.owned
    now = {ref: catalog[ref] for ref in refs if ref in catalog and ref not in gone}
    return now | told.fate.writes


def _is_done(asked: Asked, told: Told) -> bool:
    """Whether it was applied though the answer was lost, as far as the catalog shows it."""
    refs = told.refs
    truth = asked.model.known(refs)
    before = {ref: asked.model.catalog[ref] for ref in refs if ref in asked.model.catalog}
    if _after(asked, told, refs) != before:
        return truth != before
    if asked.before.status is Status.BURSTING:
        for hand in asked.book.hands.values():
            hand.perhaps |= told.removed
    name, number = asked.book.name, asked.model.store
    return any(each.marked for each in number.owned(name, limit=100_000) if each.ref in told.added)


def _undone(asked: Asked, told: Told) -> None:
    truth = asked.model.known(told.refs)
    for ref in sorted(told.refs):
        must, found = asked.model.catalog.get(ref), truth.get(ref)
        if must != found:
            raise asked.book.violated("C-29", *entities.difference(ref, must, found))
