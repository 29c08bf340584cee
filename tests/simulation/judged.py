"""A small world with an oracle in it: one provider, some replicas, operators and events, and whatever is broken."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from incrsim.clock import VirtualClock
from incrsim.cursor import canonical_cursor
from incrsim.draft import as_entity
from incrsim.errors import Fenced, IncrsimError, StoreError
from incrsim.options import ProviderOptions
from incrsim.simulation import Crash, Simulation, Trace
from incrsim.simulation.crash import STORE_STEPS
from incrsim.simulation.observation import OPERATOR, Outcome, Returned, Seen, StepCall
from incrsim.simulation.oracle import Oracle
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from incrsim.store import Store

LOCATION = "https://source.example/"


def entity(name: str, version: int = 1) -> dict[str, Any]:
    """What a provider returns for an entity; one whose version is 0 is invalid."""
    annotations = {f"backstage.io/managed-by-{kind}location": f"url:{LOCATION}{name}" for kind in ("", "origin-")}
    metadata = {"name": name, "annotations": annotations, "description": f"revision {version}"}
    body = {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": metadata, "spec": {"type": "service"}}
    return body if version else {key: value for key, value in body.items() if key != "apiVersion"}


def ref(name: str) -> str:
    """The ref of an entity."""
    return f"component:default/{name}"


@dataclass
class Listed:
    """A source in the order of its names, which can be read and told of, and whose provider takes a second a page."""

    items: dict[str, int]
    clock: VirtualClock
    name: str = "listed"
    page_size: int = 3
    keys: Mapping[str, str] = field(default_factory=dict)
    errors: list[Exception | None] = field(default_factory=list)

    def around(self) -> AbstractContextManager[None]:
        return nullcontext()

    def next(self, context: Any, cursor: Any = None) -> Any:
        self.clock.advance(timedelta(seconds=1))
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        behind = sorted(name for name in self.items if cursor is None or name > cursor)
        names, done = behind[: self.page_size], len(behind) <= self.page_size
        entities = [{"entity": entity(each, self.items[each]), "locationKey": self.keys.get(each)} for each in names]
        return {"entities": entities, "cursor": None if done else names[-1], "done": done}

    @property
    def held(self) -> set[str]:
        return {ref(name) for name, version in self.items.items() if version}


class _Told:
    """A provider that tells an observer of its pages."""

    def __init__(self, source: Any, oracle: Oracle, replica: int) -> None:
        self.name = source.name
        self._source, self._oracle, self._replica = source, oracle, replica

    def around(self) -> AbstractContextManager[Any]:
        return cast("AbstractContextManager[Any]", self._source.around())

    def next(self, context: Any, cursor: Any = None) -> Any:
        page = self._source.next(context, cursor)
        seen = tuple(map(_seen, page["entities"]))
        asked = None if cursor is None else canonical_cursor(cursor)
        after = None if page["done"] else canonical_cursor(page["cursor"])
        self._oracle.returned(Returned(self.name, self._replica, asked, seen, after, page["done"]))
        return page


def _seen(item: Any) -> Seen:
    made = as_entity(item)
    return Seen(made.ref, made.digest, made.location_key, not made.violations)


class Watched:
    """A store that tells an observer of its steps."""

    def __init__(self, store: Store, oracle: Oracle, replica: int) -> None:
        self._store, self._oracle, self._replica = store, oracle, replica

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return self._step(name, method) if name in STORE_STEPS | {"approve", "retire"} else method

    def _step(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:
            call = StepCall(getattr(arguments[0], "provider", arguments[0]), self._replica, name, arguments)
            self._oracle.asks(call)
            try:
                result = method(*arguments)
            except Crash:
                self._oracle.answered(call, Outcome.DIED, None)
                raise
            except IncrsimError as error:
                lost = isinstance(error, StoreError) and not isinstance(error, Fenced)
                self._oracle.answered(call, Outcome.LOST if lost else Outcome.REFUSED, error)
                raise
            self._oracle.answered(call, Outcome.DONE, result)
            return result

        return step


class Judged:
    """A world in which every step is judged.

    Args:
        items: what the source holds at first: name → version, 0 for an invalid entity.
        replicas: how many.
        store: where it happens; made from the clock when left out.
        around: what is put around that store, below the watching: something that fails.
        oracle: of another world that shares the store.
        options: of the provider.
    """

    def __init__(
        self,
        items: Mapping[str, int],
        *,
        replicas: int = 1,
        store: MemoryStore | None = None,
        around: Callable[[Any], Any] = lambda store: store,
        beside: Judged | None = None,
        name: str = "listed",
        **options: Any,
    ) -> None:
        self.clock = beside.clock if beside else VirtualClock()
        self.store = beside.store if beside else store or MemoryStore(self.clock)
        self.trace = Trace()
        self.oracle = beside.oracle if beside else Oracle(self.store, self.clock, line=lambda: self.trace.length)
        self.source = Listed(dict(items), self.clock, name)
        first = len(beside.run.replicas) if beside else 0
        self.options = ProviderOptions.of(**options)
        self.run = Simulation(
            self.source, store=around(self.store), clock=self.clock, options=self.options, replicas=replicas,
            trace=self.trace, fit=self._fit, first=first,
        )
        self.run.watch(self.oracle.happened)
        self.operator = cast("Store", Watched(self.run.store, self.oracle, OPERATOR))
        self.changed()

    def _fit(self, number: int, engine: Any) -> Any:
        from dataclasses import replace

        self.oracle.redeployed(number, self.options)
        store = cast("Store", Watched(engine.store, self.oracle, number))
        return replace(engine, provider=_Told(engine.provider, self.oracle, number), store=store)

    @property
    def name(self) -> str:
        return self.source.name

    def changed(self, **items: int | None) -> None:
        """The source changes: name → version, or `None` where it is gone."""
        for name, version in items.items():
            if version is None:
                del self.source.items[name]
            else:
                self.source.items[name] = version
        self.oracle.source_changed(self.name, self.source.held)

    def cycles(self, count: int = 1) -> None:
        """Run so many ingestions up to their rest."""
        for _ in range(count):
            self.run.run_cycle()
