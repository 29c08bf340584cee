"""Serves many providers until a signal comes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incrsim.app import CONCURRENCY, App
from incrsim.cli.collector import settle
from incrsim.cli.configured import find_config, load_configured, load_sink
from incrsim.cli.failures import UsageError, complain
from incrsim.cli.interrupt import Interrupt
from incrsim.cli.loading import load_provider
from incrsim.cli.output import StoreTroubles, teller
from incrsim.config import ApiConfig
from incrsim.opening import open as open_app

_LOGGERS = ("incrsim.worker", "incrsim.sinks")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a worker does.

    Args:
        providers: each with its options.
        sinks: to deliver to.
        database: as `incrsim.open` takes it.
        concurrency: how many bursts run at once.
        api: where the REST API listens, if it is served.
    """

    providers: Sequence[tuple[Any, dict[str, Any]]]
    sinks: Sequence[Any]
    database: str
    concurrency: int
    api: ApiConfig

    @classmethod
    def of(
        cls,
        targets: Sequence[str],
        settings: Mapping[str, str],
        file: Path | None,
        database: str | None,
        concurrency: int | None,
    ) -> Plan:
        """Put together what was said on the command line and what the configuration says.

        Raises:
            CallerError: when anything of it cannot work, or there is nothing to serve.
        """
        config = find_config(file)
        if settings and not targets:
            raise UsageError("--set is for the providers that are named beside it; write the others' into the file")
        if not targets and not config.providers:
            raise UsageError(
                "there is nothing to serve; name providers, for example providers.files:Files, or write "
                f"[providers.…] into {config.path}"
            )
        named = [load_provider(target, settings) for target in targets]
        return cls(
            providers=named or [load_configured(each) for each in config.providers],
            sinks=[load_sink(each) for each in config.sinks],
            database=database or config.database or "memory",
            concurrency=concurrency or config.concurrency or CONCURRENCY,
            api=config.api,
        )


def run_worker(plan: Plan, *, api: bool, verbose: bool) -> int:
    """Serve until a signal comes; returns the exit code.

    Args:
        plan: what to serve.
        api: serve the REST API too.
        verbose: a line for every page, burst and sweep.

    Raises:
        AllSlotsStuck: when nothing can be run here any more.
    """
    with open_app(plan.database) as app, Interrupt(app, _told) as interrupt, _troubles_told():
        app.events.subscribe(teller(complain, verbose=verbose, sweeps=True))
        for provider, options in plan.providers:
            app.add(provider, **options)
        for sink in plan.sinks:
            app.attach(sink, seconds=0)  # a resync may take long: beside the bursts, and ended by a signal
        complain(f"serving {', '.join(app.providers())} on {app.store.describe()}, {plan.concurrency} bursts at once")
        with _api(app, plan) if api else nullcontext():
            settle()
            app.run(concurrency=plan.concurrency)
    complain("stopped at page boundaries; the leases are given back")
    return interrupt.exit_code


@contextmanager
def _api(app: App, plan: Plan) -> Iterator[None]:
    from incrsim.api import serve
    from incrsim.cli.run_serve import settings_of

    with serve(app, settings_of(plan.api)) as server:
        complain(server.announcement)
        yield


def _told() -> None:
    complain("stopping at the next pages; a second signal stops at once")


@contextmanager
def _troubles_told() -> Iterator[None]:
    troubles = StoreTroubles(complain)
    for name in _LOGGERS:
        logging.getLogger(name).addHandler(troubles)
    try:
        yield
    finally:
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(troubles)
