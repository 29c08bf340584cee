"""What the suites have in common: one hole, the store."""

from __future__ import annotations

from typing import Any

import pytest

from incrsim.clock import VirtualClock
from incrsim.store import Store
from incrsim.store.searching import EntityQuery
from tests.contract.driver import Driver

QUERY = EntityQuery(kind="component", text="E")
"""What is searched for whenever two stores are compared."""


class Contract:
    """A suite over a store that the inheriting class opens."""

    @pytest.fixture
    def clock(self) -> VirtualClock:
        """The store's time."""
        return VirtualClock()

    @pytest.fixture
    def store(self, clock: VirtualClock) -> Store:
        """An empty store on that clock: the hole to fill."""
        raise NotImplementedError

    @pytest.fixture
    def p(self, store: Store, clock: VirtualClock) -> Driver:
        """A provider."""
        return Driver(store, clock, "p")

    @pytest.fixture
    def q(self, store: Store, clock: VirtualClock) -> Driver:
        """Another provider."""
        return Driver(store, clock, "q")


def everything(store: Store) -> dict[str, Any]:
    """All that can be read from a store, to be compared with what it was before or with another store's."""
    names = store.providers()
    return {
        "entities": list(store.entities()),
        "count": store.count(),
        "sinks": store.sinks(),
        "kinds": store.count_by_kind(),
        "owned": store.count_by_provider(),
        "found": list(store.find(QUERY)),
        **{
            name: {
                "state": store.state(name),
                "history": store.history(name),
                "marks": store.marks(name),
                "problems": store.problems(name),
                "stale": store.stale(name),
                "entities": list(store.entities(name)),
                "count": store.count(name),
            }
            for name in names
        },
    }
