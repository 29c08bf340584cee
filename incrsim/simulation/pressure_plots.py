"""Pictures of the reports of `incrsim.simulation.pressure`: one function each, which draws into the axes that it is
given or into new ones, and returns them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from incrsim.errors import MissingExtra
from incrsim.simulation.pressure import MemoryReport, Pressure, PressureReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Mapping[str, str] = MappingProxyType({"full": "#D55E00", "bursts": "#0072B2", "streamed": "#009E73"})
"""Of Okabe and Ito's palette, which people with any kind of colour vision can tell apart."""

MARKERS: Mapping[str, str] = MappingProxyType({"full": "o", "bursts": "s", "streamed": "^"})

NAMES: Mapping[str, str] = MappingProxyType(
    {"full": "full mutation", "bursts": "bursts", "streamed": "full mutation from an iterator"}
)

INK, GRID = "#1f2937", "#e2e8f0"
SIZE = (8.0, 4.2)
"""Inches; 800 pixels are 100 to the inch."""


def queue(report: PressureReport, axes: Axes | None = None) -> Axes:
    """How long the processing queue is, over time.

    Args:
        report: of `compare`.
        axes: to draw into; new ones unless given.

    Raises:
        MissingExtra: when matplotlib is not installed.
    """
    drawn = axes or _new_axes()
    for each in (report.full, report.bursts):
        minutes = [point.seconds / 60 for point in each.curve]
        lengths = [point.waiting for point in each.curve]
        drawn.plot(minutes, lengths, color=COLOURS[each.way], label=f"{NAMES[each.way]}: at most {each.peak:,}")
    drawn.set_title("Entities that wait to be processed")
    drawn.set_xlabel("minutes since the start")
    drawn.set_ylabel("entities in the queue")
    return _finished(drawn)


def small_provider(report: PressureReport, axes: Axes | None = None) -> Axes:
    """How long changes of the small provider wait behind the large one, by when they were committed.

    Args:
        report: of `compare`.
        axes: to draw into; new ones unless given.

    Raises:
        MissingExtra: when matplotlib is not installed.
    """
    drawn = axes or _new_axes()
    for each in (report.full, report.bursts):
        worst = _worst_by_change(each)
        drawn.plot(
            [changed / 60 for changed in worst],
            list(worst.values()),
            color=COLOURS[each.way],
            marker=MARKERS[each.way],
            markersize=3.5,
            linewidth=1,
            label=f"beside a {NAMES[each.way]}" if each.way == "full" else f"beside {NAMES[each.way]}",
        )
    drawn.set_title("How long another provider's changes wait")
    drawn.set_xlabel("minutes since the start, at which they were committed")
    drawn.set_ylabel("seconds until they are processed")
    return _finished(drawn)


def memory(report: MemoryReport, axes: Axes | None = None) -> Axes:
    """How much memory each way takes, by the number of entities.

    Args:
        report: of `memory`.
        axes: to draw into; new ones unless given.

    Raises:
        MissingExtra: when matplotlib is not installed.
    """
    drawn = axes or _new_axes()
    for way in dict.fromkeys(row.way for row in report.rows):
        peaks = report.peaks(way)
        drawn.plot(
            [size / 1000 for size in peaks],
            list(peaks.values()),
            color=COLOURS[way],
            marker=MARKERS[way],
            label=NAMES[way],
        )
    drawn.set_title("The most memory that the process ever held")
    drawn.set_xlabel("thousands of entities")
    drawn.set_ylabel("MB")
    return _finished(drawn)


def _worst_by_change(pressure: Pressure) -> dict[float, float]:
    worst: dict[float, float] = {}
    for changed, delay in zip(pressure.small.changed, pressure.small.delays, strict=True):
        worst[changed] = max(delay, worst.get(changed, 0.0))
    return dict(sorted(worst.items()))


def _new_axes() -> Axes:
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingExtra("pictures need matplotlib: pip install 'incrsim[notebook]'") from error
    _, axes = plt.subplots(figsize=SIZE, layout="constrained", facecolor="white")
    return axes


def _finished(axes: Axes) -> Axes:
    """What all of them have in common."""
    axes.title.set(color=INK, fontsize=13)
    axes.set_title(axes.get_title(), loc="left")
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=INK, fontsize=11)
    axes.tick_params(colors=INK, labelsize=11)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=11, labelcolor=INK)
    return axes
