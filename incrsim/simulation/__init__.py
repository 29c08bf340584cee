"""The shipping engine under a virtual clock: sources by formula, faults of all kinds, replicas in any order.

`incrsim.simulate` is where to begin. A `scenario` is all that a run depends on, as data; `world` is what there is while
it runs, and `world.course` runs it; `trace_file` and `replay` keep and repeat it. A `campaign` runs many of them, and
`reduce` makes those small in which a rule does not hold. `simulator` is the driver below all of that: one provider,
step by step, for tests that want every step in their own hands.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from incrsim.simulation.compare import Comparison, compare
from incrsim.simulation.crash import Crash, CrashingProvider, CrashPoint, Fuse, Moment, crashing_store
from incrsim.simulation.exhaustive import Exhausted, exhaust
from incrsim.simulation.list_source import ListSource
from incrsim.simulation.simulator import ADVANCE, Died, Move, Simulation, SimulationStuck, StoreFailed
from incrsim.simulation.source import FakeSource
from incrsim.simulation.trace import Trace
from incrsim.simulation.view import NOTHING, FixedView, View

if TYPE_CHECKING:
    from incrsim.simulation.campaign.campaign import Campaign
    from incrsim.simulation.campaign.result import CampaignResult
    from incrsim.simulation.reduction.reducing import reduce
    from incrsim.simulation.reduction.result import Reduced
    from incrsim.simulation.run import Run
    from incrsim.simulation.scenario import Scenario
    from incrsim.simulation.simulating import run_scenario, simulate

_LATE = {
    "Campaign": "campaign.campaign",
    "CampaignResult": "campaign.result",
    "Reduced": "reduction.result",
    "Run": "run",
    "Scenario": "scenario",
    "reduce": "reduction.reducing",
    "run_scenario": "simulating",
    "simulate": "simulating",
}
"""What a source and a step-by-step simulation do without is imported when it is first asked for."""

__all__ = [
    "ADVANCE",
    "NOTHING",
    "Campaign",
    "CampaignResult",
    "Comparison",
    "Crash",
    "CrashPoint",
    "CrashingProvider",
    "Died",
    "Exhausted",
    "FakeSource",
    "FixedView",
    "Fuse",
    "ListSource",
    "Moment",
    "Move",
    "Reduced",
    "Run",
    "Scenario",
    "Simulation",
    "SimulationStuck",
    "StoreFailed",
    "Trace",
    "View",
    "compare",
    "crashing_store",
    "exhaust",
    "reduce",
    "run_scenario",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"incrsim.simulation.{_LATE[name]}"), name)
