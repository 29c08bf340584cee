from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from incrsim.clock import VirtualClock
from incrsim.errors import CallerError, UnknownSink
from incrsim.options import ProviderOptions
from incrsim.store import Store
from incrsim.store.contract import Held
from incrsim.store.mutating import DeltaDraft
from incrsim.store.outbox import DELIVERY_LEASE, Delivery, Span
from tests.contract.base import Contract
from tests.contract.driver import Driver
from tests.contract.samples import good, ref

EVERYTHING = Span("", None)


def waiting(store: Store, name: str = "s", *, provider: str | None = None, limit: int = 500) -> Iterator[Delivery]:
    """Deliver all that waits for a sink."""
    while (delivery := store.next_delivery(name, provider=provider, limit=limit)) is not None:
        yield delivery
        store.delivered(delivery)


def told(store: Store, name: str = "s", *, provider: str | None = None, limit: int = 500) -> list[tuple[object, ...]]:
    """The same, as (provider, ingestion, sequence, names added, names removed)."""
    return [
        (each.turn.provider, each.ingestion, each.sequence, names_of(each), short(each.removed))
        for each in waiting(store, name, provider=provider, limit=limit)
    ]


def names_of(delivery: Delivery) -> str:
    """The names of what was added, in one text."""
    return short(tuple(entity.ref for entity in delivery.added))


def short(refs: tuple[str, ...]) -> str:
    """Refs as names in one text."""
    return " ".join(each.rpartition("/")[2] for each in refs)


