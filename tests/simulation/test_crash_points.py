"""Every step, every occurrence of it, everything that can go wrong with it: the catalog ends up the same."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import TYPE_CHECKING

import pytest

from incrsim.clock import VirtualClock
from incrsim.simulation import CrashPoint, Moment
from incrsim.store.memory import MemoryStore
from tests.simulation.world import STORY, play, points_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from incrsim.store import Store

    World = Callable[[], tuple[Store, VirtualClock]]

CUT_SHORT = (Moment.DIES_INSIDE, Moment.ANSWER_LOST)


def in_memory() -> tuple[Store, VirtualClock]:
    """A fresh store for each point."""
    clock = VirtualClock()
    return MemoryStore(clock), clock


def crash_everywhere(world: World, worth_trying: Callable[[CrashPoint], bool] = lambda _: True) -> str:
    """Run the story once for each point; says what was tried."""
    numbers = count(1)
    fuse, undisturbed = play(*world(), "p0")
    assert [len(ending.refused_by) for ending in undisturbed] == [0, 0, 1, 0]
    points = [point for point in points_of(fuse) if worth_trying(point)]
    assert points
    for point in points:
        try:
            blown, endings = play(*world(), f"p{next(numbers)}", point)
        except AssertionError as error:
            error.add_note(f"crash point: {point}")
            raise
        assert blown.blown, f"{point} was never reached"
        assert endings == undisturbed, f"{point}: the cycles ended otherwise"
    operations = Counter(point.operation for point in points)
    told = ", ".join(f"{operation} {times}" for operation, times in sorted(operations.items()))
    return f"{len(points)} crash points over {len(STORY)} cycles ({told})"


@pytest.mark.rule("C-10", "C-20", "C-21")
def test_crash_at_a_page(caplog: pytest.LogCaptureFixture) -> None:
    """A page that was cut short, or whose answer was lost, is there as a whole or not at all, and the next one
    follows.
    """
    caplog.set_level("CRITICAL", "incrsim")
    crash_everywhere(in_memory, lambda point: point.operation == "commit_page" and point.moment in CUT_SHORT)


@pytest.mark.rule("C-20", "C-21", "C-27")
def test_crash_in_a_sweep(caplog: pytest.LogCaptureFixture) -> None:
    """A sweep that was cut short has removed nothing and is done again; one whose answer was lost is done."""
    caplog.set_level("CRITICAL", "incrsim")
    crash_everywhere(in_memory, lambda point: point.operation == "commit_sweep" and point.moment in CUT_SHORT)


@pytest.mark.slow
def test_crash_anywhere_in_memory(covered: Callable[[str], None], caplog: pytest.LogCaptureFixture) -> None:
    """After a crash at any step the ingestion goes on, and at no step anything is missing that was there all along."""
    caplog.set_level("CRITICAL", "incrsim")
    covered(crash_everywhere(in_memory))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_crash_anywhere_in_postgres(
    postgres_world: tuple[Store, VirtualClock], covered: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    """The same on Postgres: one database for all points, which keep apart by the names of their providers."""
    caplog.set_level("CRITICAL", "incrsim")
    covered(crash_everywhere(lambda: postgres_world))
