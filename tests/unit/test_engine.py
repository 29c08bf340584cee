"""One provider's tick, as steps, on a memory store and a virtual clock."""

from __future__ import annotations

import asyncio
import logging
import tracemalloc
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

import incrsim
from incrsim import events
from incrsim.errors import CursorExpired, FatalError, Fenced, RateLimited, StoreError, StoreUnavailable
from incrsim.ingestion import Consequence, Outcome, Status
from incrsim.lifecycle import Operator
from incrsim.provider import Problem
from tests.unit.fakes import SHAPES, Rig, Source

shapes = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)


def test_a_tick_is_a_sequence_of_steps() -> None:
    """A tick claims, enters, fetches and commits page by page, leaves, and sweeps."""
    page = ["PageFetched", "PageCommitted"]
    rig = Rig(Source(["a"], ["b"]))
    assert rig.names() == ["Claimed", "ContextEntered", *page, *page, "ContextLeft", "SweepCommitted"]
    assert rig.names() == ["Waiting"]


def test_held_by_another_replica() -> None:
    """While another replica holds the lease, a tick says who and until when."""
    rig = Rig(Source(["a"]))
    rig.store.claim("source", "other", rig.options)
    (waiting,) = rig.tick()
    assert isinstance(waiting, events.Waiting)
    assert (waiting.reason, waiting.holder) == ("held", "other")
    assert waiting.until == rig.clock.now() + rig.options.lease_length


# --- C-2: the context and the cursor ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cursor", [0, "", False, [], {}, 1.5, "é", {"a": [None, True]}], ids=repr)
@pytest.mark.rule("C-2")
def test_cursor_comes_back_exactly(cursor: Any) -> None:
    """The first page is asked for with None, the next one with exactly the value that the page before returned."""
    provider = Source(incrsim.Page(cursor=cursor), incrsim.Page(done=True))
    pages = iter(provider.pages)

    def next_page(context: Any, cursor: Any = None) -> incrsim.Page:
        provider.asked.append(cursor)
        page: incrsim.Page = next(pages)
        return page

    provider.next = next_page  # type: ignore[method-assign]  # in its place for this test
    Rig(provider).tick()
    assert provider.asked == [None, cursor]
    assert type(provider.asked[1]) is type(cursor)


@shapes
@pytest.mark.rule("C-2")
def test_nothing_but_the_cursor_survives(shape: type[Source]) -> None:
    """Each burst may be run by another instance in another process: pages go on where the last burst ended."""
    pages = [["a"], ["b"], ["c"]]
    rig = Rig(shape(*pages), stopping=lambda: True)
    asked = []
    for _ in range(len(pages)):
        rig.until_due()
        rig.provider = shape(*pages)
        rig.engine = _with_provider(rig)
        rig.tick()
        asked += rig.provider.asked
    assert asked == [None, 1, 2]
    assert rig.refs() == ["a", "b", "c"]


def _with_provider(rig: Rig, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(rig.engine, provider=rig.provider, **changes)


@shapes
@pytest.mark.parametrize("steps", [2, 3, 4, 5])
@pytest.mark.rule("C-2")
def test_dropped_tick_leaves_its_context(shape: type[Source], steps: int) -> None:
    """When its driver drops a tick anywhere in a burst, the context is left, and the store is not told."""
    provider = shape(["a"], ["b"], ["c"])
    rig = Rig(provider)
    tick = rig.engine.tick()
    for _ in range(steps):
        next(tick)
    before = rig.store.state("source")
    tick.close()
    assert provider.log[0] == "entered"
    assert provider.log[-1] == "left by GeneratorExit"
    assert rig.store.state("source") == before
    assert before.lease is not None


@shapes
@pytest.mark.rule("C-2")
def test_interrupted_tick_leaves_its_context(shape: type[Source]) -> None:
    """Ctrl-C inside the provider's code leaves the context, is no failure of the provider's, and goes on its way."""
    provider = shape(["a"], KeyboardInterrupt())
    rig = Rig(provider)
    with pytest.raises(KeyboardInterrupt):
        rig.tick()
    assert provider.log[-1] == "left by KeyboardInterrupt"
    assert (rig.ingestion.status, rig.ingestion.last_error, rig.ingestion.pages) == (Status.BURSTING, None, 1)


@shapes
@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), asyncio.CancelledError(), Fenced("no")])
def test_what_means_something_to_the_engine_is_the_providers_failure(shape: type[Source], error: BaseException) -> None:
    """A provider that calls `sys.exit()` ends no worker, and one that raises the engine's own errors fails as any."""
    provider = shape(["a"], error)
    rig = Rig(provider)
    assert rig.names()[-1] == "Failed"
    assert rig.ingestion.last_error is not None
    assert rig.ingestion.last_error.error == "ProviderError"


