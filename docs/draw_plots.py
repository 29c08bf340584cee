"""Draws the pictures of docs/plots.md, from the scenario that stands there; run it as `python docs/draw_plots.py`. It
takes some minutes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from incrsim.notebook import plots
from incrsim.simulation import Scenario, simulate
from incrsim.simulation.campaign.campaign import Campaign

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HERE = Path(__file__).parent
SCENARIOS, ENTITIES = 120, 200
"""Of the campaign: enough to see the map."""


def main() -> None:
    """Draw all of them."""
    import matplotlib as mpl

    mpl.use("agg")
    run = simulate(Scenario.from_toml(_scenario()))
    print(run)
    _draw(run.plot(), "plot-catalog")
    _draw(plots.statuses(run), "plot-statuses")
    _draw(plots.stale(run.to_frame()), "plot-stale")
    _draw(Campaign(faults="rough", entities=ENTITIES).over(range(1, SCENARIOS + 1)).plot(), "plot-campaign")


def _scenario() -> str:
    (text,) = re.findall(
        r"^```toml\n(.*?)^```", (HERE / "plots.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return str(text)


def _draw(axes: Axes, name: str) -> None:
    # Hundreds of bands would make ten times as large an SVG.
    picture = HERE / "images" / f"{name}.png"
    axes.get_figure(root=True).savefig(picture, dpi=150, metadata={"Software": "docs/draw_plots.py"})
    print(f"drawn: images/{picture.name}")


if __name__ == "__main__":
    main()
