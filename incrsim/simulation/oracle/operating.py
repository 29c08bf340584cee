"""What an operator's call does, in each status (C-26, C-33, C-34)."""

from __future__ import annotations

from incrsim.errors import InvalidTransition, SupersededVerdict, WrongCount
from incrsim.ingestion import Outcome, Status
from incrsim.lifecycle import Operator
from incrsim.simulation.oracle import sweeps
from incrsim.simulation.oracle.book import Asked
from incrsim.simulation.oracle.life import DAY, ended, with_lease
from incrsim.simulation.oracle.plan import Plan, all_of, overtaken, refusal
from incrsim.simulation.oracle.record import Completed, Record
from incrsim.store.contract import Held, Lease
from incrsim.store.operating import Approved, Gone

HURRIED = (Status.SCHEDULED, Status.INTERSTITIAL, Status.BACKING_OFF)
AT_WORK = (Status.BURSTING, Status.SWEEPING)
OPEN_TO_FULL = (Status.SCHEDULED, Status.RESTING)


def operate(asked: Asked) -> Plan:
    """One of the calls that take a provider's name and no more."""
    before, now, operator = asked.before, asked.now, asked.arguments[1]
    match operator:
        case Operator.TRIGGER:
            return _trigger(asked)
        case Operator.PAUSE | Operator.RESUME:
            return Plan(before._replace(paused=operator is Operator.PAUSE), all_of("C-33"))
        case Operator.START:
            return _ended(asked, before.succeeded(now), "C-33")
        case Operator.CANCEL:
            return _ended(asked, before.succeeded(now, DAY), "C-33")
        case Operator.DELETE_MARKS:
            return _ended(asked, before.succeeded(now), "C-34")
        case Operator.DELETE:
            plan = _purged(asked, all_of("C-34"))
            plan.effect = lambda: _purge(asked, owned_stay=True)
            return plan
    raise asked.book.violated("C-14", "an operator's call that the contract knows", str(operator))


def _trigger(asked: Asked) -> Plan:
    before, now = asked.before, asked.now
    if before.status in HURRIED:
        due_at = now if before.due_at is None else min(now, before.due_at)
        return Plan(before._replace(due_at=due_at), all_of("C-33"))
    if before.status in AT_WORK:
        return Plan(before, all_of("C-33"))
    completed = (ended(before, now, before.outcome),)
    return Plan(before.succeeded(now), all_of("C-33"), effect=asked.book.begin_cycle, completed=completed)


def _ended(asked: Asked, successor: Record, rule: str) -> Plan:
    """The open ingestion is over, and whoever works on it overtaken."""
    return Plan(_overtaking(successor), all_of(rule), effect=asked.book.begin_cycle, completed=(_cut_short(asked),))


def _overtaking(record: Record) -> Record:
    return record._replace(fence=record.fence + 1, lease=None)


def _cut_short(asked: Asked) -> Completed:
    before = asked.before
    outcome = before.outcome if before.status is Status.RESTING else Outcome.CANCELED
    return ended(before, asked.now, outcome)


def _purged(asked: Asked, rules: dict[str, str]) -> Plan:
    record = _overtaking(asked.before.succeeded(asked.now, DAY))
    return Plan(record._replace(verdict=None, approved=False), rules)


def _purge(asked: Asked, *, owned_stay: bool) -> None:
    """Ingestions, marks, problems and the last verdict's refs are gone; entities only where they must."""
    book, store = asked.book, asked.model.store
    book.begin_cycle()
    book.refused, book.completed = None, 0
    left = [*store.history(book.name), *store.marks(book.name, limit=1), *store.problems(book.name, limit=1)]
    if left:
        raise book.violated("C-34", "no ingestion, mark or problem is left", f"{left[0]!r:.200}")
    sweeps.stale_refs(asked.model, book)
    if owned_stay:
        sweeps.unchanged(asked, "C-34")


def retire(asked: Asked) -> Plan:
    """All that a provider owns goes, if it is as many as the caller thinks (C-34)."""
    book, owned = asked.book, set(asked.book.owned)
    if asked.arguments[1] != len(owned):
        plan = refusal(asked, "C-34", WrongCount)
        plan.undone = lambda: sweeps.unchanged(asked, "C-34")
        return plan

    def effect() -> None:
        asked.model.remove(book, owned)
        book.streaks = {}
        sweeps.unchanged(asked, "C-34")
        _purge(asked, owned_stay=False)
        if isinstance(asked.result, Gone) and asked.result.entities != len(owned):
            raise book.violated("C-35", f"it says that {len(owned)} entities went", f"{asked.result.entities}")

    plan = _purged(asked, all_of("C-34"))
    plan.effect, plan.undone = effect, lambda: sweeps.unchanged(asked, "C-34")
    return plan


def approve(asked: Asked) -> Plan:
    """A refused removal is let through: at once while its ingestion rests, else by the next sweep (C-26)."""
    before, book, refused = asked.before, asked.book, asked.book.refused
    if refused is None or before.verdict != asked.arguments[1]:
        return refusal(asked, "C-26", SupersededVerdict)

    def effect() -> None:
        goes: set[str] = set()
        if before.number == refused.ingestion:
            goes = refused.open & book.owned
            asked.model.remove(book, goes)
        else:
            refused.approved = refused.open & book.owned
        sweeps.unchanged(asked, "C-26")
        if isinstance(asked.result, Approved):
            told = (asked.result.removed, asked.result.waiting, asked.result.kept)
            waits = len(refused.approved)
            must = (len(goes), waits, len(refused.refs) - len(goes) - waits)
            if told != must:
                raise book.violated("C-26", f"removed, waiting and kept are {must}", f"{told}")

    record = before._replace(approved=True)
    return Plan(record, all_of("C-26"), effect=effect, undone=lambda: sweeps.unchanged(asked, "C-26"))


# --- the lease of a full mutation (C-30) ------------------------------------------------------------------------------


def lease_for_full(asked: Asked) -> Plan:
    """It takes the lease only while no pages are read."""
    before = asked.before
    if before.lease is not None and before.lease.until > asked.now:
        return Plan(before, all_of("C-37"), answer=(Held, "C-37"))
    if before.status not in OPEN_TO_FULL:
        return refusal(asked, "C-30", InvalidTransition)
    return Plan(with_lease(asked, before), all_of("C-37"), answer=(Lease, "C-30"))


def give_back(asked: Asked) -> Plan:
    """It is given back, unless it was overtaken."""
    if overtaken(asked) is not None:
        return Plan(asked.before, all_of("C-37"))
    return Plan(asked.before._replace(lease=None), all_of("C-37"))
