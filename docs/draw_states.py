"""Draws the life of an ingestion from the tables that the engine uses: docs/lifecycle.md and docs/images/lifecycle.svg.

`make docs-diagrams` runs it; a test says when it is due. The picture needs matplotlib, which the extra `dev` brings.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from incrsim.ingestion import Status
from incrsim.lifecycle import OPERATORS, TRANSITIONS, Cause

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOCS = Path(__file__).parent
MARKDOWN = DOCS / "lifecycle.md"
PICTURE = DOCS / "images" / "lifecycle.svg"

PLACES: dict[Status, tuple[float, float]] = {
    Status.SCHEDULED: (0, 0),
    Status.BURSTING: (4, 0),
    Status.INTERSTITIAL: (2, -3),
    Status.BACKING_OFF: (6.2, -3),
    Status.SWEEPING: (8.4, 0),
    Status.RESTING: (12.4, 0),
    Status.COMPLETE: (12.4, 3.2),
}
BENDS: dict[tuple[Status, Status], tuple[float, tuple[float, float]]] = {
    (Status.SCHEDULED, Status.BURSTING): (0, (2, 0.22)),
    (Status.BURSTING, Status.INTERSTITIAL): (0.22, (1.25, -1.45)),
    (Status.INTERSTITIAL, Status.BURSTING): (0.22, (3.5, -2.3)),
    (Status.BURSTING, Status.BACKING_OFF): (-0.22, (5.55, -0.85)),
    (Status.BACKING_OFF, Status.BURSTING): (-0.22, (4.35, -2.2)),
    (Status.SWEEPING, Status.BACKING_OFF): (0.22, (6.55, -1.55)),
    (Status.BACKING_OFF, Status.SWEEPING): (0.22, (8.75, -2.2)),
    (Status.BURSTING, Status.SWEEPING): (0, (6.2, 0.22)),
    (Status.SWEEPING, Status.RESTING): (0, (10.4, 0.33)),
    (Status.RESTING, Status.COMPLETE): (0, (13.1, 1.6)),
    (Status.BURSTING, Status.COMPLETE): (-0.22, (6.4, 2.75)),
}
"""How far an arrow bends, and where its label stands; an arrow that is not here goes straight."""

HALF_WIDTH, HALF_HEIGHT = 0.95, 0.36
INK, PAPER, ACCENT, END = "#1f2937", "#f8fafc", "#2563eb", "#e2e8f0"

Arrow = tuple[Status, Status]


def arrows() -> dict[Arrow, list[Cause]]:
    """The causes of each way from one status to another; what operators end is told apart, since it ends everything."""
    found: dict[Arrow, list[Cause]] = {}
    for (before, cause), after in TRANSITIONS.items():
        if cause is not Cause.OPERATOR:
            found.setdefault((before, after), []).append(cause)
    return found


def labels() -> set[str]:
    """Every text of the picture, line by line."""
    causes = {str(cause) for found in arrows().values() for cause in found}
    return {*map(str, Status), *causes, *operator_note().split("\n")}


def operator_note() -> str:
    """What the picture says instead of an arrow from each status."""
    ended = [before for before, cause in TRANSITIONS if cause is Cause.OPERATOR]
    everywhere = len(ended) == len(Status) - 1
    return f"{Cause.OPERATOR}:\nfrom {'any other status' if everywhere else ', '.join(ended)}"


# --- text -------------------------------------------------------------------------------------------------------------


def markdown() -> str:
    """The page docs/lifecycle.md."""
    return "\n".join([*_head(), *_mermaid(), *_transitions(), *_operators()])


def _head() -> Iterator[str]:
    yield "# The life of an ingestion"
    yield ""
    yield "Drawn by `docs/draw_states.py` (`make docs-diagrams`) from `TRANSITIONS` and `OPERATORS` in"
    yield "`incrsim/lifecycle.py`, the tables that the engine uses (C-14). Do not edit."
    yield ""


def _mermaid() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    direction LR"
    for status in Status:
        yield f'    state "{status}" as {status.name}'
    yield f"    [*] --> {Status.SCHEDULED.name}"
    for (before, after), causes in arrows().items():
        yield f"    {before.name} --> {after.name}: {'<br/>'.join(causes)}"
    yield f"    {Status.COMPLETE.name} --> [*]"
    yield f"    note right of {Status.COMPLETE.name}"
    yield from (f"        {line}" for line in operator_note().split("\n"))
    yield "    end note"
    yield "```"
    yield ""


def _transitions() -> Iterator[str]:
    yield "## Every transition"
    yield ""
    yield "| from | because | to |"
    yield "|---|---|---|"
    yield from (f"| {before} | {cause} | {after} |" for (before, cause), after in TRANSITIONS.items())
    yield ""
    yield "Anything else is an `InvalidTransition`, which tells the ingestion's story."
    yield ""


def _operators() -> Iterator[str]:
    open_ones = [status for status in Status if status is not Status.COMPLETE]
    yield "## What an operator call does"
    yield ""
    yield f"| | {' | '.join(open_ones)} |"
    yield "|---" * (len(open_ones) + 1) + "|"
    for operator, effects in OPERATORS.items():
        yield f"| **{operator}** | {' | '.join(effects.get(status, 'error') for status in open_ones)} |"
    yield ""


# --- picture ----------------------------------------------------------------------------------------------------------


def figure() -> Figure:
    """The picture."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(12.5, 6.1))
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1.4, 14.6), ylim=(-3.7, 4.1))
    axes.axis("off")
    for arrow, causes in arrows().items():
        _draw_loop(axes, arrow[0], causes) if arrow[0] is arrow[1] else _draw_arrow(axes, arrow, causes)
    for status in Status:
        _draw_status(axes, status)
    x, y = PLACES[Status.COMPLETE]
    _write(axes, x - 2.6, y + 0.45, operator_note(), style="italic")
    return drawn


