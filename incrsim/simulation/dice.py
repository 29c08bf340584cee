"""Whether a fault happens at this opportunity: decided by the scenario's seed, each kind of fault for itself.

A kind's opportunities are counted. One kind's dice never depend on another's, so that a fault can be taken out of a
scenario and the others happen as before; and what took effect is told as (kind, number of the opportunity), so that
a rate can be replaced by the very occurrences that it led to (`incrsim.simulation.reduce`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

_WHOLE = 1 << 64


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
    """

    def __init__(self, seed: int, faults: Iterable[Fault] = ()) -> None:
        self._seed = seed
        self._faults = {fault.kind: fault for fault in faults}
        self._opportunities: Counter[str] = Counter()
        self._quiet = False
        self.effects: list[tuple[str, int]] = []

    def strikes(self, kind: str) -> bool:
        """Count one opportunity for a kind of fault; says whether it happens. It then has taken effect, unless whoever
        asked says `missed`.
        """
        fault = self._faults.get(kind)
        if fault is None or self._quiet:
            return False
        self._opportunities[kind] += 1
        number = self._opportunities[kind]
        struck = number in fault.occurrences or self._fraction(kind, number) < fault.rate * _WHOLE
        if struck:
            self.effects.append((kind, number))
        return struck

    def missed(self, kind: str) -> None:
        """What was to happen had no effect here: it is taken out of the book again."""
        found = max(index for index, (struck, _) in enumerate(self.effects) if struck == kind)
        del self.effects[found]

    def choose(self, kind: str, below: int) -> int:
        """A number from 0 up to `below`, for the opportunity that was counted last."""
        return self._fraction(f"{kind} choice", self._opportunities[kind]) * below // _WHOLE

    def be_quiet(self) -> None:
        """From now on nothing happens: the quiet phase."""
        self._quiet = True

    def _fraction(self, kind: str, number: int) -> int:
        text = f"{self._seed} {kind} {number}".encode()
        return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
