"""What must become of entities that a provider returned or an event added (C-7, C-8, C-9, C-11)."""

from __future__ import annotations

from collections.abc import Iterable, Set as AbstractSet
from dataclasses import dataclass, field

from incrsim.ingestion import Counts
from incrsim.simulation.observation import Seen
from incrsim.simulation.oracle.book import Book, Held, Model


@dataclass(slots=True)
class Fate:
    """What must become of some entities, each ref once.

    Args:
        inserted: refs that were free.
        updated: owned before, with another digest.
        same: owned before, with the same digest.
        taken: owned by another provider until now, with the same location key.
        lost: owned by another provider, and stay so.
        quarantined: readable refs of invalid ones.
        writes: what the catalog holds afterwards under those that are inserted, updated or taken.
    """

    inserted: set[str] = field(default_factory=set)
    updated: set[str] = field(default_factory=set)
    same: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    quarantined: set[str] = field(default_factory=set)
    writes: dict[str, Held] = field(default_factory=dict)

    def named(self) -> set[str]:
        """All their refs."""
        return self.inserted | self.updated | self.same | self.taken | self.lost | self.quarantined

    def counts(self, book: Book, fresh_invalid: int) -> Counts:
        """What these are counted as; nothing counts twice in an ingestion (C-8)."""
        cycle = book.cycle
        return Counts(
            added=len(self.inserted) + len(self.taken),
            updated=len(self.updated - cycle.written),
            unchanged=len(self.same - cycle.written),
            invalid=fresh_invalid,
            lost=len(self.lost - cycle.lost),
        )


def latest(entities: Iterable[Seen]) -> dict[str, Seen]:
    """Each readable ref with what the page says of it last (C-8)."""
    return {seen.ref: seen for seen in entities if seen.ref is not None}


def fate_of(model: Model, book: Book, entities: dict[str, Seen]) -> Fate:
    """What must become of entities."""
    fate, name, catalog, same = Fate(), book.name, model.catalog, []
    for ref, seen in entities.items():
        held = catalog.get(ref)
        if not seen.valid:
            fate.quarantined.add(ref)
        elif held is None:
            fate.inserted.add(ref)
            fate.writes[ref] = Held(name, seen.digest, seen.location_key)
        elif held.owner == name:
            if held.digest == seen.digest and held.location_key == seen.location_key:
                same.append(ref)
            else:
                fate.updated.add(ref)
                fate.writes[ref] = Held(name, seen.digest, seen.location_key)
        elif seen.location_key is not None and held.location_key == seen.location_key:
            fate.taken.add(ref)
            fate.writes[ref] = Held(name, seen.digest, seen.location_key)
        else:
            fate.lost.add(ref)
    fate.same = set(same)
    return fate


def apply(model: Model, book: Book, fate: Fate, *, fresh: bool) -> None:
    """Let it be so in the model.

    Args:
        model: what is believed.
        book: of the provider whose entities these are.
        fate: what becomes of them.
        fresh: whether they count as added by the open ingestion, and not as there before it (C-23).
    """
    for ref in fate.taken:
        model.books[model.catalog[ref].owner].lose({ref})
    model.catalog.update(fate.writes)
    new = fate.inserted | fate.taken
    if new:
        book.owned |= new
        if fresh:
            book.cycle.fresh |= new
    book.cycle.lost |= fate.lost
    book.outbox += len(fate.writes)


def check(model: Model, book: Book, fate: Fate, refs: AbstractSet[str], rule: str) -> None:
    """See that the catalog holds under these refs what it must.

    Raises:
        Violation: of C-9 where an owner is wrong, of `rule` where anything else is.
    """
    truth = model.known(refs) if refs else {}
    wrong = [ref for ref in refs if model.catalog.get(ref) != truth.get(ref)]
    if wrong:
        ref = min(wrong)
        must, found = model.catalog.get(ref), truth.get(ref)
        owners = must is not None and found is not None and must.owner != found.owner
        raise book.violated("C-9" if owners else _rule(ref, fate, rule), *difference(ref, must, found))


def _rule(ref: str, fate: Fate, rule: str) -> str:
    if ref in fate.quarantined:
        return "C-7"
    return "C-11" if ref in fate.updated and rule == "C-10" else rule


def difference(ref: str, must: Held | None, found: Held | None) -> tuple[str, str]:
    """What must be under a ref, and what is."""
    return f"{ref} {_said(must)}", _said(found)


def _said(held: Held | None) -> str:
    if held is None:
        return "not in the catalog"
    key = "" if held.location_key is None else f", location key {held.location_key}"
    return f"owned by {held.owner!r} with the digest {held.digest.hex()[:8]}{key}"