@shapes
def test_failed_page_is_told_to_around(shape: type[Source]) -> None:
    """After a failure the context is left with the error, and the failure is recorded once."""
    provider = shape(["a"], ValueError("no"))
    rig = Rig(provider)
    names = rig.names()
    assert names[-1] == "Failed"
    assert names.count("Failed") == 1
    assert provider.log[-1] == "left by ValueError"


def test_error_while_leaving_counts_once(caplog: pytest.LogCaptureFixture) -> None:
    """When a page and then the leaving fail, the page's error is recorded and the other one logged."""

    class Careless(Source):
        def _note(self, what: str) -> None:
            if what.startswith("left"):
                raise LookupError("cannot leave")

    rig = Rig(Careless(ValueError("the page")))
    assert rig.failed().failure.message == "the page"
    assert "leaving its context failed too" in caplog.text


@pytest.mark.rule("C-20")
def test_error_in_around_after_the_done_page_only_delays_the_sweep() -> None:
    """When leaving fails after the done page was committed, the sweep follows after a wait; no page is asked again."""

    class Careless(Source):
        def _note(self, what: str) -> None:
            if what.startswith("left"):
                raise CursorExpired("cannot leave")

    provider = Careless(["a"])
    rig = Rig(provider)
    failed = rig.failed()
    assert (failed.status, failed.due_at) == (Status.BACKING_OFF, rig.clock.now() + rig.options.backoff[0])
    rig.until_due()
    assert rig.names() == ["Claimed", "SweepCommitted"]
    assert provider.asked == [None]
    assert rig.ingestion.outcome == "swept"


# --- C-3, C-4, C-5: pages and cursors that cannot be ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "message"),
    [(None, "next() returned None, which is not a page"), (incrsim.Page(), "without a cursor that is not done")],
    ids=["nothing", "no cursor"],
)
@pytest.mark.rule("C-3")
def test_wrong_page_fails_the_burst(page: Any, message: str) -> None:
    """What is no page is recorded as a failure with what to return instead, and nothing of it is kept."""
    provider = Source(["a"], page)
    failure = Rig(provider).failed().failure
    assert (failure.error, failure.page) == ("InvalidPage", 2)
    assert message in failure.message


@pytest.mark.rule("C-3")
def test_empty_and_full_ends_are_fine() -> None:
    """An empty page that is not done goes on; a done page may carry entities, and its cursor is ignored."""
    last = incrsim.Page([incrsim.component("b", provider="source")], cursor={"not", "json"}, done=True)  # type: ignore[arg-type]  # wrong on purpose
    rig = Rig(Source([], ["a"], last))
    assert rig.cycle().outcome == "swept"
    assert rig.refs() == ["a", "b"]


@pytest.mark.parametrize(
    "cursor", [float("nan"), (1, 2), {1: 2}, "\ud800", "x" * 70_000, {"a": {"b": b"c"}}], ids=ascii
)
@pytest.mark.rule("C-4")
def test_impossible_cursor_fails_its_page(cursor: Any) -> None:
    """A cursor that JSON cannot hold fails the burst, and the page that came with it is not kept."""
    page = incrsim.Page([incrsim.component("lost", provider="source")], cursor=cursor)
    rig = Rig(Source(["a"], page))
    failed = rig.failed()
    assert (failed.failure.error, failed.failure.page, failed.attempts) == ("InvalidCursor", 2, 1)
    assert (rig.refs(), rig.ingestion.pages) == (["a"], 1)


