"""Sources behind real HTTP, asked by a real client."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import incrsim
from incrsim.clock import EPOCH, VirtualClock
from incrsim.simulation import FakeSource, Simulation
from incrsim.simulation.served.serving import masked, unmasked
from incrsim.simulation.weather import Cut, Quota, RateLimit, TokenExpired, Unavailable
from incrsim.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from incrsim.simulation.weather import SourceCall, SourcePage


class Services:
    """The provider of the first screen, as its user wrote it."""

    name = "services"

    def __init__(self, url: str) -> None:
        self.url = url

    @contextmanager
    def around(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url) as client:
            yield client

    def next(self, client: httpx.Client, cursor: Any = None) -> incrsim.Page:
        page = (cursor or {"page": 1})["page"]
        data = client.get("/services", params={"page": page}).raise_for_status().json()
        return incrsim.Page(
            entities=[incrsim.component(item["name"], provider=self, type="service") for item in data["items"]],
            cursor={"page": page + 1},
            done=page >= data["totalPages"],
        )


class Linked(Services):
    """Follows links: its cursors hold the server's address."""

    def next(self, client: httpx.Client, cursor: Any = None) -> incrsim.Page:
        answer = client.get(cursor or "/services").raise_for_status()
        following = answer.links.get("next", {}).get("url")
        return incrsim.Page(
            entities=[incrsim.component(item["name"], provider=self) for item in answer.json()],
            cursor=following,
            done=following is None,
        )


class Polite(Services):
    """Waits as it is told."""

    def next(self, client: httpx.Client, cursor: Any = None) -> incrsim.Page:
        try:
            return super().next(client, cursor)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                raise
            reset = int(error.response.headers["X-RateLimit-Reset"])
            raise incrsim.errors.RateLimited(datetime.fromtimestamp(reset, UTC)) from error


def by_pages(client: httpx.Client, between: Callable[[], object]) -> Iterator[dict[str, Any]]:
    """Page numbers."""
    page, total = 1, 1
    while page <= total:
        data = client.get("/services", params={"page": page}).json()
        yield from data["items"]
        page, total = page + 1, data["totalPages"]
        between()


def by_offsets(client: httpx.Client, between: Callable[[], object]) -> Iterator[dict[str, Any]]:
    """Offsets, with pages of 7."""
    offset, total = 0, 1
    while offset < total:
        data = client.get("/services", params={"offset": offset, "limit": 7}).json()
        yield from data["items"]
        offset, total = offset + data["limit"], data["total"]
        between()


def by_tokens(client: httpx.Client, between: Callable[[], object]) -> Iterator[dict[str, Any]]:
    """Tokens."""
    token: str | None = ""
    while token is not None:
        data = client.get("/services", params={"pageToken": token}).json()
        yield from data["items"]
        token = data.get("nextPageToken")
        between()


def by_links(client: httpx.Client, between: Callable[[], object]) -> Iterator[dict[str, Any]]:
    """Links to the next page."""
    url: str | None = "/services"
    while url is not None:
        answer = client.get(url)
        yield from answer.json()
        url = answer.links.get("next", {}).get("url")
        between()


def by_connections(client: httpx.Client, between: Callable[[], object]) -> Iterator[dict[str, Any]]:
    """A GraphQL connection, with pages of 9."""
    query = """query ($first: Int, $after: String) { services(first: $first, after: $after) {
        edges { node { name namespace description } } pageInfo { endCursor hasNextPage } } }"""
    info: dict[str, Any] = {"endCursor": None, "hasNextPage": True}
    while info["hasNextPage"]:
        variables = {"first": 9, "after": info["endCursor"]}
        sent = {"query": query, "variables": variables}
        services = client.post("/graphql", json=sent).json()["data"]["services"]
        yield from (edge["node"] for edge in services["edges"])
        info = services["pageInfo"]
        between()


PAGINGS: dict[str, Callable[[httpx.Client, Callable[[], object]], Iterator[dict[str, Any]]]] = {
    "page-number": by_pages,
    "offset": by_offsets,
    "token": by_tokens,
    "link": by_links,
    "graphql": by_connections,
}


@dataclass
class Now:
    """Raises one trouble, then is calm."""

    trouble: Exception | None

    def page(self, call: SourceCall, answer: Callable[[], SourcePage]) -> SourcePage:
        if self.trouble is None:
            return answer()
        trouble, self.trouble = self.trouble, None
        raise trouble


class Slow:
    """Each answer takes an hour."""

    def page(self, call: SourceCall, answer: Callable[[], SourcePage]) -> SourcePage:
        assert call.source.clock is not None
        call.source.clock.wait(3600)
        return answer()


