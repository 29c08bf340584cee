"""A picture of what each cycle would remove, beside what guards allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incrsim.errors import CallerError
from incrsim.notebook.plots_style import BLACK, GREEN, ORANGE, VERMILION, axes_or_new, counted, legend_below, titled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_NEEDED = ("ingestion", "outcome", "removable", "base", "limit_percentage", "limit_count")
_BARS = (("swept", GREEN, None, "removed"), ("refused", VERMILION, "////", "refused to remove"))
_HALF = 0.5
"""Of an ingestion's place on the axis."""


def stale(cycles: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """How many entities each sweep would remove, and how many the guards allow.

    Args:
        cycles: `run.to_frame()`, or `app.history(name)` of one provider; ingestions without a sweep have no bar.
        ax: to draw into; new ones unless given.

    Raises:
        CallerError: when it is another DataFrame.
        MissingExtra: when matplotlib is not installed.
    """
    missing = [name for name in _NEEDED if name not in cycles]
    if missing:
        raise CallerError(f"stale(cycles): there is no column {', '.join(missing)}; pass run.to_frame()")
    axes, swept = axes_or_new(ax), cycles[cycles["removable"].notna()]
    for outcome, colour, hatch, label in _BARS:
        those = swept[swept["outcome"] == outcome]
        if len(those):
            style: dict[str, Any] = {
                "color": colour,
                "hatch": hatch,
                "edgecolor": "white",
                "linewidth": 0,
                "label": label,
            }
            axes.bar(those["ingestion"], those["removable"].astype(float), **style)
    percentage = (swept["limit_percentage"] * swept["base"] / 100).astype("Float64")
    _limit(axes, swept["ingestion"], percentage, BLACK, "limit: percentage")
    _limit(axes, swept["ingestion"], swept["limit_count"], ORANGE, "limit: count")
    titled(axes, "What each sweep would remove, and what guards allow", "ingestion, by number", "entities")
    counted(axes).grid(visible=False, axis="x")
    axes.locator_params(axis="x", integer=True)
    if len(swept):
        axes.set_xlim(swept["ingestion"].min() - 1, swept["ingestion"].max() + 1)
        legend_below(axes)
    return axes


def _limit(axes: Axes, ingestions: Any, allowed: Any, colour: str, label: str) -> None:
    """A line over each bar that the guard looked at."""
    known = allowed.notna()
    if known.any():
        numbers, heights = ingestions[known].astype(float), allowed[known].astype(float)
        axes.hlines(heights, numbers - _HALF, numbers + _HALF, color=colour, linewidth=2, label=label)
