"""For authors of providers: does mine keep the contract? `check` reports it, `provider_conformance` tests it, and
`assert_sweep_safe` and `SweepSafety` simulate it. `strategies` has what Hypothesis draws for tests of one's own.

What needs pytest or Hypothesis is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from incrsim.errors import MissingExtra

if TYPE_CHECKING:
    from incrsim.testing.conformance import check
    from incrsim.testing.conformance_class import ConformanceAdvice, provider_conformance
    from incrsim.testing.conformance_drift import ChangingSource
    from incrsim.testing.conformance_report import ConformanceReport, ConformanceRow, Outcome
    from incrsim.testing.machines import SweepSafety
    from incrsim.testing.safety import assert_sweep_safe
    from incrsim.testing.safety_measured import Measured

_HOMES = {
    "ChangingSource": "conformance_drift",
    "ConformanceAdvice": "conformance_class",
    "ConformanceReport": "conformance_report",
    "ConformanceRow": "conformance_report",
    "Measured": "safety_measured",
    "Outcome": "conformance_report",
    "SweepSafety": "machines",
    "assert_sweep_safe": "safety",
    "check": "conformance",
    "provider_conformance": "conformance_class",
}

__all__ = [
    "ChangingSource",
    "ConformanceAdvice",
    "ConformanceReport",
    "ConformanceRow",
    "Measured",
    "Outcome",
    "SweepSafety",
    "assert_sweep_safe",
    "check",
    "provider_conformance",
]

_OF_THE_EXTRA = ("hypothesis", "pytest")


def __getattr__(name: str) -> Any:
    if name not in _HOMES and name != "strategies":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_HOMES.get(name, name)}")
    except ModuleNotFoundError as error:
        if error.name in _OF_THE_EXTRA:
            raise MissingExtra(f"incrsim.testing.{name} needs {error.name}: pip install 'incrsim[testing]'") from error
        raise
    return getattr(module, name) if name in _HOMES else module
