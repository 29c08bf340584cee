"""The same scenario and seed give the same trace, byte for byte."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from incrsim.clock import VirtualClock
from incrsim.events import PageFetched
from incrsim.simulation import CrashPoint, Moment, Trace
from incrsim.simulation.trace import canonical
from incrsim.store.memory import MemoryStore
from tests.simulation.processes import told_by_processes
from tests.simulation.world import STORY, play

if TYPE_CHECKING:
    from incrsim.store import Store

LOST = CrashPoint("commit_page", 3, Moment.ANSWER_LOST)

IN_A_PROCESS = """
from tests.simulation.test_trace import trace_in_memory
print(trace_in_memory()[1])
"""


def trace_of(store: Store, clock: VirtualClock) -> tuple[list[bytes], str]:
    """All lines of the story with a lost answer, and their digest; then what the catalog holds at its end."""
    lines: list[bytes] = []
    trace = Trace(lines.append)
    play(store, clock, "traced", LOST, STORY, trace)
    assert trace.length == len(lines)
    return [*lines, *(each.ref.encode() + each.digest for each in store.entities(limit=10_000))], trace.digest


def trace_in_memory() -> tuple[list[bytes], str]:
    """The same in memory."""
    clock = VirtualClock()
    return trace_of(MemoryStore(clock), clock)


@pytest.mark.rule("C-41")
def test_two_runs_give_the_same_trace(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of one scenario agree in every byte, although the texts of their errors differ."""
    caplog.set_level("CRITICAL", "incrsim")
    numbers = count()
    monkeypatch.setattr("tests.simulation.world.hung_up", lambda: f"the source hung up, says object {next(numbers)}")
    first, second = trace_in_memory(), trace_in_memory()
    assert first == second
    told = b"\n".join(first[0])
    for kind in (b"Failed", b"Waiting", b"SweepCommitted", b"BurstEnded"):
        assert b'"event":"' + kind + b'"' in told


@pytest.mark.slow
def test_two_processes_give_the_same_trace() -> None:
    """Nothing of a trace depends on a process's own order of sets and hashes."""
    digests = told_by_processes(IN_A_PROCESS)
    assert len(digests) == 1


def test_both_stores_give_the_same_trace(
    postgres_world: tuple[Store, VirtualClock], caplog: pytest.LogCaptureFixture
) -> None:
    """A trace does not tell on which store it was made."""
    caplog.set_level("CRITICAL", "incrsim")
    assert trace_of(*postgres_world) == trace_in_memory()


def test_measured_times_stay_out() -> None:
    """How long a page took is no part of a trace."""
    event = PageFetched(at=VirtualClock().now(), provider="p", ingestion=1, page=1, entities=2, seconds=0.5)
    assert canonical(event) == (
        b'{"at":"2025-01-01T00:00:00+00:00","entities":2,"ingestion":1,"page":1,"provider":"p"}'
    )


def test_what_has_no_canonical_form_is_refused() -> None:
    """A value whose text could differ from run to run is an error, not a guess."""
    with pytest.raises(TypeError) as caught:
        canonical({1, 2})
    assert "a trace cannot hold {1, 2}: set has no canonical form" in str(caught.value.__cause__)
