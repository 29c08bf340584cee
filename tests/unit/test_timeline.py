"""What is planned comes at its moment: counted in cycles and steps, waits in virtual time."""

from __future__ import annotations

from datetime import timedelta

from incrsim.clock import EPOCH
from incrsim.simulation.moment import Moment
from incrsim.simulation.timeline import Timeline

LATER = EPOCH + timedelta(seconds=10)


def test_in_order_and_once() -> None:
    """What is due comes in the order of its moments; equal ones in the order in which they were planned."""
    line = Timeline([(Moment(1, 2), "c"), (Moment(1), "a"), (Moment(1, 2), "d"), (Moment(1, 1), "b")])
    assert list(line.due(EPOCH)) == ["a"]
    line.step = 2
    assert list(line.due(EPOCH)) == ["b", "c", "d"]
    assert list(line.due(EPOCH)) == []


def test_a_wait_is_of_the_clock() -> None:
    """Once its steps have come, a moment with a wait comes so many seconds later."""
    line = Timeline([(Moment(1, 0, 10), "late"), (Moment(1), "early")])
    assert list(line.due(EPOCH)) == ["early"]
    assert line.next_instant == LATER
    assert list(line.due(LATER)) == ["late"]
    assert line.next_instant is None


def test_a_short_cycle_leaves_the_rest_to_the_next() -> None:
    """What a cycle had too few steps for comes at the beginning of the next one."""
    line = Timeline([(Moment(1, 50), "left over"), (Moment(2, 1), "second")])
    line.step = 9
    assert list(line.due(EPOCH)) == []
    line.arrived_in(2)
    line.arrived_in(1)
    assert (line.cycle, line.step) == (2, 0)
    assert list(line.due(EPOCH)) == ["left over"]
    line.step = 1
    assert list(line.due(EPOCH)) == ["second"]


def test_what_nothing_leads_to_is_hastened() -> None:
    """Where no step will come, the next moment need not wait for its steps, only for its seconds."""
    line = Timeline([(Moment(4, 7, 10), "resume")])
    assert line.hasten(EPOCH)
    assert list(line.due(LATER)) == ["resume"]
    assert not line.hasten(LATER)


def test_added_while_it_runs() -> None:
    """What turns up meanwhile takes its place by its instant."""
    line = Timeline([(Moment(1, 0, 20), "planned")])
    assert list(line.due(EPOCH)) == []
    line.add(LATER, "added")
    assert list(line.due(EPOCH + timedelta(minutes=1))) == ["added", "planned"]
