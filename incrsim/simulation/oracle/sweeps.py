"""What a sweep may remove, must remove, and says of it (C-7, C-13, C-20 to C-27, C-40)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from incrsim.errors import InvalidTransition
from incrsim.guards import Verdict
from incrsim.ingestion import Outcome, Status
from incrsim.simulation.oracle import entities
from incrsim.simulation.oracle.arithmetic import GUARD_RULES, Tally
from incrsim.simulation.oracle.book import Asked, Book, Held, Model, Refused
from incrsim.simulation.oracle.plan import Plan, overtaken, refusal

LARGEST_BATCH = 10_000
"""How many rows one statement may remove (C-13)."""

SHOWN = 3
_ROUNDED = Fraction(1, 10**9)

RULES = {
    "status": "C-27",
    "sweep_due": "C-27",
    "number": "C-27",
    "attempts": "C-27",
    "outcome": "C-26",
    "due_at": "C-14",
    "lease": "C-37",
}


def commit_sweep(asked: Asked) -> Plan:
    """Count, ask the guards, remove or not, and rest; all of it or nothing."""
    before = asked.before
    if (refused := overtaken(asked)) is not None:
        refused.undone = lambda: unchanged(asked, "C-37")
        return refused
    if before.status is not Status.SWEEPING:
        plan = refusal(asked, "C-20", InvalidTransition)
        plan.undone = lambda: unchanged(asked, "C-20")
        return plan
    tally = Tally.of(asked.book, asked.options)
    refuses = any(tally.refused_by(asked.options).values())
    record = before._replace(
        status=Status.RESTING,
        due_at=asked.now + asked.options.rest_length,
        attempts=0,
        expired_before=False,
        outcome=Outcome.REFUSED if refuses else Outcome.SWEPT,
        verdict=asked.book.verdicts + 1,
        approved=False,
        lease=None,
    )
    return Plan(
        record,
        RULES,
        examine=lambda: _judge_with_counts(asked, tally, before.number),
        undone=lambda: unchanged(asked, "C-27"),
        torn="C-27",
    )


def _judge_with_counts(asked: Asked, tally: Tally, ingestion: int) -> None:
    """Beside the sweep itself, what the ingestion says that it did: each entity counts once (C-8, C-19)."""
    goes = set() if any(tally.refused_by(asked.options).values()) else tally.goes
    did = asked.book.cycle.did
    # What was added may be marked no more, since an event has removed it: then there are fewer marked than added.
    unchanged_ones = max(0, len(tally.marked) - did.added - did.updated)
    judge(asked, tally, ingestion)
    found = asked.model.store.state(asked.book.name).ingestion.counts
    for name, must, rule in (
        ("added", did.added, "C-8"),
        ("updated", did.updated, "C-8"),
        ("unchanged", unchanged_ones, "C-8"),
        ("removed", did.removed + len(goes), "C-19"),
    ):
        if must != (counted := getattr(found, name)):
            raise asked.book.violated(rule, f"{must} entities of the ingestion count as {name}", f"{counted}")


def judge(asked: Asked, tally: Tally, ingestion: int, limits: str = "C-26") -> None:
    """Safety first, then the numbers, then the decision, then whether it was carried out.

    Args:
        asked: the step.
        tally: what the sweep must have found.
        ingestion: the number of what was swept.
        limits: the rule by which the limits of this sweep's guards are those in force.
    """
    model, book = asked.model, asked.book
    refuses = any(tally.refused_by(asked.options).values())
    truth = _after_sweep(model, remains=refuses or not tally.goes)
    gone = model.catalog.keys() - truth.keys()
    _safe(model, book, gone)
    verdict = model.store.state(book.name).last_verdict
    if verdict is None or verdict.id <= book.verdicts:
        raise book.violated("C-26", f"a verdict of ingestion {ingestion}", "none")
    book.verdicts += 1
    _numbers(asked, tally, verdict, ingestion)
    _limits(asked, verdict, limits)
    _decision(asked, tally, verdict)
    goes: set[str] = set() if refuses else tally.goes
    _carried_out(book, gone, goes, refuses=refuses)
    _told_so(book, verdict, goes, "refused" if refuses else "swept")
    _measure(model, book, goes, ingestion)
    model.remove(book, goes)
    same(model, book, truth, "C-20")
    _after(asked, tally, ingestion, refuses=refuses)


def _after_sweep(model: Model, *, remains: bool) -> dict[str, Held]:
    """The whole catalog; where all of it must remain, and there are as many as before, it is not read again."""
    if remains and model.store.count() == len(model.catalog):
        return model.catalog
    return model.truth()


def _safe(model: Model, book: Book, gone: set[str]) -> None:
    """Nothing that this ingestion returned, nothing of another provider, nothing that the source held all along."""
    foreign = sorted(ref for ref in gone if model.catalog[ref].owner != book.name)
    if foreign:
        owner = model.catalog[foreign[0]].owner
        raise book.violated("C-20", f"what {owner!r} owns stays", f"the sweep removed {told(foreign)}")
    if returned := sorted(gone & book.cycle.marked):
        rule = _why_marked(book, returned)
        raise book.violated(
            rule, "what this ingestion returned or an event added stays", f"its sweep removed {told(returned)}"
        )
    if model.protects and (held := sorted(gone & book.protected)):
        raise book.violated(
            "C-20", "what the source held since before the first page stays", f"the sweep removed {told(held)}"
        )


def _why_marked(book: Book, refs: list[str]) -> str:
    """The rule by which all of these must stay."""
    cycle = book.cycle
    if cycle.spared.issuperset(refs):
        return "C-7"
    return "C-29" if cycle.returned.isdisjoint(refs) else "C-20"


def _numbers(asked: Asked, tally: Tally, verdict: Verdict, ingestion: int) -> None:
    """A verdict's numbers are those of the model (C-26), each of the rule that defines it."""
    book, census = asked.book, verdict.census
    removable, base = ("C-26", "C-26") if tally.approved else ("C-25", "C-23")
    for what, must, found, rule in (
        ("stale entities", len(tally.stale), census.stale, "C-21"),
        ("marked entities", len(tally.marked), census.marked, "C-21"),
        ("approved ones among the stale", len(tally.approved), census.approved, "C-26"),
        ("removable entities", len(tally.removable), census.removable, removable),
        ("entities in the base", tally.base, census.base, base),
        ("entities collected", len(tally.goes), _said(book, lambda: verdict.collected), "C-26"),
        ("as id of the verdict", book.verdicts, verdict.id, "C-26"),
        ("as the verdict's ingestion", ingestion, verdict.ingestion, "C-26"),
    ):
        if must != found:
            raise book.violated(rule, f"{must} {what}", f"{found}")
    share = 100 * len(tally.removable) / tally.base if tally.base else 0
    if _said(book, lambda: abs(verdict.percentage - share)) > _ROUNDED:
        raise book.violated("C-26", f"the verdict says {share:g} percent", f"{verdict.percentage:g}")
    if not tally.valid[0] <= census.valid <= tally.valid[1]:
        raise book.violated("C-22", f"{tally.valid[0]} valid entities", f"{census.valid}")
    if tally.unreadable != (census.unreadable > 0):
        raise book.violated("C-7", f"{'some' if tally.unreadable else 'no'} unreadable parts", f"{census.unreadable}")
    if verdict.decided_at != asked.now:
        raise book.violated("C-26", f"decided at {asked.now.isoformat()}", verdict.decided_at.isoformat())


