"""Workers that forget somebody, and stores that keep news to themselves (C-16, C-38)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim import worker
from incrsim.store import operations, postgres_listening, transactions
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch


@mutant("C-38", "whoever came last goes first")
def last_come_first_served(patch: Patch) -> None:
    patch.rewrite(worker.Agenda.take, "min(self._waiting()", "max(self._waiting()")


@mutant("C-38", "of two that are due at the same instant always the same one goes first")
def favourites(patch: Patch) -> None:
    patch.rewrite(worker.Agenda._now, "next(self._turns)", "0")


@mutant("C-38", "a worker that sleeps hears nothing")
def deaf_worker(patch: Patch) -> None:
    patch.rewrite(worker.Worker._hear, "if name in (None, each):", "if name is None:")


@mutant("C-38", "news that come while a provider is looked at are forgotten")
def news_too_early(patch: Patch) -> None:
    patch.rewrite(worker.Agenda.hurry, "self._hurried.add(name)", "pass")


@mutant("C-38", "operators' calls are told to nobody")
def quiet_operators(patch: Patch) -> None:
    patch.rewrite(operations.operate, "tx.notify()", "pass")


@mutant("C-38", "new providers are told to nobody")
def quiet_registration(patch: Patch) -> None:
    patch.rewrite(transactions.register, "tx.notify()", "pass")


@mutant("C-38", "a listener whose connection was lost has heard its last", also=("postgres",))
def listener_gives_up(patch: Patch) -> None:
    patch.rewrite(postgres_listening._Listener._run, "self._ended.wait(POLL_INTERVAL)", "return")


@mutant("C-16", "a worker without a free slot waits for ever")
def worker_waits_for_stuck_slots(patch: Patch) -> None:
    patch.rewrite(worker.Worker._free_slots, "if len(stuck) >= self._concurrency:", "if False:")


@mutant("C-16", "a stuck thread takes no slot")
def stuck_for_free(patch: Patch) -> None:
    patch.rewrite(worker.Worker._free_slots, "self._concurrency - len(stuck)", "self._concurrency")
