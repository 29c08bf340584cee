"""Whatever comes in: a clear answer, nothing changed, never a 500."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from incrsim.api import boundary
from incrsim.api.routes import PREFIX
from incrsim.errors import StoreUnavailable
from incrsim.store.contract import ProviderState
from tests.api.world import MANAGE, NAME, ONE, World, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

PROBLEM = "application/problem+json"
NAMES = {
    "NUL": "a\0b",
    "quotes": "a'b\"c`; DROP TABLE provider; --",
    "unicode": "päge\u202e\u0000\U0001f600",
    "dots": "..",
    "encoded slash": "a/../b",
    "percent": "%00%s%",
    "long": "x" * 10_000,
}
BODIES = {
    "NUL": b'"\\u0000"',
    "a lone surrogate": b'"\\ud800"',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "huge number": b"1" * 100_000,
    "not a number": b"NaN",
    "no JSON": b"{'a': 1}",
    "no UTF-8": b'"\xff"',
    "empty": b"",
    "two": b"{}{}",
    "long": b'"' + b"x" * 1_000_000 + b'"',
}


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.slow)], scope="module")
def worlds(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world on each store, for all tests of this file that use it."""
    database = request.getfixturevalue("shared_database_url") if request.param == "postgres" else None
    with world(database) as made:
        made.app.run_cycle(NAME)
        yield made


def refused(response: httpx.Response) -> dict[str, Any]:
    """The problem that a clear 4xx holds."""
    assert 400 <= response.status_code < 500, (response.status_code, response.text[:500])
    assert response.headers["content-type"] == PROBLEM
    problem: dict[str, Any] = response.json()
    assert problem["status"] == response.status_code
    assert problem["detail"]
    return problem


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_hostile_names(worlds: World, name: str) -> None:
    """A provider's, topic's or entity's name that cannot be is 4xx on every route that takes one, and changes
    nothing.
    """
    before, encoded = worlds.snapshot(), quote(name, safe="").replace(".", "%2E")
    for method, path in (
        *itertools.product(["GET", "DELETE"], ["", "/marks"]),
        *(("GET", f"/{each}") for each in ("status", "problems", "history", "verdict", "stale")),
        *(("POST", f"/{each}") for each in ("trigger", "start", "cancel", "pause", "resume", "plan")),
        ("POST", "/approve?verdict=1"),
        ("POST", "/retire?expected_count=0"),
    ):
        refused(worlds.manager.request(method, f"{PREFIX}/providers/{encoded}{path}"))
    refused(worlds.manager.post(f"{PREFIX}/events/{encoded}", json={}))
    refused(worlds.manager.get(f"{PREFIX}/entities/by-name/component/{encoded}/{encoded}"))
    assert worlds.snapshot() == before


@pytest.mark.parametrize("text", NAMES.values(), ids=NAMES.keys())
def test_hostile_queries(worlds: World, text: str) -> None:
    """A filter or cursor that cannot be finds nothing or is 4xx, and is never taken for SQL."""
    for name in ("kind", "namespace", "provider", "owner", "label", "annotation", "text", "after"):
        response = worlds.manager.get(f"{PREFIX}/entities", params={name: text})
        if response.status_code == 200:
            assert name == "after" or response.json()["total"] == 0
        else:
            refused(response)
    for path in (f"{ONE}/stale", f"{PREFIX}/providers", f"{PREFIX}/status"):
        response = worlds.manager.get(path, params={"after": text})
        assert response.status_code == 200 or refused(response)


@pytest.mark.parametrize("number", ["-1", "1.5", "1e3", "x", "", "NaN", "9" * 30, "٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣", "0x10", "\0"])
def test_hostile_numbers(worlds: World, number: str) -> None:
    """What is no number, or none that any store can hold, is 422, names the parameter and changes nothing."""
    before = worlds.snapshot()
    for method, path, name in (
        ("GET", "/marks", "after"),
        ("GET", "/problems", "limit"),
        ("GET", "/history", "after"),
        ("POST", "/approve", "verdict"),
        ("POST", "/retire", "expected_count"),
    ):
        problem = refused(worlds.manager.request(method, ONE + path, params={name: number}))
        assert problem["errors"][0]["where"] == f"query {name}"
    assert worlds.snapshot() == before


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_hostile_events(worlds: World, body: bytes) -> None:
    """A body that is no JSON is 400; JSON that the provider makes nothing of is ignored."""
    before = worlds.snapshot()
    path, headers = f"{PREFIX}/events/open", {"Content-Type": "application/json"}
    response = worlds.manager.post(path, content=body, headers=headers)
    assert response.status_code == 200 or refused(response)["status"] == 400
    assert worlds.snapshot() == before


