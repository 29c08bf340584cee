from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi.routing import APIRoute

import incrsim
from incrsim.api import ApiSettings, create_api, serve
from incrsim.errors import InvalidOptions
from tests.api.world import MANAGE, PLAIN, READ, SECRET, SETTINGS, WRONG, World

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = {
    "provider": "teams%2Fa%20b",
    "topic": "open",
    "kind": "component",
    "namespace": "default",
    "name": "a",
}
QUERIES = {"approve": {"verdict": 7}, "retire": {"expected_count": 70}}


def routes() -> Iterator[tuple[str, str, str]]:
    """Name, method and path of every route that the application has, values filled in."""
    with incrsim.open() as app:
        for route in create_api(app, SETTINGS).routes:
            assert isinstance(route, APIRoute), "every route of ours says who may call it"
            for method in route.methods or ():
                yield route.operation_id or "", method, route.path_format.format(**VALUES)


ROUTES = [pytest.param(*each, id=each[0]) for each in routes()]
READING = "GET"
"""Routes of this method look, all others change or cost something."""


def called(world: World, route: tuple[str, str, str], token: str | None) -> httpx.Response:
    """Call a route; the body of one that never ends is not waited for."""
    name, method, path = route
    with world.client(token) as client, client.stream(method, path, params=QUERIES.get(name)) as response:
        if response.headers["content-type"] != "text/event-stream; charset=utf-8":
            response.read()
        return response


def let_in(response: httpx.Response) -> bool:
    """Whether it was not the token that was wrong."""
    return response.status_code not in (401, 403) and response.status_code < 500


@pytest.mark.rule("C-36")
@pytest.mark.parametrize(("name", "method", "path"), ROUTES)
@pytest.mark.parametrize("token", [None, WRONG], ids=["none", "wrong"])
def test_nobody_comes_in_without_a_token(rested: World, name: str, method: str, path: str, token: str | None) -> None:
    """Without a token, or with a wrong one, every route answers 401 and changes nothing."""
    before = rested.snapshot()
    response = called(rested, (name, method, path), token)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('Bearer realm="incrsim"')
    assert response.json()["status"] == 401
    assert rested.snapshot() == before


@pytest.mark.rule("C-36")
@pytest.mark.parametrize(("name", "method", "path"), ROUTES)
def test_read_token_reads_and_changes_nothing(rested: World, name: str, method: str, path: str) -> None:
    """A token for reading opens what only looks; all else answers 403 and changes nothing."""
    before = rested.snapshot()
    response = called(rested, (name, method, path), READ)
    assert let_in(response) == (method == READING), response.status_code
    if method != READING:
        assert response.status_code == 403
        assert 'scope="manage"' in response.headers["www-authenticate"]
    assert rested.snapshot() == before


@pytest.mark.parametrize(("name", "method", "path"), ROUTES)
def test_manage_token_opens_everything(worn: World, name: str, method: str, path: str) -> None:
    """A token for managing opens every route."""
    assert let_in(called(worn, (name, method, path), MANAGE))


@pytest.mark.parametrize(
    "header", ["", "Bearer", f"Basic {MANAGE}", MANAGE, f"Bearer {MANAGE}x", f"Bearer {MANAGE[:-1]}"]
)
def test_half_a_token_is_none(rested: World, header: str) -> None:
    """Only the whole token behind `Bearer` counts."""
    with rested.client() as client:
        assert client.get("/openapi.json", headers={"Authorization": header}).status_code == 401


@pytest.mark.rule("C-36")
def test_tokens_are_compared_in_constant_time(rested: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every token is compared to its end by `hmac.compare_digest`, also after one was found."""
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for token in (READ, MANAGE, WRONG):
        called(rested, ("", "GET", "/openapi.json"), token)
    assert compared == [(32, 32)] * 6


@pytest.mark.rule("C-36")
@pytest.mark.parametrize("host", ["evil.example.com", "localhost.evil.example.com", "", "127.0.0.2", "[::2]", "a b"])
def test_unknown_host_is_refused(rested: World, host: str) -> None:
    """A request under a name that is not ours (DNS rebinding) is answered 421, token or not."""
    with rested.client(MANAGE) as client:
        response = client.post(f"/api/catalog/incremental/providers/{VALUES['provider']}/start", headers={"Host": host})
    assert response.status_code == 421
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:7007", "[::1]:7007", "catalog.example.com", "catalog.example.com."]
)
def test_loopback_and_configured_hosts_are_served(rested: World, host: str) -> None:
    """Loopback names and those that were configured are served, with any port."""
    with rested.client(READ) as client:
        assert client.get("/openapi.json", headers={"Host": host}).status_code == 200


@pytest.mark.rule("C-36")
def test_loopback_unless_told_otherwise() -> None:
    """The server listens on loopback by default."""
    assert ApiSettings().host == "127.0.0.1"


@pytest.mark.rule("C-36")
def test_random_token_is_made_up_and_announced() -> None:
    """Without any configured token a new random one may manage, and the announcement holds it; else it holds none."""
    with incrsim.open() as app, serve(app, ApiSettings(port=0)) as server, serve(app, ApiSettings(port=0)) as other:
        assert server.token
        assert server.token in server.announcement
        assert server.token != other.token
        headers = {"Authorization": f"Bearer {server.token}"}
        with httpx.Client(base_url=server.url, headers=headers, **PLAIN) as client:
            assert client.post("/api/catalog/incremental/cleanup").status_code == 200
            assert client.get("/openapi.json", headers={"Authorization": "Bearer"}).status_code == 401
    with incrsim.open() as app, serve(app, SETTINGS) as server:
        assert server.token is None
        assert not any(secret in server.announcement for secret in (READ, MANAGE, SECRET))


@pytest.mark.rule("C-36")
def test_tokens_are_never_logged(
    here: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happens, nothing that is logged, answered or shown holds a token or secret."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(here.app.catalog, "find", lambda *_, **__: 1 / 0)
    told = repr(SETTINGS)
    for token in (READ, MANAGE, WRONG):
        for route in (
            ("", "GET", "/api/catalog/incremental/entities"),
            ("", "GET", "/nothing"),
            ("", "PUT", "/metrics"),
        ):
            told += called(here, route, token).text
    assert "failed unexpectedly" in caplog.text
    assert not [each for each in (READ, MANAGE, WRONG, SECRET) if each in told + caplog.text]


@pytest.mark.rule("C-36")
def test_no_page_of_another_origin_may_read(rested: World) -> None:
    """There is no CORS: no answer allows another origin anything."""
    with rested.client(READ) as client:
        headers = {"Origin": "https://evil.example.com", "Access-Control-Request-Method": "GET"}
        answers = [client.request(method, "/openapi.json", headers=headers) for method in ("GET", "OPTIONS")]
    assert [each.status_code for each in answers] == [200, 405]
    assert not any(name.startswith("access-control") for each in answers for name in each.headers)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"port": 65_536}, "no TCP port"),
        ({"read_tokens": ("short",)}, "a token for read has 5 characters"),
        ({"manage_tokens": ("has a space in the middle",)}, "no header can hold"),
        ({"read_tokens": (MANAGE,), "manage_tokens": (MANAGE,)}, "the same token"),
        ({"event_secrets": {"services": ""}}, "anybody could sign"),
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any], told: str) -> None:
    """A setting that cannot work, or would let anybody in, is an error that shows no token."""
    with pytest.raises(InvalidOptions, match=told) as error:
        ApiSettings(**wrong)
    assert MANAGE not in str(error.value)
