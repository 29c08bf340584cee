"""Runs one provider, once or for ever, and reports."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from incrsim.app import App
from incrsim.cli.failures import FAILED, complain
from incrsim.cli.interrupt import Interrupt
from incrsim.cli.output import Say, StoreTroubles, live, opened, print_json, print_screen, teller
from incrsim.cli.run_report import RunReport, read_report
from incrsim.progress import Progress


@dataclass(frozen=True, slots=True)
class _Session:
    app: App
    say: Say
    interrupt: Interrupt


def once(provider: Any, options: dict[str, Any], database: str, *, verbose: bool) -> RunReport:
    """Bring one ingestion to its end, or to the page where a signal ended it."""
    with _session(provider, options, database, verbose=verbose, sweeps=False) as session:
        cycle = session.app.run_cycle(provider.name)
        return read_report(session.app, cycle, interrupted=session.interrupt.exit_code)


def show(report: RunReport, *, as_json: bool) -> int:
    """Print a report, and return the exit code."""
    if as_json:
        print_json(report.to_dict())
    else:
        print_screen(report.screen())
    if not report.cycle.finished:
        complain(_interruption(report))
        return report.interrupted
    return 0 if report.cycle.ok else FAILED


def for_ever(provider: Any, options: dict[str, Any], database: str, *, verbose: bool) -> int:
    """Serve a provider until a signal comes, and return the exit code."""
    with _session(provider, options, database, verbose=verbose, sweeps=True) as session:
        session.say(f"serving {provider.name} on {session.app.store.describe()}; Ctrl-C ends it at the next page")
        troubles = StoreTroubles(session.say)
        logger = logging.getLogger("incrsim.worker")
        logger.addHandler(troubles)
        try:
            session.app.run()
        finally:
            logger.removeHandler(troubles)
    complain("stopped at a page; the next run goes on from there")
    return session.interrupt.exit_code


@contextmanager
def _session(
    provider: Any, options: dict[str, Any], database: str, *, verbose: bool, sweeps: bool
) -> Iterator[_Session]:
    progress = Progress()

    def told() -> None:
        progress.stopping()
        if not Console(stderr=True).is_terminal:
            complain("stopping at the next page; a second signal stops at once")

    with live(progress) as say, opened(database, progress) as app, Interrupt(app, told) as interrupt:
        app.events.subscribe(progress)
        app.events.subscribe(teller(say, verbose=verbose, sweeps=sweeps))
        app.add(provider, **options)
        yield _Session(app, say, interrupt)


def _interruption(report: RunReport) -> str:
    pages = report.cycle.ingestion.pages
    if report.database == "memory":
        return f"interrupted after page {pages:,}; the catalog was in memory, and is gone"
    return f"interrupted after page {pages:,}; the next run goes on from there"