@pytest.mark.parametrize("paging", PAGINGS)
def test_api_lists_everything(paging: str) -> None:
    """Whatever the way of paging, a client gets every entity once, with what it says."""
    source = FakeSource(entities=25, page_size=10)
    source.claim(["component:other/website"], location_key="shared")
    with source.serve(paging) as url, httpx.Client(base_url=url) as client:
        items = list(PAGINGS[paging](client, lambda: None))
    refs = [f"{item['kind']}:{item['namespace']}/{item['name']}".lower() for item in items]
    assert sorted(refs) == sorted(source.snapshot().refs)
    assert items[-1]["locationKey"] == "shared"
    body = source.formula.body(3, 1)
    assert items[3] == {
        **{key: body["metadata"].get(key) for key in ("name", "namespace", "description", "labels", "annotations")},
        **body["spec"],
        "kind": "Component",
        "locationKey": None,
    }


@pytest.mark.parametrize("paging", PAGINGS)
def test_api_drifts_as_its_paging_does(paging: str) -> None:
    """When the first ones vanish after each page, only APIs that count positions lose others."""
    source = FakeSource(entities=60, page_size=10)
    with source.serve(paging) as url, httpx.Client(base_url=url) as client:
        names = {item["name"] for item in PAGINGS[paging](client, lambda: source.remove(count=3))}
    there = {ref.partition("/")[2] for ref in source.held_throughout(0, source.changes).refs}
    assert bool(there - names) == (paging in ("page-number", "offset"))


@pytest.mark.parametrize(
    ("trouble", "status"),
    [(Unavailable(), 503), (RateLimit(EPOCH + timedelta(seconds=89.5)), 429), (TokenExpired(), 410)],
    ids=["unavailable", "rate limit", "token expired"],
)
def test_trouble_has_the_status_that_apis_have_for_it(trouble: Exception, status: int) -> None:
    """Trouble arrives with its status once, then the same connection serves again; times are the virtual clock's."""
    source = FakeSource(entities=3, clock=VirtualClock())
    source.weather = Now(trouble)
    with source.serve("page-number") as url, httpx.Client(base_url=url) as client:
        answer = client.get("/services")
        assert client.get("/services").status_code == 200
    assert answer.status_code == status
    assert answer.headers["Date"] == "Wed, 01 Jan 2025 00:00:00 GMT"
    if status == 429:
        assert answer.headers["Retry-After"] == "90"
        assert int(answer.headers["X-RateLimit-Reset"]) == EPOCH.timestamp() + 90


def test_cut_connection_ends_in_the_middle_of_the_body() -> None:
    """A client sees a body that is shorter than was said, and can ask again."""
    source = FakeSource(entities=30)
    source.weather = Now(Cut())
    with source.serve("link") as url, httpx.Client(base_url=url) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
            client.get("/services")
        assert len(client.get("/services").json()) == 30


def test_slow_source_costs_virtual_time() -> None:
    """An answer that takes an hour takes it on the virtual clock."""
    clock = VirtualClock()
    source = FakeSource(entities=3, clock=clock)
    source.weather = Slow()
    with source.serve("token") as url:
        assert len(httpx.get(f"{url}/services").json()["items"]) == 3
    assert clock.now() == EPOCH + timedelta(hours=1)


def test_quota_really_resets() -> None:
    """So many answers an hour, then 429 until the hour is over."""
    clock = VirtualClock()
    source = FakeSource(entities=3, clock=clock)
    source.weather = Quota(2, timedelta(hours=1))
    with source.serve("offset") as url, httpx.Client(base_url=url) as client:
        statuses = [client.get("/services").status_code for _ in range(3)]
        clock.advance(timedelta(minutes=59))
        answer = client.get("/services")
        statuses.append(answer.status_code)
        clock.advance(timedelta(seconds=int(answer.headers["Retry-After"])))
        statuses.append(client.get("/services").status_code)
    assert statuses == [200, 200, 429, 429, 200]


@pytest.mark.parametrize(
    ("paging", "path", "status"),
    [
        ("page-number", "/services?page=0", 400),
        ("offset", "/services?limit=many", 400),
        ("link", "/services?after=-1", 400),
        ("token", "/services?pageToken=nonsense", 410),
        ("token", "/", 404),
        ("graphql", "/graphql", 405),
    ],
)
def test_requests_that_make_no_sense_are_told_so(paging: str, path: str, status: int) -> None:
    """A wrong request costs the client an error, and nobody else anything."""
    with FakeSource(entities=3).serve(paging) as url:
        answer = httpx.get(url + path)
    assert answer.status_code == status
    assert answer.json().keys() == {"error"}


