"""Hearing of what happens to providers, on every store."""

from __future__ import annotations

import queue
from collections.abc import Iterator

import pytest

from incrsim.lifecycle import Operator
from incrsim.store import Store
from tests.contract.base import Contract
from tests.contract.driver import Driver
from tests.contract.samples import good

PATIENCE = 30


class ListeningContract(Contract):
    """What `Store.listen` promises."""

    @pytest.fixture
    def ears(self, store: Store) -> Iterator[queue.SimpleQueue[str | None]]:
        """What is heard, from the moment on when listening has begun."""
        heard: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        with store.listen(heard.put):
            assert heard.get(timeout=PATIENCE) is None
            yield heard

    @pytest.mark.rule("C-38")
    def test_operators_are_heard(self, store: Store, p: Driver, ears: queue.SimpleQueue[str | None]) -> None:
        """Whoever listens hears the name of a provider that an operator did something to."""
        store.operate(p.name, Operator.TRIGGER)
        assert ears.get(timeout=PATIENCE) == p.name

    @pytest.mark.rule("C-38")
    def test_new_providers_are_heard(self, store: Store, ears: queue.SimpleQueue[str | None]) -> None:
        """A provider's first registration is heard, a repeated one is no news."""
        for name in ("new π", "new π", "another"):
            store.register(name)
        assert [ears.get(timeout=PATIENCE) for _ in range(2)] == ["new π", "another"]

    def test_bursts_are_not_heard(self, store: Store, p: Driver, ears: queue.SimpleQueue[str | None]) -> None:
        """Pages and sweeps, which come by the thousand, wake nobody."""
        p.cycle(good("a"))
        store.operate(p.name, Operator.TRIGGER)
        assert ears.get(timeout=PATIENCE) == p.name
        assert ears.empty()

    def test_nothing_is_heard_afterwards(self, store: Store, p: Driver) -> None:
        """Who listens no longer is not called any more."""
        heard: list[str | None] = []
        with store.listen(heard.append):
            pass
        before = len(heard)
        store.operate(p.name, Operator.TRIGGER)
        assert len(heard) == before
