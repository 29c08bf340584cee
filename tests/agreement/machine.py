"""Drives two stores side by side with random steps: after each they have given the same answer and hold the same rows.

What nobody thinks to list is found here; what is found becomes a test in `contract/`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from incrsim.clock import VirtualClock
from incrsim.cursor import canonical_cursor
from incrsim.draft import draft_page
from incrsim.entity import Entity
from incrsim.errors import IncrsimError
from incrsim.ingestion import Consequence, Failure, Status
from incrsim.lifecycle import Operator
from incrsim.options import ProviderOptions
from incrsim.provider import Page, Problem
from incrsim.store import Store
from incrsim.store.contract import CommittedPage, Granted, Lease
from incrsim.store.mutating import AppliedDelta, DeltaDraft
from incrsim.store.operating import Announcement
from incrsim.store.outbox import Delivery
from tests.contract.base import everything
from tests.contract.driver import drafts
from tests.contract.samples import broken, good, ref, unreadable

PROVIDERS = ("p", "q")
NAMES = ("a", "b", "D")

names = st.sampled_from(NAMES)
notes = st.sampled_from(["", "other"])
entities = st.one_of(
    st.builds(good, names, key=st.just("k")),
    st.builds(good, names, notes, key=st.just("k")),
    st.builds(good, names, notes, key=st.sampled_from([None, "l"])),
    st.builds(broken, names),
)
spoiled = st.sampled_from([[], [], [], [], [], [unreadable()]])
problems = st.sampled_from(
    [[], [], [], [], ["no /teams", "no /teams"], [Problem("403", ref=ref("a"))], [Problem("\0\ud800", ref="x")]]
)
found_on_a_page = st.builds(list.__add__, st.lists(entities, max_size=4), spoiled)
permissive = st.builds(
    ProviderOptions.of,
    removal_grace_cycles=st.sampled_from([0, 1, 2]),
    max_invalid_percentage=st.just(100),
    backoff=st.just(["1m", "1h"]),
)
strict = st.builds(
    ProviderOptions.of,
    reject_empty_source_collections=st.booleans(),
    reject_removals_above_percentage=st.sampled_from([None, 0, "33.4", 50]),
    reject_removals_above_count=st.sampled_from([None, 0, 1]),
    removal_grace_cycles=st.sampled_from([0, 1]),
    on_invalid_entity=st.sampled_from(["quarantine", "fail"]),
    max_invalid_percentage=st.sampled_from([1, 50]),
    max_pages=st.sampled_from([None, 2]),
    backoff=st.just(["1m"]),
)
options = permissive | strict
provider_names = st.sampled_from(PROVIDERS)
# What ends everything too often leaves nothing to differ in.
operator_calls = st.sampled_from([*Operator, Operator.TRIGGER, Operator.START, Operator.RESUME, Operator.RESUME])
moments = st.sampled_from([timedelta(0), timedelta(seconds=3), timedelta(seconds=93), timedelta(days=1)])


def deliver(store: Store, sink: str) -> Delivery | None:
    """Tell a sink what comes next."""
    delivery = store.next_delivery(sink, limit=2)
    if delivery is not None:
        store.delivered(delivery)
    return delivery


SINK_STEPS: list[Callable[[Store, str], object]] = [
    deliver,
    deliver,
    lambda store, sink: store.register_sink(sink),
    lambda store, sink: store.register_sink(sink),
    lambda store, sink: store.lease_sink(sink, "r1"),
    lambda store, sink: store.lease_sink(sink, "r2", provider="p"),
    lambda store, sink: store.release_sink(sink, "r1"),
    lambda store, sink: store.delivery_failed(sink, "no"),
    lambda store, sink: store.resync(sink),
    lambda store, sink: store.remove_sink(sink),
]


class Agreement(RuleBasedStateMachine):
    """The steps; `open_stores`, which gives two empty stores on `clock`, is the hole to fill."""

    open_stores: Callable[[], tuple[Store, Store]]
    clock: VirtualClock
    """The time of both, which goes on from run to run: nothing depends on the hour."""

    def __init__(self) -> None:
        super().__init__()
        self.stores = type(self).open_stores()
        self.leases: dict[str, list[Lease]] = {name: [] for name in PROVIDERS}
        self.options = dict.fromkeys(PROVIDERS, ProviderOptions())
        self.deltas = dict.fromkeys(PROVIDERS, 0)
        for name in PROVIDERS:
            self.register(name)
        self.both(lambda store: store.register_sink("s"))

    def both(self, step: Callable[[Store], Any]) -> Any:
        """Take a step in both stores; they must answer, or complain, alike."""
        one, other = (_answer(step, store) for store in self.stores)
        assert one == other
        return one

    # --- steps --------------------------------------------------------------------------------------------------------

    def register(self, name: str) -> None:
        """Make a provider known."""
        self.both(lambda store: store.register(name))

    @initialize(mine=options, theirs=options)
    def begin(self, mine: ProviderOptions, theirs: ProviderOptions) -> None:
        """Options are what seldom changes."""
        self.options = dict(zip(PROVIDERS, (mine, theirs), strict=True))

    @rule(name=provider_names, given=options)
    def set_options(self, name: str, given: ProviderOptions) -> None:
        """A provider is deployed with other options."""
        self.options[name] = given

    @rule(by=moments, step=st.sampled_from(SINK_STEPS), sink=st.sampled_from(["s", "s", "t"]))
    def advance(self, by: timedelta, step: Callable[[Store, str], object], sink: str) -> None:
        """Time passes; meanwhile a sink comes, is told something, fails, wants everything again, or goes."""
        self.clock.advance(by)
        self.both(lambda store: step(store, sink))

    @rule(name=provider_names, holder=st.sampled_from(["r1", "r2"]))
    def claim(self, name: str, holder: str) -> None:
        """Claim a provider, due or not, held or not."""
        answer = self.both(lambda store: store.claim(name, holder, self.options[name]))
        if isinstance(answer, Granted):
            self.leases[name].append(answer.lease)

    @rule(name=provider_names)
    def wait_and_claim(self, name: str) -> None:
        """Claim a provider when it is due and free."""
        state = self.stores[0].state(name)
        self.clock.advance_to(state.ingestion.due_at or self.clock.now())
        if state.lease is not None:
            self.clock.advance_to(state.lease.expires_at)
        self.claim(name, "r1")

    @rule(
        name=provider_names,
        found=found_on_a_page,
        cursor=st.integers(0, 5),
        done=st.booleans(),
        reported=problems,
        late=st.sampled_from([0, 0, 0, 1]),
        ahead=st.sampled_from([1, 1, 1, 0, 2]),
        events_since=st.sampled_from([0, 0, 1, 2]),
    )
    def page(
        self,
        name: str,
        found: list[Entity],
        cursor: int,
        done: bool,  # noqa: FBT001  # one of many things that are drawn
        reported: list[str | Problem],
        late: int,
        ahead: int,
        events_since: int = 0,
    ) -> None:
        """Commit a page, under the last lease or the one before, in order or not, fetched before or after events."""
        if len(self.leases[name]) <= late:
            return
        lease = self.leases[name][-1 - late]
        sequence = self.stores[0].state(name).ingestion.pages + ahead
        page = Page(found, done=done, problems=reported)
        draft = draft_page(page, sequence, None if done else canonical_cursor(cursor))
        draft = replace(draft, deltas=max(0, self.deltas[name] - events_since))
        answer = self.both(lambda store: store.commit_page(lease, draft, self.options[name]))
        if isinstance(answer, CommittedPage):
            self.leases[name].append(answer.lease)

    @rule(name=provider_names)
    def end_burst(self, name: str) -> None:
        """End a burst, if one is on or not."""
        self._under_lease(name, lambda store, lease: store.end_burst(lease, self.options[name]))

    @rule(name=provider_names, consequence=st.sampled_from(Consequence), after=moments)
    def fail(self, name: str, consequence: Consequence, after: timedelta) -> None:
        """Fail with any consequence."""
        failure = Failure("ValueError", "no", 1, '"x"', consequence, self.clock.now() + 2 * after)
        self._under_lease(name, lambda store, lease: store.record_failure(lease, failure, self.options[name]))

    @rule(name=provider_names)
    def sweep(self, name: str) -> None:
        """Sweep, if it is time or not."""
        self._under_lease(name, lambda store, lease: store.commit_sweep(lease, self.options[name]))

    @rule(
        name=provider_names,
        cycles=st.lists(st.lists(found_on_a_page, min_size=1, max_size=2), min_size=1, max_size=4),
        reported=problems,
    )
    def cycle(self, name: str, cycles: list[list[list[Entity]]], reported: list[str | Problem]) -> None:
        """Whole ingestions, as most of them go; problems are reported by the last page of the last."""
        for pages in cycles:
            self.wait_and_claim(name)
            for number, found in enumerate(pages, start=1):
                done = number == len(pages)
                self.page(name, found, 10 + number, done, reported if done and pages is cycles[-1] else [], 0, 1)
            if self.stores[0].state(name).ingestion.status is Status.SWEEPING:
                self.sweep(name)

    @rule(name=provider_names, operator=operator_calls)
    def operate(self, name: str, operator: Operator) -> None:
        """An operator steps in."""
        self.both(lambda store: store.operate(name, operator))

    @rule(name=provider_names, ahead=st.sampled_from([0, 0, 0, 1, -1]))
    def approve(self, name: str, ahead: int) -> None:
        """An operator approves the last verdict, or another one."""
        last = self.stores[0].state(name).last_verdict
        self.both(lambda store: store.approve(name, (last.id if last else 1) + ahead))

    @rule(name=provider_names, more=st.sampled_from([0, 0, 1]))
    def retire(self, name: str, more: int) -> None:
        """An operator retires a provider, with the right count or not."""
        count = self.stores[0].count(name) + more
        self.both(lambda store: store.retire(name, count))

    @rule(
        name=provider_names,
        found=st.lists(entities, min_size=1, max_size=4),
        back=st.lists(entities, max_size=2),
        operator=st.sampled_from([None, None, Operator.START]),
        late=st.booleans(),
    )
    def refuse_and_approve(
        self,
        name: str,
        found: list[Entity],
        back: list[Entity],
        operator: Operator | None,
        late: bool,  # noqa: FBT001  # one of many things that are drawn
    ) -> None:
        """A sweep is refused and then approved, at once or later, while some of it comes back or not."""
        before = self.options[name]
        self.options[name] = ProviderOptions.of(reject_removals_above_count=0, max_invalid_percentage=100)
        self.operate(name, Operator.RESUME)
        self.cycle(name, [[found], [[]]], [])
        if late:
            self.wait_and_claim(name)
            self.page(name, back, 1, False, [], 0, 1)  # noqa: FBT003  # as above
        if operator is not None:
            self.operate(name, operator)
        self.approve(name, 0)
        self.options[name] = before

    @rule(name=provider_names, found=entities, cycles=st.integers(1, 3))
    def miss(self, name: str, found: Entity, cycles: int) -> None:
        """An entity within its grace is missed by several cycles in a row."""
        before = self.options[name]
        self.options[name] = ProviderOptions.of(removal_grace_cycles=1, max_invalid_percentage=100)
        self.operate(name, Operator.RESUME)
        self.cycle(name, [[[found]], *([[[]]] * cycles)], [])
        self.options[name] = before

    @rule(holder=st.sampled_from(["r1", "r2"]), served=st.sets(provider_names), stuck=st.booleans())
    def announce(self, holder: str, served: set[str], stuck: bool) -> None:  # noqa: FBT001  # one of many things that are drawn
        """A replica says what it serves."""
        named = [Announcement(name, {"max_pages": None}, stuck) for name in sorted(served)]
        self.both(lambda store: store.announce(holder, named))

    @rule(name=provider_names, added=st.lists(entities, max_size=3), removed=st.lists(names, max_size=2, unique=True))
    def event(self, name: str, added: list[Entity], removed: list[str]) -> None:
        """Something happens at the source, whatever the provider is doing."""
        latest = {each.ref: each for each in added}
        gone = tuple(ref(each) for each in removed if ref(each) not in latest)
        delta = DeltaDraft(tuple(latest.values()), gone)
        answer = self.both(lambda store: store.apply_delta(name, delta, self.options[name]))
        self.deltas[name] += isinstance(answer, AppliedDelta)

    @rule(name=provider_names, pages=st.lists(found_on_a_page, max_size=3), is_waiting=st.booleans())
    def full(self, name: str, pages: list[list[Entity]], is_waiting: bool) -> None:  # noqa: FBT001 -- Hypothesis draws it
        """Somebody names all entities at once, now or once the provider is free."""
        lease = self.stores[0].state(name).lease
        if lease is not None and is_waiting:
            self.clock.advance_to(lease.expires_at)
        taken = self.both(lambda store: store.lease_for_full(name, "r3", self.options[name]))
        if isinstance(taken, Lease):
            self.leases[name].append(taken)
            self._under_lease(name, lambda store, held: store.apply_full(held, drafts(pages), self.options[name]))
            self._under_lease(name, lambda store, held: store.give_back(held))

    def _under_lease(self, name: str, step: Callable[[Store, Lease], object]) -> None:
        if self.leases[name]:
            lease = self.leases[name][-1]
            self.both(lambda store: step(store, lease))

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def the_same_rows(self) -> None:
        """All that can be read is the same, but for the numbers of problems, of which only the order is promised."""
        one, other = (_renumbered(everything(store)) for store in self.stores)
        assert one == other
        self.both(lambda store: (store.states(), store.serving(PROVIDERS), store.latest(PROVIDERS)))

    @invariant()
    def the_same_to_plan_with(self) -> None:
        """What `plan` reads is the same too."""
        self.both(lambda store: [store.owned(name) for name in PROVIDERS])
        self.both(lambda store: store.known([ref(name) for name in NAMES]))


def _answer(step: Callable[[Store], Any], store: Store) -> Any:
    try:
        return step(store)
    except IncrsimError as error:
        return type(error), str(error)


def _renumbered(found: dict[str, Any]) -> dict[str, Any]:
    for name in PROVIDERS:
        kept = found[name]["problems"]
        found[name]["problems"] = [replace(problem, id=number) for number, problem in enumerate(kept)]
    return found