@pytest.mark.parametrize("cursors", [[1, 1], [1, 2, 1], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]], ids=repr)
@pytest.mark.rule("C-5")
def test_cursor_loop_ends_the_ingestion(cursors: list[Any]) -> None:
    """A cursor that this ingestion has seen before ends it at once, the error says why, and nothing is removed."""
    rig = Rig(Source(["gone"]))
    rig.cycle()
    rig.until_due()
    pages = iter([incrsim.Page(cursor=each) for each in cursors])
    rig.provider.next = lambda context, cursor=None: next(pages)
    ended = rig.tick()[-1]
    assert isinstance(ended, events.IngestionEnded)
    assert ended.record.outcome is Outcome.CANCELED
    assert ended.due_at == rig.clock.now() + rig.options.backoff[-1]
    assert ended.record.last_error is not None
    assert ended.record.last_error.error == "CursorRepeated"
    assert "it would never finish; let each page's cursor point past that page" in ended.record.last_error.message
    assert rig.refs() == ["gone"]


@pytest.mark.rule("C-5")
def test_cursors_of_the_ingestion_before_are_no_loop() -> None:
    """Every ingestion may return the same cursors anew."""
    rig = Rig(Source(["a"], ["b"], ["c"]), rest_length="0s")
    for _ in range(3):
        assert rig.cycle().outcome == "swept"


@pytest.mark.rule("C-5")
def test_max_pages_bounds_an_ingestion() -> None:
    """Exactly `max_pages` pages are fine, one more is fatal."""
    pages = [["a"], ["b"], ["c"]]
    assert Rig(Source(*pages), max_pages=3).cycle().outcome == "swept"
    ended = Rig(Source(*pages), max_pages=2).cycle()
    assert ended.outcome == "canceled"
    assert ended.last_error is not None
    assert "page 3 is past max_pages=2" in ended.last_error.message


# --- C-6, C-7: entities -----------------------------------------------------------------------------------------------


@pytest.mark.rule("C-6")
def test_engine_says_whose_an_entity_is() -> None:
    """What the catalog holds carries the engine's annotation with the provider's name, whatever the source said."""
    body = incrsim.component("a", provider="source").body
    body["metadata"]["annotations"]["@backstage/incremental-entity-provider"] = "somebody else"
    rig = Rig(Source([incrsim.Entity(body)], ["b"]))
    rig.cycle()
    for ref in ("component:default/a", "component:default/b"):
        found = incrsim.Catalog(rig.store).get(ref)
        assert found is not None
        assert found["metadata"]["annotations"].get("@backstage/incremental-entity-provider") == "source"


def bad(name: Any) -> incrsim.Entity:
    """An entity that breaks a rule, with a readable ref if `name` is text."""
    body = incrsim.component("x", provider="source").body
    body["metadata"]["name"] = name
    body["metadata"]["labels"] = {"not a key": "!"}
    return incrsim.Entity(body)


@pytest.mark.rule("C-7")
def test_bad_entity_costs_only_itself() -> None:
    """The others of the page are stored, the bad one is a problem that says which rule, and its old body stays."""
    good = [f"n{n}" for n in range(99)]
    rig = Rig(Source(["typo", *good]), rest_length="0s")
    rig.cycle()
    rig.provider.pages = [[bad("typo"), "new", *good]]
    assert rig.cycle().outcome == "swept"
    assert rig.refs() == sorted(["typo", "new", *good])
    (problem,) = rig.store.problems("source")
    assert problem.ref == "component:default/typo"
    assert problem.rule == "label-key"


