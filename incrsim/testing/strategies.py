"""Hypothesis strategies for entities, cursors, options, sources and whole scenarios, to compose as you like.

All of them take bounds as `min_…` and `max_…`, refuse what makes no sense at once and by name, and shrink to what is
smallest and calmest. Where a value of the seed's world is only one part of what you draw, take the part's strategy:

    from hypothesis import given
    from incrsim.testing import strategies

    @given(strategies.sources(max_entities=50), strategies.options(removal_grace_cycles=1))
    def test_mine(source, options): ...
"""

from __future__ import annotations

from incrsim.testing.strategies_entities import Invalid, entities, invalid_entities, refs
from incrsim.testing.strategies_faults import faults
from incrsim.testing.strategies_scenarios import (
    moments,
    operator_calls,
    redeploys,
    scenarios,
    sources,
    timelines,
    webhooks,
)
from incrsim.testing.strategies_values import cursors, json_values, option_values, options, texts

__all__ = [
    "Invalid",
    "cursors",
    "entities",
    "faults",
    "invalid_entities",
    "json_values",
    "moments",
    "operator_calls",
    "option_values",
    "options",
    "redeploys",
    "refs",
    "scenarios",
    "sources",
    "texts",
    "timelines",
    "webhooks",
]
