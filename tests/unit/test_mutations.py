"""Events of sources and direct mutations, from an app down to the catalog."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import incrsim
from incrsim import events
from incrsim.errors import (
    EventHandlerFailed,
    InvalidDelta,
    InvalidEntity,
    InvalidProvider,
    InvalidTransition,
    NoEventHandler,
    PageTimeout,
    ProviderBusy,
    StoreUnavailable,
    UnknownProvider,
)
from incrsim.ingestion import Outcome, Status
from incrsim.mutations import PAGE_SIZE
from tests.contract.samples import broken, unreadable
from tests.unit.fakes import Source, entity
from tests.unit.test_app import Bench


class Hearing(Source):
    """A source that makes a delta of each event: what its payload says."""

    topics: Any = ("changed",)

    def on_event(self, event: incrsim.SourceEvent) -> Any:
        answer = event.payload
        return answer(event) if callable(answer) else answer


class AsyncHearing(Hearing):
    async def on_event(self, event: incrsim.SourceEvent) -> Any:
        await asyncio.sleep(0)
        return Hearing.on_event(self, event)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """An app on a faulty store and a virtual clock."""
    made = Bench()
    with made.app:
        yield made


def names(bench: Bench) -> list[str]:
    """What the catalog holds."""
    return [each.ref.rpartition("/")[2] for each in bench.app.catalog.entities()]


def delta(*added: str, removed: tuple[str, ...] = ()) -> incrsim.Delta:
    """A delta of these names."""
    return incrsim.Delta([entity(name) for name in added], [f"component:{name}" for name in removed])


# --- emitting (C-29) --------------------------------------------------------------------------------------------------


@pytest.mark.rule("C-29")
@pytest.mark.parametrize("shape", [Hearing, AsyncHearing])
def test_an_event_reaches_its_provider(bench: Bench, shape: type[Hearing]) -> None:
    """The handler of a provider that names the topic gets topic, payload and headers; its delta is applied at once, and
    an event value says so.
    """
    bench.app.add(shape(["a"], ["b"]))
    bench.app.run_cycle("source")
    heard: list[incrsim.SourceEvent] = []

    def answer(event: incrsim.SourceEvent) -> incrsim.Delta:
        heard.append(event)
        return delta("c", removed=("a",))

    report = bench.app.emit("changed", answer, {"X-Kind": "push"})
    assert (heard[0].topic, heard[0].headers) == ("changed", {"X-Kind": "push"})
    assert names(bench) == ["b", "c"]
    assert str(report) == "source: 1 added, 0 updated, 0 unchanged, 1 removed"
    assert report.to_dict()["applied"][0]["removed"] == 1
    last = bench.seen[-1]
    assert isinstance(last, events.DeltaApplied)
    assert (last.topic, last.counts.added, last.ingestion) == ("changed", 1, 1)


@pytest.mark.rule("C-29")
def test_each_provider_that_names_the_topic_is_asked(bench: Bench) -> None:
    """Providers of other topics hear nothing; one that answers `None` changes nothing."""
    for name, topics in {"p": ["changed"], "q": ["other", "changed"], "r": ["other"]}.items():
        provider = Hearing([], name=name)
        provider.topics = topics
        bench.app.add(provider)
    bench.app.add(Source([], name="deaf"))
    report = bench.app.emit("changed", None)
    assert (report.applied, report.ignored_by) == ((), ("p", "q"))
    assert str(report) == "p: nothing to change\nq: nothing to change"
    with pytest.raises(NoEventHandler, match=r"topic 'new'; topics that are heard: changed, other"):
        bench.app.emit("new", None)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, ["a"]),
        ({"type": "ignored"}, ["a"]),
        (incrsim.Delta(), ["a"]),
        ({"type": "delta", "added": [{"entity": entity("b").body}], "removed": [{"entityRef": "Component:A"}]}, ["b"]),
        ({"type": "delta", "removed": ["component:default/a"]}, []),
        (incrsim.Delta(added=(entity(name) for name in "bc")), ["a", "b", "c"]),
    ],
    ids=["none", "ignored", "empty", "upstream", "upstream refs", "generator"],
)
def test_what_a_handler_may_answer(bench: Bench, answer: Any, expected: list[str]) -> None:
    """A delta, nothing, or a mapping as upstream has it."""
    bench.app.add(Hearing(["a"]))
    bench.app.run_cycle("source")
    bench.app.emit("changed", answer)
    assert names(bench) == expected


def _raises(event: incrsim.SourceEvent) -> None:
    raise KeyError("no id")


@pytest.mark.rule("C-29")
@pytest.mark.parametrize(
    ("answer", "cause", "said"),
    [
        (_raises, KeyError, "no id"),
        (lambda _: ["x"], InvalidDelta, r"return incrsim\.Delta"),
        ({"type": "x"}, InvalidDelta, r"return incrsim\.Delta"),
        (incrsim.Delta(entity("b").body), InvalidDelta, "is no list"),  # type: ignore[arg-type]  # wrong on purpose
        (incrsim.Delta([], ["nonsense"]), InvalidDelta, "is not an entity ref"),
        (incrsim.Delta([], ["component:a\0b"]), InvalidDelta, "no entity's ref can"),
        (incrsim.Delta([], [7]), InvalidDelta, "is not an entity ref"),  # type: ignore[list-item]  # wrong on purpose
        (delta("a", "b", removed=("a",)), InvalidDelta, "both added and removed"),
        (incrsim.Delta([entity("b"), unreadable()]), InvalidEntity, "no readable ref"),
        (incrsim.Delta([entity("b"), broken("c")]), InvalidEntity, "mend them"),
    ],
    ids=["raises", "list", "mapping", "one", "ref", "NUL", "number", "both", "unreadable", "invalid"],
)
def test_a_handler_that_fails(bench: Bench, answer: Any, cause: type[Exception], said: str) -> None:
    """Whoever emits the event hears what was wrong, and nothing of the answer is kept; others are asked anyway."""
    bench.app.add(Hearing(["a"]), on_invalid_entity="fail")
    other = Hearing([], name="z")
    other.on_event = lambda event: incrsim.Delta([entity("z")])  # type: ignore[method-assign]  # in its place for this test
    bench.app.add(other)
    bench.app.run_cycle("source")
    with pytest.raises(EventHandlerFailed, match=f"'source' could not take .* 'changed'(.|\n)*{said}") as failed:
        bench.app.emit("changed", answer)
    assert isinstance(failed.value.__cause__, cause)
    assert names(bench) == ["a", "z"]


def test_several_handlers_that_fail(bench: Bench) -> None:
    """All of them are told of."""
    bench.app.add(Hearing([], name="p"))
    bench.app.add(Hearing([], name="q"))
    with pytest.raises(EventHandlerFailed, match="'p' could not") as failed:
        bench.app.emit("changed", _raises)
    assert "'q' could not" in failed.value.__notes__[0]


def test_a_store_that_fails_is_no_fault_of_the_handler(bench: Bench) -> None:
    """When the store is away the event can come again."""
    bench.app.add(Hearing([]))
    bench.store.faults["apply_delta"] = "before"
    with pytest.raises(StoreUnavailable):
        bench.app.emit("changed", delta("a"))


@pytest.mark.rule("C-29")
def test_events_wait_for_no_burst(bench: Bench) -> None:
    """While a page is being fetched, on another thread or on this one, an event is applied."""
    during: list[list[str]] = []
    provider = Hearing(["a"])

    def emit_elsewhere() -> list[str]:
        def emit() -> None:
            bench.app.emit("changed", delta("b"))
            during.append(names(bench))

        thread = threading.Thread(target=emit, daemon=True)
        thread.start()
        thread.join(10)
        return ["a"]

    provider.pages = [emit_elsewhere]
    bench.app.add(provider)
    assert bench.app.run_cycle("source").ok
    assert during == [["b"]]
    assert names(bench) == ["a", "b"]


@pytest.mark.parametrize("shape", [Hearing, AsyncHearing])
def test_in_a_notebook(bench: Bench, shape: type[Hearing]) -> None:
    """Where an event loop runs already, a handler's coroutine runs on one of its own."""
    bench.app.add(shape([]))

    async def cell() -> None:
        bench.app.emit("changed", delta("a"))

    asyncio.run(cell())
    assert names(bench) == ["a"]