@pytest.mark.parametrize(
    "sent", [b"", b"[]", b'{"query": "{ teams }"}', b'{"query": "{ services(", "variables": {"first": 0}}']
)
def test_queries_of_another_shape_are_told_so(sent: bytes) -> None:
    """GraphQL is understood as far as it is documented."""
    with FakeSource(entities=3).serve("graphql") as url:
        assert httpx.post(f"{url}/graphql", content=sent).status_code == 400


def test_nothing_is_left_of_a_server() -> None:
    """When the context is left nobody listens, no thread runs, and connections that a client left open are closed."""
    threads = set(threading.enumerate())
    source = FakeSource(entities=3)
    with httpx.Client() as client:
        with source.serve("link") as url, source.serve("token") as other:
            assert source.addresses == {"link": url, "token": other}
            assert {client.get(f"{each}/services").status_code for each in (url, other)} == {200}
        assert set(threading.enumerate()) == threads
        assert source.addresses == {}
        with pytest.raises(httpx.ConnectError):
            client.get(f"{url}/services")


def test_weather_that_breaks_is_heard_of() -> None:
    """An error in a weather itself is a 500 for the client, and is raised where the source is served."""
    source = FakeSource(entities=3)
    source.weather = Now(ZeroDivisionError("a bug"))
    statuses = []
    with pytest.raises(ZeroDivisionError, match="a bug"), source.serve("link") as url:
        statuses.append(httpx.get(f"{url}/services").status_code)
    assert statuses == [500]


def test_wrong_calls_say_what_to_write() -> None:
    """There are five ways of paging, and one server for each."""
    source = FakeSource(entities=3)
    with (
        pytest.raises(ValueError, match="write one of page-number, offset, token, link, graphql"),
        source.serve("rest"),
    ):
        pass
    with (
        source.serve("link"),
        pytest.raises(ValueError, match="it is served already, at http://127"),
        source.serve("link"),
    ):
        pass
    assert source.addresses == {}


def test_addresses_are_masked_wherever_they_stand() -> None:
    """An address is the same in every run, and comes back as the one of this run; a longer port is another one."""
    addresses = {"link": "http://127.0.0.1:4711", "token": "http://127.0.0.1:815"}
    value = {"next": "http://127.0.0.1:4711/services?after=3", "all": ["127.0.0.1:815", "127.0.0.1:8150", 815, None]}
    hidden = masked(value, addresses)
    assert hidden == {
        "next": "http://link.source.simulated/services?after=3",
        "all": ["token.source.simulated", "127.0.0.1:8150", 815, None],
    }
    assert unmasked(hidden, addresses) == value
    later = {"link": "http://127.0.0.1:4712"}
    assert unmasked(hidden, later)["next"] == "http://127.0.0.1:4712/services?after=3"
    assert masked(value, {}) == value


@pytest.mark.parametrize(("paging", "provider"), [("page-number", Services), ("link", Linked)])
def test_provider_runs_unmodified(paging: str, provider: type[Services]) -> None:
    """A provider written with httpx is driven through cycles of the real engine while its source changes."""
    clock = VirtualClock()
    source = FakeSource(entities=50, page_size=10, clock=clock)
    with source.serve(paging) as url:
        simulation = Simulation(provider(url), store=MemoryStore(clock), clock=clock)
        simulation.run_cycle()
        source.remove(percent=10)
        source.rename(count=2)
        simulation.run_cycle()
        refs = [entity.ref for entity in simulation.store.entities("services", limit=100)]
    assert refs == sorted(source.snapshot().refs)


def test_provider_survives_bad_weather() -> None:
    """A rate limit, an outage and a cut connection delay a cycle in virtual time, and cost nothing else."""
    clock = VirtualClock()
    source = FakeSource(entities=50, page_size=10, clock=clock)
    source.weather = Quota(3, timedelta(hours=1))
    with source.serve("page-number") as url:
        simulation = Simulation(Polite(url), store=MemoryStore(clock), clock=clock)
        simulation.run_cycle()
        assert clock.now() - EPOCH >= timedelta(hours=1)
        assert len(simulation.store.entities("services", limit=100)) == 50
        source.remove(count=5)
        for trouble in (Unavailable(), Cut()):
            source.weather = Now(trouble)
            simulation.run_cycle()
        assert len(simulation.store.entities("services", limit=100)) == 45
