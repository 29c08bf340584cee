"""What is wrong with a provider, and what is not (C-31)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from incrsim.clock import EPOCH, VirtualClock
from incrsim.guards import Census, Guard, Verdict
from incrsim.ingestion import Consequence, Counts, Failure, Ingestion, Outcome, Status
from incrsim.operators import Operators, Trouble
from incrsim.operators_health import OVERDUE_AFTER, Known, reasons, sink_reasons
from incrsim.options import ProviderOptions
from incrsim.store.contract import Lease, ProviderState
from incrsim.store.memory import MemoryStore
from incrsim.store.operating import Announcement, Serving
from incrsim.store.outbox import SinkState
from tests.contract.driver import Driver
from tests.contract.samples import good

NOW = EPOCH
TICK, MINUTE = timedelta(microseconds=1), timedelta(minutes=1)
OPTIONS = ProviderOptions.of(burst_length="10s")
BOOM = Failure("ValueError", "out of coffee")
SERVED = Serving("p", "r1", OPTIONS.describe(), stuck=False, seen_at=NOW)
RESTING = Ingestion(
    5, Status.RESTING, NOW + MINUTE, NOW, pages=3, counts=Counts(returned=1000, valid=1000), outcome=Outcome.SWEPT
)
REFUSED = Verdict(7, 5, NOW, Census(7, 3, 3, 10, 7, 0), (Guard.COUNT,), 0, None, 2)


def known(
    ingestion: Ingestion = RESTING,
    previous: Ingestion | None = None,
    serving: tuple[Serving, ...] = (SERVED,),
    here: ProviderOptions | None = None,
    **state: Any,
) -> Known:
    """A healthy provider, but for what is said otherwise."""
    return Known(ProviderState("p", 1, ingestion, state.pop("lease", None), NOW, **state), previous, serving, here)


def troubles(given: Known) -> list[Trouble]:
    """What is wrong, in words."""
    return [reason.trouble for reason in reasons(given)]


@pytest.mark.rule("C-31")
def test_a_provider_that_does_its_work_is_healthy() -> None:
    """A served provider that rests, works or waits for its time is healthy; errors of the past do not matter."""
    for ingestion in (
        RESTING,
        replace(RESTING, last_error=BOOM),
        replace(RESTING, status=Status.INTERSTITIAL, last_error=replace(BOOM, consequence=Consequence.RATE_LIMITED)),
        replace(RESTING, status=Status.BURSTING, due_at=NOW),
    ):
        assert troubles(known(ingestion)) == []
    assert troubles(known(serving=(), here=OPTIONS)) == []
    assert troubles(known(last_verdict=replace(REFUSED, refused_by=()))) == []


@pytest.mark.rule("C-31")
def test_failing() -> None:
    """A provider whose last error is newer than its last page is failing, also once its ingestion was given up."""
    backing_off = replace(RESTING, status=Status.BACKING_OFF, attempts=2, last_error=BOOM)
    (reason,) = reasons(known(backing_off))
    assert reason.trouble is Trouble.FAILING
    assert reason.sentence == "failed 2 times in a row: ValueError: out of coffee"
    scheduled = Ingestion(6, Status.SCHEDULED, NOW + MINUTE, NOW)
    ended = replace(RESTING, status=Status.COMPLETE, due_at=None, outcome=Outcome.CANCELED, last_error=BOOM)
    for previous in (
        replace(ended, attempts=5),
        replace(ended, last_error=replace(BOOM, consequence=Consequence.FATAL)),
        replace(ended, outcome=Outcome.FAILED),
    ):
        assert troubles(known(scheduled, previous)) == [Trouble.FAILING]
        assert troubles(known(replace(scheduled, status=Status.INTERSTITIAL, pages=1), previous)) == []
    for previous in (ended, replace(ended, outcome=Outcome.SWEPT), replace(ended, last_error=None)):
        assert troubles(known(scheduled, previous)) == []


@pytest.mark.rule("C-31")
def test_guard_refused() -> None:
    """A refused sweep is a reason until it is approved; the sentence has the verdict's id and numbers."""
    (reason,) = reasons(known(last_verdict=REFUSED))
    assert reason.trouble is Trouble.REFUSED
    assert "verdict 7: refused to remove 3 of 10 (30.00 %)" in reason.sentence
    assert troubles(known(last_verdict=REFUSED, approved=True)) == []


