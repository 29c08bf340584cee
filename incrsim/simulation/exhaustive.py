"""All histories of two replicas over two ingestions (exhaustive model)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from incrsim.options import ProviderOptions
from incrsim.simulation.exhaustive_model import Model, Move
from incrsim.simulation.exhaustive_replica import IDLE, SPENT, Replica
from incrsim.simulation.exhaustive_rules import Breach
from incrsim.simulation.exhaustive_steps import OPERATORS, RESUME, Step
from incrsim.store.memory import MemoryStore

OPTIONS = ProviderOptions.of(burst_length="1s", backoff=["1m"])
import time

CALLED, FAILED = 1, 2


class Search:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.replicas: list[Replica] = []
        self.ids: dict[Replica, int] = {}
        self.overtaken: list[int] = []
        self._moves: dict = {}
        self._calls: dict = {}

    def id(self, replica):
        number = self.ids.get(replica)
        if number is None:
            number = self.ids[replica] = len(self.replicas)
            self.replicas.append(replica)
            self.overtaken.append(0)
            self.overtaken[number] = number if replica.behind or not replica.stand else self.id(replica._replace(behind=True))
        return number

    def moves(self, world, number):
        key = world << 10 | number
        found = self._moves.get(key)
        if found is None:
            found = self._moves[key] = [
                (m.world, self.id(m.replica), m.overtakes, FAILED if m.wrong is not None else 0, m)
                for m in self.model.moves(world, self.replicas[number])
            ]
        return found

    def calls(self, world, resume):
        key = world << 1 | resume
        found = self._calls.get(key)
        if found is None:
            steps = (RESUME,) if resume else OPERATORS
            found = self._calls[key] = [(a.world, a.overtakes, s, a) for s in steps for a in [self.model.take(world, s)]]
        return found

    def successors(self, state):
        spent = state & 3
        b = state >> 2 & 1023
        a = state >> 12 & 1023
        world = state >> 22
        over = self.overtaken
        for own, other in ((a, b), (b, a)) if a != b else ((a, b),):
            for w, r, o, wrong, move in self.moves(world, own):
                if wrong & spent:
                    continue
                x = over[other] if o else other
                yield (((w << 10 | r) << 10 | x) if r <= x else ((w << 10 | x) << 10 | r)) << 2 | spent | wrong, move
        if not spent & CALLED or self.model.worlds[world].book.seen.paused:
            for w, o, step, after in self.calls(world, bool(spent & CALLED)):
                x, y = (over[a], over[b]) if o else (a, b)
                yield (((w << 10 | x) << 10 | y) if x <= y else ((w << 10 | y) << 10 | x)) << 2 | spent | CALLED, after
        if not self.model.is_over(world):
            r, s = self.replicas[a], self.replicas[b]
            here = self.model.worlds[world]
            now = here.now
            seen = here.book.seen
            waits = [seen.due - now, r.left, s.left]
            if seen.leased_until is not None:
                waits.append(seen.leased_until - now)
            waits = [w for w in waits if w > SPENT]
            if waits:
                by = min(waits)
                w = self.model.later(world, by)
                x, y = self.id(r.later(by)), self.id(s.later(by))
                yield (((w << 10 | x) << 10 | y) if x <= y else ((w << 10 | y) << 10 | x)) << 2 | spent, by

    def run(self, spent=0, limit=10**9):
        idle = self.id(IDLE)
        start = (self.model.start << 10 | idle) << 10 | idle
        start = start << 2 | spent
        seen = {start: -1}
        frontier = [start]
        transitions = 0
        ends = 0
        while frontier and len(seen) < limit:
            nxt = []
            for state in frontier:
                n = 0
                for child, why in self.successors(state):
                    n += 1
                    if getattr(why, "breaches", ()):
                        return state, why, seen
                    if child not in seen:
                        seen[child] = state
                        nxt.append(child)
                transitions += n
                ends += not n
            frontier = nxt
        return len(seen), transitions, ends

if __name__ == "__main__":
    import sys
    t = time.perf_counter()
    m = Model(MemoryStore(), OPTIONS)
    s = Search(m)
    r = s.run(int(sys.argv[1]))
    print(r if len(r)==3 and isinstance(r[0], int) and isinstance(r[1], int) else r[:2], len(m.worlds), m.calls, len(s.replicas), len(s._moves), time.perf_counter() - t)