def test_a_coroutine_that_hangs(bench: Bench) -> None:
    """It is cancelled after `page_timeout`."""

    class Hanging(AsyncHearing):
        async def on_event(self, event: incrsim.SourceEvent) -> Any:
            await asyncio.Event().wait()

    bench.app.add(Hanging([]), page_timeout="1us")
    with pytest.raises(EventHandlerFailed) as failed:
        bench.app.emit("changed", None)
    assert isinstance(failed.value.__cause__, PageTimeout)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"topics": "changed"}, "topics='changed'"),
        ({"topics": ["", "x"]}, "not empty"),
        ({"topics": 7}, "topics=7"),
        ({"topics": ()}, "no topics"),
        ({"on_event": None}, "no method `on_event`"),
        ({"on_event": lambda: None}, r"on_event\(\), which cannot be called"),
        ({"on_event": lambda event, more: None}, "cannot be called"),
    ],
    ids=["text", "empty", "number", "none", "missing", "too few", "too many"],
)
def test_a_handler_that_cannot_work(bench: Bench, changes: dict[str, Any], said: str) -> None:
    """A provider whose handler could never be called is refused when it is added, with what to write."""
    provider = Hearing([])
    for name, value in changes.items():
        setattr(provider, name, value)
    with pytest.raises(InvalidProvider, match=f"(?s){said}.*def on_event"):
        bench.app.add(provider)


