"""The pytest plugin: fixtures for simulations, and a report of a rule that does not hold.

Every test run of whoever has incrsim installed imports this, whether it needs it or not. So it stands beside the
package `incrsim` and not in it, and imports nothing of it before somebody asks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from incrsim.clock import VirtualClock
    from incrsim.simulation.simulator import Simulation
    from incrsim.store.memory import MemoryStore

_MARKER = "incrsim(seed=…, examples=…): how scenarios are drawn in this test, whatever the command line says"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--incrsim-seed` and `--incrsim-examples`."""
    group = parser.getgroup("incrsim", "sweep safety")
    group.addoption("--incrsim-seed", type=int, metavar="N", help="the first seed that scenarios are drawn from (1)")
    group.addoption("--incrsim-examples", type=int, metavar="N", help="how many scenarios are drawn (50)")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Tell those who draw scenarios what the command line and the test's marker wish."""
    wishes = _wishes(item)
    if not wishes:
        return (yield)
    from incrsim.testing.safety_wishes import WISHES

    before = WISHES.set(WISHES.get()._replace(**wishes))
    try:
        return (yield)
    finally:
        WISHES.reset(before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say of a rule that does not hold what happened, and how it is met again."""
    report = yield
    known = sys.modules.get("incrsim.simulation.violation")
    error = None if call.excinfo is None else call.excinfo.value
    if known is not None and isinstance(error, known.Violation):
        report.sections.append((f"{error.finding.rule} does not hold", _told(item, error)))
    return report


def _wishes(item: pytest.Item) -> dict[str, int]:
    given = {name: item.config.getoption(f"--incrsim-{name}") for name in ("seed", "examples")}
    marker = item.get_closest_marker("incrsim")
    if marker is not None:
        strange = [*map(repr, marker.args), *(name for name in marker.kwargs if name not in given)]
        if strange:
            raise pytest.UsageError(f"{item.nodeid}: the marker incrsim takes seed=… and examples=…, not {strange[0]}")
        given.update(marker.kwargs)
    return {name: value for name, value in given.items() if value is not None}


def _told(item: pytest.Item, violation: Any) -> str:
    finding = violation.finding
    wishes = "".join(f" --incrsim-{name}={value}" for name, value in sorted(_wishes(item).items()))
    lines = [
        f"provider:  {finding.provider}",
        f"expected:  {finding.expected}",
        f"found:     {finding.found}",
        f"since:     step {finding.step}",
        "story:",
        *(f"  {line}" for line in finding.story),
        "again:",
        f"  pytest '{item.nodeid}'{wishes}",
    ]
    return "\n".join(lines)


# --- fixtures ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def virtual_clock() -> VirtualClock:
    """A clock that goes on when it is told to."""
    from incrsim.clock import VirtualClock

    return VirtualClock()


@pytest.fixture
def memory_store(virtual_clock: VirtualClock) -> Iterator[MemoryStore]:
    """An empty store in memory, on the virtual clock."""
    from incrsim.store.memory import MemoryStore

    store = MemoryStore(virtual_clock)
    yield store
    store.close()


@pytest.fixture
def simulation(virtual_clock: VirtualClock, memory_store: MemoryStore) -> Callable[..., Simulation]:
    """Make a simulation, step by step, of a provider: `simulation(provider, replicas=2, removal_grace_cycles=1)`."""

    def simulated(provider: Any, *, replicas: int = 1, **options: Any) -> Simulation:
        from incrsim.options import ProviderOptions
        from incrsim.simulation.simulator import Simulation

        return Simulation(
            provider,
            store=memory_store,
            clock=virtual_clock,
            options=ProviderOptions.of(**options),
            replicas=replicas,
        )

    return simulated
