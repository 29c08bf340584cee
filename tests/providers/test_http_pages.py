"""Every way to number pages, against a server in another process, with everything that goes wrong on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import incrsim
from incrsim import events
from providers.http_pages import HttpPages, expired_code
from providers.http_paging import LinkHeader, Offset, PageNumber
from tests.providers.reader import reading, requests
from tests.providers.server.control import ApiServer

SECRET = "tok/en+4711"

ITEMS = {"page-number": "items", "offset": "items", "token": "items", "link-header": "", "link-field": "results"}
"""Strategy → where its dialect has the items."""

every_way = pytest.mark.parametrize("way", ITEMS)

FAULTS: dict[str, dict[str, Any]] = {
    "cut": {"kind": "cut"},
    "no answer": {"kind": "drop"},
    "broken JSON": {"kind": "broken"},
    "500": {"status": 500, "body": "oops"},
    "500 with a last page": {"status": 500, "body": '{"items": [], "totalPages": 1, "total": 0, "results": []}'},
    "503": {"status": 503, "body": ""},
    "403": {"status": 403, "body": '{"error": "not today"}'},
    "404": {"status": 404, "body": ""},
    "a page for people": {
        "status": 200,
        "body": "<html>Down for maintenance",
        "headers": {"Content-Type": "text/html"},
    },
    "another JSON": {"status": 200, "body": '{"error": "try again"}'},
    "null": {"status": 200, "body": "null"},
    "nothing": {"status": 204, "body": ""},
    "a redirect": {"status": 302, "body": "", "headers": {"Location": "/login"}},
}


def services(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Items of the imaginary API."""
    return [{"name": f"service-{number:03}", **fields} for number in range(count)]


def names(items: list[dict[str, Any]]) -> set[str]:
    """What the catalog should hold."""
    return {each["name"] for each in items}


def pages(api: ApiServer, way: str = "page-number", **arguments: Any) -> HttpPages:
    """A provider for one dialect, ten items a page."""
    path = {"page-number": ""}.get(way, f"/{way}")
    arguments = {"page_size": 10, "items": ITEMS[way], **arguments}
    return HttpPages(f"{api.url}{path}/services", way, **arguments)


@every_way
def test_the_catalog_follows_the_source(api: ApiServer, way: str) -> None:
    """What is there comes in, what changes is updated, what is gone goes, and the rest is left alone."""
    clock = api.clock()
    api.services(items := services(35))
    with reading(pages(api, way, clock=clock), clock) as reader:
        assert reader.cycle().ingestion.counts.added == 35
        assert reader.cycle().ingestion.counts.unchanged == 35
        api.services(items := [*services(20), *services(30, owner="team-a")[20:]])
        counts = reader.cycle().ingestion.counts
        assert (counts.unchanged, counts.updated, counts.removed) == (20, 10, 5)
        assert reader.names() == names(items)


