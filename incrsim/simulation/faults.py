"""All that can go wrong in a simulation, as data: each kind of fault with the place where it acts and what it does.

A kind that lies makes a source say what is not so; what that costs is measured, and never more than the guards and the
grace allow. All others may cost time, and never an entity (C-20).
"""

from __future__ import annotations

from collections.abc import Iterable, Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from incrsim.ingestion import Status
from incrsim.lifecycle import Operator
from incrsim.simulation.crash import STORE_STEPS, TRANSACTIONS, Moment
from incrsim.simulation.dice import Fault


class Seam(StrEnum):
    """Where a fault acts."""

    SOURCE = "source"  # `SourceWeather`: what the source, or the API in front of it, answers
    PROVIDER = "provider"  # `FaultyProvider`: what the provider's code does with that
    STORE = "store"  # `watched_store`: what a replica or an operator sees of its store
    SCHEDULER = "scheduler"  # the run itself: who acts when, and what it does


class Need(StrEnum):
    """What a simulation must have, or a kind of fault cannot happen in it."""

    SOURCE = "a source of the harness: what another one answers is not in its hands"
    PAGES = "a source of several pages"
    SECOND_REPLICA = "a second replica"
    EVENTS = "a provider that takes events"
    SINK = "a sink"


OPEN = frozenset(Status) - {Status.COMPLETE}
"""In which statuses an ingestion can be that is not complete: in all of them most things can go wrong, since a replica
may be late, and still at what has ended long ago."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    Args:
        name: what scenarios and dice call it.
        seam: where it acts.
        sentence: what happens.
        rate: how probable it is at each opportunity in weather that is `rough`.
        lies: whether the source then says what is not so.
        gentle: whether it happens in gentle weather, too.
        needs: what must be there, or it is impossible.
        statuses: in which statuses of the provider's ingestion it can take effect.
    """

    name: str
    seam: Seam
    sentence: str
    rate: float
    lies: bool = False
    gentle: bool = False
    needs: frozenset[Need] = frozenset()
    statuses: frozenset[Status] = OPEN

    def impossible(self, present: AbstractSet[Need]) -> str | None:
        """Why it cannot happen in a simulation with only these; `None` when it can."""
        missing = sorted(self.needs - present)
        return f"needs {', and '.join(missing)}" if missing else None

    def impossible_in(self, status: Status) -> str | None:
        """Why it cannot take effect while the provider's ingestion is in this status; `None` when it can."""
        if status in self.statuses:
            return None
        if status is Status.COMPLETE:
            return "an ingestion that is complete is never the one that a step meets"
        return f"nobody takes this step, or it is refused, unless the ingestion is {' or '.join(sorted(self.statuses))}"


# --- by name, for those who throw the dice ----------------------------------------------------------------------------

SOURCE_DOWN = "source down"
CONNECTION_CUT = "connection cut"
RATE_LIMIT = "rate limit"
TOKEN_EXPIRED = "token expired"  # noqa: S105 -- no secret
SLOW_PAGE = "slow page"
DUPLICATE = "duplicate in a page"
INVALID_ENTITY = "invalid entity"
UNREADABLE_REF = "unreadable ref"
EMPTY_SUCCESS = "empty success"
TRUNCATED = "truncated listing"
HALF_MISSING = "half missing"

NEXT_RAISES = "error from next"
ENTER_RAISES = "error on entering"
LEAVE_RAISES = "error on leaving"
HANG = "hang"
REPEATED_PAGE = "repeated page"
OUT_OF_ORDER = "pages out of order"
CURSOR_LOOP = "cursor loop"
CURSOR_NOT_JSON = "cursor not JSON"

STORE_DOWN = "store down"
STORE_SLOW = "slow store"
SWEEP_FAILS = "sweep fails"

REPLICA_DIES = "replica dies"
REPLICA_PAUSED = "replica paused"
INTERLEAVED = "replicas interleaved"
CLOCK_JUMP = "clock jump"
REDEPLOY = "redeploy"
SINK_DOWN = "sink down"
FULL_MUTATION = "full mutation"


def of_step(moment: Moment, step: str) -> str:
    """The kind of fault in which a step of the store goes wrong in this way."""
    return f"{_STEP_WORDS[moment]} {step}"