# --- between fetch and commit (C-29) ----------------------------------------------------------------------------------


def test_an_event_needs_no_payload() -> None:
    """A topic alone is an event."""
    assert incrsim.SourceEvent("changed") == incrsim.SourceEvent("changed", None, {})


@pytest.mark.rule("C-29")
@pytest.mark.parametrize(
    ("moment", "kept"),
    [("before the page is fetched", "page"), ("between its fetch and its commit", "event"), ("after it", "event")],
)
def test_the_newest_word_counts(bench: Bench, moment: str, kept: str) -> None:
    """An event before a page's fetch gives way to the page; one after it does not, whenever the page is committed."""
    changed = incrsim.component("a", provider="source", description="event")
    provider = Hearing(["z"], ["a", "b"], ["c"])

    def happen() -> None:
        bench.app.emit("changed", incrsim.Delta([changed], ["component:b"]))

    steps: dict[str, Callable[[events.Event], bool]] = {
        "before": lambda e: isinstance(e, events.PageFetched) and e.page == 1,
        "between": lambda e: isinstance(e, events.PageFetched) and e.page == 2,
        "after": lambda e: isinstance(e, events.PageCommitted) and e.page == 2,
    }
    is_now = steps[moment.split(maxsplit=1)[0]]
    bench.app.add(provider)
    bench.app.run_cycle("source")
    bench.app.events.subscribe(lambda event: happen() if is_now(event) else None)
    assert bench.app.run_cycle("source").ok
    body = bench.app.catalog.get("component:a") or {}
    assert (body["metadata"].get("description") == "event") is (kept == "event")
    assert ("b" in names(bench)) is (kept == "page")
    assert {"a", "c", "z"} <= set(names(bench))


# --- direct mutations (C-30) ------------------------------------------------------------------------------------------


@pytest.mark.rule("C-30")
def test_a_direct_delta(bench: Bench) -> None:
    """A caller may add and remove as an event does."""
    bench.app.add(Source(["a"]))
    bench.app.run_cycle("source")
    report = bench.app.apply_delta("source", added=[entity("b"), broken("c")], removed=["component:a"])
    assert str(report) == "source: 1 added, 0 updated, 0 unchanged, 1 removed, 1 invalid"
    assert report.to_dict() == {
        "provider": "source",
        "ingestion": 1,
        "added": 1,
        "updated": 0,
        "unchanged": 0,
        "removed": 1,
        "invalid": 1,
        "lost": 0,
        "unreadable": 0,
    }
    assert names(bench) == ["b"]
    assert isinstance(bench.seen[-1], events.DeltaApplied)
    with pytest.raises(UnknownProvider):
        bench.app.apply_delta("nobody")


