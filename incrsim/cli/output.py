"""Where output goes: reports to standard output, everything else to standard error."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from incrsim.cli.failures import complain

REFRESHES_PER_SECOND = 8


class Say(Protocol):
    """Says one line on standard error, above the live display when there is one."""

    def __call__(self, line: str) -> None:
        """Say it."""


@contextmanager
def live(display: RenderableType) -> Iterator[Say]:
    """Show something that changes on standard error, as long as that is a terminal; nothing is left of it
    afterwards.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield complain
        return
    with Live(display, console=console, transient=True, refresh_per_second=REFRESHES_PER_SECOND):
        yield lambda line: console.print(Text(line))


def print_json(document: dict[str, Any]) -> None:
    """The one document of `--json`."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_screen(*parts: RenderableType) -> None:
    """A report for people."""
    console = Console()
    for part in parts:
        console.print(part, highlight=False)


class StoreTroubles(logging.Handler):
    """Says what the app logs about its store while it serves for ever; the same trouble once, not every second.

    Args:
        say: says a line.
    """

    def __init__(self, say: Say) -> None:
        super().__init__(logging.WARNING)
        self._say = say
        self._last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it, if it is news."""
        message = " ".join(record.getMessage().split())
        if message != self._last:
            self._last = message
            self._say(message)
