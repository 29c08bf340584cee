"""Incremental ingestion with mark and sweep: keep a catalog equal to sources that are too large for memory.

Layout, from the ground up: `entity`, `provider`, `options` and `events` are the values that you meet; `lifecycle` and
`guards` decide, and do nothing else; `store` holds entities, marks and ingestions, in memory or in Postgres; `engine`
does one provider's tick, step by step, and `app` drives it; `simulation` drives the same engine on a virtual clock,
with sources that are made up. `incrsim.open()` is where to begin.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from incrsim.app import App
from incrsim.catalog import Catalog
from incrsim.clock import SystemClock, VirtualClock
from incrsim.entity import Entity, EntityRef
from incrsim.errors import CursorExpired, FatalError, IncrsimError, ProviderError, RateLimited, StoreError
from incrsim.guards import Verdict
from incrsim.ingestion import Ingestion, Outcome, Status
from incrsim.kinds import component, domain, group, location, resource, system, user
from incrsim.opening import open  # noqa: A004  # reads as incrsim.open(…)
from incrsim.options import ProviderOptions
from incrsim.preview import preview
from incrsim.preview_values import Preview
from incrsim.provider import IncrementalEntityProvider, Page, Problem
from incrsim.provider_events import Delta, SourceEvent
from incrsim.report import CycleReport

if TYPE_CHECKING:
    from incrsim.simulation.simulating import simulate
    from incrsim.testing.conformance import check

_LATE = {"check": "incrsim.testing.conformance", "simulate": "incrsim.simulation.simulating"}
"""What few programs need is imported when it is first asked for."""

__all__ = [
    "App",
    "Catalog",
    "CursorExpired",
    "CycleReport",
    "Delta",
    "Entity",
    "EntityRef",
    "FatalError",
    "IncrementalEntityProvider",
    "IncrsimError",
    "Ingestion",
    "Outcome",
    "Page",
    "Preview",
    "Problem",
    "ProviderError",
    "ProviderOptions",
    "RateLimited",
    "SourceEvent",
    "Status",
    "StoreError",
    "SystemClock",
    "Verdict",
    "VirtualClock",
    "check",
    "component",
    "domain",
    "group",
    "location",
    "open",
    "preview",
    "resource",
    "simulate",
    "system",
    "user",
]

# A library stays silent unless its user configures logging.
logging.getLogger("incrsim").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)
