from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from incrsim.clock import VirtualClock
from incrsim.store.contract import Store
from incrsim.store.memory import MemoryStore
from incrsim.store.memory_rows import MemoryTransaction
from incrsim.store.page import PageChanges
from incrsim.store.transactions import NewMark, SweepCount
from tests.agreement.machine import Agreement
from tests.contract.emptied import emptied

LOOK = settings(max_examples=60, stateful_step_count=30)
"""So much is looked at on Postgres in about a minute; the test at the end shows that it is enough."""


def agree(open_stores: Callable[[VirtualClock], tuple[Store, Store]], how: settings) -> None:
    """Drive two stores side by side; fails where they differ."""
    machine = type("Agreement", (Agreement,), {"open_stores": staticmethod(open_stores)})
    run_state_machine_as_test(machine, settings=how)


def test_memory_agrees_with_itself() -> None:
    """The same steps lead to the same answers and rows, each time."""
    agree(lambda clock: (MemoryStore(clock), MemoryStore(clock)), LOOK)


@pytest.mark.slow
def test_postgres_agrees_with_memory(database_url: str) -> None:
    """Whatever is done to both, Postgres answers as memory does, and holds the same."""
    from incrsim.store.postgres import PostgresStore

    def both(clock: VirtualClock) -> tuple[Store, Store]:
        return MemoryStore(clock), PostgresStore.open(emptied(database_url), clock=clock)

    agree(both, LOOK)


# --- does the machine find anything at all? ---------------------------------------------------------------------------


class ForgetsMarks(MemoryTransaction):
    def add_mark(self, mark: NewMark) -> bool:
        return super().add_mark(replace(mark, seen=mark.seen[1:]))


class OneCycleTooMany(MemoryTransaction):
    def collect_stale(self, ingestion: int, grace: int) -> SweepCount:
        return super().collect_stale(ingestion, grace + (grace > 0))


class ForgetsProblems(MemoryTransaction):
    def known_problems(self, keys: Sequence[bytes], ingestion: int) -> set[bytes]:
        return set()


class ForgetsTakeovers(MemoryTransaction):
    def apply(self, changes: PageChanges, ingestion: int) -> None:
        super().apply(replace(changes, take_over=[]), ingestion)


class RemovesOneLess(MemoryTransaction):
    def remove_stale(self, chunk: int) -> Iterator[int]:
        self._removable = self._removable[1:]
        return super().remove_stale(chunk)


class Planted(MemoryStore):
    """A store in memory with a flaw in its transactions."""

    def __init__(self, clock: VirtualClock, transaction: type[MemoryTransaction]) -> None:
        super().__init__(clock)
        self._transaction = transaction

    def _transact(self, provider: str, work: Callable[[MemoryTransaction], Any]) -> Any:
        tx = self._transaction(self._tables, self._provider(provider))
        result = work(tx)
        tx.commit()
        return result


@pytest.mark.parametrize(
    "flaw",
    [ForgetsMarks, OneCycleTooMany, ForgetsProblems, ForgetsTakeovers, RemovesOneLess],
    ids=lambda flaw: flaw.__name__,
)
def test_a_planted_difference_is_found(flaw: type[MemoryTransaction]) -> None:
    """With a small flaw in one of the two stores, as many steps as are usually taken find the difference."""
    one_look = settings(LOOK, phases=[Phase.generate], print_blob=False)
    with pytest.raises(AssertionError):
        agree(lambda clock: (MemoryStore(clock), Planted(clock, flaw)), one_look)
