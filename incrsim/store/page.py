"""A page on its way into the catalog: what the engine hands over, and what follows for each entity (C-7, C-8, C-9,
C-11).

`decide` is pure and the same for every store: a store compares digests, `decide` says what to write, the store writes
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import blake2b

from incrsim.entity import Entity
from incrsim.errors import CursorRepeated, InvalidEntity, TooManyPages
from incrsim.ingestion import Counts
from incrsim.options import ProviderOptions
from incrsim.provider import Problem

BATCH = 100
"""How many entities are judged before the new ones among them are handed on: some 60 kB, so that a database gets its
next ones before it has stored those."""

FIRST_BATCH = 13
"""How many there are in a page's first batch; the next ones double up to `BATCH`. Until it is judged the database has
nothing to do."""

Insert = Callable[[Sequence[Entity]], None]
"""Brings new entities into the catalog; they come in the order of refs."""


class ProblemKind(StrEnum):
    """Where a problem comes from."""

    INVALID = "invalid entity"
    REPORTED = "reported by the provider"
    LOST_CLAIM = "owned by another provider"


@dataclass(frozen=True, slots=True)
class FoundProblem:
    """A problem as the store keeps it, once per ingestion.

    Args:
        kind: where it comes from.
        problem: what it says.
        key: 16 bytes that tell it from every other problem of the ingestion.
    """

    kind: ProblemKind
    problem: Problem
    key: bytes


@dataclass(frozen=True, slots=True)
class PageDraft:
    """A fetched page, ready to be committed.

    Args:
        sequence: its number in the ingestion, from 1.
        entities: entities with a readable ref, each ref once (the later one wins, C-8), valid or not.
        unreadable: problems of entities whose ref cannot be read.
        reported: problems that the page reported itself.
        cursor: where the next page begins, as canonical JSON text; `None` when done.
        done: whether it is the source's last page.
        returned: how many entities the page held, repetitions and unreadable ones included.
        deltas: how many deltas the provider had had when the page's fetch began: a later one's refs are not undone by
            this page (C-29).
    """

    sequence: int
    entities: Sequence[Entity]
    cursor: str | None
    done: bool
    returned: int
    unreadable: tuple[FoundProblem, ...] = ()
    reported: tuple[FoundProblem, ...] = ()
    deltas: int = 0

    @property
    def cursor_digest(self) -> bytes | None:
        """Sixteen bytes by which an ingestion recognises a cursor that it has seen before (C-5); a done page has
        none.
        """
        return None if self.cursor is None else blake2b(self.cursor.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Stored:
    """What the catalog holds under a ref.

    Args:
        id: the row's identifier, which never comes back once removed.
        owner: the name of the provider that owns it.
        location_key: as it was committed.
        digest: of the entity as it was committed.
        written_in: the number of the owner's ingestion that wrote it last.
    """

    id: int
    owner: str
    location_key: str | None
    digest: bytes
    written_in: int


@dataclass(frozen=True, slots=True)
class Compared:
    """The page's refs against the catalog.

    Args:
        same: ids of rows that this provider owns with the same digest: neither sent nor rewritten (C-11).
        written_before: how many of those this same ingestion wrote before, so that they count once (C-8).
        differing: what is stored under the page's other refs.
        candidates: the page's entities that are not the same: new ones, and those in `differing`.
        cursor_seen: whether this ingestion has returned the page's cursor before (C-5).
    """

    same: Sequence[int]
    written_before: int
    differing: dict[str, Stored]
    candidates: Sequence[Entity]
    cursor_seen: bool = False


@dataclass(slots=True)
class PageChanges:
    """What to write for a page.

    Args:
        insert: entities that are new in the catalog.
        update: rows with the entity that replaces their body.
        take_over: the same, for rows that another provider owned until now (C-9).
        seen: ids to mark beside the `same` ones: lost claims, and invalid entities that were valid before.
        problems: what to record, once each.
        counts: what the page does.
    """

    insert: list[Entity] = field(default_factory=list)
    update: list[tuple[Stored, Entity]] = field(default_factory=list)
    take_over: list[tuple[Stored, Entity]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    problems: list[FoundProblem] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def written(self) -> list[str]:
        """The refs of what is inserted, updated and taken over."""
        return [entity.ref or "" for entity in (*self.insert, *(new for _, new in (*self.update, *self.take_over)))]


def decide(
    draft: PageDraft, compared: Compared, provider: str, ingestion: int, options: ProviderOptions, insert: Insert
) -> PageChanges:
    """Say what to write for a page.

    Args:
        draft: the page.
        compared: its refs against the catalog.
        provider: who returned it.
        ingestion: the number of the provider's ingestion.
        options: whether an invalid entity fails the page.
        insert: gets the new entities, some at a time, as soon as they are known to be valid: a database can store them
            while the next ones are being validated.

    Raises:
        InvalidEntity: when one is invalid and `on_invalid_entity` is `"fail"`; nothing must have been committed then.
    """
    changes = PageChanges(problems=[*draft.unreadable, *draft.reported])
    for batch in _batches(compared.candidates):
        before = len(changes.insert)
        for entity in batch:
            _judge(entity, compared.differing.get(entity.ref or ""), provider, changes)
        insert(changes.insert[before:])
    if options.on_invalid_entity == "fail":
        _refuse_invalid(changes)
    changes.counts = _count(draft, compared, changes, ingestion)
    return changes


def _batches(candidates: Sequence[Entity]) -> Iterator[Sequence[Entity]]:
    start, size = 0, FIRST_BATCH
    while start < len(candidates):
        yield candidates[start : start + size]
        start, size = start + size, min(2 * size, BATCH)


def _judge(entity: Entity, stored: Stored | None, provider: str, changes: PageChanges) -> None:
    if entity.violations:
        _quarantine(entity, stored, changes)
    elif stored is None:
        changes.insert.append(entity)
    elif stored.owner == provider:
        changes.update.append((stored, entity))
    elif stored.location_key is not None and stored.location_key == entity.location_key:
        changes.take_over.append((stored, entity))
    else:
        changes.seen.append(stored.id)
        changes.problems.append(_lost_claim(entity, stored))


def _count(draft: PageDraft, compared: Compared, changes: PageChanges, ingestion: int) -> Counts:
    lost = sum(found.kind is ProblemKind.LOST_CLAIM for found in changes.problems)
    # What this ingestion wrote before counts once (C-8).
    rewritten = sum(stored.written_in == ingestion for stored, _ in changes.update)
    return Counts(
        returned=draft.returned,
        valid=len(compared.same) + len(changes.insert) + len(changes.update) + len(changes.take_over) + lost,
        added=len(changes.insert) + len(changes.take_over),
        updated=len(changes.update) - rewritten,
        unchanged=len(compared.same) - compared.written_before,
    )


def _quarantine(entity: Entity, stored: Stored | None, changes: PageChanges) -> None:
    # Its readable ref counts as marked, so that a typo never deletes anything (C-7).
    if stored is not None:
        changes.seen.append(stored.id)
    changes.problems.append(invalid(entity))


def invalid(entity: Entity) -> FoundProblem:
    """The problem of an entity that breaks a rule; several broken rules are one problem."""
    first, *others = entity.violations
    message = first.message + (f" (and {len(others)} more)" if others else "")
    problem = Problem(message=message, ref=entity.ref, field=first.field, rule=first.rule)
    key = problem_key(ProblemKind.INVALID, entity.ref or entity.digest.hex())
    return FoundProblem(ProblemKind.INVALID, problem, key)


def problem_key(kind: ProblemKind, subject: str) -> bytes:
    """Sixteen bytes that are the same for the same kind of problem of the same subject."""
    return blake2b(f"{kind}\0{subject}".encode("utf-8", "backslashreplace"), digest_size=16).digest()


def cursor_repeated(draft: PageDraft) -> CursorRepeated:
    """What to say of a page whose cursor its ingestion has seen before (C-5)."""
    return CursorRepeated(
        f"page {draft.sequence} returned the cursor {draft.cursor}, "
        "which this ingestion has seen before, so it would never finish; "
        "let each page's cursor point past that page, and return done=True on the last one"
    )


def check_length(sequence: int, options: ProviderOptions) -> None:
    """See that an ingestion may have so many pages.

    Raises:
        TooManyPages: when this one is past `max_pages` (C-5).
    """
    if options.max_pages is not None and sequence > options.max_pages:
        raise TooManyPages(
            f"page {sequence} is past max_pages={options.max_pages}; "
            "raise it if the source has grown, or mend the cursor"
        )


def _lost_claim(entity: Entity, stored: Stored) -> FoundProblem:
    message = (
        f"{entity.ref} is owned by the provider {stored.owner!r}, "
        "which had it first; give both the same location_key to let the newer one win"
    )
    return FoundProblem(
        ProblemKind.LOST_CLAIM,
        Problem(message=message, ref=entity.ref),
        problem_key(ProblemKind.LOST_CLAIM, entity.ref or ""),
    )


def _refuse_invalid(changes: PageChanges) -> None:
    bad = [found.problem for found in changes.problems if found.kind is ProblemKind.INVALID]
    if bad:
        raise InvalidEntity(
            f"{len(bad)} invalid entities on the page, "
            f"the first is {bad[0].ref or 'one without a readable ref'}: {bad[0].message}; "
            'mend them in the source, or let on_invalid_entity="quarantine" store the others'
        )


def without_repeated_problems(changes: PageChanges, known: set[bytes]) -> tuple[list[FoundProblem], Counts]:
    """The problems that this ingestion has not recorded yet, and the page's counts with each counted once."""
    if not changes.problems:  # nearly all pages
        return [], changes.counts
    fresh: dict[bytes, FoundProblem] = {found.key: found for found in changes.problems if found.key not in known}
    invalid_ones = sum(found.kind is ProblemKind.INVALID for found in fresh.values())
    lost = sum(found.kind is ProblemKind.LOST_CLAIM for found in fresh.values())
    unreadable = sum(found.problem.ref is None for found in fresh.values())
    return list(fresh.values()), replace(changes.counts, invalid=invalid_ones, lost=lost, unreadable=unreadable)
