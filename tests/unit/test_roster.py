"""Providers come and go while they are served."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

import incrsim
from incrsim import events
from incrsim.errors import CallerError, DuplicateProvider, UnknownProvider
from tests.unit.fakes import Source


@pytest.fixture
def app() -> Iterator[incrsim.App]:
    """An app in memory."""
    with incrsim.open() as opened:
        yield opened


@pytest.mark.parametrize("call", ["replace", "remove", "tick"])
def test_a_call_that_would_wait_for_itself_is_an_error(app: incrsim.App, call: str) -> None:
    """A subscriber that replaces, removes or ticks the provider whose event it is told of hears why that cannot be."""
    said: list[str] = []

    def meddle(event: events.Event) -> None:
        if not isinstance(event, events.PageFetched):
            return
        calls: dict[str, Callable[[], object]] = {
            "replace": lambda: app.add(Source(["b"]), replace=True),
            "remove": lambda: app.remove("source"),
            "tick": lambda: app.tick("source"),
        }
        with pytest.raises(CallerError, match="in the middle of a tick on this very thread") as caught:
            calls[call]()
        said.append(str(caught.value))

    app.add(Source(["a"], ["b"]))
    app.events.subscribe(meddle)
    assert app.run_cycle("source").ok
    assert len(said) == 2


def test_other_providers_may_come_from_a_subscriber(app: incrsim.App) -> None:
    """A subscriber may add, replace and remove providers other than the one whose event it is told of."""
    app.add(Source(["a"], name="one"))
    app.add(Source(["b"], name="two"))

    def meddle(event: events.Event) -> None:
        if isinstance(event, events.PageFetched):
            app.add(Source(["c"], name="two"), replace=True)
            app.add(Source(["d"], name="three"))
            app.remove("two")

    app.events.subscribe(meddle)
    app.tick("one")
    assert app.providers() == ["one", "three"]


def test_draining_one_keeps_nobody_waiting(app: incrsim.App) -> None:
    """While one provider is drained, others can be added: also by the very burst that is waited for."""
    fetching, go_on = threading.Event(), threading.Event()

    def page() -> list[str]:
        fetching.set()
        assert go_on.wait(60)
        app.add(Source(["c"], name="other"))
        return ["a"]

    app.add(Source(page))
    burst = threading.Thread(target=app.tick, args=("source",))
    burst.start()
    assert fetching.wait(60)
    replacing = threading.Thread(target=app.add, args=(Source(["b"]),), kwargs={"replace": True})
    replacing.start()
    go_on.set()
    for thread in (burst, replacing):
        thread.join(60)
        assert not thread.is_alive()
    assert app.providers() == ["other", "source"]


def test_removed_is_served_no_longer(app: incrsim.App) -> None:
    """A provider that was removed is unknown to the app; its entities stay, and it may come back."""
    app.add(Source(["a"]))
    app.run_cycle("source")
    app.remove("source")
    for call in (app.remove, app.tick):
        with pytest.raises(UnknownProvider, match="it serves: none yet"):
            call("source")
    assert app.catalog.count() == 1
    app.add(Source(["a"]))
    assert app.state("source").ingestion.number == 1


def test_of_two_that_come_at_once_one_is_served(app: incrsim.App, monkeypatch: pytest.MonkeyPatch) -> None:
    """When two threads add a provider of one name, one of them is told that the other was faster."""
    register = app.store.register

    def overtaken(name: str) -> None:
        monkeypatch.setattr(app.store, "register", register)
        app.add(Source(["first"]))

    monkeypatch.setattr(app.store, "register", overtaken)
    with pytest.raises(DuplicateProvider):
        app.add(Source(["second"]))
    app.run_cycle("source")
    assert app.catalog.get("component:default/first")
