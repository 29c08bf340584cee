"""The oracle itself: hears of every page and step, reads the truth, and compares it with its model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set as AbstractSet
from contextlib import suppress
from datetime import datetime
from typing import Any

import orjson

from incrsim.clock import EPOCH, Clock
from incrsim.errors import UnknownProvider
from incrsim.options import ProviderOptions
from incrsim.simulation.observation import Outcome, Returned, StepCall
from incrsim.simulation.oracle import bursts, deltas, ending, full, life, operating, outbox, pages, sweeps
from incrsim.simulation.oracle.book import Asked, Model
from incrsim.simulation.oracle.plan import Plan
from incrsim.simulation.oracle.record import FIELD_RULES, Record, Tenure
from incrsim.simulation.simulator import Died, Happening
from incrsim.store import Store

STEPS: Mapping[str, Callable[[Asked], Plan]] = {
    "register": life.register,
    "claim": life.claim,
    "commit_page": pages.commit_page,
    "end_burst": life.end_burst,
    "record_failure": life.record_failure,
    "commit_sweep": sweeps.commit_sweep,
    "operate": operating.operate,
    "approve": operating.approve,
    "retire": operating.retire,
    "apply_delta": deltas.apply_delta,
    "lease_for_full": operating.lease_for_full,
    "apply_full": full.apply_full,
    "give_back": operating.give_back,
}
"""What each step of a store must do."""

_KNOWN = (Outcome.DONE, Outcome.REFUSED, Outcome.FAILED)
_DEFAULTS = ProviderOptions()


class Oracle:
    """An `Observer` that raises `Violation` when a rule does not hold.

    Inside of a step it is the engine that meets the exception, and may take it for a failure of the provider: what was
    found is raised again at whatever comes next.

    It shares no code with the engine, the guards or the stores. It believes what a provider returned and what a store's
    reading side says; an answer only tells it what the asker knows.

    Args:
        store: the true one, without faults around it.
        clock: the store's time.
        line: tells the number of the trace's last line.
        protects: whether the source neither lies nor drifts, so that nothing may be lost at all (C-20); otherwise what
            is lost is counted in `losses`.
        sink: of the run, if there is one (C-12).
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        line: Callable[[], int] = lambda: 0,
        protects: bool = True,
        sink: outbox.Sink | None = None,
    ) -> None:
        self._model = Model(store, line, protects=protects)
        self._store = store
        self._clock = clock
        self._options: dict[int, ProviderOptions] = {}
        self._asked_at = clock.now()
        self._found: BaseException | None = None
        self._sink = sink
        if sink is not None:
            outbox.audit(self._model)

    @property
    def losses(self) -> Mapping[tuple[str, int], int]:
        """How many entities that the source held all along were swept, by provider and ingestion."""
        return self._model.losses

    # --- what happens -------------------------------------------------------------------------------------------------

    def source_changed(self, provider: str, held: AbstractSet[str]) -> None:
        """See `Observer.source_changed`."""
        book = self._model.book(provider)
        book.held = held
        book.protected &= held

    def returned(self, page: Returned) -> None:
        """See `Observer.returned`."""
        book = self._model.book(page.provider)
        self._raise()
        try:
            bursts.returned(book, page, self._options.get(page.replica))
        except BaseException as found:
            self._found = found
            raise

    def happened(self, replica: int, happening: Happening) -> None:
        """See `Observer.happened`."""
        self._raise()
        if isinstance(happening, Died):
            for book in self._model.books.values():
                book.hands.pop(replica, None)
                book.story.add(happening.at, replica, "died")
        elif provider := getattr(happening, "provider", None):
            bursts.happened(self._model.book(provider), replica, happening, self._clock.now())

    def redeployed(self, replica: int, options: ProviderOptions) -> None:
        """See `Observer.redeployed`."""
        self._options[replica] = options
        for book in self._model.books.values():
            book.hand(replica).leaving = True

    def quiet(self) -> None:
        """See `Observer.quiet`."""
        self._raise()
        ending.quiet(self._model)

    def ended(self) -> None:
        """See `Observer.ended`."""
        self._raise()
        ending.ended(self._model)
        if self._sink is not None:
            outbox.mirrored(self._model, self._sink)

    # --- steps of the store -------------------------------------------------------------------------------------------

    def asks(self, call: StepCall) -> None:
        """See `Observer.asks`."""
        self._raise()
        self._asked_at = self._clock.now()

    def answered(self, call: StepCall, outcome: Outcome, result: Any) -> None:
        """See `Observer.answered`."""
        self._raise()
        try:
            record = self._read(call.provider)
            if record is not None:
                self._judge(self._asked(call, outcome, record, result), STEPS[call.step], outcome)
        except BaseException as found:
            self._found = found
            raise

    def _asked(self, call: StepCall, outcome: Outcome, found: Record, result: Any) -> Asked:
        book = self._model.book(call.provider)
        before = book.record or Record.first(self._asked_at)
        book.record = found
        book.story.add(self._asked_at, call.replica, call.step, outcome, "→", found.status, "after page", found.pages)
        return Asked(
            self._model,
            book,
            call.replica,
            call.arguments,
            self._asked_at,
            before,
            found,
            self._options_of(call),
            book.hand(call.replica),
            result,
        )

    def _raise(self) -> None:
        """Whatever went wrong in here, nobody may swallow it."""
        if self._found is not None:
            raise self._found

    def _judge(self, asked: Asked, step: Callable[[Asked], Plan], outcome: Outcome) -> None:
        plan = step(asked)
        if plan.refused is not None:
            _must_be_refused(asked, plan, outcome)
            _compare(asked, asked.before, dict.fromkeys(Record._fields, plan.refused[0]))
            plan.undone()
        elif _is_done(asked, plan, outcome):
            _answer(asked, plan, outcome)
            if outcome is Outcome.DIED:
                _whole(asked, plan)
            plan.examine()
            _compare(asked, plan.record, plan.rules)
            plan.effect()
            ending.completed(asked, plan)
        else:
            _compare(asked, asked.before._replace(lease=_renewed(asked)), plan.rules)
            plan.undone()
        if self._sink is not None:
            outbox.counted(asked)

    def _options_of(self, call: StepCall) -> ProviderOptions:
        """Those that the replica was deployed with, whatever the engine says; an operator's, as they were passed."""
        options = self._options.get(call.replica)
        if options is None and isinstance(call.arguments[-1], ProviderOptions):
            options = call.arguments[-1]
        return options or _DEFAULTS

    def _read(self, provider: str) -> Record | None:
        try:
            return Record.read(self._store.state(provider))
        except UnknownProvider:
            return None


