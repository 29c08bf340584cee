"""Where output goes: reports to standard output, everything else to standard error."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from incrsim import events
from incrsim.app import App
from incrsim.cli.collector import settle
from incrsim.cli.failures import complain
from incrsim.clock import Clock
from incrsim.opening import open as open_app
from incrsim.progress import Progress, detail, notice

REFRESHES_PER_SECOND = 8

Say = Callable[[str], None]
"""Says a line on standard error, above the live display when there is one."""


@contextmanager
def live(display: RenderableType) -> Iterator[Say]:
    """Show something that changes on standard error, as long as that is a terminal; nothing of it stays."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield complain
        return
    with Live(display, console=console, transient=True, refresh_per_second=REFRESHES_PER_SECOND):
        yield lambda line: console.print(Text(line))


@contextmanager
def opened(database: str, progress: Progress, clock: Clock | None = None) -> Iterator[App]:
    """Open a database, and say so, since an embedded one takes its time to start and to stop."""
    progress.doing("opening the embedded Postgres" if database == "embedded" else "opening the database")
    with open_app(database, clock=clock) as app:
        settle()
        progress.doing("beginning")
        yield app
        progress.doing("closing the database")


def teller(say: Say, *, verbose: bool = False, sweeps: bool = False) -> Callable[[events.Event], None]:
    """A subscriber that says what a user should hear of, the same thing once.

    Args:
        say: says a line.
        verbose: also each page, burst and sweep.
        sweeps: also each sweep.
    """
    last = ""

    def tell(event: events.Event) -> None:
        nonlocal last
        line = notice(event)
        if line is None and (verbose or (sweeps and isinstance(event, events.SweepCommitted))):
            line = detail(event)
        # Waiting for another replica is told once a second.
        subject = f"{type(event).__name__} {getattr(event, 'holder', '')}"
        if line is not None and not (isinstance(event, events.Waiting) and subject == last):
            say(line)
        last = subject

    return tell


class StoreTroubles(logging.Handler):
    """Says what an app that serves for ever logs about its store; the same trouble once, not every second.

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


def print_json(document: dict[str, Any]) -> None:
    """The one document of `--json`."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_result(document: dict[str, Any], screen: Iterable[RenderableType], *, as_json: bool) -> None:
    """A result, for programs or for people."""
    if as_json:
        print_json(document)
    else:
        print_screen(*screen)


def print_screen(*parts: RenderableType) -> None:
    """A report for people."""
    console = Console()
    for part in parts:
        console.print(part, highlight=False)


def print_lines(lines: Iterable[Text]) -> None:
    """A report that may be long; a line stays one, however narrow the terminal."""
    console = Console()
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
