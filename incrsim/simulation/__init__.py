"""The shipping engine under a virtual clock: sources by formula, crashes at any step, replicas in any order."""

from __future__ import annotations

from incrsim.simulation.compare import Comparison, compare
from incrsim.simulation.crash import Crash, CrashingProvider, CrashPoint, Fuse, Moment, crashing_store
from incrsim.simulation.exhaustive import Exhausted, exhaust
from incrsim.simulation.simulator import ADVANCE, Died, Move, Simulation, SimulationStuck, StoreFailed
from incrsim.simulation.source import FakeSource, ListSource
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
    "Exhausted",
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
    "exhaust",
]
