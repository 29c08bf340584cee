"""Two replicas in every order: no page twice, nothing live removed, nothing kept of what was overtaken."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from incrsim.clock import VirtualClock
from incrsim.simulation import ADVANCE
from incrsim.store.memory import MemoryStore
from tests.simulation.interleaving import MOVES, Duel, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from incrsim.store import Store

STEPS_OF_A_CYCLE = 10
SCHEDULES = 200


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_order_of_two_replicas(covered: Callable[[str], None], caplog: pytest.LogCaptureFixture) -> None:
    """Whatever order the steps of two replicas take, with leases expiring anywhere, every order ends in one place."""
    caplog.set_level("CRITICAL", "incrsim")
    found = walk()
    assert found.ends == 1
    covered(
        f"{found.places} different places over two cycles, reached by {found.orders} orders of up to "
        f"{found.longest} moves; all end in the same one"
    )


@pytest.mark.rule("C-10", "C-20", "C-37")
@pytest.mark.parametrize("paused_after", range(1, STEPS_OF_A_CYCLE))
def test_replica_that_pauses_past_its_lease(paused_after: int, caplog: pytest.LogCaptureFixture) -> None:
    """A replica that wakes up long after its lease expired, however far the other one has come, does no harm."""
    caplog.set_level("CRITICAL", "incrsim")
    for steps_of_the_other in range(2 * STEPS_OF_A_CYCLE + 2):
        clock = VirtualClock()
        duel = Duel(MemoryStore(clock), clock)
        schedule = [0] * paused_after + [ADVANCE] + [1] * STEPS_OF_A_CYCLE + [ADVANCE] + [1] * STEPS_OF_A_CYCLE
        for move in schedule[: paused_after + 1 + steps_of_the_other]:
            duel.checked_move(move)
        for _ in range(STEPS_OF_A_CYCLE):
            duel.checked_move(0)
        duel.finish()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_random_orders_in_postgres(
    postgres_world: tuple[Store, VirtualClock], covered: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Random orders of two replicas hold the same on Postgres."""
    caplog.set_level("CRITICAL", "incrsim")
    random, moves = Random(7), 0
    for number in range(SCHEDULES):
        duel = Duel(*postgres_world, name=f"duel-{number}")
        schedule = random.choices(MOVES, weights=(9, 9, 2), k=30)
        for at, move in enumerate(schedule):
            try:
                duel.checked_move(move)
            except AssertionError as error:
                error.add_note(f"order {number}: {schedule[: at + 1]}")
                raise
        duel.finish()
        moves += len(schedule)
    covered(f"{SCHEDULES} random orders, {moves} moves")
