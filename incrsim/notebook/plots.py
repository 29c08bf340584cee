"""Pictures, a function each: it draws into the axes that it is given (`ax=`), or into new ones, and returns them.

`catalog(run)` and `statuses(run)` show a simulated run over time, `stale(run.to_frame())` its sweeps,
`campaign(counts)` what a campaign has seen; `queue`, `small_provider` and `memory` are of the reports of
`incrsim.simulation.pressure`. All have 800 pixels across, units at their axes, and colours that people with any kind of
colour vision can tell apart.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, cast

from incrsim.notebook.plots_campaign import campaign
from incrsim.notebook.plots_cycles import stale
from incrsim.notebook.plots_pressure import memory, queue, small_provider
from incrsim.notebook.plots_run import catalog, statuses

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["campaign", "catalog", "memory", "png", "queue", "small_provider", "stale", "statuses"]


def png(axes: Axes) -> bytes:
    """A picture as PNG, for an `Image` widget.

    Args:
        axes: as the functions here return them.
    """
    buffer = BytesIO()
    cast("Figure", axes.get_figure(root=True)).savefig(buffer, format="png")
    return buffer.getvalue()