class SinkContract(Contract):
    """What sinks are told, and when (C-12)."""

    @pytest.fixture
    def sink(self, store: Store, p: Driver, q: Driver) -> str:
        """A sink that has all there is, which is nothing."""
        store.register_sink("s")
        assert [each.span for each in waiting(store)] == [EVERYTHING, EVERYTHING]
        return "s"

    # --- what it is told ----------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-12")
    def test_a_new_sink_is_given_all_there_is(self, store: Store, p: Driver, q: Driver) -> None:
        """It begins with every entity of every provider, in parts that say for which refs they stand."""
        p.cycle(*(good(name) for name in "abcd"))
        q.cycle(good("x"))
        store.register_sink("s")
        parts = list(waiting(store, limit=2))
        assert [(each.turn.provider, names_of(each), each.span) for each in parts] == [
            ("p", "a b", Span("", ref("b"))),
            ("q", "x", EVERYTHING),
            ("p", "c d", Span(ref("b"), ref("d"))),
            ("p", "", Span(ref("d"), None)),
        ]
        assert {(each.ingestion, each.removed) for each in parts} == {(None, ())}

    @pytest.mark.rule("C-12")
    def test_pages_and_sweeps_are_told_in_their_order(self, store: Store, p: Driver, sink: str) -> None:
        """Each row has the provider's next number, and rows of different ingestions come apart."""
        p.cycle_of([[good("b"), good("a")], [good("c")]])
        p.cycle(good("a", "changed"), good("b"), good("d"))
        assert told(store) == [("p", 1, 3, "a b", ""), ("p", 2, 6, "d a", "c")]
        assert told(store) == []

    @pytest.mark.rule("C-12")
    def test_bodies_are_read_at_delivery(self, store: Store, p: Driver, sink: str) -> None:
        """A sink that is behind gets an entity as it is now, once."""
        for note in ("one", "two", "three"):
            p.cycle(good("a", note))
        delivery = next(waiting(store))
        assert b"three" in delivery.added[0].body
        assert [len(each.added) for each in waiting(store)] == [1, 1, 1]

    @pytest.mark.rule("C-12")
    def test_what_is_unchanged_is_not_told(self, store: Store, p: Driver, sink: str) -> None:
        """A page of known entities writes no row."""
        p.cycle(good("a"), good("b"))
        told(store)
        p.cycle(good("a"), good("b"))
        assert store.sinks()[0].behind == 0
        assert told(store) == []

    @pytest.mark.rule("C-12")
    def test_a_removal_is_told_once_its_sweep_is_committed(self, store: Store, p: Driver, sink: str) -> None:
        """Before the sweep, and after a refused one, nothing is said to be gone."""
        p.cycle(good("a"), good("b"))
        told(store)
        p.begin()
        p.page(good("a"), done=True)
        assert told(store) == []
        p.setting(reject_removals_above_count=0).sweep()
        assert told(store) == []
        p.setting(reject_removals_above_count=None).cycle(good("a"))
        assert told(store) == [("p", 3, 3, "", "b")]

    @pytest.mark.rule("C-12")
    def test_what_is_gone_by_now_is_skipped(self, store: Store, p: Driver, sink: str) -> None:
        """An entity that was removed before its row is delivered is told as removed alone."""
        p.cycle(good("a"), good("b"))
        p.cycle(good("b"))
        assert told(store) == [("p", 1, 2, "b", ""), ("p", 2, 3, "", "a")]

    @pytest.mark.rule("C-12")
    def test_what_came_back_is_not_told_as_removed(self, store: Store, p: Driver, sink: str) -> None:
        """A removal is skipped when the entity is there again: the row of its return follows."""
        p.cycle(good("a"))
        told(store)
        p.cycle()
        p.cycle(good("a", "again"))
        assert told(store) == [("p", 2, 2, "", ""), ("p", 3, 3, "a", "")]

    @pytest.mark.rule("C-12")
    def test_a_takeover_is_told_by_its_new_owner(self, store: Store, p: Driver, q: Driver, sink: str) -> None:
        """A row of the one before is skipped, whichever of both is delivered first."""
        p.cycle(good("a", "p", key="k"), good("b"))
        q.cycle(good("a", "q", key="k"))
        assert told(store, provider="p") == [("p", 1, 2, "b", "")]
        assert told(store, provider="q") == [("q", 1, 1, "a", "")]

    @pytest.mark.rule("C-12")
    def test_a_removal_that_comes_late_removes_nothing_of_another(
        self, store: Store, p: Driver, q: Driver, sink: str
    ) -> None:
        """What one provider dropped and another one has added since is not told as gone, though that row comes last."""
        p.cycle(good("a"))
        told(store)
        p.cycle()
        q.cycle(good("a", "q"))
        assert told(store, provider="q") == [("q", 1, 1, "a", "")]
        assert told(store, provider="p") == [("p", 2, 2, "", "")]

    @pytest.mark.rule("C-12")
    def test_nothing_is_told_of_a_page_that_was_refused(self, store: Store, p: Driver, sink: str) -> None:
        """A page that keeps nothing leaves no row, and no gap."""
        p.begin()
        p.page(good("a"), cursor="x")
        with pytest.raises(Exception, match="cursor"):
            p.page(good("b"), cursor="x")
        p.page(good("c"))
        assert told(store) == [("p", 1, 2, "a c", "")]

    @pytest.mark.rule("C-12")
    def test_what_an_approval_removes_is_told(self, store: Store, p: Driver, sink: str) -> None:
        """A refused removal that an operator lets through is told then, by the ingestion that found it stale."""
        p.cycle(good("a"), good("b"))
        verdict = p.setting(reject_removals_above_count=0).cycle(good("a")).verdict
        assert verdict is not None
        told(store)
        store.approve("p", verdict.id)
        assert told(store) == [("p", 2, 3, "", "b")]

    @pytest.mark.rule("C-12")
    def test_what_is_retired_is_told(self, store: Store, p: Driver, sink: str) -> None:
        """An operator who removes a provider's entities removes them from the sinks too."""
        p.cycle(good("a"), good("b"))
        told(store)
        store.retire("p", 2)
        assert told(store) == [("p", None, 4, "", "a b")]

    @pytest.mark.rule("C-12")
    def test_what_an_event_does_is_told_without_an_ingestion(self, store: Store, p: Driver, sink: str) -> None:
        """It is nobody's page and nobody's sweep; what it leaves as it is is not told."""
        p.cycle(good("a"), good("b"))
        told(store)
        delta = DeltaDraft((good("a"), good("b", "changed"), good("c")), (ref("nothing"),))
        store.apply_delta("p", delta, p.options)
        store.apply_delta("p", DeltaDraft((), (ref("a"),)), p.options)
        assert told(store, limit=2) == [("p", None, 4, "c b", ""), ("p", None, 5, "", "a")]

    # --- at least once ------------------------------------------------------------------------------------------------

    @pytest.mark.rule("C-12")
    def test_it_is_told_again_until_it_is_confirmed(self, store: Store, p: Driver, sink: str) -> None:
        """Without a confirmation the same comes again."""
        p.cycle(good("a"))
        first = store.next_delivery("s")
        assert first is not None
        assert store.next_delivery("s") == first
        store.delivered(first)
        assert store.next_delivery("s") is None

    @pytest.mark.rule("C-12")
    def test_a_late_confirmation_changes_nothing(self, store: Store, p: Driver, sink: str) -> None:
        """Once another replica has delivered more, or a resync was asked for, an old confirmation skips nothing."""
        p.cycle(good("a"))
        late = store.next_delivery("s")
        assert late is not None
        told(store)
        p.cycle(good("a"), good("b"))
        store.delivered(late)
        assert store.sinks()[0].behind == 1
        store.resync("s")
        store.delivered(late)
        assert [(names_of(each), each.span) for each in waiting(store, provider="p")] == [
            ("a b", EVERYTHING),
            ("b", None),
        ]

    @pytest.mark.rule("C-12")
    def test_a_confirmation_of_a_sink_that_is_gone_is_no_matter(self, store: Store, p: Driver, sink: str) -> None:
        """Neither it nor its failure brings a sink back."""
        p.cycle(good("a"))
        late = store.next_delivery("s")
        assert late is not None
        store.remove_sink("s")
        store.delivered(late)
        store.delivery_failed("s", "no")
        store.release_sink("s", "r1")
        assert store.sinks() == []

    # --- two sinks, two providers -------------------------------------------------------------------------------------

    @pytest.mark.rule("C-12")
    def test_each_sink_has_a_position_of_its_own(self, store: Store, p: Driver, sink: str) -> None:
        """What one has got the other one gets as well, in its own time."""
        store.register_sink("t")
        told(store, "t")
        p.cycle(good("a"))
        assert told(store) == [("p", 1, 1, "a", "")]
        assert [(each.name, each.behind) for each in store.sinks()] == [("s", 0), ("t", 1)]
        p.cycle(good("a"), good("b"))
        assert told(store, "t") == [("p", 1, 1, "a", ""), ("p", 2, 2, "b", "")]
        assert told(store) == [("p", 2, 2, "b", "")]

    @pytest.mark.rule("C-12")
    def test_providers_take_turns(self, store: Store, p: Driver, q: Driver, sink: str) -> None:
        """Of two that wait, the one that was served longest ago comes next."""
        p.cycle(*(good(f"p{number}") for number in range(4)))
        q.cycle(*(good(f"q{number}") for number in range(4)))
        assert [(each.turn.provider, each.sequence) for each in waiting(store, limit=2)] == [
            ("p", 2),
            ("q", 2),
            ("p", 4),
            ("q", 4),
        ]

    @pytest.mark.rule("C-12")
    def test_a_provider_that_comes_later_is_told_too(self, store: Store, clock: VirtualClock, sink: str) -> None:
        """A sink is told of providers that were added after it, without a resync."""
        Driver(store, clock, "late").cycle(good("a"))
        assert told(store) == [("late", 1, 1, "a", "")]

    # --- registering, resyncing, removing -----------------------------------------------------------------------------

    @pytest.mark.rule("C-12")
    def test_registering_again_changes_nothing(self, store: Store, p: Driver, sink: str) -> None:
        """A sink that is registered keeps its position, and when that was."""
        p.cycle(good("a"))
        before = store.sinks()
        p.clock.advance(timedelta(hours=1))
        store.register_sink("s")
        assert store.sinks() == before
        assert told(store) == [("p", 1, 1, "a", "")]

    @pytest.mark.rule("C-12")
    def test_a_resync_gives_everything_again(self, store: Store, p: Driver, q: Driver, sink: str) -> None:
        """All that there is comes again, and then what was waiting, removals included."""
        p.cycle(good("a"), good("b"))
        q.cycle(good("x"))
        told(store)
        p.cycle(good("b", "changed"))
        store.resync("s")
        assert store.sinks()[0].resyncing
        assert told(store) == [
            ("p", None, 2, "b", ""),
            ("q", None, 1, "x", ""),
            ("p", 2, 4, "b", "a"),
        ]
        assert not store.sinks()[0].resyncing

    @pytest.mark.rule("C-12")
    def test_what_happens_during_a_resync_follows_it(self, store: Store, p: Driver, sink: str) -> None:
        """Rows that are written meanwhile come when the resync of their provider is over, and nothing is lost."""
        p.cycle(*(good(name) for name in "abc"))
        told(store)
        store.resync("s")
        parts = waiting(store, provider="p", limit=2)
        assert names_of(next(parts)) == "a b"
        p.cycle(good("b"), good("c"), good("z"))
        assert [(names_of(each), short(each.removed)) for each in parts] == [("c z", ""), ("", ""), ("z", "a")]

    @pytest.mark.rule("C-12")
    def test_a_sink_that_was_removed_is_forgotten(self, store: Store, p: Driver, sink: str) -> None:
        """It is no longer listed, and one of the same name begins anew."""
        p.cycle(good("a"))
        store.remove_sink("s")
        assert store.sinks() == []
        p.cycle(good("a"), good("b"))
        store.register_sink("s")
        assert store.sinks()[0].behind == 0
        assert [names_of(each) for each in waiting(store, provider="p")] == ["a b"]

    @pytest.mark.rule("C-12")
    def test_an_unknown_sink_is_an_error_that_lists_the_known(self, store: Store, sink: str) -> None:
        """Every call for a sink that is not registered says which ones are."""
        for call in (
            lambda: store.remove_sink("t"),
            lambda: store.resync("t"),
            lambda: store.lease_sink("t", "r1"),
            lambda: store.next_delivery("t"),
        ):
            with pytest.raises(UnknownSink, match=r"no sink is called 't'; registered: s"):
                call()
        with pytest.raises(UnknownSink, match="no sink is called"):
            store.lease_sink("a\0b", "r1")

    @pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "a\nb", "x" * 256, None, 7])
    def test_a_hostile_name_is_refused(self, store: Store, name: str) -> None:
        """What no store can hold is an error before anything happens."""
        with pytest.raises(CallerError, match="cannot be the name of a sink"):
            store.register_sink(name)
        assert store.sinks() == []

    # --- who delivers, and how it went --------------------------------------------------------------------------------

    @pytest.mark.rule("C-12")
    def test_one_replica_delivers_at_a_time(self, store: Store, p: Driver, sink: str) -> None:
        """The right to deliver is one replica's until it gives it back, or is silent for too long."""
        p.cycle(good("a"))
        assert store.lease_sink("s", "r1")
        assert store.lease_sink("s", "r1")
        assert not store.lease_sink("s", "r2")
        store.release_sink("s", "r2")
        assert not store.lease_sink("s", "r2")
        p.clock.advance(DELIVERY_LEASE)
        assert store.lease_sink("s", "r2")
        assert not store.lease_sink("s", "r1")
        store.release_sink("s", "r2")
        assert store.lease_sink("s", "r1")

    def test_there_is_nothing_to_lease_when_nothing_waits(self, store: Store, p: Driver, q: Driver, sink: str) -> None:
        """A replica that asks in vain writes nothing, and keeps nobody else from delivering."""
        assert not store.lease_sink("s", "r1")
        p.cycle(good("a"))
        assert not store.lease_sink("s", "r1", provider="q")
        assert store.lease_sink("s", "r2", provider="p")

    @pytest.mark.rule("C-12")
    def test_a_failure_is_kept_until_a_delivery(self, store: Store, p: Driver, sink: str) -> None:
        """Since when it fails, and the last error; both go with the next delivery."""
        p.cycle(good("a"))
        since = p.clock.now()
        store.delivery_failed("s", "first")
        p.clock.advance(timedelta(minutes=1))
        store.delivery_failed("s", "second")
        (state,) = store.sinks()
        assert (state.failing_since, state.last_error, state.behind) == (since, "second", 1)
        told(store)
        (state,) = store.sinks()
        assert (state.failing_since, state.last_error, state.behind) == (None, None, 0)

    def test_a_delivery_locks_no_provider(self, store: Store, p: Driver, sink: str) -> None:
        """A sink is told while a burst holds the lease, and the burst goes on."""
        p.begin()
        p.page(good("a"))
        assert told(store) == [("p", 1, 1, "a", "")]
        p.page(good("b"), done=True)
        assert told(store) == [("p", 1, 2, "b", "")]
        assert isinstance(store.claim("p", "r2", ProviderOptions()), Held)
        assert p.sweep().counts.added == 2
