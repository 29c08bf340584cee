"""Events out of the process as a stream, and events of sources into it."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from incrsim.api import stream
from incrsim.api.routes import PREFIX
from incrsim.events import Waiting
from tests.api.world import MANAGE, NAME, READ, SECRET, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

FOLLOW = f"{PREFIX}/events/stream"


def told(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """The events of a stream, as they come."""
    kind = ""
    for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def test_stream_tells_a_running_cycle(here: World) -> None:
    """A client that follows hears every event of a cycle as it happens, in order, and the stream ends with the
    server.
    """
    heard: list[str] = []
    event: Any = None
    with here.client(READ) as client, client.stream("GET", FOLLOW) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.iter_lines()
        assert next(lines) == ": events from now on"
        runner = threading.Thread(target=here.app.run_cycle, args=(NAME,))
        runner.start()
        events = told(lines)
        while not heard or heard[-1] != "SweepCommitted":
            kind, event = next(events)
            heard.append(kind)
        runner.join()
        assert event["provider"] == NAME
        assert event["counts"]["added"] == 3
        here.server.stop()
        assert [line for line in lines if line.startswith("event")] == []
    assert [each for each in heard if each in ("Claimed", "PageCommitted", "SweepCommitted")] == [
        "Claimed",
        "PageCommitted",
        "PageCommitted",
        "SweepCommitted",
    ]


def test_stream_of_one_provider(here: World) -> None:
    """`?provider=` leaves out what happens to others; silence is filled with comments."""
    now = here.clock.now()
    with here.client(READ) as client, client.stream("GET", FOLLOW, params={"provider": NAME}) as response:
        lines = response.iter_lines()
        next(lines)
        for provider in ("another", NAME):
            here.app.events.publish(Waiting(at=now, provider=provider, ingestion=1, until=now, reason="resting"))
        assert next(told(lines))[1]["provider"] == NAME


def test_silence_is_filled_with_comments(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing happens a comment shows that the stream is alive."""
    monkeypatch.setattr(stream, "HEARTBEAT", 0.001)
    with here.client(READ) as client, client.stream("GET", FOLLOW) as response:
        lines = response.iter_lines()
        while next(lines) != ": still here":
            pass


def test_slow_client_is_dropped(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that does not read is dropped when too much waits for it, and memory stays bounded."""
    monkeypatch.setattr(stream, "MOST_WAITING", 10)
    monkeypatch.setattr(stream, "LAST_WORD", 0.01)
    now = here.clock.now()
    with socket.create_connection(("127.0.0.1", here.server.port)) as client:
        client.sendall(
            f"GET {FOLLOW} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {READ}\r\n\r\n".encode("ascii")
        )
        head = b""
        while b"events from now on" not in head:
            head += client.recv(1000)
        assert here.server.followers == 1
        big = Waiting(at=now, provider=NAME, ingestion=1, until=now, reason="x" * 100_000)
        while here.server.followers:
            here.app.events.publish(big)


def test_full_house_is_503(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many clients may follow at a time."""
    monkeypatch.setattr(stream, "MOST_FOLLOWERS", 0)
    response = here.manager.get(FOLLOW)
    assert response.status_code == 503
    assert response.headers["retry-after"]


def sent(world: World, topic: str, body: bytes, token: str | None = None, **headers: str) -> httpx.Response:
    """Send an event."""
    with world.client(token) as client:
        return client.post(
            f"{PREFIX}/events/{topic}", content=body, headers={"Content-Type": "application/json", **headers}
        )


def signature(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The header that signs a body."""
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


BODY = b'{"added": ["z"], "removed": ["a"]}'


@pytest.mark.rule("C-36")
def test_signed_event_is_applied(here: World) -> None:
    """An event with a good signature needs no token, and reaches the provider with its headers."""
    here.app.run_cycle(NAME)
    response = sent(here, "signed", BODY, **signature(BODY), **{"X-Event": "push", "Cookie": "secret"})
    assert response.status_code == 200
    (applied,) = response.json()["applied"]
    assert (applied["provider"], applied["added"], applied["removed"]) == (NAME, 1, 1)
    assert [each.ref[-1] for each in here.app.catalog.find().items] == ["b", "c", "z"]
    (event,) = here.source.events
    assert (event.topic, event.payload["added"], event.headers["x-event"]) == ("signed", ["z"], "push")
    assert not {"authorization", "cookie"} & event.headers.keys()


@pytest.mark.rule("C-36")
@pytest.mark.parametrize(
    "headers",
    [
        signature(BODY, "another secret"),
        signature(BODY + b" "),
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha1=" + "0" * 40},
        {},
    ],
    ids=["wrong secret", "other body", "empty", "nothing", "sha1", "missing"],
)
def test_event_without_a_good_signature_is_refused(rested: World, headers: dict[str, str]) -> None:
    """A bad or missing signature is 401, and the provider hears nothing."""
    assert sent(rested, "signed", BODY, **headers).status_code == 401
    assert rested.source.events == []


@pytest.mark.rule("C-36")
def test_bad_signature_is_refused_whatever_the_token(here: World) -> None:
    """A signature that is there must be right, also beside a token that may manage."""
    assert sent(here, "signed", BODY, MANAGE, **signature(BODY, "another")).status_code == 401
    assert sent(here, "signed", BODY, MANAGE).status_code == 200
    assert sent(here, "signed", BODY, READ).status_code == 403


@pytest.mark.rule("C-36")
def test_topic_without_a_secret_needs_manage(here: World) -> None:
    """Without a configured secret no signature opens the route, only a token that may manage."""
    assert sent(here, "open", BODY, **signature(BODY)).status_code == 401
    assert sent(here, "open", BODY, **signature(BODY, "")).status_code == 401
    assert sent(here, "open", BODY, READ).status_code == 403
    assert here.source.events == []
    assert sent(here, "open", BODY, MANAGE).status_code == 200


def test_event_that_changes_nothing(here: World) -> None:
    """An event that its provider ignores says so; a topic that nobody wants is 404, and tells those that are heard."""
    told = sent(here, "open", b"[1]", MANAGE).json()
    assert told == {"topic": "open", "applied": [], "ignored_by": [NAME]}
    response = sent(here, "nothing", BODY, MANAGE)
    assert response.status_code == 404
    assert response.json()["detail"].endswith("topics that are heard: open, services, signed")


def test_event_that_its_provider_cannot_take(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that fails is 502, so that the source sends it again; what it said is logged and not answered."""
    response = sent(here, "signed", b'{"removed": [1]}', **signature(b'{"removed": [1]}'))
    assert sent(here, "signed", b'{"added": 1}', **signature(b'{"added": 1}')).status_code == 502
    assert response.status_code in (200, 502)
    assert "TypeError" in caplog.text
    assert "TypeError" not in sent(here, "signed", b'{"added": 1}', **signature(b'{"added": 1}')).text
