"""The past (C-19), and how everything must come to rest (liveness)."""

from __future__ import annotations

from incrsim.ingestion import Outcome, Status
from incrsim.simulation.oracle import sweeps
from incrsim.simulation.oracle.book import Asked, Book, Model
from incrsim.simulation.oracle.plan import Plan
from incrsim.simulation.oracle.record import Completed


def completed(asked: Asked, plan: Plan) -> None:
    """See that ingestions that have just become complete stand in the history, the latest first."""
    ingestions = plan.completed
    if not ingestions:
        return
    book, store = asked.book, asked.model.store
    book.completed += len(ingestions)
    history = store.history(book.name)
    length = min(book.completed, 20)  # C-19
    if len(history) != length:
        raise book.violated("C-19", f"{length} complete ingestions can be read", f"{len(history)}")
    for must, found in zip(reversed(ingestions), history, strict=False):
        is_ = Completed(found.number, found.outcome, found.completed_at or asked.now, found.pages)
        if found.status is not Status.COMPLETE or is_ != must:
            rule = "C-19" if is_.outcome is must.outcome else plan.rules.get("outcome", "C-14")
            raise book.violated(rule, f"the history says {must}", f"{found.status}, {is_}")
        if found.outcome in (Outcome.SWEPT, Outcome.REFUSED) and found.verdict is None:
            raise book.violated("C-19", f"ingestion {found.number} keeps its verdict", "none")
    numbers = [each.number for each in history]
    if numbers != sorted(set(numbers), reverse=True) or numbers[0] >= asked.found.number:
        raise book.violated("C-15", f"ingestions before {asked.found.number}, each once", f"{numbers}")


def quiet(model: Model) -> None:
    """From now on nothing disturbs: the next ingestion of each provider must see its source as it is."""
    for book in model.books.values():
        book.quiet_since = 0 if book.record is None else book.record.number


def ended(model: Model) -> None:
    """After the quiet phase the catalog is what the sources hold, and nothing is stuck.

    Raises:
        Violation: of C-38 when a provider made no progress, of C-20 or C-21 when its catalog is not its source's.
    """
    sweeps_truth = model.truth()
    for book in model.books.values():
        sweeps.same(model, book, sweeps_truth, "C-20")
        if book.record is not None and book.held is not None and book.quiet_since is not None:
            _came_to_rest(model, book)


def _came_to_rest(model: Model, book: Book) -> None:
    record = book.record
    if record is None or record.paused:
        return
    if record.number <= (book.quiet_since or 0) and record.status is not Status.RESTING:
        raise book.violated("C-38", "an ingestion after the faults comes to its end", f"{record.status}: {record}")
    held = book.held or set()
    others = {ref for ref in held if ref in model.catalog and model.catalog[ref].owner != book.name}
    if missing := sorted(held - others - book.owned):
        raise book.violated("C-20", "after the quiet phase all that the source holds is there", sweeps.told(missing))
    kept = set() if book.refused is None else book.refused.stale
    left = book.owned - held - kept - book.streaks.keys() - book.cycle.invalid - book.cycle.marked
    if extra := sorted(left):
        raise book.violated("C-21", "after the quiet phase only what the source holds is there", sweeps.told(extra))
