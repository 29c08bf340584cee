"""The rules that an author's provider is checked against, as data: what each asks for, why, and what to write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from incrsim.testing import conformance_content as content, conformance_pages as pages, conformance_shape as shape
from incrsim.testing.conformance_drift import drift
from incrsim.testing.conformance_report import ConformanceRow, Outcome
from incrsim.testing.conformance_seen import Seen, not_applicable
from incrsim.testing.conformance_subject import Subject
from incrsim.testing.conformance_survival import survives


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of conformance.

    Args:
        name: how it is called on the command line, in tests and reports.
        contract: the rules of the contract that it stems from.
        sentence: what it asks for.
        why: what goes wrong without it.
        instead: what to look at, and what to write instead.
        judge: looks at a provider.
        reads_pages: whether there is nothing to judge where no page came.
    """

    name: str
    contract: tuple[str, ...]
    sentence: str
    why: str
    instead: str
    judge: Callable[[Subject], Seen]
    reads_pages: bool = True

    def examine(self, subject: Subject) -> ConformanceRow:
        """Judge a provider by this rule."""
        seen = self._seen(subject)
        told = seen.outcome in (Outcome.FAILED, Outcome.ADVICE)
        instead = seen.instead or (self.instead if told else "")
        why = self.why if told else ""
        return ConformanceRow(self.name, self.contract, self.sentence, seen.outcome, seen.seen, why, instead)

    def _seen(self, subject: Subject) -> Seen:
        if self.reads_pages and not subject.reading.pages:
            return not_applicable("no page came; see what failed above")
        return self.judge(subject)


RULES = (
    Rule(
        "name",
        ("C-1",),
        "It has a name of 1 to 255 printable characters, the same for each instance and at any time.",
        "All that a provider owns is kept under its name: under another one it would begin anew, and nobody would "
        "remove what it left.",
        'Write the name into the class, name = "services", or take it from the configuration; never from a counter, a '
        "clock or a process.",
        shape.name,
        reads_pages=False,
    ),
    Rule(
        "shape",
        ("C-2", "C-29"),
        "It has an `around` and a `next` that can be called as the engine calls them; `on_event`, where it has topics.",
        "The engine could not begin with it.",
        "Derive from incrsim.IncrementalEntityProvider, and write next(self, context, cursor=None).",
        shape.shape,
        reads_pages=False,
    ),
    Rule(
        "around",
        ("C-2",),
        "`around` gives a context that is entered once and left once, without an error.",
        "Each burst begins and ends with it: a burst whose context fails counts as a failure, and waits.",
        "Write it as a generator under @contextmanager (or @asynccontextmanager) that yields once, inside `with` or "
        "`try … finally`; in upstream's shape, `await burst(context)` once.",
        shape.around,
        reads_pages=False,
    ),
    Rule(
        "pages",
        ("C-3", "C-16", "C-17"),
        "Each call of `next` gives a page, in time and without an error.",
        "Each failure costs a wait, and after the last one of the list the ingestion is canceled.",
        "Return incrsim.Page(entities, cursor, done); give the client a timeout; raise only when the source fails.",
        pages.pages,
        reads_pages=False,
    ),
    Rule(
        "cursor",
        ("C-4", "C-5"),
        "Each cursor is JSON that comes back exactly, and one that this ingestion has not had before.",
        "It is all that the next burst knows, and with one that leads back the ingestion would never finish.",
        "Let it be what identifies the next page, as text, number, list or dict: the last key, an offset, the token of "
        "the source.",
        pages.cursor,
    ),
    Rule(
        "ends",
        ("C-5", "C-20"),
        "It comes to a page that is done.",
        "Without one there is no sweep: nothing that vanished from the source would ever be removed.",
        "Return done=True on the last page, for instance when the source gives fewer rows than were asked for.",
        pages.ends,
    ),
    Rule(
        "stateless",
        ("C-2",),
        "Each page, read by a fresh instance in a fresh context, is the same.",
        "Nothing but the cursor survives between bursts: the next one may run in another process.",
        "Put all that the next page depends on into the cursor, and none of it into the instance, the class, the "
        "module or the context.",
        pages.stateless,
    ),
    Rule(
        "repeatable",
        ("C-10", "C-11"),
        "A page that is asked for twice is the same twice.",
        "After a crash the engine asks for a page again, as one that was not committed is lost; and an entity that "
        "differs at each reading is written anew in each cycle.",
        "Do not use up what is read, neither here nor in the source; leave out what changes by itself, as the time of "
        "reading.",
        pages.repeatable,
    ),
    Rule(
        "survives",
        ("C-2", "C-10"),
        "After an error between two pages its context is left, and the next burst goes on from the cursor.",
        "A burst may end at any page, for reasons that have nothing to do with the provider.",
        "Clean up inside `with` or `try … finally` around the `yield`; begin each burst with nothing from the last "
        "one.",
        survives,
    ),
    Rule(
        "refs-unique",
        ("C-8",),
        "No ref comes twice.",
        "The later one wins and it counts once, which is harmless by itself; but where numbered pages repeat what they "
        "held, they leave other things out.",
        "Name entities by what is unique in the source, and page by a key.",
        content.refs_unique,
    ),
    Rule(
        "entities-valid",
        ("C-6", "C-7"),
        "Every entity keeps Backstage's rules.",
        "Invalid ones are left out; one without a readable ref refuses the sweep, and too many end the ingestion.",
        "Build entities with incrsim.component(…) and its like; make names of [a-zA-Z0-9._-], at most 63 characters.",
        content.entities_valid,
    ),
    Rule(
        "no-problems",
        ("C-7",),
        "Its pages report no part of the source that could not be read.",
        "A problem without a ref refuses the sweep: nobody knows what is missing.",
        "Mend the source, or tell the problem's ref where it is known: incrsim.Problem(message, ref=…).",
        content.no_problems,
    ),
    Rule(
        "not-empty",
        ("C-22",),
        "Its source holds something.",
        "A source that fails in silence looks the same, and then all of its entities would be removed.",
        "Add it with reject_empty_source_collections=True.",
        content.not_empty,
    ),
    Rule(
        "page-size",
        ("C-10", "C-13"),
        "Its pages are neither too large to be held in memory, nor so small that each costs more than what it holds.",
        "A page is held and committed as one; each costs a round trip to the source, and a transaction.",
        "Ask the source for some hundred or thousand at a time; `incrsim bench` tells which size is best.",
        content.page_size,
    ),
    Rule(
        "drift",
        ("C-20", "C-25"),
        "While entities vanish between its pages, it misses none of those that stay.",
        "What a whole cycle misses, the sweep removes, although the source still has it.",
        "Page by a key, so that nothing shifts: all that comes after the last one read. Where the source has only "
        "numbered pages, add it with removal_grace_cycles=1: then an entity goes when two sweeps in a row missed it.",
        drift,
    ),
)
"""All rules, in the order of reports: what comes first must hold for what comes later."""


def names() -> tuple[str, ...]:
    """The names of the rules."""
    return tuple(rule.name for rule in RULES)
