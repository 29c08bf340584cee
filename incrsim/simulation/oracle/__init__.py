"""An independent model in sets that judges a simulation: every rule of the contract that can be seen from outside."""

from __future__ import annotations

from incrsim.simulation.oracle.judge import Oracle

__all__ = ["Oracle"]