def test_event_that_is_no_json_by_its_own_words(rested: World) -> None:
    """An event of another media type, or of none, is 415."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"):
        response = rested.manager.post(f"{PREFIX}/events/open", content=b"{}", headers={"Content-Type": kind})
        assert refused(response)["status"] == 415


@pytest.mark.rule("C-36")
def test_ten_megabytes(rested: World) -> None:
    """A body of more than ten megabytes is 413 whether it says so or comes in chunks; nothing of it is applied."""
    largest = boundary.LARGEST_BODY
    event, headers = f"{PREFIX}/events/open", {"Content-Type": "application/json"}
    chunks = (b'"', *([b"x" * 100_000] * (largest // 100_000)), b'"')
    before = rested.snapshot()
    assert refused(rested.manager.post(event, content=b"".join(chunks), headers=headers))["status"] == 413
    assert refused(rested.manager.post(event, content=iter(chunks), headers=headers))["status"] == 413
    assert refused(rested.manager.post(f"{ONE}/start", content=b"x" * (largest + 1)))["status"] == 413
    assert rested.manager.post(event, content=b'"' + b"x" * (largest - 2) + b'"', headers=headers).status_code == 200
    assert rested.snapshot() == before


def test_wrong_method_names_all_right_ones(rested: World) -> None:
    """A method that a path does not have is 405, with every method that it has."""
    for method in ("PUT", "PATCH", "HEAD", "OPTIONS"):
        response = rested.manager.request(method, ONE)
        assert (response.status_code, response.headers["allow"]) == (405, "DELETE, GET")
        assert response.headers["content-type"] == PROBLEM
    assert rested.manager.put(f"{PREFIX}/events/stream").headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "path", ["/", "/nothing", f"{PREFIX}/providers/", f"{PREFIX}//health", f"{ONE}/nothing", "/docs"]
)
def test_no_such_path(rested: World, path: str) -> None:
    """Where nothing is, 404 says where to look."""
    assert "/openapi.json" in refused(rested.manager.get(path))["detail"]


def test_store_that_is_away(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that cannot be reached is 503 with Retry-After; its message, which names hosts, stays in the log."""

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("no connection to db.internal:5432")

    monkeypatch.setattr(here.app.store, "state", away)
    response = here.manager.get(ONE)
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.headers["content-type"] == PROBLEM
    assert "db.internal" not in response.text


def test_slow_store_keeps_nobody_else_waiting(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store takes its time for one request, others are answered: it is never asked on the server's loop."""
    asked, go_on, state = threading.Event(), threading.Event(), here.app.store.state

    def slow(name: str) -> ProviderState:
        asked.set()
        assert go_on.wait(60)
        return state(name)

    monkeypatch.setattr(here.app.store, "state", slow)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(here.call, "GET", ONE)
        assert asked.wait(60)
        with here.client(MANAGE) as client:
            assert client.get("/openapi.json").status_code == 200
        assert not waiting.done()
        go_on.set()
        assert waiting.result()["success"]


@pytest.mark.rule("C-36")
def test_unexpected_error_shows_nothing(
    here: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected error is 500 without a word of the inside, and the log has its traceback; the server goes on."""

    def broken(*_: object) -> None:
        raise KeyError("the inside")

    monkeypatch.setattr(here.app.store, "state", broken)
    response = here.manager.get(ONE)
    assert (response.status_code, response.headers["content-type"]) == (500, PROBLEM)
    assert "inside" not in response.text.replace("inside the", "")
    assert "KeyError: 'the inside'" in caplog.text
    monkeypatch.undo()
    assert here.manager.get(ONE).status_code == 200


def test_unknown_parameter(rested: World) -> None:
    """A parameter that a route does not have, say a typing error, is 422 and told with those that there are."""
    problem = refused(rested.manager.get(f"{PREFIX}/providers?limt=1"))
    assert (problem["status"], problem["detail"]) == (422, "unknown parameter 'limt'; this route has after, limit")


def test_token_comes_before_everything_else(rested: World) -> None:
    """Who has no token learns nothing from what a route thinks of his values."""
    with rested.client() as client:
        for path in (f"{ONE}/marks?limit=x", f"{PREFIX}/providers/nobody", f"{PREFIX}/entities?label==1"):
            assert client.get(path).status_code == 401
        assert client.post(f"{PREFIX}/events/nobody", content=b"{").status_code == 401
    with rested.client(MANAGE) as client:
        assert client.get(f"{ONE}/marks?limit=x").status_code == 422
