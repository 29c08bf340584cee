"""What happened to a provider lately, in few lines: the story that a finding tells."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from incrsim.simulation.observation import OPERATOR

LINES = 10
"""A story has no more lines than this."""


@dataclass(slots=True)
class _Line:
    at: datetime
    replica: int
    what: tuple[object, ...]
    times: int = 1

    def __str__(self) -> str:
        who = "an operator or event" if self.replica == OPERATOR else f"replica {self.replica}"
        repeated = f" ({self.times} times)" if self.times > 1 else ""
        return f"{self.at:%Y-%m-%d %H:%M:%S.%f}  {who}: {' '.join(map(str, self.what))}{repeated}"


class Story:
    """Takes down what happens; the same thing by the same replica again and again is one line."""

    def __init__(self) -> None:
        self._lines: deque[_Line] = deque(maxlen=LINES)

    def add(self, at: datetime, replica: int, *what: object) -> None:
        """Something happened.

        Args:
            at: when.
            replica: where, or `OPERATOR`.
            what: in a few words, which are put together when somebody asks.
        """
        last = self._lines[-1] if self._lines else None
        if last is not None and last.replica == replica and last.what == what:
            last.times += 1
            last.at = at
        else:
            self._lines.append(_Line(at, replica, what))

    def tell(self) -> tuple[str, ...]:
        """The last lines, the latest one last."""
        return tuple(map(str, self._lines))