def of_operator(operator: str) -> str:
    """The kind of fault in which an operator makes this call."""
    return f"operator: {operator}"


def of_event(verb: str, when: str) -> str:
    """The kind of fault in which an event comes.

    Args:
        verb: `adds` or `removes`.
        when: `before`, `during` or `after`.
    """
    return f"event {verb} {when} page"


_STEP_WORDS = {
    Moment.DIES_BEFORE: "crash before",
    Moment.DIES_INSIDE: "crash inside",
    Moment.DIES_AFTER: "crash after",
    Moment.ANSWER_LOST: "answer lost of",
}

STEP_MOMENTS = tuple(_STEP_WORDS)
"""How a step of the store can go wrong by itself."""

OPERATORS = (*Operator, "cleanup", "approve", "retire")
"""The calls that operators make, in the order of the contract (C-26, C-33, C-34)."""

EVENT_VERBS = ("adds", "removes")
EVENT_TIMES = ("before", "during", "after")


def _source(name: str, sentence: str, rate: float, *, lies: bool = False, gentle: bool = False) -> Kind:
    return Kind(name, Seam.SOURCE, sentence, rate, lies, gentle, frozenset({Need.SOURCE}))


_OF_SOURCE = (
    _source(SOURCE_DOWN, "the source answers that it is unavailable", 0.02, gentle=True),
    _source(CONNECTION_CUT, "the connection to the source breaks in the middle of a page", 0.01, gentle=True),
    _source(
        RATE_LIMIT, "the source asks to wait: a little, for more than a day, or until a time past", 0.015, gentle=True
    ),
    _source(TOKEN_EXPIRED, "the source no longer knows the cursor of a page that is not the first", 0.005),
    _source(SLOW_PAGE, "the source takes its time for a page, less than page_timeout", 0.04, gentle=True),
    _source(DUPLICATE, "a page holds an entity twice", 0.03, gentle=True),
    _source(INVALID_ENTITY, "an entity comes with something that Backstage's rules forbid; its ref can be read", 0.012),
    _source(UNREADABLE_REF, "an entity comes without a ref that can be read", 0.006),
    _source(EMPTY_SUCCESS, "the source answers that there is nothing, and that this was all", 0.01, lies=True),
    _source(TRUNCATED, "the source says of a page in the middle that it was the last one", 0.01, lies=True),
    _source(HALF_MISSING, "for some hours half of the source's entities are on no page", 0.005, lies=True),
)


def _provider(name: str, sentence: str, rate: float, *needs: Need, gentle: bool = False) -> Kind:
    return Kind(name, Seam.PROVIDER, sentence, rate, gentle=gentle, needs=frozenset(needs))


_OF_PROVIDER = (
    _provider(NEXT_RAISES, "`next` raises, before or after it has asked the source", 0.02, gentle=True),
    _provider(ENTER_RAISES, "`around` raises on the way in", 0.03),
    _provider(LEAVE_RAISES, "`around` raises on the way out", 0.03),
    _provider(HANG, "`next` comes back after page_timeout, with an empty page that says it is the last", 0.01),
    _provider(REPEATED_PAGE, "a page from before comes once more", 0.04, Need.PAGES),
    _provider(OUT_OF_ORDER, "two neighbouring pages come in the other order", 0.02, Need.PAGES),
    _provider(CURSOR_LOOP, "a page's cursor is the one that the page was asked for with", 0.004, Need.PAGES),
    _provider(CURSOR_NOT_JSON, "a page's cursor is none that JSON can hold exactly", 0.01, Need.PAGES),
)

_STEP_SENTENCES = {
    Moment.DIES_BEFORE: "the process dies before it asks for `{}`",
    Moment.DIES_INSIDE: "the process dies inside `{}`, before the commit",
    Moment.DIES_AFTER: "the process dies after `{}` was committed, before it knows",
    Moment.ANSWER_LOST: "`{}` is committed, and its answer is lost",
}

_STEP_RATES = {
    "claim": 0.003,
    "commit_page": 0.008,
    "end_burst": 0.015,
    "record_failure": 0.02,
    "register": 0.02,
    "apply_delta": 0.02,
    "commit_sweep": 0.04,
    "crash before commit_sweep": 0.1,
    "operate": 0.04,
    "apply_full": 0.25,
    "answer lost of apply_full": 0.5,  # only then a lease is given back
    "give_back": 0.5,
}
"""By step or kind."""