def _draw_status(axes: Axes, status: Status) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = PLACES[status]
    face = END if status is Status.COMPLETE else PAPER
    corner = (x - HALF_WIDTH, y - HALF_HEIGHT)
    style = "round,pad=0,rounding_size=0.18"
    axes.add_patch(
        FancyBboxPatch(corner, 2 * HALF_WIDTH, 2 * HALF_HEIGHT, style, facecolor=face, edgecolor=INK, linewidth=1.4)
    )
    axes.text(x, y, str(status), ha="center", va="center", fontsize=12, color=INK, weight="bold")


def _draw_arrow(axes: Axes, arrow: Arrow, causes: list[Cause]) -> None:
    from matplotlib.patches import FancyArrowPatch, Rectangle

    ends = [PLACES[status] for status in arrow]
    bend, label = BENDS.get(arrow, (0.0, (sum(x for x, _ in ends) / 2, sum(y for _, y in ends) / 2)))
    boxes = [
        Rectangle((x - HALF_WIDTH, y - HALF_HEIGHT), 2 * HALF_WIDTH, 2 * HALF_HEIGHT, transform=axes.transData)
        for x, y in ends
    ]
    axes.add_patch(
        FancyArrowPatch(
            *ends,
            patchA=boxes[0],
            patchB=boxes[1],
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=14,
            color=ACCENT,
            linewidth=1.3,
        )
    )
    _write(axes, *label, "\n".join(causes))


def _draw_loop(axes: Axes, status: Status, causes: list[Cause]) -> None:
    from matplotlib.patches import FancyArrowPatch

    x, y = PLACES[status]
    top = y + HALF_HEIGHT
    axes.add_patch(
        FancyArrowPatch(
            (x - 0.45, top),
            (x + 0.1, top),
            connectionstyle="arc3,rad=-1.5",
            arrowstyle="-|>",
            mutation_scale=14,
            color=ACCENT,
            linewidth=1.3,
        )
    )
    _write(axes, x - 0.2, top + 0.75, "\n".join(causes))


def _write(axes: Axes, x: float, y: float, text: str, style: str = "normal") -> None:
    axes.text(
        x,
        y,
        text,
        ha="center",
        va="center",
        fontsize=10,
        color=INK,
        style=style,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2},
        zorder=5,
    )


def main() -> None:
    """Write both files."""
    import matplotlib as mpl

    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "incrsim"}  # text as text, the same in each run
    MARKDOWN.write_text(markdown(), encoding="utf-8")
    PICTURE.parent.mkdir(exist_ok=True)
    figure().savefig(PICTURE, metadata={"Date": None, "Creator": "docs/draw_states.py"}, facecolor="white")
    print(f"wrote {MARKDOWN.name} and images/{PICTURE.name}")


if __name__ == "__main__":
    main()
