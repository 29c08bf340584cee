"""What ingesting in bursts is good for, measured: the pressure on whatever comes behind the catalog.

`compare` runs the shipping engine and a full mutation into the same processing queue; `recover`, `orphans` and `memory`
are about the other benefits. `incrsim.notebook.plots` draws them.
"""

from incrsim.simulation.pressure.comparing import BURSTS, Pressure, PressureReport, compare
from incrsim.simulation.pressure.memory_use import MemoryReport, memory
from incrsim.simulation.pressure.orphan_count import OrphanReport, orphans
from incrsim.simulation.pressure.queue import ProcessingQueue
from incrsim.simulation.pressure.recovery import RecoveryReport, recover
from incrsim.simulation.pressure.source import Trouble

__all__ = [
    "BURSTS",
    "MemoryReport",
    "OrphanReport",
    "Pressure",
    "PressureReport",
    "ProcessingQueue",
    "RecoveryReport",
    "Trouble",
    "compare",
    "memory",
    "orphans",
    "recover",
]