@pytest.mark.parametrize("what", ["entity", "problem"])
@pytest.mark.rule("C-7")
def test_unreadable_part_refuses_the_sweep(what: str) -> None:
    """An entity without a readable ref, or a part of the source that could not be read: nothing is removed."""
    rig = Rig(Source(["a", "b"]), rest_length="0s")
    rig.cycle()
    kept = incrsim.component("a", provider="source")
    page = ["a", bad(None)] if what == "entity" else incrsim.Page([kept], done=True, problems=["cannot read"])
    rig.provider.pages = [page]
    ended = rig.cycle()
    assert ended.outcome == "refused"
    assert ended.verdict is not None
    assert ended.verdict.refused_by == ("unreadable",)
    assert rig.refs() == ["a", "b"]
    assert len(rig.store.problems("source")) == 1


@pytest.mark.rule("C-7")
def test_problem_with_a_ref_refuses_nothing() -> None:
    """A problem that a page reports about an entity of its own is recorded, and the sweep goes on."""
    page = incrsim.Page(
        [incrsim.component("a", provider="source")], done=True, problems=[Problem("odd", ref="component:default/a")]
    )
    rig = Rig(Source(page))
    assert rig.cycle().outcome == "swept"
    assert [each.message for each in rig.store.problems("source")] == ["odd"]


@pytest.mark.rule("C-7")
def test_too_many_invalid_end_the_ingestion_without_a_sweep() -> None:
    """More than one in a hundred, and two at least, were invalid: failed, nothing removed, next after the last wait."""
    good = [f"n{n}" for n in range(100)]
    rig = Rig(Source(["gone", *good]), rest_length="0s")
    rig.cycle()
    rig.provider.pages = [[bad("b1"), bad("b2"), *good]]
    ended = rig.cycle()
    assert (ended.outcome, ended.verdict) == ("failed", None)
    assert rig.ingestion.due_at == rig.clock.now() + rig.options.backoff[-1]
    assert "gone" in rig.refs()
    rig.provider.pages = [[bad("b1"), *good]]
    assert rig.cycle().outcome == "swept"
    assert "gone" not in rig.refs()


@pytest.mark.rule("C-7")
def test_invalid_entities_fail_the_page_when_asked_to() -> None:
    """With `on_invalid_entity="fail"` one bad entity fails its page, and nothing of that page is kept."""
    rig = Rig(Source(["a"], ["b", bad("typo")]), on_invalid_entity="fail")
    failure = rig.failed().failure
    assert failure.error == "InvalidEntity"
    assert "1 invalid entities on the page, the first is component:default/typo" in failure.message
    assert rig.refs() == ["a"]


# --- C-13: memory -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("C-13")
def test_memory_does_not_grow_with_the_pages() -> None:
    """A burst of ten times as many pages takes no more memory; the store's own rows are not counted."""

    class Endless(incrsim.IncrementalEntityProvider):
        name = "endless"

        def __init__(self, pages: int) -> None:
            self.pages = pages

        def next(self, context: Any, cursor: int | None = None) -> incrsim.Page:
            number = cursor or 0
            large = incrsim.component(f"n{number}", provider=self, description=f"{number}" * 10_000)
            return incrsim.Page([large], cursor=number + 1, done=number + 1 == self.pages)

    def peak(pages: int) -> int:
        rig = Rig(Endless(pages))
        store = rig.store
        rig.engine = _with_provider(rig, store=_Forgetful(store))
        tracemalloc.start()
        try:
            for _ in rig.engine.tick():
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(300) < peak(30) + 500_000


