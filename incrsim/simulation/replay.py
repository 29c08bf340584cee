"""Runs a trace's scenario once more, and finds the first step that differs (C-41)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from incrsim.glance import brief
from incrsim.simulation.run import Run
from incrsim.simulation.trace import Trace
from incrsim.simulation.trace_file import Header, reading

Runner = Callable[[Header, Trace], Run]
"""Runs the scenario of a header, and takes it down."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a run went another way than the trace.

    Args:
        step: the number of the line, from 1.
        traced: what the file has there; `None` when it ends before.
        replayed: what happened now; `None` when the run ended before.
    """

    step: int
    traced: bytes | None
    replayed: bytes | None

    def __str__(self) -> str:
        """Both lines, and what is different in them."""
        return "\n".join(
            [
                f"step {self.step} differs{_fields(self.traced, self.replayed)}:",
                f"  traced:   {_shown(self.traced, 'the trace ends here')}",
                f"  replayed: {_shown(self.replayed, 'the run ends here')}",
            ]
        )


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a replay.

    Args:
        header: of the trace.
        lines: how many were the same.
        difference: the first one that was not, if there is one.
        run: what came of the run, if it got to its end.
    """

    header: Header
    lines: int
    difference: Difference | None
    run: Run | None

    @property
    def same(self) -> bool:
        """Whether everything happened again."""
        return self.difference is None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        differs = self.difference
        return {
            "same": self.same,
            "lines": self.lines,
            "step": None if differs is None else differs.step,
            "traced": None if differs is None or differs.traced is None else orjson.loads(differs.traced),
            "replayed": None if differs is None or differs.replayed is None else orjson.loads(differs.replayed),
            "violations": [] if self.run is None else [asdict(each) for each in self.run.findings],
        }

    def __str__(self) -> str:
        """One sentence, or where it differs."""
        if self.difference is not None:
            return str(self.difference)
        return f"the same {self.lines:,} steps; {self.run}"

    def __repr__(self) -> str:
        return brief(self, str(self))


def replay(path: Path | str, run: Runner) -> Replay:
    """Run the scenario of a trace again, up to the first step that differs.

    Args:
        path: of the trace file.
        run: runs the scenario as it was run then.

    Raises:
        CallerError: when the file is no trace.
    """
    with reading(Path(path)) as (header, lines):
        comparison = _Comparison(lines)
        try:
            done = run(header, Trace(comparison.compare))
        except _Differs:
            done = None
        return Replay(header, comparison.same, comparison.end(), done)


class _Differs(BaseException):
    """The run is ended here; nothing of the engine may take this for a failure."""


class _Comparison:
    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._difference: Difference | None = None
        self.same = 0

    def compare(self, line: bytes) -> None:
        traced = next(self._lines, None)
        if traced != line:
            self._difference = Difference(self.same + 1, traced, line)
            raise _Differs
        self.same += 1

    def end(self) -> Difference | None:
        if self._difference is None and (left := next(self._lines, None)) is not None:
            return Difference(self.same + 1, left, None)
        return self._difference


def _shown(line: bytes | None, ended: str) -> str:
    return f"({ended})" if line is None else line.decode()


def _fields(traced: bytes | None, replayed: bytes | None) -> str:
    if traced is None or replayed is None:
        return ""
    one, other = orjson.loads(traced), orjson.loads(replayed)
    differing = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    return f" in {', '.join(differing)}"