def _said(book: Book, tell: Callable[[], float]) -> float:
    """What a verdict works out for itself: where it cannot, that is what was found."""
    try:
        return tell()
    except (ArithmeticError, TypeError, ValueError) as error:
        raise book.violated("C-26", "a verdict that tells its numbers", repr(error)) from error


def _limits(asked: Asked, verdict: Verdict, rule: str) -> None:
    """The verdict names the limits in force, in decimal writing."""
    options = asked.options
    must = (options.reject_removals_above_percentage, options.reject_removals_above_count)
    limit = None if verdict.limit_percentage is None else Fraction(verdict.limit_percentage)
    rounded = limit is not None and must[0] is not None and abs(limit - must[0]) < _ROUNDED
    if (must[0] if rounded else limit, verdict.limit_count) != must:
        raise asked.book.violated(rule, f"the limits in force are {must}", f"{limit} and {verdict.limit_count}")


def _decision(asked: Asked, tally: Tally, verdict: Verdict) -> None:
    """Each guard refuses exactly where its rule says so."""
    for guard, must in tally.refused_by(asked.options).items():
        if must != (guard in verdict.refused_by):
            verb = "refuses" if must else "lets through"
            raise asked.book.violated(
                GUARD_RULES[guard],
                f"{guard} {verb} {len(tally.removable)} of {tally.base}",
                f"it {'lets it through' if must else 'refuses'}",
            )