class _Forgetful:
    """Commits pages without what is on them."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit_page(self, lease: Any, draft: Any, options: Any) -> Any:
        from dataclasses import replace

        return self._store.commit_page(lease, replace(draft, entities=[], unreadable=(), reported=()), options)


# --- C-16, C-39: the length of a burst --------------------------------------------------------------------------------


def paced(rig_seconds: float, pages: int = 6) -> Rig:
    """A rig whose pages take some virtual time each; bursts last three seconds."""
    provider = Source(*[[f"n{n}"] for n in range(pages)])
    rig = Rig(provider, burst_length="3s", burst_interval="7s")
    usual = provider.next

    def slow(context: Any, cursor: Any = None) -> Any:
        rig.clock.wait(rig_seconds)
        return usual(context, cursor)

    provider.next = slow  # type: ignore[method-assign]  # in its place for this test
    return rig


@pytest.mark.parametrize(("seconds", "pages"), [(10, 1), (3, 1), (2.9, 2), (1.5, 2), (1, 3), (0.9, 4)])
@pytest.mark.rule("C-16")
def test_burst_ends_at_the_first_boundary_past_its_length(seconds: float, pages: int) -> None:
    """A burst makes one page at least, and stops at the first page boundary at or past `burst_length`."""
    rig = paced(seconds)
    *_, left, ended = rig.tick()
    assert isinstance(left, events.ContextLeft)
    assert isinstance(ended, events.BurstEnded)
    assert (ended.pages, rig.ingestion.status) == (pages, Status.INTERSTITIAL)
    assert ended.due_at == rig.clock.now() + timedelta(seconds=7)
    assert rig.store.state("source").lease is None


@pytest.mark.rule("C-16")
def test_entering_counts_as_part_of_the_burst() -> None:
    """A context that takes long to enter leaves time for one page, and that one is made."""
    rig = paced(0)

    def slow_note(what: str) -> None:
        if what == "entered":
            rig.clock.wait(20)

    rig.provider._note = slow_note
    rig.tick()
    assert rig.ingestion.pages == 1


def test_stop_ends_a_burst_at_its_next_page() -> None:
    """A burst that is asked to stop ends at the next page boundary, and the ingestion goes on later."""
    rig = Rig(Source(["a"], ["b"], ["c"]), stopping=lambda: True)
    assert rig.names()[-1] == "BurstEnded"
    assert rig.ingestion.pages == 1


@pytest.mark.rule("C-39")
def test_burst_length_is_monotonic_and_due_times_are_the_stores() -> None:
    """A wall clock that jumps does not change how long a burst is; due times follow the store's clock alone."""
    rig = paced(1)

    class Jumping:
        """The same seconds as the rig's clock, and a wall clock gone mad."""

        def now(self) -> datetime:
            return datetime(2001, 1, 1, tzinfo=UTC) - timedelta(days=rig.clock.monotonic() * 1000)

        def monotonic(self) -> float:
            return rig.clock.monotonic()

        def wait(self, seconds: float, wake: Any = None) -> None:
            raise AssertionError("a tick never waits")

    rig.engine = _with_provider(rig, clock=Jumping())
    ended = rig.tick()[-1]
    assert isinstance(ended, events.BurstEnded)
    assert ended.pages == 3
    assert ended.due_at == rig.clock.now() + timedelta(seconds=7)


# --- C-17, C-18: failures ---------------------------------------------------------------------------------------------


class RateLimitedInName(Exception):  # noqa: N818 -- named for the text that must not be read
    """Its name and text say one thing, its class another."""


