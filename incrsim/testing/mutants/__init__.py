"""Engines, stores, guards and sources that are broken on purpose: the oracle must catch each of them, and by its rule.

A mutant is a small class with one flaw, its docstring; `breaks` names the rules of the contract that it breaks.
"""

from __future__ import annotations

from collections.abc import Mapping

from incrsim.testing.mutants import (  # noqa: F401 -- each of them registers its own
    engines,
    events,
    guards,
    life,
    operators,
    pages,
    sinks,
    sources,
    sweeps,
    upstream,
)
from incrsim.testing.mutants.mutant import KNOWN, Mutant, Part

MUTANTS: Mapping[str, Mutant] = KNOWN
"""All of them, by name."""

__all__ = ["MUTANTS", "Mutant", "Part"]
