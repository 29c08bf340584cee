"""An app with one provider, its API on a real server, and clients with every kind of token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

import incrsim
from incrsim.api import ApiServer, ApiSettings, serve
from incrsim.api.routes import PREFIX
from incrsim.clock import VirtualClock
from incrsim.provider_events import Delta, SourceEvent
from tests.unit.fakes import Source, entity

READ = "a-token-for-reading-only"
MANAGE = "a-token-for-managing-too"
WRONG = "a-token-that-nobody-gave"
SECRET = "what-the-source-signs-with"
SETTINGS = ApiSettings(
    port=0,
    allowed_hosts=("catalog.example.com",),
    read_tokens=(READ,),
    manage_tokens=(MANAGE,),
    event_secrets={"signed": SECRET},
)
PLAIN: dict[str, Any] = {"trust_env": False, "verify": False}
"""Clients call this machine: no proxy, and no certificates, which take longer to read than a request."""
NAME = "teams/a b"
"""The provider's name, which a path can only hold encoded."""
ONE = f"{PREFIX}/providers/teams%2Fa%20b"


class Listening(Source):
    """A source that also sends events: what they say is added or removed."""

    topics = ("signed", "open", "services")

    def __init__(self, *pages: Any, name: str = NAME) -> None:
        super().__init__(*pages, name=name)
        self.events: list[SourceEvent] = []

    def on_event(self, event: SourceEvent) -> Delta | None:
        self.events.append(event)
        if not isinstance(event.payload, dict) or not event.payload.keys() <= {"added", "removed"}:
            return None
        added: Sequence[str] = event.payload.get("added", ())
        removed: Sequence[str] = event.payload.get("removed", ())
        return Delta([entity(each, self.name) for each in added], [f"component:{each}" for each in removed])


@dataclass(frozen=True, slots=True)
class World:
    """What a test has.

    Args:
        app: serves one provider.
        clock: time for it and its store.
        source: the provider.
        server: its API.
        manager: a client that may do everything, at the prefix of all routes.
    """

    app: incrsim.App
    clock: VirtualClock
    source: Listening
    server: ApiServer
    manager: httpx.Client

    def call(self, method: str, path: str, **more: Any) -> Any:
        """A request that must succeed; returns its JSON."""
        response = self.manager.request(method, path, **more)
        assert response.status_code == 200, response.text
        return response.json()

    def snapshot(self) -> Any:
        """All that a request may change."""
        status = self.app.operators.status(NAME).to_dict()
        return status | {"now": None}, self.app.catalog.find(limit=100).items

    def client(self, token: str | None = None) -> httpx.Client:
        """A client with a token, or none."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.server.url, headers=headers, **PLAIN)


@contextmanager
def world(database: str | None = None, settings: ApiSettings = SETTINGS) -> Iterator[World]:
    """A world on a store; nothing was ingested yet."""
    clock = VirtualClock()
    source = Listening(["a", "b"], ["c"])
    with ExitStack() as stack:
        app = stack.enter_context(incrsim.open(database, clock=clock))
        app.add(source, reject_removals_above_percentage=50)
        server = stack.enter_context(serve(app, settings))
        headers = {"Authorization": f"Bearer {MANAGE}"}
        manager = httpx.Client(base_url=server.url, headers=headers, **PLAIN)
        yield World(app, clock, source, server, stack.enter_context(manager))
