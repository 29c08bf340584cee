"""Whether a fault happens at this opportunity: decided by the scenario's seed, each kind of fault for itself.

A kind's opportunities are counted. One kind's dice never depend on another's, so that a fault can be taken out of a
scenario and the others happen as before; and what took effect is told as (kind, number of the opportunity), so that
a rate can be replaced by the very occurrences that it led to (`incrsim.simulation.reduction.reducing`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import shake_128
from math import inf
from struct import Struct

from incrsim.ingestion import Status

Whereabouts = Callable[[], Status | None]

_WHOLE = 1 << 32
_NEVER: frozenset[int] = frozenset()
_numbers = Struct("<64I")


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
        status: tells in which status the ingestion is that whoever asks is at; asked only when something happens.

    Attributes:
        effects: what took effect so far, as (kind, number of the opportunity), in the order in which it happened.
        quiet: whether nothing happens any more.
    """

    def __init__(self, seed: int, faults: Iterable[Fault] = (), status: Whereabouts = lambda: None) -> None:
        self._seed = seed
        self._status = status
        self._met: dict[tuple[str, int], Status | None] = {}
        self._rows: dict[str, _Row] = {}
        self._together: dict[tuple[str, ...], Together] = {}
        self.quiet = False
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
        if row is None or self.quiet or not row.at(row.number + 1):
            return False
        self.strike(kind, row.number)
        return True

    def together(self, kinds: Iterable[str]) -> Together:
        """Kinds whose opportunities are always the same ones; not to be asked for one by one beside that.

        Args:
            kinds: those that this run does not plan are left out.
        """
        planned = tuple(kind for kind in kinds if kind in self._rows)
        if planned not in self._together:
            self._together[planned] = Together(self, [self._rows[kind] for kind in planned])
        return self._together[planned]

    def plan(self, kind: str) -> None:
        """A kind of fault, one of those that this run knows, happens at its next opportunity."""
        for each in self._together.values():
            if kind in each.kinds:
                each.look_again()
        self._rows[kind].strike_next()

    def strike(self, kind: str, number: int) -> None:
        """Take down that a kind of fault happens at this opportunity."""
        self.effects.append((kind, number))
        self._met[kind, number] = self._status()

    @property
    def met(self) -> Counter[tuple[str, Status]]:
        """How often each kind of fault took effect in each status of an ingestion."""
        found = ((kind, self._met[kind, number]) for kind, number in self.effects)
        return Counter((kind, status) for kind, status in found if status is not None)

    def missed(self, kind: str) -> None:
        """What was to happen had no effect here: it is taken out of the book again."""
        last = next(index for index in reversed(range(len(self.effects))) if self.effects[index][0] == kind)
        del self.effects[last]

    def choose(self, kind: str, below: int) -> int:
        """A number from 0 up to `below`, for the opportunity at which the kind happened last."""
        return _drawn(f"{self._seed} {kind} choice {self._rows[kind].number}")[0] * below // _WHOLE

    def be_quiet(self) -> None:
        """From now on nothing happens: the quiet phase."""
        self.quiet = True


class Together:
    """Kinds that have all their opportunities together: one of these costs one comparison as a rule, however many
    kinds there are.

    Args:
        dice: that they belong to.
        rows: one for each kind.

    Attributes:
        kinds: what is planned of them.
    """

    def __init__(self, dice: Dice, rows: Sequence[_Row]) -> None:
        self.kinds = tuple(row.kind for row in rows)
        self._dice = dice
        self._rows = rows
        self._number = 0
        self._due: float = 0 if rows else inf

    def struck(self) -> Sequence[str]:
        """Count one opportunity for each kind; says which happen, in their order. They have taken effect, unless
        whoever asked says `missed`.
        """
        if self._dice.quiet:
            return ()
        number = self._number = self._number + 1
        if number < self._due:
            return ()
        found = [row.kind for row in self._rows if number >= row.due and row.at(number)]
        self._due = min(row.due for row in self._rows)
        for kind in found:
            self._dice.strike(kind, number)
        return found

    def look_again(self) -> None:
        """One of the kinds may happen earlier than was known."""
        for row in self._rows:
            row.number = self._number
        self._due = 0

    def first(self) -> str | None:
        """The same for kinds that exclude each other: the first one happens, and what else would have counts as
        missed.
        """
        found = self.struck()
        if not found:
            return None
        for kind in found[1:]:
            self._dice.missed(kind)
        return found[0]


class _Row:
    """The opportunities of one kind. Dice are thrown at every step, so that most of them cost one comparison: it is
    known some opportunities ahead where the next one is that matters.

    Args:
        seed: of the scenario.
        fault: its kind.

    Attributes:
        number: the opportunity that was looked at last.
        due: the next one that is worth a look.
    """

    __slots__ = ("_known", "_limit", "_name", "_struck", "due", "kind", "number")

    def __init__(self, seed: int, fault: Fault) -> None:
        self.kind = fault.kind
        self.number = 0
        self.due: float = 0
        self._name = f"{seed} {fault.kind}"
        self._limit = int(fault.rate * _WHOLE)
        self._struck = frozenset(fault.occurrences)
        self._known: float = 0 if self._limit else inf

    def at(self, number: int) -> bool:
        """Whether the fault happens at this opportunity; none that is due may be left out."""
        self.number = number
        if number < self.due:
            return False
        if number > self._known:
            self._look_ahead(number)
        ahead = [each for each in self._struck if each > number] if self._struck else ()
        self.due = min(ahead) if ahead else self._known + 1
        return number in self._struck

    def strike_next(self) -> None:
        """It happens at the opportunity after the one that was looked at last."""
        following = self.number + 1
        if following > self._known:
            self._look_ahead(following)
        self._struck |= {following}
        self.due = 0

    def _look_ahead(self, first: int) -> None:
        drawn = _drawn(f"{self._name} {first}")
        strikes = min(drawn) < self._limit
        self._struck = (
            frozenset(at for at, each in enumerate(drawn, first) if each < self._limit) if strikes else _NEVER
        )
        self._known = first + len(drawn) - 1


def _drawn(text: str) -> tuple[int, ...]:
    return _numbers.unpack(shake_128(text.encode()).digest(_numbers.size))
