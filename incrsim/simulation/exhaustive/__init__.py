"""All histories of a small world, one after the other: `exhaust` goes through them."""

from incrsim.simulation.exhaustive.exhausting import OPTIONS, Exhausted, exhaust

__all__ = ["OPTIONS", "Exhausted", "exhaust"]