@pytest.mark.rule("C-31")
@pytest.mark.parametrize(("beyond", "expected"), [(timedelta(0), []), (TICK, [Trouble.OVERDUE])])
def test_overdue(beyond: timedelta, expected: list[Trouble]) -> None:
    """Overdue is what was due longer ago than a lease lasts and a minute, unless it is paused or worked on."""
    late = replace(RESTING, due_at=NOW - OPTIONS.lease_length - OVERDUE_AFTER - beyond)
    assert troubles(known(late)) == expected
    assert troubles(known(late, serving=(), here=OPTIONS)) == expected
    assert troubles(known(late, paused=True)) == []
    lease = Lease("p", "r1", 1, MINUTE, NOW + TICK)
    assert troubles(known(late, lease=lease)) == []
    assert troubles(known(late, lease=replace(lease, expires_at=NOW))) == expected


@pytest.mark.rule("C-31")
def test_unserved_and_stuck() -> None:
    """A provider that nobody serves is a reason, unless it is paused; so is one whose code hangs somewhere."""
    assert troubles(known(serving=())) == [Trouble.UNSERVED]
    assert troubles(known(serving=(), paused=True)) == []
    stuck = reasons(known(serving=(SERVED, replace(SERVED, holder="r2", stuck=True))))
    assert [each.trouble for each in stuck] == [Trouble.STUCK]
    assert ("r2" in stuck[0].sentence, "r1" in stuck[0].sentence) == (True, False)


@pytest.mark.rule("C-31")
@pytest.mark.parametrize(("invalid", "returned", "wrong"), [(5, 1000, False), (6, 1000, True), (1, 2, False)])
def test_quarantine(invalid: int, returned: int, wrong: bool) -> None:  # noqa: FBT001  # a parametrised answer
    """More invalid entities than half of what is allowed, and at least two, are a reason; also of the cycle before."""
    counted = replace(RESTING, counts=Counts(returned=returned, invalid=invalid))
    expected = [Trouble.QUARANTINE] if wrong else []
    assert troubles(known(counted)) == expected
    fresh = Ingestion(6, Status.SCHEDULED, NOW + MINUTE, NOW)
    assert troubles(known(fresh, replace(counted, status=Status.COMPLETE, due_at=None))) == expected
    generous = replace(SERVED, options=OPTIONS.describe() | {"max_invalid_percentage": 100})
    assert troubles(known(counted, serving=(generous,))) == []


@pytest.mark.rule("C-31")
def test_sink_behind() -> None:
    """A sink with more than 10 000 rows waiting, or that has failed for over a minute, is behind."""
    sink = SinkState("s", NOW, 10_000, resyncing=False, failing_since=None, last_error=None)
    assert sink_reasons(sink, NOW) == ()
    assert [each.trouble for each in sink_reasons(replace(sink, behind=10_001), NOW)] == [Trouble.SINK_BEHIND]
    failing = replace(sink, behind=3, failing_since=NOW, last_error="OSError: no")
    assert sink_reasons(failing, NOW + MINUTE) == ()
    (reason,) = sink_reasons(failing, NOW + 2 * MINUTE)
    assert reason.sentence == "it has failed for 2m: OSError: no; 3 changes wait for it"


@pytest.mark.rule("C-31")
def test_health_lists_the_unhealthy_ones() -> None:
    """`health` tells of each provider that is not well, by name, and of no other; `providers` tells of all."""
    clock = VirtualClock()
    store = MemoryStore(clock)
    for name in ("a", "b", "c"):
        Driver(store, clock, name).cycle(good(name))
    store.announce("r1", [Announcement("a", OPTIONS.describe(), stuck=False)])
    operators = Operators(store, lambda: {"b": OPTIONS})
    assert [(each.provider, each.sink) for each in operators.health()] == [("c", None)]
    (unhealthy,) = operators.health()
    assert str(unhealthy).startswith("c: unserved: no replica serves it")
    assert unhealthy.to_dict()["reasons"][0]["trouble"] == "unserved"
    assert [bool(each.reasons) for each in operators.providers().items] == [False, False, True]
    assert [each.holder for each in operators.status("a").serving] == ["r1"]


@pytest.mark.rule("C-31")
def test_health_lists_sinks_that_are_behind() -> None:
    """A sink that fails for over a minute is told of beside the providers, by its own name."""
    clock = VirtualClock()
    store = MemoryStore(clock)
    operators = Operators(store, lambda: {"a": OPTIONS})
    store.register("a")
    store.register_sink("mirror")
    store.delivery_failed("mirror", "OSError: no")
    assert operators.health() == []
    clock.advance(2 * MINUTE)
    assert [(each.provider, each.sink) for each in operators.health()] == [(None, "mirror")]
    assert str(operators.health()[0]).startswith("sink mirror: sink behind: it has failed for 2m: OSError: no")
