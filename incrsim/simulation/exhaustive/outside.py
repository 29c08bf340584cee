"""What may come from outside in the exhaustive model: calls of operators, and events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from incrsim.lifecycle import Operator
from incrsim.options import ProviderOptions
from incrsim.simulation.exhaustive import contract
from incrsim.simulation.exhaustive.book import NOBODY, Book
from incrsim.simulation.exhaustive.source import NAME, entity, ref
from incrsim.simulation.exhaustive.steps import DONE, Rules, Step
from incrsim.simulation.exhaustive.world import World
from incrsim.store.memory import MemoryStore
from incrsim.store.mutating import DeltaDraft

_OPERATED = frozenset({"catalog", "number", "status", "due", "attempts", "pages", "done", "leased_until", "fence"})
"""What operators' calls are about."""


@dataclass(frozen=True, slots=True)
class Operate(Step):
    """An operator's call.

    Args:
        operator: what is asked for.
    """

    operator: Operator

    def rule(self, field: str) -> str:
        """See `Step.rule`."""
        if field not in _OPERATED:
            return Step.rule(self, field)
        return "C-34" if self.operator in (Operator.DELETE, Operator.DELETE_MARKS) else "C-33"

    def __str__(self) -> str:
        return f"asks for `{self.operator}`"

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        return store.operate(NAME, self.operator)

    def due(self, world: World, options: ProviderOptions) -> tuple[Book, str]:
        """See `Step.due`."""
        book, now = world.book, world.now
        match self.operator:
            case Operator.TRIGGER:
                book = contract.triggered(book, now)
            case Operator.START | Operator.DELETE_MARKS:
                book = contract.ended(book, now)
            case Operator.CANCEL:
                book = contract.ended(book, now + contract.DAY)
            case Operator.DELETE:
                book = contract.purged(book, now)
            case Operator.PAUSE | Operator.RESUME:
                book = book.seeing(paused=self.operator is Operator.PAUSE)
        return book, DONE


@dataclass(frozen=True, slots=True)
class Approve(Step):
    """The last refused removal is approved."""

    rules: ClassVar[Rules] = {"answer": "C-26", "catalog": "C-26"}

    def __str__(self) -> str:
        return "approves what was refused"

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        verdict = store.state(NAME).last_verdict
        return store.approve(NAME, verdict.id if verdict is not None else 0)

    def due(self, world: World, options: ProviderOptions) -> tuple[Book, str]:
        """See `Step.due`."""
        judged = world.book.seen.judged
        if judged is None or not judged.refused:
            return world.book, "SupersededVerdict"
        return contract.approved(world.book), DONE


@dataclass(frozen=True, slots=True)
class Retire(Step):
    """The provider is retired by somebody who counted its entities right, or wrong.

    Args:
        off: by how much they are wrong.
    """

    off: int = 0
    rules: ClassVar[Rules] = dict.fromkeys(("answer", *_OPERATED), "C-34")

    def __str__(self) -> str:
        return "retires the provider" + (" with a wrong count" if self.off else "")

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        return store.retire(NAME, store.count(NAME) + self.off)

    def due(self, world: World, options: ProviderOptions) -> tuple[Book, str]:
        """See `Step.due`."""
        return (world.book, "WrongCount") if self.off else (contract.retired(world.book, world.now), DONE)


@dataclass(frozen=True, slots=True)
class Event(Step):
    """An event adds a second version of one entity, or removes another.

    Args:
        added: its name.
        removed: the other's.
    """

    added: str = ""
    removed: str = ""
    rules: ClassVar[Rules] = {"answer": "C-29", "catalog": "C-29"}

    def __str__(self) -> str:
        return f"sends an event that adds {self.added}" if self.added else f"sends an event that removes {self.removed}"

    def do(self, store: MemoryStore, world: World, options: ProviderOptions) -> Any:
        """See `Step.do`."""
        added = [entity(self.added, 2)] if self.added else []
        removed = [ref(self.removed)] if self.removed else []
        return store.apply_delta(NAME, DeltaDraft(added, removed), options)

    def due(self, world: World, options: ProviderOptions) -> tuple[Book, str]:
        """See `Step.due`."""
        added = {self.added: 2} if self.added else {}
        removed = frozenset({self.removed}) if self.removed else NOBODY
        return contract.event_applied(world.book, added, removed), DONE


FROM_OUTSIDE: tuple[Step, ...] = (
    *(Operate(each) for each in Operator if each is not Operator.RESUME),
    Approve(),
    Retire(),
    Retire(off=1),
    Event(added="b"),
    Event(removed="c"),
)
"""What somebody may do from outside, once in a history."""

RESUME = Operate(Operator.RESUME)