def _carried_out(book: Book, gone: set[str], goes: set[str], *, refuses: bool) -> None:
    """What must go is gone, and nothing else."""
    if gone == goes:
        return
    if refuses:
        raise book.violated("C-26", "a refused sweep removes nothing", f"it removed {told(sorted(gone))}")
    if wrong := sorted(gone - goes):
        raise book.violated("C-25", "what is within its grace stays", f"the sweep removed {told(wrong)}")
    left = sorted(goes - gone)
    half = bool(gone)
    raise book.violated("C-27" if half else "C-21", "the sweep removes all that must go", f"{told(left)} stay")


def _told_so(book: Book, verdict: Verdict, goes: set[str], word: str) -> None:
    """The verdict says in a word and in a sentence what it is, how much went, and how much of it at once."""
    if verdict.word != word or not str(verdict).startswith(word):
        raise book.violated("C-26", f"a verdict that says {word}", f"{verdict.word}: {verdict}")
    if verdict.removed != len(goes):
        raise book.violated("C-26", f"the verdict says that {len(goes)} were removed", f"{verdict.removed}")
    if not min(len(goes), 1) <= verdict.largest_batch <= LARGEST_BATCH:
        raise book.violated("C-13", f"at most {LARGEST_BATCH} rows in a statement", f"{verdict.largest_batch}")


def _after(asked: Asked, tally: Tally, ingestion: int, *, refuses: bool) -> None:
    """Grace, and the refs that an approval would remove."""
    model, book = asked.model, asked.book
    if refuses:
        refs = sorted(tally.goes)
        book.refused = Refused(ingestion, refs, tally.stale, set(refs))
    else:
        book.refused = None
        kept = tally.stale - tally.goes
        book.streaks = {ref: book.streaks.get(ref, 0) + 1 for ref in kept}
    stale_refs(model, book)


def stale_refs(model: Model, book: Book) -> None:
    """The refs of the last verdict can be read, sorted, until the next one (C-26, C-40)."""
    must = [] if book.refused is None else book.refused.refs
    found: list[str] = []
    while page := model.store.stale(book.name, after=found[-1] if found else "", limit=LARGEST_BATCH):
        found += page
        if found != sorted(found):
            raise book.violated("C-40", "the refs of a verdict are sorted", f"{told(found)}")
    if found != must:
        raise book.violated("C-26", f"the verdict keeps {told(must)}", told(found))


def _measure(model: Model, book: Book, goes: set[str], ingestion: int) -> None:
    """What was lost though the source held it all along: drift, or a lie."""
    if not model.protects and (lost := len(goes & book.protected)):
        model.losses[book.name, ingestion] = lost


def unchanged(asked: Asked, rule: str) -> None:
    """A step that was not done left the catalog as it was."""
    same(asked.model, asked.book, asked.model.truth(), rule)


def same(model: Model, book: Book, truth: dict[str, Held], rule: str) -> None:
    """The catalog is what it must be.

    Raises:
        Violation: of `rule`; of C-20 when an entity of another provider is not as it was.
    """
    if truth == model.catalog:
        return
    for ref in sorted(truth.keys() | model.catalog.keys()):
        must, found = model.catalog.get(ref), truth.get(ref)
        if must != found:
            foreign = must is not None and must.owner != book.name
            raise book.violated("C-20" if foreign else rule, *entities.difference(ref, must, found))


def told(refs: list[str]) -> str:
    """The first ones, and how many there are."""
    more = f" and {len(refs) - SHOWN} more" if len(refs) > SHOWN else ""
    return (", ".join(refs[:SHOWN]) or "nothing") + more
