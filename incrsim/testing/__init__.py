"""For authors of providers: does mine keep the contract? `check` reports it, `provider_conformance` tests it.

What needs pytest or Hypothesis is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from incrsim.testing.conformance import check
    from incrsim.testing.conformance_class import ConformanceAdvice, provider_conformance
    from incrsim.testing.conformance_drift import ChangingSource
    from incrsim.testing.conformance_report import ConformanceReport, ConformanceRow, Outcome

_HOMES = {
    "ChangingSource": "conformance_drift",
    "ConformanceAdvice": "conformance_class",
    "ConformanceReport": "conformance_report",
    "ConformanceRow": "conformance_report",
    "Outcome": "conformance_report",
    "check": "conformance",
    "provider_conformance": "conformance_class",
}

__all__ = [
    "ChangingSource",
    "ConformanceAdvice",
    "ConformanceReport",
    "ConformanceRow",
    "Outcome",
    "check",
    "provider_conformance",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
