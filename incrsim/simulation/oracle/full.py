"""A full mutation is a whole ingestion in one step, under the guards (C-30)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import cast

from incrsim.errors import InvalidEntity, InvalidTransition
from incrsim.ingestion import Outcome, Status
from incrsim.simulation.oracle import entities, problems, sweeps
from incrsim.simulation.oracle.arithmetic import Tally
from incrsim.simulation.oracle.book import Asked, Book
from incrsim.simulation.oracle.deltas import seen
from incrsim.simulation.oracle.life import ended
from incrsim.simulation.oracle.operating import OPEN_TO_FULL
from incrsim.simulation.oracle.plan import Plan, all_of, overtaken, refusal
from incrsim.simulation.oracle.record import Completed, Record
from incrsim.store.page import PageDraft


def apply_full(asked: Asked) -> Plan:
    """Claimed, read, swept and complete at once; the next ingestion is due when the one before was."""
    before = asked.before
    if (refused := overtaken(asked)) is not None:
        refused.undone = lambda: sweeps.unchanged(asked, "C-37")
        return refused
    if before.status not in OPEN_TO_FULL:
        return refusal(asked, "C-30", InvalidTransition)
    drafts = tuple(cast(Iterable[PageDraft], asked.arguments[1]))
    invalid = _invalid(drafts)
    if invalid and asked.options.on_invalid_entity == "fail":
        plan = refusal(asked, "C-7", InvalidEntity)
        plan.undone = lambda: sweeps.unchanged(asked, "C-30")
        return plan
    return _plan(asked, drafts, invalid)


def _plan(asked: Asked, drafts: tuple[PageDraft, ...], invalid: set[str | bytes]) -> Plan:
    before, now = asked.before, asked.now
    rests = before.status is Status.RESTING
    read = before.succeeded(now) if rests else before
    bad = _too_many(asked, drafts, invalid, rests=rests)
    after = read.succeeded(now)._replace(due_at=before.due_at, lease=None)
    if not bad:
        after = after._replace(verdict=asked.book.verdicts + 1, approved=False, expired_before=False)
    plan = Plan(after, all_of("C-30"), effect=asked.book.begin_cycle, undone=lambda: sweeps.unchanged(asked, "C-30"))
    plan.torn = None  # what it must be is known only when it is examined
    first = (ended(before, now, before.outcome),) if rests else ()

    def examine() -> None:
        if rests:
            asked.book.begin_cycle()
        recorded: Counter[tuple[str, str | None]] = Counter()
        for draft in drafts:
            recorded += _write(asked, draft)
        problems.check(asked.model, asked.book, read.number, recorded)
        outcome = Outcome.FAILED if bad else _sweep(asked, read)
        plan.completed = (*first, Completed(read.number, outcome, now, len(drafts)))
        if bad:
            sweeps.unchanged(asked, "C-30")

    plan.examine = examine
    return plan


def _write(asked: Asked, draft: PageDraft) -> Counter[tuple[str, str | None]]:
    """What a page of it does, before the sweep; returns the problems that it adds."""
    model, book = asked.model, asked.book
    named = entities.latest(map(seen, draft.entities))
    fate = entities.fate_of(model, book, named)
    unreadable = {found.key for found in draft.unreadable}
    added = problems.found(book, fate, fate.quarantined | unreadable)
    entities.apply(model, book, fate, fresh=True)
    book.mark(set(named))
    cycle = book.cycle
    cycle.written |= fate.inserted | fate.updated | fate.taken
    cycle.invalid |= fate.quarantined | unreadable
    cycle.lost |= fate.lost
    cycle.unreadable |= unreadable
    valid = len(named) - len(fate.quarantined)
    cycle.valid = (cycle.valid[0] + valid, cycle.valid[1] + valid)
    return added


def _sweep(asked: Asked, read: Record) -> Outcome:
    book = asked.book
    book.protected = set()  # a direct mutation may remove what the source still holds
    tally = Tally.of(book, asked.options)
    refuses = any(tally.refused_by(asked.options).values())
    sweeps.judge(asked, tally, read.number, limits="C-30")
    return Outcome.REFUSED if refuses else Outcome.SWEPT


def _invalid(drafts: tuple[PageDraft, ...]) -> set[str | bytes]:
    found: set[str | bytes] = set()
    for draft in drafts:
        found |= {each.ref for each in draft.entities if each.violations and each.ref is not None}
        found |= {each.key for each in draft.unreadable}
    return found


def _too_many(asked: Asked, drafts: tuple[PageDraft, ...], invalid: set[str | bytes], *, rests: bool) -> bool:
    """Whether too much of it is invalid (C-7); what events did before in the ingestion counts too."""
    book: Book = asked.book
    bad = invalid if rests else invalid | book.cycle.invalid
    if len(bad) < 2:  # noqa: PLR2004  # C-7 has it so
        return False
    refs = {each.ref for draft in drafts for each in draft.entities}
    refs |= {each for each in bad if isinstance(each, str)}
    distinct = len(refs) + sum(len(draft.unreadable) for draft in drafts)
    return 100 * len(bad) > Fraction(asked.options.max_invalid_percentage) * distinct
