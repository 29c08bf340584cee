"""A source in whose pages time passes, and that is in trouble as it is told to be."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from incrsim.clock import VirtualClock
from incrsim.errors import CallerError, RateLimited
from incrsim.provider import Page
from incrsim.simulation.source import FakeSource


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a source.

    Args:
        failing_percent: of a hundred requests so many fail, at random.
        down: from and to which second nothing is answered; `None` for never.
        limit: how many requests are answered in each window; `None` for all.
        window: seconds after which the limit is reset.
    """

    failing_percent: float = 0.0
    down: tuple[float, float] | None = None
    limit: int | None = None
    window: float = 600.0

    def __post_init__(self) -> None:
        if not self.window > 0 or (self.limit is not None and self.limit < 1):
            raise CallerError(
                f"{self!r}: nothing would ever be answered; write a limit of 1 or more and a window above 0"
            )

    def __str__(self) -> str:
        told = []
        if self.failing_percent:
            told.append(f"{self.failing_percent:g} % of requests fail")
        if self.down is not None:
            told.append(f"down from {self.down[0]:g} s to {self.down[1]:g} s")
        if self.limit is not None:
            told.append(f"{self.limit:,} requests every {self.window:g} s")
        return ", ".join(told) or "none"


class PacedSource:
    """A provider before a `FakeSource`: each request takes time, and some of them are not answered.

    Args:
        source: what it hands out.
        clock: moves on with each request.
        page_seconds: how long a request takes.
        trouble: what goes wrong.
        seed: decides which requests fail.
    """

    def __init__(
        self,
        source: FakeSource,
        clock: VirtualClock,
        page_seconds: float,
        trouble: Trouble | None = None,
        seed: int = 1,
    ) -> None:
        self.name = source.name
        self.requests = 0
        self.answered = 0
        self._source = source
        self._clock = clock
        self._page_seconds = page_seconds
        self._trouble = trouble or Trouble()
        self._random = Random(f"{seed} requests")
        self._window = (0, 0)

    def around(self) -> AbstractContextManager[None]:
        """Nothing to set up."""
        return nullcontext()

    def next(self, context: Any, cursor: Any = None) -> Page:
        """A page of the source, after a while.

        Raises:
            ConnectionError: when the request fails.
            RateLimited: when the window has no more requests left.
        """
        self.requests += 1
        self._clock.wait(self._page_seconds)
        self._count()
        down = self._trouble.down
        fails = self._random.random() * 100 < self._trouble.failing_percent
        if fails or (down is not None and down[0] <= self._clock.monotonic() < down[1]):
            raise ConnectionError("the source does not answer")
        self.answered += 1
        return self._source.next(context, cursor)

    def _count(self) -> None:
        """One more request in this window."""
        if self._trouble.limit is None:
            return
        passed = self._clock.monotonic()
        number = int(passed // self._trouble.window)
        before = self._window[1] if self._window[0] == number else 0
        if before >= self._trouble.limit:
            left = (number + 1) * self._trouble.window - passed
            raise RateLimited(self._clock.now() + timedelta(seconds=left))
        self._window = (number, before + 1)
