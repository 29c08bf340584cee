"""All histories of a small world: two replicas, a source of three pages and four entities, two sweeps; with anything
that an operator, an event or the source may do at any moment, and anything that may go wrong at any moment.

`exhaust` goes through them breadth first. What the store does is done by the real store; a replica is a machine with
the steps of `Engine.tick` that can be copied; what must come of each step is said by an observer's book that shares no
code with either. Two histories that lead to the same state are followed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from incrsim.options import ProviderOptions
from incrsim.simulation.exhaustive.model import SWEEPS, Model
from incrsim.simulation.exhaustive.search import Search
from incrsim.simulation.exhaustive.source import EDITIONS, PAGES
from incrsim.simulation.exhaustive.states import Limits, States
from incrsim.simulation.violation import Finding
from incrsim.store.memory import MemoryStore

OPTIONS = ProviderOptions.of(burst_length="1s", backoff=["1m"])
"""A burst ends before its lease does; a second failure in a row uses up the attempts."""

BOUNDS = (
    f"two replicas, {PAGES} pages, {sum(map(len, EDITIONS[0])) - 1} entities and one that belongs to another provider",
    "the source changes once: after the first sweep, or before as the call from outside",
    f"nothing new begins after sweep {SWEEPS}; what was begun then is finished",
    "the clock jumps only to the next instant at which something is due, a lease expires or a burst is spent",
    "histories that differ in which replica is which, in ids, fences, instants that have passed or numbers are one",
)
"""What is not followed, whatever is asked for."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """What was seen of all histories.

    Args:
        states: different ones; the replicas are interchangeable.
        transitions: ways from one to the next.
        ends: states after which nothing happens any more.
        places: different contents of the store.
        calls: of the store; each one in each place was made once, and judged.
        violations: what must never be; the search ends with the first step that does it, which a shortest history
            leads to.
        bounds: what was not followed.
        seconds: how long it took.
    """

    states: int
    transitions: int
    ends: int
    places: int
    calls: int
    violations: tuple[Finding, ...]
    bounds: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every rule held in all states."""
        return not self.violations

    def __str__(self) -> str:
        seen = (
            f"{self.states:,} states of {self.places:,} different stores, {self.transitions:,} transitions, "
            f"{self.ends:,} ends, {self.calls:,} calls judged"
        )
        if self.ok:
            return "\n".join(
                [
                    f"every rule held, and each history can come to its end, in {seen}",
                    *(f"  bound: {each}" for each in self.bounds),
                ]
            )
        what = (f"{each.rule}: expected {each.expected}; found {each.found}" for each in self.violations)
        return "\n".join([f"a rule does not hold, after {seen}", *what, *self.violations[0].story])


def exhaust(
    store: MemoryStore | None = None,
    *,
    options: ProviderOptions = OPTIONS,
    calls: int = 1,
    failures: int = 1,
) -> Exhausted:
    """Follow every history.

    Args:
        store: an empty one.
        options: the provider's.
        calls: how many calls of operators, events and early changes of the source a history has at most, 0 to 3.
        failures: how many crashes, failures of the store and of the provider, 0 to 3.
    """
    begun = perf_counter()
    model = Model(MemoryStore() if store is None else store, options)
    states = States(model, Limits(calls, failures))
    search = Search(states)
    violations = search.run()
    return Exhausted(
        states=len(search.parents),
        transitions=len(search.links),
        ends=search.ends,
        places=len(model.worlds),
        calls=model.calls,
        violations=violations,
        bounds=(f"at most {calls} call(s) from outside and {failures} failure(s) in a history", *BOUNDS),
        seconds=perf_counter() - begun,
    )