@pytest.mark.rule("C-30")
def test_the_later_one_of_a_delta_wins(bench: Bench) -> None:
    """Of the same ref twice in a delta the later one counts."""
    bench.app.add(Source(["a"]))
    first, second = (incrsim.component("a", provider="source", description=each) for each in ("1", "2"))
    assert bench.app.apply_delta("source", [first, second]).counts.added == 1
    assert (bench.app.catalog.get("component:a") or {})["metadata"]["description"] == "2"


@pytest.mark.rule("C-30")
def test_a_full_mutation(bench: Bench) -> None:
    """A caller may name all entities at once, more than fit a page; it is in the history, and the stream tells."""
    bench.app.add(Source(["a", "b"]), reject_removals_above_count=1)
    bench.app.run_cycle("source")
    many = (entity(f"n{number}") for number in range(PAGE_SIZE + 1))
    report = bench.app.apply_full("source", (each for part in ([entity("a")], many) for each in part))
    assert (report.refused, report.record.pages, report.record.outcome) == (False, 2, Outcome.SWEPT)
    assert str(report).startswith("source: 1,001 added, 0 updated, 1 unchanged, 1 removed; swept: removed 1 of 2")
    assert report.to_dict()["outcome"] == "swept"
    assert bench.app.catalog.count() == PAGE_SIZE + 2
    last = bench.seen[-1]
    assert isinstance(last, events.FullApplied)
    assert (last.record, last.due_at) == (report.record, report.due_at)
    refused = bench.app.apply_full("source", [])
    assert refused.refused
    assert "above the limit of 1" in str(refused)


@pytest.mark.rule("C-30")
def test_full_needs_a_free_provider(bench: Bench) -> None:
    """While a replica works, or an ingestion is under way, it is refused, and nothing was changed."""
    bench.app.add(Source(["a"], ["b"]))
    bench.store.claim("source", "other", incrsim.ProviderOptions())
    with pytest.raises(ProviderBusy, match="other works on the provider 'source' until"):
        bench.app.apply_full("source", [])
    bench.clock.advance_to(bench.app.state("source").lease.expires_at)  # type: ignore[union-attr]  # it is leased at this point
    with pytest.raises(InvalidTransition, match="scheduled or resting"):
        bench.app.apply_full("source", [])


@pytest.mark.rule("C-30")
@pytest.mark.parametrize("fault", ["before", "after"])
def test_a_full_mutation_that_fails(bench: Bench, fault: str) -> None:
    """The lease is given back, so that nobody waits for it."""
    bench.app.add(Source(["a"]))
    bench.app.run_cycle("source")
    bench.store.faults["apply_full"] = fault
    with pytest.raises(StoreUnavailable):
        bench.app.apply_full("source", [entity("b")])
    bench.store.faults.clear()
    assert bench.app.state("source").lease is None
    assert names(bench) == (["a"] if fault == "before" else ["b"])


def test_a_source_that_breaks_off(bench: Bench) -> None:
    """Entities that cannot be read to their end change nothing."""

    def breaking() -> Iterator[incrsim.Entity]:
        yield entity("b")
        raise OSError("the disk is gone")

    bench.app.add(Source(["a"]))
    bench.app.run_cycle("source")
    fence = bench.app.state("source").fence
    with pytest.raises(OSError, match="disk"):
        bench.app.apply_full("source", breaking())
    for nonsense in (entity("a").body, "a", 7):
        with pytest.raises(InvalidDelta, match="is no list"):
            bench.app.apply_full("source", nonsense)  # type: ignore[arg-type]  # wrong on purpose
    assert (names(bench), bench.app.state("source").fence) == (["a"], fence)
    assert bench.app.state("source").ingestion.status is Status.RESTING
