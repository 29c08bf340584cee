"""Pictures of a simulated run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from incrsim.notebook.plots_story import FROZEN, HELD, REFUSED, Span, story
from incrsim.notebook.plots_style import (
    BLACK,
    BLUE,
    INK,
    STATUSES,
    VERMILION,
    axes_or_new,
    counted,
    legend_below,
    titled,
)
from incrsim.notebook.plots_time import Timescale
from incrsim.simulation.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BANDS = {
    "bursting": "burst",
    "backing off": "backoff",
    "resting": "rest",
    REFUSED: "rest after a refused sweep",
}
_HATCH = {REFUSED: "////", "backing off": "...."}
_NAMES = {REFUSED: "resting, refused", HELD: "waiting for a lease to expire"}
_ROW = 0.7
"""The height of a strip, of 1."""


def catalog(run: Run, ax: Axes | None = None) -> Axes:
    """How many entities the source and the catalog have, over time; bursts, rests, backoffs and refusals as bands.

    Args:
        run: of `simulate`.
        ax: to draw into; new ones unless given.

    Raises:
        MissingExtra: when matplotlib is not installed.
    """
    axes, told = axes_or_new(ax), story(run)
    for status in _BANDS:
        bands = [span for span in told.statuses if span.status == status]
        if bands:
            _band(axes, status, bands)
    axes.plot(*_steps(told.source, told.end), color=BLACK, linewidth=1.4, linestyle="--", label="source")
    axes.plot(*_steps(told.catalog, told.end), color=BLUE, linewidth=2.2, label="catalog")
    titled(axes, f"{told.provider}: the catalog follows its source", "", "entities")
    Timescale.of(told.statuses).apply(axes, told)
    counted(axes).grid(visible=False, axis="x")
    return legend_below(axes, columns=3)


def statuses(run: Run, ax: Axes | None = None) -> Axes:
    """The statuses of the provider, and what each replica did, as strips over time.

    Args:
        run: of `simulate`.
        ax: to draw into; new ones unless given.

    Raises:
        MissingExtra: when matplotlib is not installed.
    """
    told = story(run)
    rows = [told.provider, *(f"replica {number}" for number in told.work)]
    axes = axes_or_new(ax, height=1.9 + 0.5 * len(rows))
    for status in STATUSES:
        _strip(axes, status, 0, (span for span in told.statuses if span.status == status))
    for row, (number, work) in enumerate(told.work.items(), start=1):
        for status in ("bursting", "sweeping", FROZEN):
            _strip(axes, status, row, (span for span in work if span.status == status))
        deaths = told.deaths[number]
        axes.plot(deaths, [row] * len(deaths), "x", color=VERMILION, markersize=7, label="process died" * (row == 1))
    axes.set_yticks(range(len(rows)), rows)
    titled(axes, f"{told.provider}: statuses, and who worked", "", "")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    Timescale.of(told.statuses).apply(axes, told)
    return legend_below(axes)


def _band(axes: Axes, status: str, spans: list[Span]) -> None:
    """From the bottom to the top, whatever the axis shows."""
    axes.broken_barh(
        [(span.start, span.length) for span in spans],
        (0, 1),
        transform=axes.get_xaxis_transform(),
        facecolor=STATUSES[status],
        alpha=0.3,
        hatch=_HATCH.get(status),
        edgecolor=STATUSES[status],
        linewidth=0,
        label=_BANDS[status],
        zorder=0,
    )


def _strip(axes: Axes, status: str, row: int, spans: Iterable[Span]) -> None:
    drawn = [(span.start, span.length) for span in spans]
    if not drawn:
        return
    colour = "none" if status == FROZEN else STATUSES[status]
    known = set(axes.get_legend_handles_labels()[1])
    label = _NAMES.get(status, status)
    axes.broken_barh(
        drawn,
        (row - _ROW / 2, _ROW),
        facecolor=colour,
        edgecolor=INK if status == FROZEN else colour,
        hatch="////" if status in (FROZEN, REFUSED) else None,
        linewidth=0,
        label=None if label in known else label,
    )


def _steps(curve: Iterable[tuple[float, int]], end: float) -> tuple[list[float], list[int]]:
    """A line that stays where it is until something changes."""
    times: list[float] = []
    sizes: list[int] = []
    for time, size in curve:
        if sizes:
            times.append(time)
            sizes.append(sizes[-1])
        times.append(time)
        sizes.append(size)
    return [*times, end], [*sizes, sizes[-1]]
