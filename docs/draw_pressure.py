"""Measures what docs/pressure.md tells, and draws its pictures; run it as `python docs/draw_pressure.py`.

It takes some minutes. Virtual time is the same in each run; memory is that of this machine, and needs an embedded
Postgres or `--database URL` of an empty one.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from incrsim.notebook import plots
from incrsim.simulation import pressure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IMAGES = Path(__file__).parent / "images"
SIZES = (10_000, 50_000, 100_000, 300_000)


def main() -> None:
    """Print all tables, and draw all pictures."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "incrsim"}  # text as text, the same in each run
    mpl.rcParams["path.simplify_threshold"] = 1.0  # pixels: nobody sees more of the bursts' thousand small peaks
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="the URL of an empty database, in place of an embedded Postgres")
    database = parser.parse_args().database
    compared = pressure.compare()
    print(compared, end="\n\n")
    _draw(plots.queue(compared), "pressure-queue")
    _draw(plots.small_provider(compared), "pressure-small-provider")
    print(pressure.recover(), end="\n\n")
    print(pressure.orphans(), end="\n\n")
    measured = pressure.memory(SIZES, database=database)
    print(measured)
    _draw(plots.memory(measured), "pressure-memory")


def _draw(axes: Axes, name: str) -> None:
    picture = IMAGES / f"{name}.svg"
    metadata = {"Date": None, "Creator": "docs/draw_pressure.py"}
    axes.get_figure(root=True).savefig(picture, metadata=metadata)
    print(f"drawn: images/{picture.name}", end="\n\n")


if __name__ == "__main__":
    main()
