"""Logs: every line about a provider says which, in which ingestion and at which page, for programs too.

The library stays silent unless its user configures logging. Texts are for people; `json_formatter()` writes the same
lines as JSON, with `provider`, `ingestion` and `sequence` as fields of their own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from incrsim import events

log = logging.getLogger("incrsim.events")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_FIRST = ("provider", "ingestion", "sequence")
_ROUTINE = (events.Claimed, events.PageCommitted, events.BurstEnded, events.DeltaApplied)


class _Publisher(Protocol):
    """An app, as far as its events are concerned."""

    events: events.EventStream


def about(provider: str, ingestion: int | None = None, sequence: int | None = None) -> dict[str, Any]:
    """What a line is about: pass it as `extra=`.

    Args:
        provider: the provider's name.
        ingestion: the ingestion's number, when there is one.
        sequence: the page's number in it, when the line is about a page.
    """
    return {"provider": provider, "ingestion": ingestion, "sequence": sequence}


def json_formatter() -> logging.Formatter:
    """A formatter that writes each line as one JSON object: `time` (UTC), `level`, `logger`, `message`, then
    `provider`, `ingestion` and `sequence` where the line is about a provider, whatever else was passed as `extra=`, and
    `error` with its traceback.
    """
    return _JsonFormatter()


def log_events(app: _Publisher) -> Callable[[], None]:
    """Log what happens to an app's providers, to the logger `incrsim.events`; the function that comes back ends that.

    Sweeps are INFO, and WARNING when they were refused, as are ingestions that end without one; claims, pages, bursts
    and deltas are DEBUG. Failures are logged by the engine itself, with their traceback, to `incrsim.engine`.

    Args:
        app: whose events.
    """
    return app.events.subscribe(_log_event)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        more = {key: value for key, value in vars(record).items() if key not in _STANDARD and value is not None}
        fields |= {key: more.pop(key) for key in _FIRST if key in more} | more
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            trace = self.formatException(record.exc_info)
            fields["error"] = {"type": type(error).__qualname__, "message": str(error), "traceback": trace}
        # A log is no place to fail: what JSON or UTF-8 cannot hold is written as Python shows it.
        text = json.dumps(fields, ensure_ascii=False, default=repr)
        return text.encode("utf-8", "backslashreplace").decode()


def _log_event(event: events.Event) -> None:
    from incrsim.progress import detail, notice  # needs a terminal library, which a silent library does not load

    match event:
        case events.Failed() | events.Overtaken() | events.Waiting():
            return  # the engine has logged the first two, and waiting is no news
    warning = notice(event)
    text = warning or detail(event)
    if text is not None:
        page = getattr(event, "page", None)
        more = {"event": type(event).__name__, **_numbers(event)}
        log.log(_level(event, warning), "%s", text, extra=about(event.provider, event.ingestion, page) | more)


def _level(event: events.Event, warning: str | None) -> int:
    if warning is not None or (isinstance(event, events.SweepCommitted) and event.verdict.refused_by):
        return logging.WARNING
    return logging.DEBUG if isinstance(event, _ROUTINE) else logging.INFO


def _numbers(event: events.Event) -> dict[str, int]:
    counts = getattr(event, "counts", None)
    return {} if counts is None else {name: getattr(counts, name) for name in counts.__slots__}
