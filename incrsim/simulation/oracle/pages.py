"""A page is one atomic step: all of it is there, or nothing (C-4, C-5, C-7, C-8, C-10, C-29, C-38)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from incrsim.errors import CursorRepeated, InvalidEntity, InvalidTransition, TooManyPages
from incrsim.ingestion import Counts, Outcome, Status
from incrsim.simulation.observation import Returned, Seen
from incrsim.simulation.oracle import entities, problems
from incrsim.simulation.oracle.book import Asked, Book
from incrsim.simulation.oracle.entities import Fate
from incrsim.simulation.oracle.life import given_up
from incrsim.simulation.oracle.plan import Plan, overtaken, refusal
from incrsim.simulation.oracle.record import Record, Tenure
from incrsim.store.contract import CommittedPage, Mark

RULES = {"status": "C-14", "number": "C-15", "due_at": "C-14", "attempts": "C-17", "cursor": "C-10", "pages": "C-38"}
INVALID = {"status": "C-7", "number": "C-7", "due_at": "C-7", "outcome": "C-7", "lease": "C-7"}


@dataclass(slots=True)
class Leaf:
    """A page, and what must become of it.

    Args:
        page: as the provider returned it.
        refs: its readable refs, without those that an event has set since it was fetched.
        superseded: those.
        fate: what becomes of the entities under `refs`.
        invalid: what of it is invalid: refs, or digests.
        unreadable: digests of entities without a readable ref.
        valid: how many valid entities it holds, at least and at most.
    """

    page: Returned
    refs: set[str]
    superseded: set[str]
    fate: Fate
    invalid: set[str | bytes]
    unreadable: set[bytes]
    valid: tuple[int, int]

    @property
    def repeats(self) -> bool:
        """Whether a ref is on the page more than once (C-8)."""
        named = len(self.refs) + len(self.superseded) + len(self.unreadable)
        return len(self.page.entities) > named


def commit_page(asked: Asked) -> Plan:
    """Mark, cursor, entities and lease go together."""
    before, page = asked.before, asked.hand.page
    if (refused := overtaken(asked)) is not None:
        refused.undone = lambda: _nothing_kept(asked, page, "C-37")
        return refused
    if before.status is not Status.BURSTING:
        return refusal(asked, "C-14", InvalidTransition)
    if asked.options.max_pages is not None and before.pages + 1 > asked.options.max_pages:
        return refusal(asked, "C-5", TooManyPages)
    if page is None:
        raise asked.book.violated("C-16", "only what a provider returned in time is committed", "another page")
    if page.asked != before.cursor:
        raise asked.book.violated("C-10", f"the page behind the cursor {before.cursor}", f"one behind {page.asked}")
    leaf = _leaf(asked, page)
    if (refused := _unacceptable(asked, leaf)) is not None:
        refused.undone = lambda: _nothing_kept(asked, page, "C-10")
        return refused
    plan = _plan(asked, leaf)
    plan.torn = "C-10"
    plan.undone = lambda: _nothing_kept(asked, page, "C-10")
    return plan


def _leaf(asked: Asked, page: Returned) -> Leaf:
    named = entities.latest(page.entities)
    superseded = (asked.hand.since & named.keys()) | _removed_unseen(asked, named)
    kept = {ref: seen for ref, seen in named.items() if ref not in superseded} if superseded else named
    fate = entities.fate_of(asked.model, asked.book, kept)
    unreadable = {seen.digest for seen in page.entities if seen.ref is None}
    least = sum([seen.valid for seen in named.values()])
    most = sum([seen.valid and seen.ref is not None for seen in page.entities])
    return Leaf(page, set(kept), superseded, fate, fate.quarantined | unreadable, unreadable, (least, most))


def _removed_unseen(asked: Asked, named: Mapping[str, Seen]) -> set[str]:
    """What an event has removed before it was in the catalog, and nobody heard that it had: it is still not there."""
    perhaps = asked.hand.perhaps & named.keys()
    return perhaps - asked.model.known(sorted(perhaps)).keys() if perhaps else perhaps


def _unacceptable(asked: Asked, leaf: Leaf) -> Plan | None:
    """Why this page must not be kept, if so."""
    page = leaf.page
    if not page.done and page.cursor is None:
        return refusal(asked, "C-4", Exception)
    errors: tuple[type[Exception], ...] = ()
    if leaf.invalid and asked.options.on_invalid_entity == "fail":
        errors = (InvalidEntity,)
    if not page.done and page.cursor in asked.book.cycle.cursors:
        errors += (CursorRepeated,)
    return refusal(asked, "C-7" if errors[0] is InvalidEntity else "C-5", *errors) if errors else None


def _plan(asked: Asked, leaf: Leaf) -> Plan:
    before, now, page = asked.before, asked.now, leaf.page
    lease = Tenure(before.lease.holder, before.fence, now + asked.options.lease_length) if before.lease else None
    record = before._replace(
        pages=before.pages + 1, attempts=0, due_at=now, lease=lease, cursor=None if page.done else page.cursor
    )
    if not page.done:
        plan = Plan(record, RULES | {"cursor": _rule_of_cursor(asked)})
    elif _too_many_invalid(asked, leaf):
        wait = asked.options.backoff[-1]
        plan = given_up(asked, record._replace(lease=None), Outcome.FAILED, wait, INVALID)
    else:
        plan = Plan(record._replace(status=Status.SWEEPING, sweep_due=True), RULES | {"status": "C-14"})
        if asked.book.cycle.invalid or leaf.invalid:
            plan.rules = RULES | INVALID
    ends = plan.effect

    def effect() -> None:
        _keep(asked, leaf, record)
        ends()

    plan.effect = effect
    return plan


def _rule_of_cursor(asked: Asked) -> str:
    """One that did not move with its page is C-10's matter, one that is another by now C-4's."""
    moved = asked.found.pages == asked.before.pages + 1 and asked.found.cursor not in {None, asked.before.cursor}
    return "C-4" if moved else "C-10"


def _too_many_invalid(asked: Asked, leaf: Leaf) -> bool:
    """Whether too much of the source was invalid (C-7); what events did meanwhile may be counted or not."""
    cycle = asked.book.cycle
    invalid = len(cycle.invalid | leaf.invalid)
    if invalid < 2:  # noqa: PLR2004  # C-7 has it so
        return False
    named = cycle.returned | leaf.refs | leaf.superseded
    distinct = len(named) + len(cycle.unreadable | leaf.unreadable)
    limit = Fraction(asked.options.max_invalid_percentage)
    least, most = distinct - len(named & cycle.by_events), distinct + len(cycle.marked | cycle.by_events)
    if most == distinct or not (cycle.by_events or cycle.marked - cycle.returned):
        least = most = distinct
    surely, perhaps = (100 * invalid > limit * count for count in (most, least))
    if surely == perhaps:
        return surely
    return asked.found.number != asked.before.number


def _keep(asked: Asked, leaf: Leaf, record: Record) -> None:
    """The page is committed: all of it is in the catalog, and its mark says what it did."""
    model, book, hand, page = asked.model, asked.book, asked.hand, leaf.page
    cycle, fate = book.cycle, leaf.fate
    counts = fate.counts(book, len(leaf.invalid - cycle.invalid))
    new_problems = problems.found(book, fate, leaf.invalid)
    entities.apply(model, book, fate, fresh=True)
    cycle.did += counts
    cycle.written |= fate.inserted | fate.updated | fate.taken
    book.mark(leaf.refs | set(page.problems))
    cycle.spared |= fate.quarantined | set(page.problems)
    cycle.returned |= leaf.refs | leaf.superseded
    if page.cursor is not None and not page.done:
        cycle.cursors.add(page.cursor)
    cycle.invalid |= leaf.invalid
    cycle.unreadable |= leaf.unreadable
    cycle.parts += page.lost
    cycle.valid = (cycle.valid[0] + leaf.valid[0], cycle.valid[1] + leaf.valid[1])
    hand.unsure = None if isinstance(asked.result, CommittedPage) else (record.pages, page.asked)
    hand.page, hand.since, hand.perhaps = None, set(), set()
    hand.committed_at, hand.paused = asked.now, asked.before.paused
    entities.check(model, book, fate, leaf.superseded, "C-29")
    # What is the same as before is looked at by the next sweep, together with all the rest.
    entities.check(model, book, fate, fate.named() - fate.same, _rule_of_all(leaf))
    problems.check(model, book, record.number, new_problems)
    if record.number == asked.found.number:
        _check_mark(asked, leaf, record, counts)


def _rule_of_all(leaf: Leaf) -> str:
    """Why all of a page must be there: what is invalid (C-7) or comes twice (C-8) costs no other entity its place."""
    if leaf.invalid:
        return "C-7"
    return "C-8" if leaf.repeats else "C-10"


def _check_mark(asked: Asked, leaf: Leaf, record: Record, must: Counts) -> None:
    book = asked.book
    marks = asked.model.store.marks(book.name, after=record.pages - 1, limit=2)
    if len(marks) != 1 or (marks[0].ingestion, marks[0].sequence) != (record.number, record.pages):
        told = [(mark.ingestion, mark.sequence) for mark in marks]
        old = any(mark.ingestion != record.number for mark in marks)
        raise book.violated(
            "C-19" if old else "C-10", f"page {record.pages} is the last mark of ingestion {record.number}", f"{told}"
        )
    mark = marks[0]
    if mark.cursor != record.cursor or mark.committed_at != asked.now:
        raise book.violated(
            "C-10",
            f"a mark with the cursor {record.cursor} of {asked.now.isoformat()}",
            f"the cursor {mark.cursor} of {mark.committed_at.isoformat()}",
        )
    _check_counts(book, leaf, mark, must)


def _check_counts(book: Book, leaf: Leaf, mark: Mark, must: Counts) -> None:
    found = mark.counts
    if not leaf.valid[0] <= found.valid <= leaf.valid[1]:
        raise book.violated("C-22", f"{leaf.valid[0]} valid entities are counted", f"{found.valid}")
    if found.returned != len(leaf.page.entities):
        raise book.violated("C-8", f"{len(leaf.page.entities)} entities were returned", f"{found.returned}")
    for name in _COUNTED:
        expected, counted = getattr(must, name), getattr(found, name)
        if expected != counted:
            rule = _counting_rule(book, leaf, name, must, found)
            raise book.violated(rule, f"{expected} entities count as {name}", f"{counted}")


def _counting_rule(book: Book, leaf: Leaf, name: str, must: Counts, found: Counts) -> str:
    if book.cycle.by_events & leaf.fate.named():
        return "C-29"
    rewritten = name == "updated" and found.updated + found.unchanged == must.updated + must.unchanged
    return "C-11" if rewritten and not leaf.repeats else _COUNTED[name]


_COUNTED = {"added": "C-8", "updated": "C-8", "unchanged": "C-8", "invalid": "C-7", "lost": "C-9"}


def _nothing_kept(asked: Asked, page: Returned | None, rule: str) -> None:
    """A page that was not committed left nothing behind."""
    if page is None:
        return
    refs = entities.latest(page.entities)
    truth = asked.model.known(refs)
    for ref in refs:
        must, found = asked.model.catalog.get(ref), truth.get(ref)
        if must != found:
            raise asked.book.violated(rule, *entities.difference(ref, must, found))
