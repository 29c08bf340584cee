"""What a run is doing, put together from its events, in lines for a terminal (architecture, decision 6)."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.spinner import Spinner
from rich.text import Text

from incrsim import events
from incrsim.clock import Clock, SystemClock
from incrsim.ingestion import Counts, Status

RATE_WINDOW = 5.0
"""The rate that is shown is that of the last so many seconds: it follows a source that slows down, and does not
flicker."""

SHOWN_ERROR = 300
"""How many characters of an error's message fit a notice."""


class Progress:
    """Subscribe it to an app's events, and print it as often as you like; rich's `Live` does.

    Args:
        clock: real time, for rates and countdowns.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._spinner = Spinner("dots")
        self._provider = ""
        self._ingestion = 0
        self._doing = "beginning"
        self._waits: tuple[str, datetime] | None = None
        self._error = ""
        self._pages = 0
        self._bursts = 0
        self._total = Counts()
        self._samples: deque[tuple[float, int]] = deque(maxlen=1000)
        self._stopping = False

    @property
    def entities(self) -> int:
        """How many entities the pages of this ingestion returned so far."""
        return self._total.returned

    @property
    def entities_per_second(self) -> float:
        """Of the last seconds; 0 until two pages are known."""
        if len(self._samples) < 2:  # noqa: PLR2004 -- a rate needs two samples
            return 0.0
        (begun, before), (ended, after) = self._samples[0], self._samples[-1]
        return (after - before) / (ended - begun) if ended > begun else 0.0

    # --- what happens -------------------------------------------------------------------------------------------------

    def __call__(self, event: events.Event) -> None:
        """Take note of an event."""
        if (event.provider, event.ingestion) != (self._provider, self._ingestion):
            self._begin(event)
        if not isinstance(event, events.Waiting):
            self._waits = None
        match event:
            case events.Claimed(status=status, page=page):
                self._pages = page - 1
                self._bursts += status is Status.BURSTING
                self._doing = "sweeping" if status is Status.SWEEPING else "reading"
                self._samples.clear()
            case events.PageCommitted():
                self._committed(event)
            case events.BurstEnded(due_at=due_at):
                self._doing, self._waits = "between bursts", ("next burst", due_at)
            case events.SweepCommitted() | events.IngestionEnded() | events.Failed():
                self._ended(event)
            case events.Waiting():
                self._wait(event)
            case events.Overtaken():
                self._doing = "another replica took over"

    def doing(self, what: str) -> None:
        """Show what no event tells of."""
        self._doing, self._waits = what, None

    def stopping(self) -> None:
        """Show that the end is coming; may be called from a signal handler."""
        self._stopping = True

    def _begin(self, event: events.Event) -> None:
        self._provider, self._ingestion = event.provider, event.ingestion
        self._pages, self._bursts, self._total, self._error = 0, 0, Counts(), ""
        self._samples.clear()

    def _committed(self, event: events.PageCommitted) -> None:
        self._pages, self._total, self._error = event.page, event.total, ""
        self._doing = "sweeping" if event.done else "reading"
        now = self._clock.monotonic()
        self._samples.append((now, event.total.returned))
        while len(self._samples) > 2 and self._samples[1][0] < now - RATE_WINDOW:  # noqa: PLR2004 -- a rate needs two samples
            self._samples.popleft()

    def _ended(self, event: events.SweepCommitted | events.IngestionEnded | events.Failed) -> None:
        what = "next ingestion"
        match event:
            case events.SweepCommitted(verdict=verdict, counts=counts):
                self._doing, self._total = str(verdict), counts
            case events.IngestionEnded(record=record):
                self._doing = f"{record.outcome or 'ended'} without a sweep"
            case events.Failed(failure=failure, attempts=attempts):
                self._doing = f"waiting after failure {attempts}" if attempts else "waiting"
                self._error = one_line(f"{failure.error}: {failure.message}")
                what = "next try"
        self._wait_for(what, event.due_at)

    def _wait(self, event: events.Waiting) -> None:
        match event.reason:
            case "held":
                self._doing = f"another replica, {event.holder}, holds the lease"
                self._wait_for("it expires unless renewed", event.until)
            case "stuck":
                self._doing = "an earlier call of this provider is stuck; waiting for it to end"
                self._waits = None
            case _ if self._waits is None:
                self._doing = f"waiting ({event.reason})"
                self._wait_for("next ingestion" if event.reason in _RESTS else "goes on", event.until)

    def _wait_for(self, what: str, due_at: datetime | None) -> None:
        self._waits = None if due_at is None else (what, due_at)

    # --- what is shown ------------------------------------------------------------------------------------------------

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        numbers = [self._numbers()] if self._pages or self._total.returned else []
        lines = [self._headline(), *numbers, *self._footnotes()]
        for line in lines:
            line.truncate(options.max_width - 2, overflow="ellipsis")
        # Drawn beside the first line by hand: a table would stretch the lines below it.
        first = self._spinner.render(console.get_time())
        head = first.copy() if isinstance(first, Text) else Text("·")
        indent = " " * (cell_len(head.plain) + 1)
        yield Group(head.append(" ").append_text(lines[0]), *(Text(indent).append_text(line) for line in lines[1:]))

    def _headline(self) -> Text:
        parts = [(self._provider, "bold"), (f"ingestion {self._ingestion}", ""), (self._doing, "cyan")]
        if self._bursts:
            parts[2:2] = [(f"burst {self._bursts}", "")]
        return _joined(parts if self._provider else parts[2:])

    def _numbers(self) -> Text:
        parts = [(f"{self._pages:,} pages", ""), (f"{self._total.returned:,} entities", "bold")]
        if self.entities_per_second and self._waits is None:
            parts.append((f"{self.entities_per_second:,.0f}/s", "green"))
        parts += [(f"{getattr(self._total, each):,} {each}", "dim") for each in _SHOWN if getattr(self._total, each)]
        return _joined(parts)

    def _footnotes(self) -> list[Text]:
        notes = [Text(self._error, style="red")] if self._error else []
        if self._waits is not None:
            what, due_at = self._waits
            notes.append(Text(f"{what} {_until(due_at - self._clock.now())}", style="yellow"))
        if self._stopping:
            notes.append(Text("stopping at the next page; Ctrl-C again stops at once", style="bold yellow"))
        return notes


_RESTS = (Status.RESTING, Status.SCHEDULED)
_SHOWN = ("added", "updated", "unchanged", "removed", "invalid", "lost")


def notice(event: events.Event) -> str | None:
    """One line for what a user should hear of even without a terminal: failures, and whom we wait for."""
    match event:
        case events.Failed(failure=failure, attempts=attempts, due_at=due_at):
            page = "" if failure.page is None else f" at page {failure.page:,}"
            again = "" if due_at is None else f"; goes on at {_clock_time(due_at)}"
            number = f" (failure {attempts} in a row)" if attempts > 1 else ""
            return f"{event.provider}: {one_line(f'{failure.error}: {failure.message}')}{page}{number}{again}"
        case events.Waiting(reason="held", holder=holder, until=until):
            return (
                f"{event.provider}: another replica, {holder}, holds the lease; waiting for it to end, "
                f"or for the lease to expire (at {_clock_time(until)} unless renewed)"
            )
        case events.Waiting(reason="stuck"):
            return f"{event.provider}: an earlier call of this provider is stuck; waiting for it to end"
        case events.SinkBlocked(sink=sink, message=message):
            return f"{event.provider}: the sink {sink} fails, and no page is read before it works: {one_line(message)}"
        case events.Overtaken():
            return f"{event.provider}: another replica or an operator took over; what was about to be written was not"
        case events.IngestionEnded(record=record, due_at=due_at):
            again = "" if due_at is None else f"; the next one may begin at {_clock_time(due_at)}"
            return f"{event.provider}: ingestion {record.number} ended without a sweep ({record.outcome}){again}"
    return None


def detail(event: events.Event) -> str | None:
    """One line for each step that went well, for those who asked to hear of it."""
    match event:
        case events.Claimed(status=status, page=page):
            return f"{event.provider}: ingestion {event.ingestion} {status}, from page {page:,}"
        case events.PageCommitted(page=page, counts=counts, total=total):
            return (
                f"{event.provider}: page {page:,} committed: {counts.added:,} added, {counts.updated:,} updated, "
                f"{counts.unchanged:,} unchanged; {total.returned:,} entities so far"
            )
        case events.BurstEnded(pages=pages, due_at=due_at):
            return f"{event.provider}: burst ended after page {pages:,}; the next begins at {_clock_time(due_at)}"
        case events.DeltaApplied(counts=counts, topic=topic):
            what = "a delta" if topic is None else f"an event of {topic!r}"
            return (
                f"{event.provider}: {what} applied: {counts.added:,} added, {counts.updated:,} updated, "
                f"{counts.removed:,} removed"
            )
        case events.FullApplied(record=record):
            return f"{event.provider}: ingestion {record.number}, a full mutation, {record.verdict or record.outcome}"
        case events.SweepCommitted(verdict=verdict):
            return f"{event.provider}: ingestion {event.ingestion} {verdict}"
    return None


def one_line(text: str) -> str:
    """Text on one line, cut where it gets too long."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_ERROR else f"{line[:SHOWN_ERROR]}…"


def _joined(parts: list[tuple[str, str]]) -> Text:
    return Text(" · ", style="dim").join(Text(text, style=style) for text, style in parts)


def _until(wait: timedelta) -> str:
    seconds = int(wait.total_seconds())
    if seconds <= 0:
        return "now"
    return f"in {seconds} s" if seconds < 60 else f"in {timedelta(seconds=seconds)}"  # noqa: PLR2004 -- seconds of a minute


def _clock_time(instant: datetime) -> str:
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S")
