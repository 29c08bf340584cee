"""A time axis for runs that wait most of the time: long waits are drawn short, and the axis says so."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from incrsim.durations import format_duration
from incrsim.notebook.plots_story import Span, Story

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORK = ("bursting", "sweeping")
"""Is always drawn as long as it is."""

BETWEEN = (*WORK, "interstitial")
"""Belongs to the work, though it may be drawn short: no picture of a run is without it."""

SHARE_OF_WAITS = 0.4
"""Rests and backoffs take at most this part of the axis."""

MOST_TICKS = 9

_LADDER = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 10_800.0, 21_600.0, 43_200.0)
_UNITS = (("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0))
_STEPS = (1, 2, 3, 5, 10, 15, 20, 30, 60)


@dataclass(frozen=True, slots=True)
class Timescale:
    """Where on an axis a moment stands.

    Args:
        longest: seconds; longer waits are drawn as if they were that long. `None` when all are drawn as they are.
        times: seconds since the start, growing.
        places: where each of them stands, growing likewise.
    """

    longest: float | None
    times: tuple[float, ...]
    places: tuple[float, ...]

    @classmethod
    def of(cls, spans: Sequence[Span]) -> Timescale:
        """The scale for these spans, which follow each other."""
        longest = _longest(spans)
        times, places = [0.0], [0.0]
        for span in spans:
            drawn = _drawn(span, longest or math.inf)
            times.append(max(span.end, times[-1] + 1e-6))
            places.append(places[-1] + max(drawn, 1e-6))
        return cls(longest, tuple(times), tuple(places))

    def place(self, time: float) -> float:
        """Where a moment stands."""
        return _between(time, self.times, self.places)

    def apply(self, axes: Axes, told: Story) -> None:
        """Make a horizontal axis one of time.

        Args:
            axes: whose.
            told: what is drawn.
        """
        import numpy as np

        def on(from_: Sequence[float], to: Sequence[float]) -> Any:
            return lambda values: np.interp(values, _widened(from_), _widened(to))

        axes.set_xscale("function", functions=(on(self.times, self.places), on(self.places, self.times)))
        axes.set_xlim(0, max(told.end, 1.0))
        unit, seconds = next(each for each in _UNITS if told.end >= 2 * each[1] or each[1] == 1)
        ticks = self._ticks(told, seconds)
        axes.set_xticks(ticks, [_number(each / seconds) for each in ticks])
        axes.set_xticks([], minor=True)
        short = ""
        if self.longest is not None:
            wait = format_duration(timedelta(seconds=self.longest))
            short = f" (waits of more than {wait} are drawn as {wait})"
        axes.set_xlabel(f"{unit} since the start{short}")

    def _ticks(self, told: Story, unit: float) -> list[float]:
        """Round moments on a plain axis; where ingestions begin on one that is not, as far as there is room."""
        if self.longest is None:
            step = next((each for each in _STEPS if told.end / (each * unit) <= MOST_TICKS), _STEPS[-1]) * unit
            return [number * step for number in range(int(told.end / step) + 1)]
        room = self.place(told.end) / MOST_TICKS
        ticks: list[float] = []
        for begin in (0.0, *told.claims):
            if not ticks or self.place(begin) - self.place(ticks[-1]) >= room:
                ticks.append(begin)
        return ticks


def _longest(spans: Sequence[Span]) -> float | None:
    if _share_of_waits(spans, math.inf) <= SHARE_OF_WAITS:
        return None
    return next((each for each in reversed(_LADDER) if _share_of_waits(spans, each) <= SHARE_OF_WAITS), _LADDER[0])


def _share_of_waits(spans: Sequence[Span], longest: float) -> float:
    """How much of the axis they take when none is drawn longer than that."""
    drawn = [(span.status, _drawn(span, longest)) for span in spans]
    return sum(each for status, each in drawn if status not in BETWEEN) / (sum(each for _, each in drawn) or 1.0)


def _drawn(span: Span, longest: float) -> float:
    return span.length if span.status in WORK else min(span.length, longest)


def _between(value: float, from_: Sequence[float], to: Sequence[float]) -> float:
    at = min(max(bisect_right(from_, value), 1), len(from_) - 1)
    left, right = from_[at - 1], from_[at]
    return to[at - 1] + (to[at] - to[at - 1]) * (value - left) / (right - left)


def _widened(knots: Iterable[float]) -> list[float]:
    """Far to both sides, so that margins have a place, too."""
    inner = list(knots)
    return [inner[0] - 1e9, *inner, inner[-1] + 1e9]


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
