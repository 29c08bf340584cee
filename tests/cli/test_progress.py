"""What the live display shows, from the events of a run."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from incrsim import events
from incrsim.clock import VirtualClock
from incrsim.ingestion import Counts, Failure, Outcome, Status
from incrsim.lifecycle import first
from incrsim.progress import Progress, detail, notice

CLOCK = VirtualClock()
AT: dict[str, Any] = {"at": CLOCK.now(), "provider": "services", "ingestion": 3}


def shown(progress: Progress, width: int = 80) -> str:
    """The display as a terminal of that width would show it."""
    console = Console(file=io.StringIO(), width=width)
    console.print(progress)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the file is a StringIO
    assert max(map(len, text.splitlines())) <= width
    return str(text)


def after(*happened: events.Event) -> Progress:
    """A display that has seen these events."""
    progress = Progress(CLOCK)
    for event in happened:
        progress(event)
    return progress


def in_seconds(seconds: float) -> Any:
    """An instant from now."""
    return CLOCK.now() + timedelta(seconds=seconds)


CLAIMED = events.Claimed(**AT, holder="me", fence=1, status=Status.BURSTING, page=1)


def page(number: int, total: int) -> events.PageCommitted:
    """A committed page of a hundred new entities."""
    counts, so_far = Counts(returned=100, added=100), Counts(returned=total, added=total)
    return events.PageCommitted(**AT, page=number, counts=counts, total=so_far, done=False)


def test_reading() -> None:
    """While pages are read: provider, burst, pages, entities so far, and the rate of the last seconds."""
    clock = VirtualClock()
    progress = Progress(clock)
    for event in (CLAIMED, page(1, 100), page(2, 200)):
        progress(event)
        clock.advance(timedelta(seconds=0.5))
    text = shown(progress)
    for part in ("services", "ingestion 3", "burst 1", "reading", "2 pages", "200 entities", "200/s", "200 added"):
        assert part in text


def test_rate_follows() -> None:
    """The rate is that of the last seconds, not of the whole run."""
    clock = VirtualClock()
    progress = Progress(clock)
    for number in range(1, 101):
        progress(page(number, number * 100))
        clock.advance(timedelta(seconds=0.1 if number < 50 else 1))
    assert progress.entities_per_second == pytest.approx(100, rel=0.01)


FAILED = events.Failed(
    **AT,
    failure=Failure("ConnectionError", "503\n" + "very long " * 50, page=7),
    status=Status.BACKING_OFF,
    attempts=2,
    due_at=in_seconds(300),
)
HELD = events.Waiting(**AT, until=in_seconds(59), reason="held", holder="other-1-ab")
ENDED = events.IngestionEnded(
    **AT, record=replace(first(3, CLOCK.now()), outcome=Outcome.CANCELED), due_at=in_seconds(86_400)
)

WAITS: dict[str, tuple[tuple[events.Event, ...], tuple[str, ...]]] = {
    "between bursts": (
        (CLAIMED, page(1, 100), events.BurstEnded(**AT, pages=1, due_at=in_seconds(2))),
        ("between bursts", "next burst in 2 s"),
    ),
    "backing off": ((CLAIMED, FAILED), ("waiting after failure 2", "ConnectionError: 503 very", "next try in 0:05:00")),
    "held": ((HELD,), ("another replica, other-1-ab, holds the lease", "expires unless renewed in 59 s")),
    "ended": ((CLAIMED, ENDED), ("canceled without a sweep", "next ingestion in 1 day, 0:00:00")),
    "stuck": ((events.Waiting(**AT, until=in_seconds(1), reason="stuck"),), ("an earlier call", "stuck")),
    "resting": (
        (events.Waiting(**AT, until=in_seconds(3600), reason=Status.RESTING),),
        ("waiting (resting)", "next ingestion in 1:00:00"),
    ),
    "overtaken": ((CLAIMED, events.Overtaken(**AT)), ("another replica took over",)),
}


@pytest.mark.parametrize("name", WAITS)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_waiting(name: str, width: int) -> None:
    """While it waits: for what, until when, and after which error; always within the terminal's width."""
    happened, parts = WAITS[name]
    text = shown(after(*happened), width)
    if width >= 80:
        for part in parts:
            assert part in text


def test_a_page_ends_a_failure() -> None:
    """Once a page is committed, the error before it is history."""
    assert "ConnectionError" not in shown(after(CLAIMED, FAILED, CLAIMED, page(1, 100)))


def test_stopping() -> None:
    """After a signal the display says that the end is coming."""
    progress = after(CLAIMED)
    progress.stopping()
    assert "stopping at the next page" in shown(progress)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (FAILED, "services: ConnectionError: 503 very long"),
        (HELD, "services: another replica, other-1-ab, holds the lease"),
        (ENDED, "services: ingestion 3 ended without a sweep (canceled); the next one may begin at"),
        (events.Overtaken(**AT), "services: another replica or an operator took over"),
        (events.SinkBlocked(**AT, sink="hook", message="no " * 100), "services: the sink hook fails, and no page is"),
    ],
)
def test_notice(event: events.Event, expected: str) -> None:
    """What a user should hear of even without a terminal is one line that is not too long."""
    line = notice(event)
    assert line is not None
    assert line.startswith(expected)
    assert "\n" not in line
    assert len(line) < 450


def test_silence() -> None:
    """Steps that go well are no notices, and lines for those who asked."""
    assert [notice(event) for event in (CLAIMED, page(1, 100))] == [None, None]
    assert detail(page(1, 100)) == (
        "services: page 1 committed: 100 added, 0 updated, 0 unchanged; 100 entities so far"
    )
