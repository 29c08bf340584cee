"""A picture of which faults a campaign has seen in which statuses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from incrsim.ingestion import Status
from incrsim.notebook.plots_style import INK, STILL, axes_or_new, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 0.24
"""Inches for a kind of fault."""

Pair = tuple[str, str]


def campaign(counts: Mapping[Pair, int], impossible: Collection[Pair] = (), ax: Axes | None = None) -> Axes:
    """How often each kind of fault took effect in each status.

    Args:
        counts: (status, fault) → how often; 0 where it never did. Faults stand in the order of the mapping.
        impossible: the pairs that never can be; they are hatched.
        ax: to draw into; new ones, as high as it takes, unless given.

    Raises:
        MissingExtra: when matplotlib is not installed.
    """
    found = {status for status, _ in counts}
    statuses = [str(status) for status in Status if status in found] + sorted(found - set(Status))
    faults = list(dict.fromkeys(fault for _, fault in counts))
    axes = axes_or_new(ax, height=1.6 + _ROW * len(faults))
    if counts:
        _map(axes, [[counts.get((status, fault), 0) for status in statuses] for fault in faults])
    for row, fault in enumerate(faults):
        for column, status in enumerate(statuses):
            if (status, fault) in impossible:
                _hatch(axes, column, row)
    axes.set_xticks(range(len(statuses)), statuses)
    axes.set_yticks(range(len(faults)), faults)
    titled(axes, "How often each fault struck in each status", "", "")
    axes.tick_params(labelsize=9, length=0)
    axes.tick_params(axis="x", labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    note = "; hatched: it never can" if impossible else ""
    axes.set_xlabel(f"status of the ingestion; numbers: how often; empty: never{note}", color=INK, fontsize=10)
    return axes


def _map(axes: Axes, rows: list[list[int]]) -> None:
    """Cells in the colours of cividis, by the logarithm: some faults strike a thousand times as often as others."""
    import numpy as np
    from matplotlib.colors import LogNorm

    values = np.array(rows, dtype=float)
    most = max(values.max(), 10)
    shades = np.ma.masked_equal(values, 0)
    axes.imshow(shades, aspect="auto", cmap="cividis_r", norm=LogNorm(1, most), interpolation="none")
    axes.set_xticks(np.arange(values.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(values.shape[0] + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)
    for (row, column), times in np.ndenumerate(values):
        if times:
            _number(axes, column, row, int(times), dark=np.log(times) > 0.5 * np.log(most))


def _number(axes: Axes, column: int, row: int, times: int, *, dark: bool) -> None:
    colour = "white" if dark else INK
    axes.text(column, row, f"{times:,}", ha="center", va="center", fontsize=8, color=colour)


def _hatch(axes: Axes, column: int, row: int) -> None:
    from matplotlib.patches import Rectangle

    style: dict[str, Any] = {"facecolor": "none", "edgecolor": STILL, "hatch": "////", "linewidth": 0}
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **style))
