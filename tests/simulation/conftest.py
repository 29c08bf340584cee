"""Tells what the simulations covered at the end of a run: how many crash points, states and schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from incrsim.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from incrsim.store import Store

COVERED = "covered"


@pytest.fixture
def covered(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say in one line what a test covered."""

    def say(what: str) -> None:
        record_property(COVERED, what)
        print(what)

    return say


@pytest.fixture
def quiet_logs(caplog: pytest.LogCaptureFixture) -> None:
    """Failures that are meant are not logged."""
    caplog.set_level("CRITICAL", "incrsim")


@pytest.fixture
def postgres_world(database_url: str) -> Iterator[tuple[Store, VirtualClock]]:
    """A store in Postgres that lives by a virtual clock."""
    from incrsim.store.postgres import PostgresStore

    clock = VirtualClock()
    store = PostgresStore.open(database_url, clock=clock)
    yield store, clock
    store.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List it, also when other processes ran the tests."""
    told = [
        f"{report.nodeid.rpartition('::')[2]}: {what}"
        for report in terminalreporter.getreports("passed")
        for name, what in report.user_properties
        if name == COVERED and report.when == "call"
    ]
    if told:
        terminalreporter.section("simulated")
        for line in sorted(told):
            terminalreporter.line(line)
