"""The shipping engine under a virtual clock: sources by formula, crashes at any step, replicas in any order."""

from __future__ import annotations

from incrsim.simulation.source import FakeSource, ListSource
from incrsim.simulation.view import View

__all__ = ["FakeSource", "ListSource", "View"]
