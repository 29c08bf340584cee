"""Pictures of the reports of `incrsim.simulation.pressure`: one function each, which draws into the axes that it is
given or into new ones, and returns them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from incrsim.notebook.plots_style import BLUE, GREEN, VERMILION, axes_or_new, counted, legend_inside, titled
from incrsim.simulation.pressure import MemoryReport, Pressure, PressureReport
from incrsim.simulation.pressure.table import told

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Mapping[str, str] = MappingProxyType({"full": VERMILION, "bursts": BLUE, "streamed": GREEN})

MARKERS: Mapping[str, str] = MappingProxyType({"full": "o", "bursts": "s", "streamed": "^"})

NAMES: Mapping[str, str] = MappingProxyType(
    {"full": "full mutation", "bursts": "bursts", "streamed": "full mutation from an iterator"}
)


def queue(report: PressureReport, ax: Axes | None = None) -> Axes:
    """How long the processing queue is, over time.

    Args:
        report: of `compare`.
        ax: to draw into; new ones unless given.

    Raises:
        MissingExtra: when matplotlib is not installed.
    """
    drawn = axes_or_new(ax)
    for each in (report.full, report.bursts):
        minutes = [point.seconds / 60 for point in each.curve]
        lengths = [point.waiting for point in each.curve]
        label = f"{NAMES[each.way]}: at most {each.peak:,}"
        drawn.plot(minutes, lengths, color=COLOURS[each.way], linewidth=2, clip_on=False, label=label)
    return _finished(drawn, "Entities that wait to be processed", "minutes since the start", "entities in the queue")


def small_provider(report: PressureReport, ax: Axes | None = None) -> Axes:
    """How long changes of the small provider wait behind the large one, by when they were committed.

    Args:
        report: of `compare`.
        ax: to draw into; new ones unless given.

    Raises:
        MissingExtra: when matplotlib is not installed.
    """
    drawn = axes_or_new(ax)
    for each in (report.full, report.bursts):
        worst = _worst_by_change(each)
        drawn.plot(
            [changed / 60 for changed in worst],
            list(worst.values()),
            color=COLOURS[each.way],
            marker=MARKERS[each.way],
            markersize=4,
            clip_on=False,
            label=f"{NAMES[each.way]}: at most {told(each.small.worst_delay)}",
        )
    return _finished(
        drawn,
        "How long the small provider's changes wait",
        "minutes since the start, when they were committed",
        "seconds until they are processed",
    )


def memory(report: MemoryReport, ax: Axes | None = None) -> Axes:
    """How much memory each way takes, by the number of entities.

    Args:
        report: of `memory`.
        ax: to draw into; new ones unless given.

    Raises:
        MissingExtra: when matplotlib is not installed.
    """
    drawn = axes_or_new(ax)
    for way in dict.fromkeys(row.way for row in report.rows):
        peaks = report.peaks(way)
        drawn.plot(
            [size / 1000 for size in peaks],
            list(peaks.values()),
            color=COLOURS[way],
            marker=MARKERS[way],
            markersize=7,
            linewidth=2,
            label=NAMES[way],
        )
    return _finished(drawn, "The most memory that the process ever held", "thousands of entities", "MB")


def _worst_by_change(pressure: Pressure) -> dict[float, float]:
    worst: dict[float, float] = {}
    for changed, delay in zip(pressure.small.changed, pressure.small.delays, strict=True):
        worst[changed] = max(delay, worst.get(changed, 0.0))
    return dict(sorted(worst.items()))


def _finished(axes: Axes, title: str, across: str, up: str) -> Axes:
    """What all of them have in common."""
    legend_inside(counted(titled(axes, title, across, up)))
    axes.set_xlim(left=0)
    return axes
