from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from incrsim import events
from incrsim.clock import VirtualClock
from incrsim.engine import Engine
from incrsim.errors import CallerError, Fenced, UnknownProvider, WrongCount
from incrsim.host import InlineHost
from incrsim.ingestion import Outcome, Status
from incrsim.lifecycle import CANCEL_WAIT, ENDING, OPERATORS, Effect, Operator
from incrsim.operators import Done, Listing, Operators
from incrsim.options import ProviderOptions
from incrsim.store import Store
from incrsim.store.contract import NotDue, Paused
from incrsim.store.operating import SERVED_FOR, Announcement, Gone, Operated
from tests.contract.base import Contract, everything
from tests.contract.driver import Driver
from tests.contract.samples import broken, good
from tests.unit.fakes import Source

SECOND = timedelta(seconds=1)
OPEN = [status for status in Status if status is not Status.COMPLETE]
OWNED = ("a", "b")

CALLS: dict[str, Callable[[Operators], Done]] = {
    "trigger": lambda operators: operators.trigger("p"),
    "start": lambda operators: operators.start("p"),
    "cancel": lambda operators: operators.cancel("p"),
    "pause": lambda operators: operators.pause("p"),
    "resume": lambda operators: operators.resume("p"),
    "delete": lambda operators: operators.delete("p"),
    "delete marks": lambda operators: operators.delete_marks("p"),
    "cleanup": lambda operators: operators.cleanup(),
    "retire": lambda operators: operators.retire("p", len(OWNED)),
}
CHANGING = [call for call in CALLS if call not in ("trigger", "pause", "resume")]


def effect_of(call: str, status: Status) -> Effect:
    """What the table in `lifecycle` says; `cleanup` and `retire` delete."""
    operator = Operator.DELETE if call in ("cleanup", "retire") else Operator(call)
    return OPERATORS[operator][status]


def bring(p: Driver, status: Status) -> None:
    """Make a provider own two entities, and bring its second ingestion into a status."""
    p.cycle(*map(good, OWNED))
    p.store.operate("p", Operator.START)
    if status is not Status.SCHEDULED:
        p.begin()
        p.page(*map(good, OWNED), broken("c"), done=status in (Status.SWEEPING, Status.RESTING))
    if status is Status.INTERSTITIAL:
        p.end_burst()
    elif status is Status.BACKING_OFF:
        p.fail()
    elif status is Status.RESTING:
        p.sweep()
    assert p.now_at.status is status


