"""A source that changes all the time, and that any process can ask what it held: a function of time, nothing else."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from zlib import crc32

import incrsim
from incrsim.clock import SystemClock

PROVIDERS = tuple(f"soak-{number:02}" for number in range(12))
SIZE = 2_000
PAGE = 200

SECONDS_PER_PAGE = 0.02
"""A source takes its time, so that most processes are killed and put to sleep in the middle of a page."""

STEP = 0.5
"""Seconds after which the source is another one."""


def names(number: int) -> str:
    """Half of the entities are held throughout, the others come and go."""
    return f"{'kept' if number % 2 == 0 else 'some'}-{number:04}"


def version(provider: str, number: int, step: int) -> int | None:
    """What the source holds of an entity during a step; `None` when nothing."""
    if number % 2 and crc32(f"{provider} {number} {step // 4}".encode()) % 3 == 0:
        return None
    return (step + number) // 20


def held(provider: str, step: int) -> dict[str, int]:
    """All that the source holds during a step, name and version."""
    found = ((names(number), version(provider, number, step)) for number in range(SIZE))
    return {f"{provider}-{name}": known for name, known in found if known is not None}


def step_now(quiet: Path) -> int:
    """The current step; the one that `quiet` names, once it is there."""
    try:
        return int(quiet.read_text())
    except (FileNotFoundError, ValueError):
        return int(time.time() / STEP)


class Changing(incrsim.IncrementalEntityProvider):
    """Reads the source as it is at each page, in the order of numbers: a stable pagination.

    Args:
        name: of the provider.
        quiet: the file that ends all change.
    """

    def __init__(self, name: str, quiet: Path) -> None:
        self.name = name
        self.quiet = quiet
        self._clock = SystemClock()

    def next(self, context: Any, cursor: Any = None) -> incrsim.Page:
        """The next page."""
        first, step = cursor or 0, step_now(self.quiet)
        self._clock.wait(SECONDS_PER_PAGE)
        found = ((number, version(self.name, number, step)) for number in range(first, first + PAGE))
        entities = [
            incrsim.resource(
                f"{self.name}-{names(number)}", provider=self, type="soaked", description=f"version {known}"
            )
            for number, known in found
            if known is not None
        ]
        return incrsim.Page(entities, cursor=first + PAGE, done=first + PAGE >= SIZE)
