"""Goes through all states of the exhaustive model, breadth first, until a rule is broken or there are no more."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from incrsim.simulation.exhaustive.rules import Breach
from incrsim.simulation.exhaustive.states import State, States
from incrsim.simulation.exhaustive.story import broken_after, told
from incrsim.simulation.violation import Finding


class Search:
    """What was found so far.

    Args:
        states: where to look.
    """

    def __init__(self, states: States) -> None:
        self.parents: dict[State, State] = {states.first: states.first}
        """Each state that was met, in that order, and the one before it on a shortest way."""
        self.links = array("q")
        """Where each of them leads, one after the other."""
        self.ends = 0
        self._states = states
        self._bounds = array("q", [0])
        self._broken: tuple[Finding, ...] = ()

    def run(self) -> tuple[Finding, ...]:
        """Go through them; says what is broken."""
        frontier = [self._states.first]
        while frontier and not self._broken:
            frontier = list(self._beyond(frontier))
        return self._broken or self._stuck()

    def _beyond(self, frontier: list[State]) -> Iterator[State]:
        """The states that are one transition further than all that were met."""
        states, parents = self._states, self.parents
        for state in frontier:
            children = states.after(state)
            self.links.extend(children)
            self._bounds.append(len(self.links))
            self.ends += not children
            for child in children:
                if child not in parents:
                    parents[child] = state
                    yield child
            # What is broken may need a failure more than this state may have.
            if states.broken and (found := broken_after(states, parents, state)):
                self._broken = found
                return

    def _stuck(self) -> tuple[Finding, ...]:
        """A state from which no end can be reached (C-38)."""
        order, bounds, links = list(self.parents), self._bounds, self.links
        alive: set[State] = set()
        left, before = [*range(len(order) - 1, -1, -1)], -1
        # Nearly all lead on to states that were met later: one time through from behind, and few are left.
        while len(left) != before:
            before, rest = len(left), []
            for at in left:
                children = links[bounds[at] : bounds[at + 1]]
                if not children or not alive.isdisjoint(children):
                    alive.add(order[at])
                else:
                    rest.append(at)
            left = rest
        if not left:
            return ()
        breach = Breach("C-38", "each history can come to its end", "one that never does")
        return told([breach], self._states, self.parents, order[left[-1]])