class OperatorContract(Contract):
    """What operators ask and do (C-14, C-31 to C-35)."""

    @pytest.fixture
    def operators(self, store: Store) -> Operators:
        """The door to everything."""
        return Operators(store)

    # --- the table ----------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-14")
    @pytest.mark.parametrize("status", OPEN)
    @pytest.mark.parametrize("call", CALLS)
    def test_every_call_in_every_status(self, p: Driver, operators: Operators, call: str, status: Status) -> None:
        """Each call does in each status what the table says, to the record, the fence, the lease and the entities."""
        p.setting(max_invalid_percentage=100)
        bring(p, status)
        before, held = p.store.state("p"), p.store.state("p").lease
        p.clock.advance(SECOND)
        done = CALLS[call](operators)
        after, effect = p.store.state("p"), effect_of(call, status)
        assert after.paused is (effect is Effect.SET_PAUSED)
        assert p.names() == ([] if call == "retire" else list(OWNED))
        assert (after.lease, after.fence) == ((None, before.fence + 1) if effect in ENDING else (held, before.fence))
        if isinstance(done.details, Operated):
            assert (done.details.effect, done.details.before) == (effect, before.ingestion)
        match effect:
            case Effect.DUE_NOW:
                assert after.ingestion.attempts == before.ingestion.attempts
                assert after.ingestion.due_at == min(after.now, before.ingestion.due_at or after.now)
                assert after.ingestion.status is status
            case Effect.NOTHING | Effect.SET_PAUSED | Effect.CLEAR_PAUSED:
                assert after.ingestion == before.ingestion
            case _:
                wait = timedelta(0) if effect in (Effect.RESTART_NOW, Effect.END_REST) else CANCEL_WAIT
                assert (after.ingestion.number, after.ingestion.status) == (3, Status.SCHEDULED)
                assert after.ingestion.due_at == after.now + wait
                outcome = Outcome.SWEPT if status is Status.RESTING else Outcome.CANCELED
                kept = [] if effect is Effect.PURGE else [(2, outcome), (1, Outcome.SWEPT)]
                assert [(each.number, each.outcome) for each in p.store.history("p")] == kept
                assert not p.store.marks("p")
                assert after.last_verdict == (None if effect is Effect.PURGE else before.last_verdict)

    @pytest.mark.rule("C-33")
    @pytest.mark.parametrize("status", [Status.BURSTING, Status.SWEEPING])
    @pytest.mark.parametrize("call", CHANGING)
    def test_what_ends_an_ingestion_refuses_the_next_commit(
        self, p: Driver, operators: Operators, call: str, status: Status
    ) -> None:
        """After such a call neither a page, a sweep, a failure nor the end of the burst can be committed (U6)."""
        bring(p, status)
        CALLS[call](operators)
        before = everything(p.store)
        for step in (lambda: p.page(good("z")), p.sweep, p.fail, p.end_burst):
            with pytest.raises(Fenced):
                step()
        assert everything(p.store) == before

    @pytest.mark.rule("C-33")
    @pytest.mark.parametrize("call", ["trigger", "pause", "resume"])
    def test_the_others_leave_a_running_burst_alone(self, p: Driver, operators: Operators, call: str) -> None:
        """The page that a burst is reading can be committed, and so can the sweep of a done one."""
        bring(p, Status.BURSTING)
        CALLS[call](operators)
        assert p.page(good("a"), done=True).paused is (call == "pause")
        assert p.sweep().outcome is Outcome.SWEPT

    @pytest.mark.rule("C-34")
    @pytest.mark.parametrize("status", OPEN)
    @pytest.mark.parametrize("call", CHANGING)
    def test_an_ingestion_after_it_sweeps_as_ever(
        self, p: Driver, operators: Operators, call: str, status: Status
    ) -> None:
        """Whatever was ended, deleted or retired when, the next ingestion makes the catalog equal to the source."""
        p.setting(max_invalid_percentage=100)
        bring(p, status)
        CALLS[call](operators)
        assert p.cycle(good("b"), good("d")).number == 3
        assert p.names() == ["b", "d"]

    # --- pause --------------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-33")
    @pytest.mark.parametrize("status", OPEN)
    def test_a_paused_provider_is_not_claimed(self, p: Driver, operators: Operators, status: Status) -> None:
        """However due it is, nothing begins while it is paused, not even the end of a rest; `resume` lets it go on."""
        bring(p, status)
        operators.pause("p")
        state = p.store.state("p")
        p.clock.advance(10 * CANCEL_WAIT)
        assert p.other("r2").try_claim() == Paused(state.ingestion)
        assert p.store.state("p").ingestion == state.ingestion
        assert "goes on" in operators.resume("p").message
        assert p.other("r2").claim().ingestion.number == state.ingestion.number + (status is Status.RESTING)

    @pytest.mark.rule("C-33")
    @pytest.mark.parametrize("call", [each for each in CALLS if each != "resume"])
    def test_only_resume_ends_a_pause(self, p: Driver, operators: Operators, call: str) -> None:
        """Whatever else is done to a paused provider, it stays paused, and the answer says so where it matters."""
        bring(p, Status.BACKING_OFF)
        operators.pause("p")
        done = CALLS[call](operators)
        assert p.store.state("p").paused
        assert "paused" in done.message or call in ("cleanup", "retire")
        p.store.register("p")
        assert isinstance(p.try_claim(), Paused)

    @pytest.mark.rule("C-33")
    def test_a_sweep_waits_for_the_end_of_a_pause(self, p: Driver, operators: Operators) -> None:
        """A pause that comes with the done page leaves the sweep due; only the lease is given back."""
        bring(p, Status.BURSTING)
        operators.pause("p")
        p.page(good("a"), done=True)
        assert p.end_burst() == p.now_at
        assert (p.now_at.status, p.store.state("p").lease) == (Status.SWEEPING, None)
        operators.resume("p")
        p.claim()
        assert p.sweep().counts.removed == 0
        assert isinstance(p.try_claim(), NotDue)

    # --- through the engine -------------------------------------------------------------------------------------------

    def engine(self, store: Store, clock: VirtualClock, source: Source, **options: object) -> Engine:
        """An engine that serves `p`."""
        store.register(source.name)
        return Engine(source, ProviderOptions.of(**options), store, clock, InlineHost(clock), "r1")

    @pytest.mark.rule("C-33")
    @pytest.mark.parametrize("call", CHANGING)
    def test_a_running_burst_is_overtaken(
        self, store: Store, clock: VirtualClock, operators: Operators, call: str
    ) -> None:
        """A page that was being read when the call came is refused: the burst ends, and what it read is not kept."""
        source = Source([good("a"), good("b")], [], name="p")
        engine = self.engine(store, clock, source)
        [*engine.tick()]
        operators.trigger("p")
        source.pages = [[good("a"), good("b")], lambda: (CALLS[call](operators), [good("z")])[1], []]
        assert [type(event) for event in engine.tick()][-1] is events.Overtaken
        assert store.entity("component:default/z") is None
        assert store.state("p").ingestion.pages == 0
        clock.advance(CANCEL_WAIT)
        source.pages = [[good("b")]]
        assert isinstance([*engine.tick()][-1], events.SweepCommitted)
        assert store.count("p") == 1

    @pytest.mark.rule("C-33")
    @pytest.mark.parametrize("pages", [1, 3])
    def test_pause_ends_a_running_burst_at_its_next_page(
        self, store: Store, clock: VirtualClock, operators: Operators, pages: int
    ) -> None:
        """The page that was being read is committed, and nothing after it, no sweep either, until `resume`."""
        later = [[good(f"e{number}")] for number in range(1, pages)]
        source = Source(lambda: (operators.pause("p"), [good("e0")])[1], *later, name="p")
        engine = self.engine(store, clock, source)
        *_, last = engine.tick()
        assert isinstance(last, events.BurstEnded)
        assert (store.count("p"), store.state("p").ingestion.pages) == (1, 1)
        clock.advance(SECOND * 60)
        assert [getattr(event, "reason", None) for event in engine.tick()] == ["paused"]
        operators.resume("p")
        assert isinstance([*engine.tick()][-1], events.SweepCommitted)
        assert (store.count("p"), source.asked) == (pages, [None, *range(1, pages)])

    # --- what goes, and what stays ------------------------------------------------------------------------------------

    @pytest.mark.rule("C-34")
    def test_delete_counts_what_goes(self, p: Driver, operators: Operators) -> None:
        """`delete` says how many ingestions, marks and problems went; all of them did, and entities stay."""
        p.setting(max_invalid_percentage=100)
        p.cycle(good("a"), broken("x"), broken("y"))
        p.begin()
        p.page(good("a"), broken("x"))
        p.page(good("b"))
        done = operators.delete("p")
        assert isinstance(done.details, Operated)
        assert done.details.gone == Gone(ingestions=2, marks=2, problems=3)
        assert "2 ingestions, 2 marks and 3 problems removed" in done.message
        assert [*p.store.history("p"), *p.store.marks("p"), *p.store.problems("p")] == []
        assert (p.names(), p.store.state("p").fence) == (["a", "b"], 3)

    @pytest.mark.rule("C-34")
    def test_numbers_go_on_after_a_delete(self, p: Driver, operators: Operators) -> None:
        """Neither an ingestion's number, a verdict's id nor a fence is ever given out twice."""
        p.cycle(good("a"))
        operators.delete("p")
        swept = p.cycle(good("b"))
        assert swept.verdict is not None
        assert (swept.number, swept.verdict.id, swept.counts.removed, p.lease.fence) == (2, 2, 1, 3)

    @pytest.mark.rule("C-25")
    @pytest.mark.rule("C-34")
    def test_what_a_deleted_ingestion_marked_has_its_grace_again(self, p: Driver, operators: Operators) -> None:
        """A page that returned an entity counts for its grace, also when its ingestion is deleted."""
        p.setting(removal_grace_cycles=1)
        p.cycle(good("a"), good("b"), good("c"))
        p.cycle(good("a"))
        p.begin()
        p.page(good("b"))
        operators.delete("p")
        assert p.cycle(good("a")).counts.removed == 1
        assert p.names() == ["a", "b"]

    @pytest.mark.rule("C-34")
    def test_delete_marks_counts_them(self, p: Driver, operators: Operators) -> None:
        """`delete marks` says how many marks went, and keeps the history."""
        p.cycle(good("a"))
        p.begin()
        p.page(good("a"))
        p.page(good("b"))
        assert "2 marks removed" in operators.delete_marks("p").message
        assert [each.number for each in p.store.history("p")] == [2, 1]

    @pytest.mark.rule("C-34")
    def test_cleanup_deletes_all(self, p: Driver, q: Driver, operators: Operators) -> None:
        """`cleanup` deletes every provider's records, and says how many."""
        p.cycle(good("a"))
        q.cycle(good("b"))
        q.begin()
        assert operators.cleanup().details == Gone(ingestions=3, marks=1)
        assert [*p.store.history("p"), *p.store.history("q")] == []
        assert (p.names(), q.names()) == (["a"], ["b"])

    @pytest.mark.rule("C-34")
    @pytest.mark.parametrize("expected", [0, 6, 8])
    def test_retire_wants_the_right_count(self, p: Driver, operators: Operators, expected: int) -> None:
        """A wrong count is an error that tells the right one, and changes nothing."""
        p.cycle(*(good(f"e{number}") for number in range(7)))
        before = everything(p.store)
        with pytest.raises(WrongCount, match=rf"owns 7 entities, not {expected}; nothing was changed"):
            operators.retire("p", expected)
        assert everything(p.store) == before

    @pytest.mark.rule("C-34")
    def test_retire_removes_all_that_is_owned(
        self, p: Driver, q: Driver, operators: Operators, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`retire` removes the provider's entities in chunks, its records with them, and nothing of another's."""
        monkeypatch.setattr("incrsim.store.operations.SWEEP_CHUNK", 3)
        p.cycle(*(good(f"e{number}") for number in range(7)))
        q.cycle(good("other"))
        done = operators.retire("p", 7)
        assert done.details == Gone(ingestions=1, marks=1, entities=7)
        assert "7 entities removed" in done.message
        assert (p.names(), q.names(), p.store.history("p")) == ([], ["other"], [])
        assert isinstance(p.try_claim(), NotDue)

    @pytest.mark.rule("C-35")
    @pytest.mark.parametrize(
        ("call", "said"),
        {
            "trigger": "ingestion 2 is bursting (1 page committed): there is nothing to hurry",
            "start": "ingestion 2, which was bursting, is over; 1 mark removed; "
            "ingestion 3 is due at 2025-01-01T00:00:01.000000Z",
            "cancel": "ingestion 2, which was bursting, is over; 1 mark removed; "
            "ingestion 3 is due at 2025-01-02T00:00:01.000000Z",
            "pause": "paused: nothing begins until it is resumed; ingestion 2 is bursting",
            "resume": "resumed: ingestion 2, which is bursting, goes on",
            "delete": "2 ingestions, 1 mark and 1 problem removed; its entities stay; "
            "ingestion 3 is due at 2025-01-02T00:00:01.000000Z",
            "delete marks": "ingestion 2, which was bursting, is over; 1 mark removed; "
            "ingestion 3 is due at 2025-01-01T00:00:01.000000Z",
            "cleanup": "1 provider deleted: 2 ingestions, 1 mark and 1 problem removed; entities stay; "
            "new ingestions begin in 24 hours",
            "retire": "2 entities removed, and 2 ingestions, 1 mark and 1 problem removed; "
            "should it still be served, it begins again in 24 hours",
        }.items(),
    )
    def test_every_call_says_what_it_did(self, p: Driver, operators: Operators, call: str, said: str) -> None:
        """Each call answers with one sentence that has counts, and with the same for programs, as JSON."""
        bring(p, Status.BURSTING)
        p.clock.advance(SECOND)
        done = CALLS[call](operators)
        assert str(done) == (said if call == "cleanup" else f"p: {said}")
        assert json.loads(json.dumps(done.to_dict())) == done.to_dict()
        assert (done.to_dict()["call"], done.to_dict()["provider"]) == (call, None if call == "cleanup" else "p")

    # --- asking -------------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-32")
    def test_status_is_what_the_store_knows(self, p: Driver, operators: Operators) -> None:
        """`status` tells where the provider is, what comes next, what went wrong, and who works on it."""
        p.cycle(good("a"))
        p.begin()
        p.page(good("a"), good("b"))
        working = operators.status("p")
        assert (working.status, working.next_action, working.ingestion) == (Status.BURSTING, "ingest", 2)
        assert (working.working, working.working_until) == ("r1", p.lease.expires_at)
        assert (working.pages, working.counts.added, working.last_outcome) == (1, 1, Outcome.SWEPT)
        assert working.last_verdict == p.store.history("p")[0].verdict
        p.fail("out of coffee")
        failed = operators.status("p")
        assert (failed.status, failed.attempts, failed.working) == (Status.BACKING_OFF, 1, None)
        assert failed.next_action_at == p.clock.now() + p.options.backoff[0]
        assert failed.last_error is not None
        assert failed.last_error.message == "out of coffee"
        assert (failed.provider, failed.paused, failed.now) == ("p", False, p.clock.now())

    @pytest.mark.rule("C-32")
    def test_an_error_is_told_until_a_page_is_committed(self, p: Driver, operators: Operators) -> None:
        """The error that ended an ingestion is the last error still while the next one has no page."""
        p.setting(backoff=["1m"])
        for _ in range(2):
            p.begin()
            p.fail("out of coffee")
        status = operators.status("p")
        assert (status.status, status.ingestion, status.last_outcome) == (Status.SCHEDULED, 2, Outcome.CANCELED)
        assert status.last_error is not None
        assert status.last_error.message == "out of coffee"
        p.begin()
        p.page(good("a"))
        assert operators.status("p").last_error is None

    @pytest.mark.rule("C-26")
    @pytest.mark.rule("C-32")
    def test_the_last_verdict_outlives_its_ingestion(self, p: Driver, operators: Operators) -> None:
        """The last sweep's verdict is told until the next one or a `delete`, whatever is canceled in between."""
        p.cycle(good("a"))
        verdict = p.now_at.verdict
        for _ in range(25):
            operators.start("p")
        assert operators.status("p").last_verdict == verdict
        operators.delete("p")
        assert operators.status("p").last_verdict is None

    @pytest.mark.rule("C-32")
    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_everything_is_paged(self, p: Driver, operators: Operators, limit: int) -> None:
        """Whatever the size of a page, following `next` lists everything once, in order."""
        for name in ("a", "o", "z"):
            Driver(p.store, p.clock, name)
        p.setting(reject_removals_above_count=0, max_invalid_percentage=100)
        p.cycle(*(good(f"e{number}") for number in range(4)))
        p.cycle(*(broken(f"x{number}") for number in range(3)))
        p.cycle(*(broken(f"x{number}") for number in range(2)))
        p.begin()
        for _ in range(3):
            p.page(good("f"))

        def listed(read: Callable[..., Listing[Any]], *start: str) -> list[Any]:
            page = read(*start, limit=limit)
            items = [*page.items]
            while page.next is not None:
                assert len(page.items) == limit
                page = read(*start, after=page.next, limit=limit)
                assert page.items
                items += page.items
            return items

        assert [each.provider for each in listed(operators.providers)] == ["a", "o", "p", "z"]
        assert listed(operators.marks, "p") == p.store.marks("p")
        assert listed(operators.problems, "p") == p.store.problems("p")
        assert listed(operators.history, "p") == p.store.history("p")
        assert listed(operators.stale, "p") == p.store.stale("p")
        assert [len(p.store.marks("p")), len(p.store.problems("p")), len(p.store.stale("p"))] == [3, 5, 4]

    @pytest.mark.rule("C-35")
    @pytest.mark.parametrize(
        "call",
        [
            *(call for name, call in CALLS.items() if name != "cleanup"),
            *(
                lambda o, read=read: getattr(o, read)("p")
                for read in ("status", "marks", "problems", "history", "stale")
            ),
            lambda operators: operators.approve("p", 1),
        ],
    )
    def test_an_unknown_provider_is_named_with_the_known_ones(
        self, store: Store, clock: VirtualClock, operators: Operators, call: Callable[[Operators], object]
    ) -> None:
        """A name that no provider has is an error that lists the known names, at every call."""
        for name in ("beta", "alpha"):
            Driver(store, clock, name)
        before = everything(store)
        with pytest.raises(UnknownProvider, match="no provider is called 'p'; known: alpha, beta"):
            call(operators)
        assert everything(store) == before

    @pytest.mark.rule("C-32")
    @pytest.mark.parametrize("limit", [0, -1, 10_001, 2**70, True, 1.0, "1", None])
    def test_a_page_has_a_size(self, p: Driver, operators: Operators, limit: Any) -> None:
        """A page of no items, of more than 10 000, or of what is no number is an error that says what is."""
        for read in (operators.marks, operators.problems, operators.history, operators.stale):
            with pytest.raises(CallerError, match=r"^limit="):
                read("p", limit=limit)
        with pytest.raises(CallerError, match=r"^limit="):
            operators.providers(limit=limit)
        assert p.store.marks("p") == []

    # --- who serves ---------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-31")
    def test_replicas_say_what_they_serve(self, store: Store, clock: VirtualClock) -> None:
        """A replica serves what it named last, for as long as it is heard of; nothing else does it take away."""

        def served() -> list[tuple[str, str, bool]]:
            return [(each.provider, each.holder, each.stuck) for each in store.serving(["p", "q", "\0"])]

        options = ProviderOptions().describe()
        store.announce("r2", [Announcement("q", options, stuck=False), Announcement("p", options, stuck=True)])
        store.announce("r1", [Announcement("p", options, stuck=False)])
        assert served() == [("p", "r1", False), ("p", "r2", True), ("q", "r2", False)]
        assert store.serving(["q"])[0].options == options
        assert store.serving(["q"])[0].seen_at == clock.now()
        clock.advance(SERVED_FOR - SECOND)
        store.announce("r2", [Announcement("p", options, stuck=False)])
        assert served() == [("p", "r1", False), ("p", "r2", False)]
        clock.advance(SECOND)
        assert served() == [("p", "r2", False)]
        store.announce("r2", [])
        assert served() == []

    # --- sinks --------------------------------------------------------------------------------------------------------

    def test_sinks_are_given_everything_again_or_forgotten(self, p: Driver, operators: Operators) -> None:
        """Both say to whom and with counts; a sink that is not registered is named with those that are."""
        assert operators.sinks() == []
        p.store.register_sink("lines")
        p.cycle(good("a"), good("b"))
        while (delivery := p.store.next_delivery("lines")) is not None:
            p.store.delivered(delivery)
        assert [each.resyncing for each in operators.sinks()] == [False]
        again = operators.resync("lines")
        assert (again.call, again.provider) == ("resync", None)
        assert str(again) == "lines: it is given everything again, by the processes that deliver to it"
        assert [each.resyncing for each in operators.sinks()] == [True]
        assert again.to_dict()["details"]["name"] == "lines"
        p.delta(good("c"))
        assert str(operators.detach("lines")) == "lines: forgotten, and 1 change that waited for it"
        assert operators.sinks() == []

    @pytest.mark.parametrize("name", ["", "other", "\0", "\ud800", "x" * 1_000_000, None, 7, b"lines", [1]])
    def test_an_unknown_sink_is_named_with_the_known_ones(self, store: Store, operators: Operators, name: Any) -> None:
        """Whatever is passed, nothing is changed, and the error stays readable."""
        store.register_sink("lines")
        for call in (operators.resync, operators.detach):
            with pytest.raises(CallerError) as caught:
                call(name)
            assert len(str(caught.value)) < 1000
            assert ("registered: lines" in str(caught.value)) == isinstance(name, str)
        assert [each.name for each in operators.sinks()] == ["lines"]