@every_way
@pytest.mark.parametrize("count", [0, 1, 10, 20])
def test_page_boundaries_lose_nothing(api: ApiServer, way: str, count: int) -> None:
    """An empty source, a single item and full pages come in whole, with one request a page."""
    clock = api.clock()
    api.services(services(count))
    with reading(pages(api, way, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert reader.names() == names(services(count))
    assert len(api.log) == max(1, count // 10)


@every_way
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_costs_a_wait_and_nothing_else(api: ApiServer, way: str, fault: str) -> None:
    """The page that failed is asked for again after the first wait of the list; nothing is lost or read twice."""
    clock = api.clock()
    api.services(services(35))
    api.fail(3, **FAULTS[fault])
    with reading(pages(api, way, clock=clock), clock) as reader:
        report = reader.cycle()
        assert (report.verdict, report.ingestion.counts.added, report.returned) == ("swept", 35, 35)
        assert reader.names() == names(services(35))
        (failed,) = reader.failures()
        assert (failed.failure.page, failed.attempts, failed.due_at) == (3, 1, failed.at + timedelta(seconds=5))
    asked = requests(api)
    assert asked[2] == asked[3]
    assert len(asked) == 5


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_a_slow_answer_is_given_up(api: ApiServer, kind: str) -> None:
    """An answer that does not come, or comes a byte at a time, is an error after `timeout`, and then tried again."""
    clock = api.clock()
    api.services(services(35))
    api.fail(2, kind)
    with reading(pages(api, timeout=0.15, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert len(reader.failures()) == 1
        assert reader.names() == names(services(35))


@every_way
def test_a_budget_is_never_overdrawn(api: ApiServer, way: str) -> None:
    """Headers say when the last request is spent: the burst ends, and goes on at exactly the instant of the reset."""
    clock = api.clock()
    api.services(services(45))
    api.set(budget=2, window=90)
    with reading(pages(api, way, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert reader.names() == names(services(45))
        limited = reader.failures()
        assert [each.due_at for each in limited] == [each.at + timedelta(seconds=90) for each in limited]
        assert [(each.failure.consequence, each.attempts) for each in limited] == [("rate limited", 0)] * 2
    assert {each["status"] for each in api.log} == {200}


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry-After": "17"}, 17),
        (429, {"Retry-After": "Wed, 01 Jan 2025 00:00:23 GMT"}, 23),
        (429, {}, 60),
        (429, {"Retry-After": "0"}, 1),
        (429, {"Retry-After": "soon"}, 60),
        (429, {"Retry-After": "9" * 4000}, 86_400),
        (503, {"Retry-After": "40"}, 40),
        (403, {"Retry-After": "41"}, 41),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1735689642"}, 42),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "43"}, 43),
        (429, {"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "1735699999"}, 60),
    ],
)
def test_a_refusal_says_when_to_come_back(api: ApiServer, status: int, headers: dict[str, str], wait: int) -> None:
    """Seconds, dates and resets are read as their authors meant them, by the server's own clock."""
    clock = api.clock()
    api.services(services(15))
    api.fail(2, status=status, headers=headers)
    with reading(pages(api, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        (limited,) = reader.failures()
        assert (limited.due_at, limited.attempts) == (limited.at + timedelta(seconds=wait), 0)
        assert reader.names() == names(services(15))


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_second_reader_of_the_same_budget_waits_too(api: ApiServer, form: str) -> None:
    """Refused for what others spent, the provider comes back when the source said, and is not refused again."""
    clock = api.clock()
    api.services(services(25))
    api.set(budget=4, window=90, retry_after=form)
    with reading(pages(api, clock=clock), clock) as reader:
        api.set(used=3, resets_at=clock.now().timestamp() + 70)
        assert reader.cycle().verdict == "swept"
        assert reader.names() == names(services(25))
        assert [each.due_at for each in reader.failures()] == [reader.events[0].at + timedelta(seconds=70)]


def test_clocks_may_disagree(api: ApiServer) -> None:
    """A date counts from the answer's own date, also when the server's clock is a day off."""
    clock = api.clock()
    api.services(services(15))
    api.fail(2, status=429, headers={"Retry-After": "Thu, 02 Jan 2025 00:00:30 GMT"})
    with reading(pages(api, clock=clock), clock) as reader:
        api.set(now=incrsim.VirtualClock().now().timestamp() + 86_400)
        assert reader.cycle().verdict == "swept"
        (limited,) = reader.failures()
        assert limited.due_at == limited.at + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("status", "expired"), [(410, {}), (400, {"expired": expired_code(400, "error.code", "page_token_expired")})]
)
def test_an_expired_token_starts_over_at_once(api: ApiServer, status: int, expired: dict[str, Any]) -> None:
    """Without any wait the first page is asked for again, and the catalog is whole in the end."""
    clock = api.clock()
    api.services(services(35))
    api.set(expiry_status=status)
    provider = pages(api, "token", clock=clock, **expired)
    with reading(provider, clock) as reader:
        once = iter([timedelta(seconds=301)])

        def delay(event: events.Event) -> None:
            if isinstance(event, events.PageCommitted):
                clock.advance(next(once, timedelta()))

        reader.app.events.subscribe(delay)
        assert reader.cycle().verdict == "canceled"
        assert reader.cycle().verdict == "swept"
        assert reader.names() == names(services(35))
        assert [each.failure.consequence for each in reader.failures()] == ["cursor expired"]
        (ended,) = reader.of(events.IngestionEnded)
        assert ended.due_at == ended.at
    assert [("pageToken" in each["query"], each["status"]) for each in api.log[:3]] == [
        (False, 200),
        (True, status),
        (False, 200),
    ]


def test_410_without_a_cursor_is_an_ordinary_error(api: ApiServer) -> None:
    """Where there was no cursor, none can have expired: that would start over without end."""
    clock = api.clock()
    api.services(services(5))
    api.fail(1, status=410)
    with reading(pages(api, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert [each.failure.consequence for each in reader.failures()] == ["retry"]


@pytest.mark.parametrize("give", ["token", "environment"])
def test_the_token_is_sent_and_never_told(api: ApiServer, monkeypatch: pytest.MonkeyPatch, give: str) -> None:
    """A server that shows the token in its error gets it into no event, record, problem, cursor, entity or repr."""
    clock = api.clock()
    api.services(services(15))
    api.set(token=SECRET)
    api.fail(
        2,
        status=500,
        body=f"you said {SECRET}, also written tok%2Fen%2B4711 or tok\\/en+4711 {SECRET * 5000}",
        headers={"Link": f"<{SECRET}>"},
    )
    monkeypatch.setenv("SERVICES_TOKEN", f"{SECRET}\n")
    given = {"token": {"token": SECRET}, "environment": {"token_env": "SERVICES_TOKEN"}}[give]
    provider = pages(api, clock=clock, **given)
    with reading(provider, clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert "you said ***, also written *** or ***" in reader.failures()[0].failure.message
        told = reader.everything_kept() + repr(provider) + repr(vars(provider))
        assert "4711" not in told
    assert all(each["authorized"] for each in api.log)


def test_a_wrong_token_is_an_error_and_no_empty_source(api: ApiServer) -> None:
    """401 keeps what is there, and says what was answered."""
    clock = api.clock()
    api.services(services(5))
    with reading(pages(api, token=SECRET, clock=clock), clock) as reader:
        reader.cycle()
        api.set(token="another")
        assert reader.cycle().verdict == "canceled"
        assert "/services answered 401" in reader.failures()[-1].failure.message
        assert reader.names() == names(services(5))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"token_env": "NO_SUCH_VARIABLE"}, "environment variable NO_SUCH_VARIABLE is not set"),
        ({"token": "two words"}, "no header can carry it"),
        ({"token": "brea\nk4711"}, "no header can carry it"),
        ({"token": ""}, "no header can carry it"),
        ({"token": "4711é"}, "no header can carry it"),
    ],
)
def test_a_token_that_cannot_be_sent_is_not_shown(api: ApiServer, given: dict[str, str], message: str) -> None:
    """The error names where the token comes from, and nothing is sent without it."""
    with pytest.raises(incrsim.ProviderError, match=message) as caught, pages(api, **given).around():
        pass
    assert "4711" not in str(caught.value)
    assert api.log == []


@pytest.mark.parametrize("way", ["link-header", "link-field"])
@pytest.mark.parametrize(
    "link",
    [
        "http://localhost:{port}/link-header/services?after=x",
        "https://127.0.0.1:{port}/link-header/services",
        "http://127.0.0.1:1/services",
        "//127.0.0.2:{port}/services",
        "http://127.0.0.1:{port}@evil.example/services",
    ],
)
def test_a_next_link_to_another_origin_is_refused(api: ApiServer, way: str, link: str) -> None:
    """The token would go with it: nothing is sent there, and the error says what to do."""
    clock = api.clock()
    api.services(services(25))
    link = link.format(port=api.url.rpartition(":")[2])
    if way == "link-header":
        api.fail(2, "add", headers={"Link": f'<{link}>; rel="next"'})
    else:
        api.fail(2, status=200, body=f'{{"results": [], "next": "{link}"}}')
    with reading(pages(api, way, token=SECRET, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "canceled"
        (failed,) = reader.failures()
        assert failed.failure.consequence == "fatal"
        assert "another origin, where the token must not go" in failed.failure.message
    assert len(api.log) == 2


@pytest.mark.parametrize("way", ["link-header", "link-field"])
def test_a_path_that_looks_like_a_host_stays_here(api: ApiServer, way: str) -> None:
    """A next link to `//elsewhere/services` on this origin is a path of this origin, and asked for here."""
    clock = api.clock()
    api.services(services(25))
    link = f"{api.url}//localhost:{api.url.rpartition(':')[2]}/services"
    api.fail(1, "add", headers={"Link": f'<{link}>; rel="next"'})
    if way == "link-field":
        api.fail(1, status=200, body=f'{{"results": [], "next": "{link}"}}')
    with reading(pages(api, way, token=SECRET, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "canceled"
        assert "answered 404" in reader.failures()[0].failure.message
    assert {each["host"] for each in api.log} == {api.url.removeprefix("http://")}


def test_a_next_link_that_holds_the_token_is_refused(api: ApiServer) -> None:
    """Cursors are kept and shown, so that a token must not get into one."""
    clock = api.clock()
    api.services(services(25))
    api.fail(1, "add", headers={"Link": '</link-header/services?key=tok%2Fen%2B4711>; rel="next"'})
    with reading(pages(api, "link-header", token=SECRET, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "canceled"
        assert "4711" not in reader.everything_kept()


def test_relative_links_and_odd_headers_are_read(api: ApiServer) -> None:
    """A next page may be named relative to this one, in any case, among others, with `;` and `,` in its address."""
    clock = api.clock()
    api.services(services(15))
    link = '<x>; title="a, <b>; rel=next", <services?after=service-009&per_page=10&q=a,b;c>; foo; REL="last Next"'
    api.fail(1, "add", headers={"Link": link})
    with reading(pages(api, "link-header", clock=clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert reader.names() == names(services(15))
    assert requests(api)[1] == "/link-header/services?after=service-009&per_page=10&q=a,b;c"


def test_an_unreadable_link_header_is_not_the_last_page(api: ApiServer) -> None:
    """What cannot be read is an error: taken for the end, it would have the rest removed."""
    clock = api.clock()
    api.services(services(25))
    with reading(pages(api, "link-header", clock=clock), clock) as reader:
        reader.cycle()
        api.fail(len(api.log) + 1, "add", headers={"Link": "service-009; rel=next"})
        assert reader.cycle().verdict == "swept"
        assert "Link header that cannot be read" in reader.failures()[0].failure.message
        assert reader.names() == names(services(25))


def test_a_total_that_the_pages_do_not_bear_out_is_an_error(api: ApiServer) -> None:
    """A page without items, though there should be more, is no end."""
    clock = api.clock()
    api.services(services(25))
    api.fail(2, status=200, body='{"items": [], "total": 25}')
    with reading(pages(api, "offset", clock=clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert "no items at 10, and says that there are 25" in reader.failures()[0].failure.message
        assert reader.names() == names(services(25))


@pytest.mark.parametrize("strategy", [PageNumber(total=""), Offset(total="")])
def test_without_a_total_an_empty_page_is_the_end(api: ApiServer, strategy: PageNumber | Offset) -> None:
    """A server that says nothing of what is to come is asked until nothing comes."""
    clock = api.clock()
    api.services(services(20))
    path = "/services" if isinstance(strategy, PageNumber) else "/offset/services"
    provider = HttpPages(f"{api.url}{path}", strategy, page_size=10, clock=clock)
    with reading(provider, clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert reader.names() == names(services(20))
    assert len(api.log) == 3


def test_a_server_that_cuts_large_limits_loses_nothing(api: ApiServer) -> None:
    """The next page begins behind what came, not behind what was asked for."""
    clock = api.clock()
    api.services(services(35))
    api.set(largest_page=10)
    with reading(pages(api, "offset", page_size=1000, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert reader.names() == names(services(35))


def test_the_source_may_shift_under_numbered_pages(api: ApiServer) -> None:
    """With a grace cycle, an entity that fell between two pages is not removed."""
    clock = api.clock()
    api.services(services(30))
    with reading(pages(api, clock=clock), clock, removal_grace_cycles=1) as reader:
        reader.cycle()
        removals = iter([services(30)[5:]])

        def shrink(event: events.Event) -> None:
            if isinstance(event, events.PageCommitted) and (left := next(removals, None)):
                api.services(left)

        reader.app.events.subscribe(shrink)
        reader.cycle()
        assert names(services(30)[5:]) <= reader.names()
        reader.cycle()
        reader.cycle()
        assert reader.names() == names(services(30)[5:])


def test_items_become_what_the_provider_makes_of_them(api: ApiServer) -> None:
    """`entity` makes the entities, and leaves out what it returns nothing for."""
    clock = api.clock()
    api.services([{"name": "a", "retired": True}, {"name": "b", "retired": False}])

    def make(item: Any, provider: incrsim.IncrementalEntityProvider) -> incrsim.Entity | None:
        return None if item["retired"] else incrsim.resource(item["name"], provider=provider, type="database")

    with reading(pages(api, entity=make, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert [each.ref for each in reader.app.catalog.entities()] == ["resource:default/b"]


def test_known_fields_of_items_are_kept(api: ApiServer) -> None:
    """Title, description, owner, type and tags of an item become those of its component."""
    clock = api.clock()
    api.services(
        [{"name": "a", "title": "A", "description": "d", "owner": "o", "type": "website", "tags": ["x"], "z": 1}]
    )
    with reading(pages(api, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        (body,) = reader.bodies()
        assert body["spec"] == {"type": "website", "lifecycle": "production", "owner": "o"}
        assert {key: body["metadata"][key] for key in ("title", "description", "tags")} == {
            "title": "A",
            "description": "d",
            "tags": ["x"],
        }


@pytest.mark.parametrize("bad", [7, None, {}, {"name": None}, {"name": ["x"]}, []])
def test_an_item_without_a_name_deletes_nothing(api: ApiServer, bad: Any) -> None:
    """The others of its page come in, and as long as it is unknown what is missing, nothing is removed."""
    clock = api.clock()
    api.services(services(5))
    with reading(pages(api, clock=clock), clock, max_invalid_percentage=100) as reader:
        reader.cycle()
        api.services([*services(4), bad, {"name": "new"}])
        assert reader.cycle().verdict == "refused"
        assert reader.names() == names(services(5)) | {"new"}
        assert len(reader.app.store.problems("http-pages")) == 1


def test_a_forbidden_name_is_a_problem_of_its_own(api: ApiServer) -> None:
    """A name that Backstage does not allow costs its item, and nothing else."""
    clock = api.clock()
    api.services([*services(15), {"name": "my service"}])
    with reading(pages(api, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        (problem,) = reader.app.store.problems("http-pages")
        assert (problem.field, problem.rule) == ("metadata.name", "name")


@pytest.mark.parametrize(
    "make",
    [
        lambda: HttpPages("ftp://example.com/x"),
        lambda: HttpPages("example.com"),
        lambda: HttpPages("https://me:secret@example.com/x"),
        lambda: HttpPages("https://example.com/x", "pages"),
        lambda: HttpPages("https://example.com/x", auth="Bearer"),
    ],
)
def test_wrong_arguments_say_what_to_write(make: Callable[[], object]) -> None:
    """An address, a strategy or a header that cannot work is refused at once, without showing a password."""
    with pytest.raises(ValueError, match=r"https://api|write") as caught:
        make()
    assert "secret" not in str(caught.value)


def test_another_header_may_carry_the_token(api: ApiServer) -> None:
    """`auth` is a header's name and form."""
    api.set(token=SECRET)
    api.services(services(1))
    provider = pages(api, token=SECRET, auth="authorization:  Bearer {token}")
    with provider.around() as session:
        assert provider.next(session).done


def test_strategies_take_other_names(api: ApiServer) -> None:
    """A strategy's parameters are arguments of its own."""
    api.services(services(3))
    provider = HttpPages(f"{api.url}/link-header/services?per_page=2", LinkHeader(size="n"), items="", page_size=5)
    with provider.around() as session:
        page = provider.next(session)
    assert page.cursor == {"next": "/link-header/services?per_page=2&n=5&after=service-001"}
