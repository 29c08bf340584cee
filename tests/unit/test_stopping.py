"""Stops of calls: each is heard by whoever is under way, or by whoever comes next."""

from __future__ import annotations

from incrsim.stopping import Stops


def test_all_calls_under_way_are_stopped() -> None:
    """A stop ends every call that is under way, whatever else begins meanwhile, and no later one."""
    stops = Stops()
    with stops.call() as one, stops.call() as two:
        stops.ask()
        with stops.call() as later:
            assert (one.asked, two.asked, later.asked) == (True, True, False)
            assert (one.wake.is_set(), later.wake.is_set()) == (True, False)


def test_an_early_stop_is_not_lost() -> None:
    """A stop that comes before the call it was meant for ends that call; only that one."""
    stops = Stops()
    stops.ask()
    stops.ask()
    with stops.call() as first:
        assert first.asked
        assert first.wake.is_set()
    with stops.call() as second:
        assert not second.asked
