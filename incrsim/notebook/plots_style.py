"""What all pictures have in common: colours, size, fonts, background."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from incrsim.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
"""Okabe and Ito's palette, which people with any kind of colour vision can tell apart."""

INK, GRID, STILL = "#1f2937", "#e2e8f0", "#cbd5e1"
SIZE = (8.0, 4.2)
"""Inches; 800 pixels are 100 to the inch."""

STATUSES: Mapping[str, str] = MappingProxyType(
    {
        "scheduled": "#f1f5f9",
        "bursting": BLUE,
        "interstitial": SKY,
        "backing off": ORANGE,
        "sweeping": GREEN,
        "resting": STILL,
        "refused": VERMILION,
        "paused": YELLOW,
        "held": PURPLE,
    }
)
"""The colour of each status; a rest after a refused sweep has one of its own, and so has a lease that
nobody works under."""


def axes_or_new(ax: Axes | None, height: float = SIZE[1]) -> Axes:
    """The axes that were given, or new ones.

    Args:
        ax: what was given.
        height: of the new ones, in inches.

    Raises:
        MissingExtra: when matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingExtra("pictures need matplotlib: pip install 'incrsim[notebook]'") from error
    _, axes = plt.subplots(figsize=(SIZE[0], height), dpi=100, layout="constrained", facecolor="white")
    return axes


def titled(axes: Axes, title: str, across: str, up: str) -> Axes:
    """With a title, and what is on each axis, with its unit."""
    axes.set_facecolor("white")
    axes.set_title(title, loc="left", color=INK, fontsize=13, pad=12)
    axes.set_xlabel(across, color=INK, fontsize=11)
    axes.set_ylabel(up, color=INK, fontsize=11)
    axes.tick_params(colors=INK, labelsize=11)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def counted(axes: Axes) -> Axes:
    """With numbers from 0 upward."""
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylim(bottom=0)
    axes.grid(color=GRID)
    return axes


def legend_inside(axes: Axes) -> Axes:
    """With a legend where there is room."""
    axes.legend(facecolor="white", framealpha=1, edgecolor="none", fontsize=11, labelcolor=INK)
    return axes


def legend_below(axes: Axes, columns: int = 4) -> Axes:
    """With a legend under the axis: what is drawn leaves no room inside."""
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        borderaxespad=4.5,  # of the font's size: below what stands at the axis
        ncols=columns,
        frameon=False,
        fontsize=10,
        labelcolor=INK,
        handlelength=1.6,
        columnspacing=1.6,
    )
    return axes
