from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from incrsim.clock import VirtualClock
from incrsim.store import Store
from incrsim.store.memory import MemoryStore
from incrsim.store.memory_rows import MemoryTransaction
from incrsim.store.page import PageChanges
from incrsim.store.rows import NewMark, SweepCount
from tests.agreement.machine import Agreement
from tests.contract.emptied import emptied

# A difference is as clear without being made small, which takes Postgres minutes.
LOOK = settings(max_examples=50, stateful_step_count=25, phases=[Phase.explicit, Phase.generate])
"""So much is looked at on Postgres in half a minute; the last test shows that it is enough."""

OpenStores = Callable[[VirtualClock], tuple[Store, Store]]


def agree(open_stores: OpenStores) -> None:
    """Drive two stores side by side; fails where they differ."""
    clock = VirtualClock()
    machine = type("Agreement", (Agreement,), {"clock": clock, "open_stores": staticmethod(lambda: open_stores(clock))})
    run_state_machine_as_test(machine, settings=LOOK)


def test_memory_agrees_with_itself() -> None:
    """The same steps lead to the same answers and rows, each time."""
    agree(lambda clock: (MemoryStore(clock), MemoryStore(clock)))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_postgres_agrees_with_memory(database_url: str) -> None:
    """Whatever is done to both, Postgres answers as memory does, and holds the same."""
    from incrsim.store.postgres import PostgresStore

    opened: list[PostgresStore] = []

    def both(clock: VirtualClock) -> tuple[Store, Store]:
        if not opened:
            opened.append(PostgresStore.open(database_url, clock=clock))
        emptied(database_url)
        return MemoryStore(clock), opened[0]

    try:
        agree(both)
    finally:
        for store in opened:
            store.close()


# --- does the machine find anything at all? ---------------------------------------------------------------------------


class ForgetsMarks(MemoryTransaction):
    def add_mark(self, mark: NewMark) -> None:
        super().add_mark(replace(mark, seen=mark.seen[1:]))


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
    def remove_stale(self, ingestion: int, chunk: int) -> Iterator[int]:
        self._collected = self._collected[1:]
        return super().remove_stale(ingestion, chunk)


class ApprovesWhatIsMarked(MemoryTransaction):
    def approve_stale(self, ingestion: int) -> int:
        return super().approve_stale(0)


class ForgetsToTell(MemoryTransaction):
    def outbox_removals(self, refs: Sequence[str], ingestion: int | None) -> None:
        super().outbox_removals(refs[1:], ingestion)


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
    [
        ForgetsMarks,
        OneCycleTooMany,
        ForgetsProblems,
        ForgetsTakeovers,
        RemovesOneLess,
        ApprovesWhatIsMarked,
        ForgetsToTell,
    ],
    ids=lambda flaw: flaw.__name__,
)
def test_a_planted_difference_is_found(flaw: type[MemoryTransaction]) -> None:
    """With a small flaw in one of the two stores, as many steps as are usually taken find the difference."""
    with pytest.raises(AssertionError):
        agree(lambda clock: (MemoryStore(clock), Planted(clock, flaw)))