_RARE_STEP = 0.12
"""The rate for steps that few cycles have: what never goes wrong proves nothing."""


_STEP_STATUSES = {
    "commit_page": frozenset({Status.BURSTING}),
    "commit_sweep": frozenset({Status.SWEEPING}),
    "end_burst": frozenset({Status.BURSTING, Status.SWEEPING}),
    "record_failure": frozenset({Status.BURSTING, Status.SWEEPING}),
    "lease_for_full": frozenset({Status.SCHEDULED, Status.BURSTING, Status.SWEEPING, Status.RESTING}),  # or: it is held
    "apply_full": frozenset({Status.SCHEDULED, Status.RESTING}),
    "give_back": frozenset({Status.SCHEDULED, Status.RESTING}),
}
"""Where a step can be done; a replica that is late can die before it wherever the ingestion is by then."""

_NEVER_LATE = frozenset({"apply_full", "give_back"})
"""A full mutation is one act in the schedule: its steps follow each other, and no replica comes between them."""


def _of_steps() -> Iterable[Kind]:
    for step in sorted(STORE_STEPS):
        for moment, sentence in _STEP_SENTENCES.items():
            if moment is not Moment.DIES_INSIDE or step in TRANSACTIONS:
                kind = of_step(moment, step)
                rate = _STEP_RATES.get(kind, _STEP_RATES.get(step, _RARE_STEP))
                late = moment is Moment.DIES_BEFORE and step not in _NEVER_LATE
                statuses = OPEN if late else _STEP_STATUSES.get(step, OPEN)
                yield Kind(kind, Seam.STORE, sentence.format(step), rate, statuses=statuses)


def _scheduler(name: str, sentence: str, rate: float, *needs: Need, gentle: bool = False) -> Kind:
    return Kind(name, Seam.SCHEDULER, sentence, rate, gentle=gentle, needs=frozenset(needs))


_OF_STORE = (
    Kind(STORE_DOWN, Seam.STORE, "no process reaches the store for a while", 0.002),
    Kind(
        STORE_SLOW,
        Seam.STORE,
        "a step waits for the store before it begins, perhaps longer than a lease",
        0.01,
        gentle=True,
    ),
    Kind(
        SWEEP_FAILS,
        Seam.STORE,
        "a sweep fails before its commit, in a process that lives on",
        0.1,
        statuses=_STEP_STATUSES["commit_sweep"],
    ),
    *_of_steps(),
)

_OF_SCHEDULER = (
    _scheduler(REPLICA_DIES, "a replica dies between two steps", 0.004, gentle=True),
    _scheduler(
        REPLICA_PAUSED, "a replica stands still for longer than its lease, and goes on", 0.02, Need.SECOND_REPLICA
    ),
    _scheduler(INTERLEAVED, "another replica takes the next step", 0.1, Need.SECOND_REPLICA, gentle=True),
    _scheduler(CLOCK_JUMP, "the clock jumps ahead", 0.003),
    _scheduler(REDEPLOY, "a replica goes on with other options", 0.002),
    _scheduler(SINK_DOWN, "a sink takes nothing in for a while", 0.02, Need.SINK),
    _scheduler(FULL_MUTATION, "somebody applies all of the source's entities as one full mutation", 0.015),
    *(
        _scheduler(of_operator(each), f"an operator asks for `{each}`, whatever is under way", rate)
        for each, rate in {**dict.fromkeys(OPERATORS, 0.0008), "approve": 0.005}.items()
    ),
    *(
        _scheduler(of_event(verb, when), f"an event {verb} an entity {when} the page that holds it", 0.003, Need.EVENTS)
        for verb in EVENT_VERBS
        for when in EVENT_TIMES
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in (*_OF_SOURCE, *_OF_PROVIDER, *_OF_STORE, *_OF_SCHEDULER)}
"""Every kind of fault, by name."""


def lying(faults: Iterable[Fault]) -> bool:
    """Whether a source may say what is not so."""
    return any(KINDS[fault.kind].lies for fault in faults)