def _must_be_refused(asked: Asked, plan: Plan, outcome: Outcome) -> None:
    rule, errors = plan.refused or ("", ())
    names = " or ".join(error.__name__ for error in errors)
    if outcome is Outcome.DONE:
        raise asked.book.violated(rule, f"the step is refused with {names}", "it was done")
    if outcome is Outcome.REFUSED and not isinstance(asked.result, errors):
        raise asked.book.violated(rule, f"the step is refused with {names}", repr(asked.result)[:200])


def _is_done(asked: Asked, plan: Plan, outcome: Outcome) -> bool:
    """Whether the step was done: as the answer says where there is one, and else as the record shows."""
    if outcome is Outcome.REFUSED:
        rule = plan.rules.get("status", "C-14")
        rule = life.REFUSALS.get(type(asked.result), rule)
        raise asked.book.violated(rule, "nothing refuses this step", f"{asked.result!r:.200}")
    if outcome in _KNOWN:
        return outcome is Outcome.DONE
    if plan.record == asked.before and plan.is_done is not None:
        return plan.is_done()
    return _whose(asked.found) != _whose(asked.before)


def _renewed(asked: Asked) -> Tenure | None:
    """The lease as it was, perhaps for longer."""
    before, found = asked.before.lease, asked.found.lease
    if before is None or found is None or found.until < before.until:
        return before
    return before._replace(until=found.until)


def _whole(asked: Asked, plan: Plan) -> None:
    """A step that was cut short is done as a whole, if it is done at all."""
    if plan.torn is not None and _whose(asked.found) != _whose(plan.record):
        raise asked.book.violated(plan.torn, "all of the step or nothing", f"{asked.found}")


def _whose(record: Record) -> Record:
    """The record, apart from how long the lease lasts: long steps renew that beside their transaction (C-27)."""
    return record if record.lease is None else record._replace(lease=record.lease._replace(until=EPOCH))


def _answer(asked: Asked, plan: Plan, outcome: Outcome) -> None:
    if plan.answer is None or outcome is not Outcome.DONE:
        return
    kind, rule = plan.answer
    if not isinstance(asked.result, kind):
        raise asked.book.violated(rule, f"the answer {kind.__name__}", f"{asked.result!r:.200}")


def _compare(asked: Asked, must: Record, rules: Mapping[str, str]) -> None:
    """See that the provider's record is what it must be.

    Raises:
        Violation: of the rule of the first field that is not.
    """
    found = asked.found
    if must == found:
        return
    if found.fence < asked.before.fence:
        raise asked.book.violated("C-37", f"a fence of {asked.before.fence} at least", f"{found.fence}")
    if must.cursor != found.cursor and _same_json(must.cursor, found.cursor):
        raise asked.book.violated("C-4", f"the canonical cursor {must.cursor}", f"{found.cursor}")
    for name, rule in FIELD_RULES.items():
        expected, is_ = getattr(must, name), getattr(found, name)
        if expected != is_:
            raise asked.book.violated(rules.get(name, rule), f"{name} is {_told(expected)}", _told(is_))


def _same_json(must: str | None, found: str | None) -> bool:
    """Whether two cursors say the same in other words."""
    with suppress(ValueError):
        return must is not None and found is not None and bool(orjson.loads(must) == orjson.loads(found))
    return False


def _told(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
