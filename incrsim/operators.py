"""Everything that a person or another program may ask of live providers, or do to them (C-26, C-31 … C-35).

One door: the command line, REST routes and widgets add nothing to it but their own clothes. It works on a store alone,
so that any process that reaches the database can use it, whoever serves the providers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from incrsim.ingestion import Ingestion
from incrsim.lifecycle import Operator
from incrsim.operators_health import Health, Known, Reason, Trouble, Unhealthy, reasons, sink_reasons
from incrsim.operators_input import checked_cursor, checked_number, checked_provider, checked_sink, page_size
from incrsim.operators_sentences import (
    approved_sentence,
    cleaned_sentence,
    detached_sentence,
    operated_sentence,
    resynced_sentence,
    retired_sentence,
)
from incrsim.operators_values import Done, Listing, ProviderStatus, status_of
from incrsim.options import ProviderOptions
from incrsim.store import Store
from incrsim.store.contract import Mark, ProviderState, RecordedProblem
from incrsim.store.operating import Gone, Serving
from incrsim.store.outbox import SinkState, unknown_sink

__all__ = ["Done", "Listing", "Operators", "ProviderStatus", "Reason", "Trouble", "Unhealthy"]

PAGE = 100
"""How many items a page has unless asked otherwise."""

READ_AHEAD = 1000
"""How many providers one query brings: memory does not grow with their number (C-13)."""


class Operators:
    """What operators can ask and do.

    Lists are read in pages: pass a page's `next` as `after` to get the next one. Whatever is passed, it is either
    understood or a `CallerError` that changes nothing.

    Args:
        store: where the providers are.
        served: the options of the providers that this process serves, by name; asked each time.
    """

    def __init__(self, store: Store, served: Callable[[], Mapping[str, ProviderOptions]] = dict) -> None:
        self._store = store
        self._served = served

    # --- asking -------------------------------------------------------------------------------------------------------

    def health(self) -> Health:
        """The providers and sinks that somebody should look at, by name, and why (C-31)."""
        unhealthy: list[Unhealthy] = []
        now = None
        for states in self._states():
            now = states[-1].now
            unhealthy += [
                Unhealthy(known.state.name, None, why) for known in self._known(states) if (why := reasons(known))
            ]
        # Where there is no provider, there is nothing that a sink could wait for.
        return Health(unhealthy if now is None else [*unhealthy, *self._unhealthy_sinks(now)])

    def providers(self, after: str = "", limit: int = PAGE) -> Listing[ProviderStatus]:
        """The status of every provider, by name.

        Args:
            after: a name; those behind it.
            limit: how many at most, 1 to 10 000.

        Raises:
            CallerError: when `after` or `limit` cannot be.
        """
        states = self._store.states(after=checked_cursor(after), limit=page_size(limit) + 1)
        page = Listing.of(states, limit, lambda state: state.name)
        return Listing(tuple(map(status_of, self._known(page.items))), page.next)

    def status(self, name: str) -> ProviderStatus:
        """Where a provider is: what it does, what comes next and when, what went wrong (C-32).

        Raises:
            UnknownProvider: when there is none of that name; lists the known ones.
        """
        (known,) = self._known([self._store.state(checked_provider(name))])
        return status_of(known)

    def marks(self, name: str, after: int = 0, limit: int = PAGE) -> Listing[Mark]:
        """The pages that the ingestion that is not complete has committed, in order.

        Args:
            name: the provider.
            after: a page's number; those behind it.
            limit: how many at most, 1 to 10 000.

        Raises:
            UnknownProvider: when there is none of that name.
            CallerError: when `after` or `limit` cannot be.
        """
        behind = checked_number("after", after)
        rows = self._store.marks(checked_provider(name), after=behind, limit=page_size(limit) + 1)
        return Listing.of(rows, limit, lambda mark: mark.sequence)

    def problems(self, name: str, after: int = 0, limit: int = PAGE) -> Listing[RecordedProblem]:
        """What was wrong with entities, in the order in which it was found (C-7).

        Args:
            name: the provider.
            after: a problem's id; those behind it.
            limit: how many at most, 1 to 10 000.

        Raises:
            UnknownProvider: when there is none of that name.
            CallerError: when `after` or `limit` cannot be.
        """
        behind = checked_number("after", after)
        rows = self._store.problems(checked_provider(name), after=behind, limit=page_size(limit) + 1)
        return Listing.of(rows, limit, lambda problem: problem.id)

    def history(self, name: str, after: int = 0, limit: int = PAGE) -> Listing[Ingestion]:
        """Complete ingestions, the latest first; the last 20 are kept (C-19).

        Args:
            name: the provider.
            after: an ingestion's number; those before it in time. 0 begins with the latest.
            limit: how many at most, 1 to 10 000.

        Raises:
            UnknownProvider: when there is none of that name.
            CallerError: when `after` or `limit` cannot be.
        """
        behind, size = checked_number("after", after), page_size(limit)
        records = self._store.history(checked_provider(name))
        return Listing.of([each for each in records if not behind or each.number < behind], size, lambda it: it.number)

    def stale(self, name: str, after: str = "", limit: int = PAGE) -> Listing[str]:
        """The refs that the last verdict refused to remove, sorted (C-26).

        Args:
            name: the provider.
            after: a ref; those behind it.
            limit: how many at most, 1 to 10 000.

        Raises:
            UnknownProvider: when there is none of that name.
            CallerError: when `after` or `limit` cannot be.
        """
        behind = checked_cursor(after)
        rows = self._store.stale(checked_provider(name), after=behind, limit=page_size(limit) + 1)
        return Listing.of(rows, limit, str)

    def sinks(self) -> list[SinkState]:
        """The registered sinks, by name (C-12)."""
        return self._store.sinks()

    # --- doing --------------------------------------------------------------------------------------------------------

    def trigger(self, name: str) -> Done:
        """Do what comes next now: a wait or a rest ends; a burst or sweep that runs is left alone (C-33)."""
        return self._operate(name, Operator.TRIGGER)

    def start(self, name: str) -> Done:
        """End this ingestion, also a running burst, and begin a new one now (C-33)."""
        return self._operate(name, Operator.START)

    def cancel(self, name: str) -> Done:
        """End this ingestion, also a running burst; a new one begins in 24 hours (C-33)."""
        return self._operate(name, Operator.CANCEL)

    def pause(self, name: str) -> Done:
        """Begin nothing until `resume`; a running burst ends at its next page. Durable (C-33)."""
        return self._operate(name, Operator.PAUSE)

    def resume(self, name: str) -> Done:
        """Go on after `pause` (C-33)."""
        return self._operate(name, Operator.RESUME)

    def delete(self, name: str) -> Done:
        """Forget the provider's ingestions, marks and problems; its entities stay, and stay its own. A new ingestion
        begins in 24 hours (C-34).
        """
        return self._operate(name, Operator.DELETE)

    def delete_marks(self, name: str) -> Done:
        """End this ingestion, also a running burst, and begin a new one at the first page now (C-34)."""
        return self._operate(name, Operator.DELETE_MARKS)

    def cleanup(self) -> Done:
        """`delete` for every provider, one after the other (C-34)."""
        providers, total = 0, Gone()
        for states in self._states():
            for state in states:
                total += self._store.operate(state.name, Operator.DELETE).gone
            providers += len(states)
        return Done("cleanup", None, cleaned_sentence(providers, total), total)

    def approve(self, name: str, verdict_id: int) -> Done:
        """Let a refused removal through (C-26): at once while its ingestion rests, else with the next sweep.

        Args:
            name: the provider.
            verdict_id: the id of its last verdict, as `status` shows it.

        Raises:
            UnknownProvider: when there is none of that name.
            SupersededVerdict: when that is not its last verdict, or that refused nothing; has the current numbers.
        """
        verdict = checked_number("verdict_id", verdict_id)
        approved = self._store.approve(checked_provider(name), verdict)
        return Done("approve", name, approved_sentence(name, approved), approved)

    def retire(self, name: str, expected_count: int) -> Done:
        """Remove the provider's entities and its records (C-34).

        Args:
            name: the provider.
            expected_count: how many entities it owns.

        Raises:
            UnknownProvider: when there is none of that name.
            WrongCount: when it owns another number; nothing was changed.
        """
        expected = checked_number("expected_count", expected_count)
        gone = self._store.retire(checked_provider(name), expected)
        return Done("retire", name, retired_sentence(name, gone), gone)

    def resync(self, sink: str) -> Done:
        """Give a sink everything again; who it is attached to delivers it (C-12).

        Raises:
            UnknownSink: when it is not registered; lists the registered ones.
        """
        self._store.resync(self._sink(sink).name)
        return Done("resync", None, resynced_sentence(sink), self._sink(sink))

    def detach(self, sink: str) -> Done:
        """Forget a sink, and what waits for it (C-12).

        Raises:
            UnknownSink: when it is not registered; lists the registered ones.
        """
        found = self._sink(sink)
        self._store.remove_sink(found.name)
        return Done("detach", None, detached_sentence(found), found)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _operate(self, name: str, operator: Operator) -> Done:
        operated = self._store.operate(checked_provider(name), operator)
        return Done(operator, name, operated_sentence(name, operated), operated)

    def _sink(self, name: str) -> SinkState:
        """Looked up here, so that no store meets a name that it cannot hold."""
        known = {each.name: each for each in self._store.sinks()}
        if checked_sink(name) not in known:
            raise unknown_sink(name, list(known))
        return known[name]

    def _unhealthy_sinks(self, now: datetime) -> Iterator[Unhealthy]:
        for sink in self._store.sinks():
            if why := sink_reasons(sink, now):
                yield Unhealthy(None, sink.name, why)

    def _states(self) -> Iterator[Sequence[ProviderState]]:
        after = ""
        while states := self._store.states(after=after, limit=READ_AHEAD):
            yield states
            after = states[-1].name

    def _known(self, states: Sequence[ProviderState]) -> Iterator[Known]:
        """All that is known of these providers: a query each for what replicas announce and what was before, however
        many they are.
        """
        names = [state.name for state in states]
        latest, here = self._store.latest(names), self._served()
        serving: dict[str, list[Serving]] = {}
        for each in self._store.serving(names):
            serving.setdefault(each.provider, []).append(each)
        for state in states:
            name = state.name
            yield Known(state, latest.get(name), tuple(serving.get(name, ())), here.get(name))
