"""A run is a function of its scenario: in any process, on both stores, today and when its trace is replayed (C-41)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson
import pytest

from incrsim.engine import Engine
from incrsim.errors import CallerError
from incrsim.simulation.replay import replay
from incrsim.simulation.simulating import run_scenario, simulate
from incrsim.simulation.trace import Trace
from incrsim.simulation.world.store import stores
from tests.simulation.golden import FILE, SCENARIOS, digests
from tests.simulation.processes import told_by_processes

if TYPE_CHECKING:
    from pathlib import Path

    from incrsim.simulation.run import Run
    from incrsim.simulation.trace_file import Header

ROUGH = SCENARIOS["rough"]

IN_A_PROCESS = """
from tests.simulation.golden import digests
print(digests())
"""


@pytest.fixture(autouse=True)
def _silence(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "incrsim")


def again(header: Header, trace: Trace) -> Run:
    """Run it as it was run."""
    return run_scenario(header.scenario, trace=trace)


@pytest.mark.rule("C-41")
def test_digests_are_those_in_the_repository() -> None:
    """What scenarios lead to is what it was; if it is meant to be otherwise: python -m tests.simulation.golden."""
    assert digests() == json.loads(FILE.read_text())


@pytest.mark.slow
def test_any_process_gives_the_same() -> None:
    """Nothing depends on a process's own order of sets and hashes."""
    told = told_by_processes(IN_A_PROCESS)
    assert told == {f"{json.loads(FILE.read_text())}\n"}


def test_postgres_gives_the_same(shared_database_url: str) -> None:
    """A trace does not tell on which store it was made, one scenario after the other on the same database."""
    with stores(shared_database_url) as opened:
        told = {name: run_scenario(scenario, store=opened).digest for name, scenario in SCENARIOS.items()}
    assert told == json.loads(FILE.read_text())


def test_a_used_database_is_refused(database_url: str) -> None:
    """A simulation empties its database, and so does not take one that somebody uses."""
    from incrsim.store.postgres import PostgresStore

    store = PostgresStore.open(database_url)
    store.register("services")
    with pytest.raises(CallerError, match="holds services, and a simulation empties its database"):
        simulate(ROUGH, database=database_url)
    assert store.providers() == ["services"]
    store.close()


def test_a_trace_is_replayed(tmp_path: Path) -> None:
    """A trace file holds all that it takes to run it again, and its digest."""
    file = tmp_path / "trace.jsonl"
    run = simulate(ROUGH, trace=file)
    replayed = replay(file, again)
    assert replayed.same
    assert replayed.run is not None
    assert replayed.run.digest == run.digest == orjson.loads(file.read_bytes().splitlines()[-1])["digest"]
    assert str(replayed).startswith(f"the same {replayed.lines:,} steps; ")


def test_the_first_step_that_differs_is_named(tmp_path: Path) -> None:
    """An engine that does something else is caught at its first step that shows it."""
    file = tmp_path / "trace.jsonl"
    simulate(ROUGH, trace=file)
    lines = file.read_bytes().splitlines()
    changed = orjson.loads(lines[30])
    changed["replica"] = 9
    file.write_bytes(b"\n".join([*lines[:30], orjson.dumps(changed), *lines[31:]]) + b"\n")
    replayed = replay(file, again)
    assert not replayed.same
    assert replayed.lines == 29
    assert str(replayed).startswith("step 30 differs in replica:\n  traced:   {")


def test_a_trace_that_is_longer_or_shorter(tmp_path: Path) -> None:
    """Where one of the two ends, the other's next step is shown."""
    file = tmp_path / "trace.jsonl"
    simulate(ROUGH, trace=file)
    lines = file.read_bytes().splitlines()
    file.write_bytes(b"\n".join([*lines[:40], lines[-1]]) + b"\n")
    assert "  traced:   (the trace ends here)" in str(replay(file, again))
    file.write_bytes(b"\n".join([*lines[:-1], b"{}", lines[-1]]) + b"\n")
    assert "  replayed: (the run ends here)" in str(replay(file, again))


@pytest.mark.parametrize("text", ["", "{}", '{"incrsim": "trace", "version": 99}', "seed = 1"])
def test_what_is_no_trace_is_refused(tmp_path: Path, text: str) -> None:
    """A file that is something else is named."""
    file = tmp_path / "trace.jsonl"
    file.write_text(text)
    with pytest.raises(CallerError, match="does not begin as a trace of this version does"):
        replay(file, again)
    with pytest.raises(CallerError, match=r"none\.jsonl: No such file"):
        replay(tmp_path / "none.jsonl", again)


def test_a_broken_engine_is_part_of_a_run() -> None:
    """Whoever breaks the engine on purpose gives its own in the place of each replica's."""
    engines: list[Engine] = []

    def broken(engine: Engine) -> Engine:
        engines.append(engine)
        return engine

    run_scenario(ROUGH, engine=broken)
    assert {each.name for each in engines} >= {"main"}
