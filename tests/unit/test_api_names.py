"""The public names, written out: a change of the API shows here, in review."""

from __future__ import annotations

import incrsim

EVERYDAY = [
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


def test_public_names() -> None:
    """`incrsim` offers these names, all of them are there, and each is documented."""
    assert sorted(incrsim.__all__) == EVERYDAY
    for name in EVERYDAY:
        assert (getattr(incrsim, name).__doc__ or "").strip(), name
