"""The shipping engine under a virtual clock: sources by formula, crashes at any step, replicas in any order."""

from __future__ import annotations

from incrsim.simulation.compare import Comparison, compare
from incrsim.simulation.crash import Crash, CrashingProvider, CrashPoint, Fuse, Moment, crashing_store
from incrsim.simulation.list_source import ListSource
from incrsim.simulation.simulator import ADVANCE, Died, Move, Simulation, SimulationStuck, StoreFailed
from incrsim.simulation.source import FakeSource
from incrsim.simulation.trace import Trace
from incrsim.simulation.view import NOTHING, FixedView, View

__all__ = [
    "ADVANCE",
    "NOTHING",
    "Comparison",
    "Crash",
    "CrashPoint",
    "CrashingProvider",
    "Died",
    "FakeSource",
    "FixedView",
    "Fuse",
    "ListSource",
    "Moment",
    "Move",
    "Simulation",
    "SimulationStuck",
    "StoreFailed",
    "Trace",
    "View",
    "compare",
    "crashing_store",
]
