"""Engines and stores that only a crash, a second replica or a repeated run shows to be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim.engine import Engine
from incrsim.simulation import source, trace
from incrsim.store import transactions
from incrsim.store.memory_rows import MemoryTransaction
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch


@mutant(("C-10", "C-20", "C-21"), "the cursor is kept before the page's entities are (U1)")
def cursor_before_entities(patch: Patch) -> None:
    patch.rewrite(
        MemoryTransaction.save_ingestion,
        'self._writes.append(lambda: setattr(self._rows, "ingestion", ingestion))',
        'setattr(self._rows, "ingestion", ingestion)',
    )


@mutant(("C-10", "C-20", "C-37"), "a write is taken whatever its fence (U10)")
def fence_is_not_checked(patch: Patch) -> None:
    patch.rewrite(transactions.held, "tx.provider.fence != lease.fence or tx.lease is None", "False")


@mutant("C-27", "a sweep removes before it commits")
def sweep_removes_at_once(patch: Patch) -> None:
    patch.rewrite(
        MemoryTransaction.removing,
        "self._writes.append(partial(self._tables.remove, gone))",
        "self._tables.remove(gone)",
    )


@mutant("C-41", "events carry the machine's time")
def events_by_wall_clock(patch: Patch) -> None:
    patch.rewrite(Engine._at, "self.clock.now()", '__import__("incrsim.clock").clock.SystemClock().now()')


@mutant("C-41", "a trace holds the texts of errors")
def trace_with_messages(patch: Patch) -> None:
    patch.replace(trace, "LEFT_OUT", frozenset({"seconds"}))


@mutant("C-41", "what happens to a source is not decided by its seed")
def source_without_seed(patch: Patch) -> None:
    patch.rewrite(source.FakeSource.__init__, 'Random(f"incrsim source {seed}")', "Random()")
