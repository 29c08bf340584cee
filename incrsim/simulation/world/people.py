"""What reaches the catalog from outside: operators who call, sources that change and tell of it, deployments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from incrsim import events, mutations
from incrsim.errors import CallerError, ProviderError, StoreError
from incrsim.lifecycle import Operator
from incrsim.operators import Operators
from incrsim.provider_events import Delta
from incrsim.simulation import scenario
from incrsim.simulation.crash import Crash
from incrsim.simulation.observation import OPERATOR
from incrsim.simulation.scenario import Change, OperatorCall, Redeploy, Webhook
from incrsim.simulation.schedule import Schedule
from incrsim.simulation.source import FakeSource
from incrsim.simulation.world.happenings import Operated, Redeployed, SourceTold
from incrsim.simulation.world.world import World

TELLS_AGAIN = 3
"""How often whoever sends webhooks tries again when nobody takes one in."""


class People:
    """Everybody who is outside of the replicas.

    Args:
        world: what they act on.
        schedule: replicas hear of what operators do.
        arrived_in: is told the number of the ingestion that is open after each call.
    """

    def __init__(self, world: World, schedule: Schedule, arrived_in: Callable[[int], None]) -> None:
        self._world = world
        self._schedule = schedule
        self._arrived_in = arrived_in
        self._operators: Operators | None = None
        self._random = Random(f"{world.scenario.seed} webhooks")

    # --- operators ----------------------------------------------------------------------------------------------------

    def operate(self, call: OperatorCall) -> bool:
        """Call; says whether that had any effect."""
        world = self._world
        provider = call.provider or world.name
        outcome = self._outcome(lambda: self._call(call.operator, provider, call.arguments))
        world.note(Operated(at=world.clock.now(), provider=provider, operator=call.operator, outcome=outcome))
        self._schedule.wake(provider, world.clock.now())
        if (state := world.state(world.name)) is not None:
            self._arrived_in(state.ingestion.number)
        return outcome in ("done", "died") or outcome.startswith("failed")

    def _call(self, operator: str, provider: str, arguments: Mapping[str, Any]) -> object:
        operators = self._operators = self._operators or Operators(self._world.outside(provider).store)
        match operator:
            case "approve":
                return operators.approve(provider, arguments.get("verdict_id", self._verdict(provider)))
            case "retire":
                there = self._world.store.count(provider)
                return operators.retire(provider, arguments.get("expected_count", there))
            case "cleanup":
                return operators.cleanup()
            case scenario.FULL:
                return self._full(provider)
        return getattr(operators, Operator(operator).name.lower())(provider)

    def _verdict(self, provider: str) -> int:
        verdict = self._world.store.state(provider).last_verdict
        return 0 if verdict is None else verdict.id

    def _full(self, provider: str) -> object:
        entities = self._source(provider).snapshot().entities()
        return mutations.apply_full(self._world.outside(provider), entities, self._published)

    def _outcome(self, call: Callable[[], object]) -> str:
        try:
            call()
        except Crash:
            return "died"
        except (CallerError, ProviderError) as error:
            return f"refused: {type(error).__name__}"
        except StoreError as error:
            return f"failed: {type(error).__name__}"
        return "done"

    # --- sources ------------------------------------------------------------------------------------------------------

    def change(self, change: Change) -> None:
        """Something becomes of entities of the source."""
        there = len(self._world.source)
        count = change.count if change.count is not None else int(there * (change.percent or 0) / 100)
        self._alter(change.verb, count)

    def _alter(self, verb: str, count: int) -> None:
        source, rival = self._world.source, self._world.rival
        match verb:
            case "add":
                source.add(count)
            case "heal":
                source.heal()
            case "claim" | "unclaim":
                theirs = rival.snapshot().refs if rival else frozenset[str]()
                refs = theirs - self._world.refs if verb == "claim" else theirs & self._world.refs
                getattr(source, verb)(sorted(refs)[:count])
            case _:
                _as_many_as_there_are(getattr(source, verb), count)

    def tell(self, webhook: Webhook) -> bool:
        """The source changes and tells of it; says whether there was anything to tell, and somebody took it in."""
        source = self._world.source
        before = source.snapshot()
        self._alter_where(webhook)
        after = source.snapshot()
        delta = Delta(after.newer(before), after.since(before).vanished)
        return bool(delta.added or delta.removed) and self._deliver(delta)

    def _alter_where(self, webhook: Webhook) -> None:
        world = self._world
        own = world.source.formula.ref(0).rpartition("-")[0]
        for verb, count in (("remove", webhook.removed), ("change", webhook.changed)):
            if count:
                there = [ref for ref in world.reading.chosen(webhook.where, world.refs) if ref.startswith(own)]
                for ref in self._random.sample(there, min(count, len(there))):
                    world.source.alter(verb, ref)
        if webhook.added:
            world.source.add(webhook.added)

    def _deliver(self, delta: Delta) -> bool:
        world = self._world
        outcome = ""
        for _ in range(TELLS_AGAIN):
            engine = world.outside(world.name)
            outcome = self._outcome(lambda: mutations.apply_delta(engine, delta, self._published, "services"))  # noqa: B023 -- called at once, in the same turn of the loop
            if outcome == "done":
                break
        added, removed = len(list(delta.added)), len(list(delta.removed))
        at, name = world.clock.now(), world.name
        world.note(SourceTold(at=at, provider=name, added=added, removed=removed, outcome=outcome))
        return outcome == "done"

    # --- deployments --------------------------------------------------------------------------------------------------

    def redeploy(self, redeploy: Redeploy) -> None:
        """A replica's process is killed, and one with other options takes its place."""
        world = self._world
        options = world.scenario.provider_options(redeploy.options)
        world.options[redeploy.replica] = options
        lane = self._schedule.lanes[redeploy.replica]
        lane.run.crash(lane.index)
        lane.frozen_until = None
        told = tuple(f"{name}={value}" for name, value in sorted(redeploy.options.items()))
        world.note(Redeployed(at=world.clock.now(), provider=world.name, number=redeploy.replica, options=told))
        world.observer.redeployed(redeploy.replica, options)

    def _published(self, event: events.Event) -> None:
        self._world.trace.add(OPERATOR, event)
        self._world.happened(OPERATOR, event)

    def _source(self, provider: str) -> FakeSource:
        world = self._world
        return world.source if provider == world.name or world.rival is None else world.rival


def _as_many_as_there_are(verb: Callable[..., int], count: int) -> int:
    try:
        return verb(count=count)
    except ValueError:  # there are fewer
        return verb(percent=100)