@pytest.mark.parametrize(
    ("error", "consequence"),
    [
        (ValueError("CANCEL"), Consequence.RETRY),
        (RateLimitedInName("fatal: cursor expired, rate limited"), Consequence.RETRY),
        (StoreUnavailable("gone"), Consequence.RETRY),
        (type("Mine", (FatalError,), {})("all is well"), Consequence.FATAL),
        (type("Mine", (CursorExpired,), {})(""), Consequence.CURSOR_EXPIRED),
        (RateLimited(datetime(2025, 1, 1, 1, tzinfo=UTC)), Consequence.RATE_LIMITED),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.rule("C-17")
def test_what_follows_is_read_off_the_class(error: Exception, consequence: Consequence) -> None:
    """An error's class decides what follows, also of subclasses; its text never does."""
    rig = Rig(Source(["a"], error))
    failed = rig.failed()
    assert failed.failure.consequence is consequence
    expected = {
        Consequence.RETRY: (Status.BACKING_OFF, 1, rig.clock.now() + rig.options.backoff[0]),
        Consequence.FATAL: (Status.COMPLETE, 0, rig.clock.now() + rig.options.backoff[-1]),
        Consequence.CURSOR_EXPIRED: (Status.COMPLETE, 0, rig.clock.now()),
        Consequence.RATE_LIMITED: (Status.INTERSTITIAL, 0, datetime(2025, 1, 1, 1, tzinfo=UTC)),
    }
    assert (failed.status, failed.attempts, failed.due_at) == expected[consequence]


@pytest.mark.rule("C-17")
def test_waits_follow_the_list_then_the_ingestion_is_canceled() -> None:
    """The n-th failure in a row waits for the n-th wait; one more cancels, and the next begins after the last wait."""
    rig = Rig(Source(["a"], ValueError("no")), backoff=["1s", "20s"])
    waits, statuses = [], []
    for _ in range(3):
        failed = rig.failed()
        waits.append((failed.due_at or rig.clock.now()) - rig.clock.now())
        statuses.append(failed.status)
        rig.until_due()
    assert waits == [timedelta(seconds=each) for each in (1, 20, 20)]
    assert statuses == [Status.BACKING_OFF, Status.BACKING_OFF, Status.COMPLETE]
    assert rig.ingestion.number == 2
    assert rig.provider.asked == [None, 1, 1, 1]


@pytest.mark.rule("C-17")
def test_committed_page_resets_the_attempts() -> None:
    """Failures with progress between them never use the list up."""
    errors = iter([ValueError("1"), ["b"], ValueError("2"), ["c"], ValueError("3"), ["d"]])
    flaky = partial(next, errors)
    rig = Rig(Source(["a"], flaky, flaky, flaky), backoff=["1s"])
    assert rig.cycle().outcome == "swept"
    assert rig.refs() == ["a", "b", "c", "d"]


@pytest.mark.parametrize("method", ["commit_page", "end_burst", "commit_sweep"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.rule("C-17")
def test_store_that_fails_costs_an_attempt_and_nothing_else(method: str, when: str) -> None:
    """When a commit fails, or its answer is lost, the tick goes on from what the store really holds."""
    rig = Rig(Source(["a"], ["b"]), stopping=lambda: True)
    if method == "commit_sweep":
        rig.cycle()
        rig.until_due()
        rig.tick()
        rig.until_due()
    rig.store.faults = {method: when}
    names = rig.names()
    # An answer that was lost after the lease was given back shows as somebody else's turn.
    overtaken = when == "after" and method != "commit_page"
    assert names[-1] == ("Overtaken" if overtaken else "Failed")
    rig.store.faults = {}
    assert rig.cycle().outcome == "swept"
    assert rig.refs() == ["a", "b"]
    assert rig.provider.asked.count(None) <= 3


@pytest.mark.rule("C-18")
def test_failure_that_cannot_be_recorded_lets_the_lease_expire() -> None:
    """When recording fails too, the store's error comes out, caused by the first; the lease expires by itself."""
    rig = Rig(Source(["a"], ValueError("first")))
    rig.store.faults = {"record_failure": "before"}
    with pytest.raises(StoreError) as caught:
        rig.tick()
    assert isinstance(caught.value.__cause__, ValueError)
    lease = rig.store.state("source").lease
    assert lease is not None
    rig.store.faults = {}
    rig.provider.pages[1] = ["b"]
    assert rig.names() == ["Waiting"]
    rig.clock.advance_to(lease.expires_at)
    assert rig.cycle().outcome == "swept"
    assert rig.provider.asked == [None, 1, 1]


@pytest.mark.rule("C-18")
def test_last_error_says_what_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    """The record keeps class, message, page and cursor of a failure; the traceback is in the log alone."""
    caplog.set_level(logging.CRITICAL, "incrsim")  # the traceback holds what no report of a test can be sent with
    rig = Rig(Source(["a"], ValueError("no\x00 \ud800 \x1b[31m\nnext")))
    failure = rig.failed().failure
    assert (failure.error, failure.page, failure.cursor) == ("ValueError", 2, "1")
    assert failure.message == "no\\x00 \\ud800 \\x1b[31m\nnext"
    assert rig.ingestion.last_error == failure


@pytest.mark.rule("C-18")
def test_class_of_a_foreign_error_is_told_with_its_module() -> None:
    """An error of the provider's own says where it is from."""
    assert Rig(Source(RateLimitedInName())).failed().failure.error == f"{__name__}.RateLimitedInName"


@pytest.mark.rule("C-18")
def test_message_is_bounded() -> None:
    """However long a message is, at most 16 kB of it are kept, in bytes, also when each character needs escaping."""
    for text in ("x" * 100_000, "é" * 100_000, "\x00" * 100_000):
        failure = Rig(Source(ValueError(text))).failed().failure
        assert 15_000 < len(failure.message.encode()) <= 16 * 1024
        assert failure.message.endswith("…")


def _raising(text: str) -> str:
    raise LookupError(text)


@pytest.mark.parametrize(
    ("redact", "message", "cursor"),
    [
        (lambda text: text.replace("s3cret", "***"), "token *** refused", '"page-***"'),
        (_raising, "(withheld, since the redact hook failed)", "(withheld, since the redact hook failed)"),
        (lambda text: None, "(withheld, since the redact hook failed)", "(withheld, since the redact hook failed)"),
    ],
    ids=["redacts", "fails", "returns nothing"],
)
@pytest.mark.rule("C-18")
def test_secrets_are_redacted(redact: Any, message: str, cursor: str) -> None:
    """Message and cursor pass the hook; when the hook fails or returns no text, they are withheld."""
    provider = Source(incrsim.Page(cursor="page-s3cret"), ValueError("token s3cret refused"))
    provider.next = _by_count(provider)  # type: ignore[method-assign]  # in its place for this test
    failure = Rig(provider, redact=redact).failed().failure
    assert (failure.message, failure.cursor) == (message, cursor)


def _by_count(provider: Source) -> Any:
    usual, calls = provider.next, iter(range(100))
    return lambda context, cursor=None: usual(context, next(calls))


@pytest.mark.rule("C-18")
def test_traceback_is_logged_and_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    """The log has the traceback; the record has none."""
    with caplog.at_level(logging.ERROR, "incrsim"):
        failure = Rig(Source(ValueError("no"))).failed().failure
    assert "Traceback" in caplog.text
    assert "fakes.py" in caplog.text
    assert failure.message == "no"


def test_error_that_cannot_be_printed_is_an_error_all_the_same() -> None:
    """An error whose text cannot be read is recorded by its class."""

    class Mute(Exception):  # noqa: N818 -- named for what it does
        def __str__(self) -> str:
            raise LookupError

    assert "Mute" in Rig(Source(Mute())).failed().failure.message


def test_overtaken_burst_keeps_nothing() -> None:
    """A burst that was overtaken between two pages says so, leaves its context, and commits nothing more."""
    provider = Source(["a"], ["b"])
    rig = Rig(provider)
    provider.pages[1] = lambda: (rig.store.operate("source", Operator.START), ["b"])[1]
    assert rig.names()[-1] == "Overtaken"
    assert provider.log[-1] == "left by Fenced"
    assert rig.refs() == ["a"]


# --- C-20: safety -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("C-20")
def test_no_sweep_without_a_committed_done_page() -> None:
    """An ingestion whose done page fails removes nothing, however often it is tried."""
    rig = Rig(Source(["a"], ["b"]), rest_length="0s", backoff=["1s"])
    rig.cycle()
    rig.provider.pages = [["a"], lambda: incrsim.Page(done="yes")]  # type: ignore[arg-type]  # wrong on purpose
    assert rig.cycle().outcome == "canceled"
    rig.provider.pages = [["a"], []]
    rig.store.faults = {"commit_page": "before"}
    assert rig.cycle().outcome == "canceled"
    assert rig.refs() == ["a", "b"]


@pytest.mark.rule("C-20")
def test_pages_of_earlier_bursts_count() -> None:
    """What any page of the ingestion returned stays, in whichever burst; what none returned goes."""
    rig = Rig(Source(["a", "gone"], ["b"], ["c"]), stopping=lambda: True, rest_length="0s")
    rig.cycle()
    rig.provider.pages[0] = ["a"]
    assert rig.cycle().outcome == "swept"
    assert rig.refs() == ["a", "b", "c"]
