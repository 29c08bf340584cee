"""Whether a fault happens at this opportunity: decided by the scenario's seed, each kind of fault for itself.

A kind's opportunities are counted. One kind's dice never depend on another's, so that a fault can be taken out of a
scenario and the others happen as before; and what took effect is told as (kind, number of the opportunity), so that
a rate can be replaced by the very occurrences that it led to (`incrsim.simulation.reduce`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct

_WHOLE = 1 << 32
_IN_ROW = 16
_read_row = Struct(f"<{_IN_ROW}I").unpack


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault, and when it happens.

    Args:
        kind: its name; `incrsim.simulation.faults.KINDS` has them all.
        rate: the probability (0 to 1) with which it happens at each opportunity.
        occurrences: or the numbers of the opportunities, from 1, at which it happens.
    """

    kind: str
    rate: float = 0.0
    occurrences: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f"Fault({self.kind!r}, rate={self.rate}): a rate is between 0 and 1")
        if self.rate and self.occurrences:
            raise ValueError(f"Fault({self.kind!r}): give a rate or occurrences, not both")


class Dice:
    """Decides for all faults of one run, and keeps book of what took effect.

    Args:
        seed: of the scenario.
        faults: at most one for each kind.

    Attributes:
        effects: what took effect so far, as (kind, number of the opportunity), in the order in which it happened.
    """

    def __init__(self, seed: int, faults: Iterable[Fault] = ()) -> None:
        self._seed = seed
        self._rows: dict[str, _Row] = {}
        self._quiet = False
        self.effects: list[tuple[str, int]] = []
        for fault in faults:
            if fault.kind in self._rows:
                raise ValueError(f"two faults of kind {fault.kind!r}: a scenario has at most one for each kind")
            self._rows[fault.kind] = _Row(seed, fault)

    def plans(self, kind: str) -> bool:
        """Whether a kind of fault can happen in this run at all: who would ask at each step need not ask when not."""
        return kind in self._rows

    def strikes(self, kind: str) -> bool:
        """Count one opportunity for a kind of fault; says whether it happens. It then has taken effect, unless whoever
        asked says `missed`.
        """
        row = self._rows.get(kind)
        if row is None or self._quiet or not row.next():
            return False
        self.effects.append((kind, row.number))
        return True

    def first(self, kinds: Iterable[str]) -> str | None:
        """Count one opportunity for each of some kinds of which one can happen at a time; says which one does."""
        struck = [kind for kind in kinds if self.strikes(kind)]
        for kind in struck[1:]:
            self.missed(kind)
        return struck[0] if struck else None

    def missed(self, kind: str) -> None:
        """What was to happen had no effect here: it is taken out of the book again."""
        last = next(index for index in reversed(range(len(self.effects))) if self.effects[index][0] == kind)
        del self.effects[last]

    def choose(self, kind: str, below: int) -> int:
        """A number from 0 up to `below`, for the opportunity that was counted last."""
        row = self._rows.get(kind)
        return _drawn(f"{self._seed} {kind} choice {row.number if row else 0}")[0] * below // _WHOLE

    def be_quiet(self) -> None:
        """From now on nothing happens: the quiet phase."""
        self._quiet = True


class _Row:
    """The opportunities of one kind, one after the other."""

    __slots__ = ("_drawn", "_limit", "_name", "_occurrences", "number")

    def __init__(self, seed: int, fault: Fault) -> None:
        self._name = f"{seed} {fault.kind}"
        self._limit = int(fault.rate * _WHOLE)
        self._occurrences = frozenset(fault.occurrences)
        self._drawn: tuple[int, ...] = ()
        self.number = 0

    def next(self) -> bool:
        """Go on to the next opportunity; says whether the fault happens there."""
        number = self.number = self.number + 1
        if not self._limit:
            return number in self._occurrences
        place = (number - 1) % _IN_ROW
        if not place:  # one hash decides for a row of opportunities: dice are thrown at every step
            self._drawn = _drawn(f"{self._name} {number}")
        return self._drawn[place] < self._limit


def _drawn(text: str) -> tuple[int, ...]:
    return _read_row(blake2b(text.encode()).digest())
