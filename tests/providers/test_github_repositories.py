"""GitHub's GraphQL connection and its webhooks; the server checks each query against the schema."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

import incrsim
from incrsim import events
from incrsim.api import ApiSettings, serve as run_api
from incrsim.draft import as_entity
from providers.github_entities import FIELDS
from providers.github_repositories import QUERY, GitHubRepositories
from providers.github_webhooks import verify_signature
from tests.providers.reader import Reader, reading
from tests.providers.server import github
from tests.providers.server.control import ApiServer, ServedClock

SECRET = "ghp_4711"

FAULTS: dict[str, dict[str, Any]] = {
    "cut": {"kind": "cut"},
    "no answer": {"kind": "drop"},
    "broken JSON": {"kind": "broken"},
    "500": {"status": 500, "body": ""},
    "403": {"status": 403, "body": '{"message": "Resource not accessible by personal access token"}'},
    "no data": {"status": 200, "body": '{"data": null}'},
    "an error instead": {"status": 200, "body": '{"errors": [{"message": "Something went wrong"}]}'},
    "no organisation": {
        "status": 200,
        "body": '{"data": {"organization": null}, "errors": [{"type": "FORBIDDEN", "message": "SAML"}]}',
    },
}


def repository(number: int, **fields: Any) -> dict[str, Any]:
    """A repository in GraphQL's form."""
    name = fields.get("name", f"repo-{number:03}")
    return {
        "databaseId": number,
        "name": name,
        "nameWithOwner": f"acme/{name}",
        "description": None,
        "url": f"https://github.com/acme/{name}",
        "homepageUrl": "",
        "visibility": "PRIVATE",
        "createdAt": f"2020-01-{1 + number // 10:02}T00:00:00Z",
        "isArchived": False,
        "isDisabled": False,
        "isFork": False,
        "isTemplate": False,
        "primaryLanguage": {"name": "C++"},
        "licenseInfo": None,
        "repositoryTopics": {"nodes": [{"topic": {"name": "tooling"}}]},
    } | fields


def repositories(count: int) -> list[dict[str, Any]]:
    """Some of them."""
    return [repository(number) for number in range(count)]


def serve(api: ApiServer, served: list[dict[str, Any]]) -> None:
    """What the organisation has."""
    api.set(collections={"repositories": served})


def provider(api: ApiServer, clock: ServedClock | None = None, **arguments: Any) -> GitHubRepositories:
    """For the server's organisation, ten repositories a page."""
    arguments = {"page_size": 10, "token": SECRET, "clock": clock, **arguments}
    return GitHubRepositories("acme", url=f"{api.url}/graphql", **arguments)


def sizes(api: ApiServer, reader: Reader) -> tuple[int, int]:
    """Requests, and entities in the catalog."""
    return len(api.log), reader.app.catalog.count()


def test_the_catalog_follows_the_organisation(api: ApiServer) -> None:
    """Repositories come, change, and go; all pages together are the organisation."""
    clock = api.clock()
    api.set(token=SECRET)
    serve(api, repositories(25))
    with reading(provider(api, clock), clock) as reader:
        assert reader.cycle().ingestion.counts.added == 25
        assert reader.cycle().ingestion.counts.unchanged == 25
        serve(api, [repository(0, isArchived=True), *repositories(20)[1:]])
        counts = reader.cycle().ingestion.counts
        assert (counts.updated, counts.unchanged, counts.removed) == (1, 19, 5)
        assert SECRET not in reader.everything_kept()


def test_what_a_repository_is_stands_in_its_entity(api: ApiServer) -> None:
    """Flags become labels, topics tags, the rest annotations; an archived one is deprecated."""
    clock = api.clock()
    topics = {"nodes": [{"topic": {"name": name}} for name in ("b-c", "a", "odd--one")]}
    fields = {"isArchived": True, "isFork": True, "licenseInfo": {"spdxId": "MIT"}, "homepageUrl": "https://a.example"}
    serve(api, [repository(1, description="What it is", repositoryTopics=topics, **fields)])
    with reading(provider(api, clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        (body,) = reader.bodies()
    metadata = body["metadata"]
    assert body["spec"] == {"type": "repository", "lifecycle": "deprecated", "owner": "unknown"}
    assert (metadata["title"], metadata["description"], metadata["tags"]) == ("repo-001", "What it is", ["a", "b-c"])
    assert metadata["labels"] == {
        "github.com/archived": "true",
        "github.com/disabled": "false",
        "github.com/fork": "true",
        "github.com/template": "false",
        "github.com/visibility": "private",
    }
    annotations = metadata["annotations"]
    assert annotations["backstage.io/source-location"] == "url:https://github.com/acme/repo-001/"
    assert {key: text for key, text in annotations.items() if key.startswith("github.com/")} == {
        "github.com/project-slug": "acme/repo-001",
        "github.com/language": "C++",
        "github.com/license": "MIT",
        "github.com/homepage": "https://a.example",
    }


@pytest.mark.parametrize("name", [".github", "-", "a" * 100, "x_", "-dash-", "__", "Ünï"])
def test_every_name_that_github_allows_is_a_valid_entity(api: ApiServer, name: str) -> None:
    """Names that Backstage does not allow are shortened, and stay unique."""
    clock = api.clock()
    serve(api, [repository(1, name=name), repository(2, name=f"{name}-2"), repository(3, name=f"2{name}")])
    with reading(provider(api, clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert reader.app.catalog.count() == 3
        assert not reader.app.store.problems(reader.name)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_costs_a_wait_and_nothing_else(api: ApiServer, fault: str) -> None:
    """The page that failed is asked for again after the first wait of the list; nothing is lost."""
    clock = api.clock()
    serve(api, repositories(25))
    with reading(provider(api, clock), clock) as reader:
        reader.cycle()
        api.fail(5, **FAULTS[fault])
        assert reader.cycle().verdict == "swept"
        (failed,) = reader.failures()
        assert (failed.failure.page, failed.due_at) == (2, failed.at + timedelta(seconds=5))
        assert reader.app.catalog.count() == 25


def test_a_query_that_takes_too_long_is_asked_in_smaller_pages(api: ApiServer) -> None:
    """502 halves the page, without a wait and without a failure."""
    clock = api.clock()
    serve(api, repositories(60))
    api.set(heavy_above=30)
    with reading(provider(api, clock, page_size=100), clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert (reader.app.catalog.count(), reader.failures()) == (60, [])
    assert [each["status"] for each in api.log] == [502, 502, 200] * 3


def test_a_page_that_cannot_get_smaller_waits(api: ApiServer) -> None:
    """When the smallest page takes too long as well, the list of waits decides."""
    clock = api.clock()
    serve(api, repositories(15))
    api.set(heavy_above=0)
    with reading(provider(api, clock), clock) as reader:
        assert reader.cycle().verdict == "canceled"
        assert "may be the result of a timeout" in reader.failures()[0].failure.message
    assert {each["status"] for each in api.log} == {502}


def test_points_are_never_overdrawn(api: ApiServer) -> None:
    """When the points do not suffice for another page, the provider waits for exactly the reset."""
    clock = api.clock()
    serve(api, repositories(250))
    api.set(budget=11, points=2, window=3600)  # five pages, and a point that is no use
    with reading(provider(api, clock, page_size=100), clock) as reader:
        reader.cycle()
        assert reader.cycle().verdict == "swept"
        (limited,) = reader.failures()
        assert (limited.due_at, limited.attempts) == (reader.events[0].at + timedelta(seconds=3600), 0)
        assert reader.app.catalog.count() == 250
    assert len(api.log) == 6


@pytest.mark.parametrize("kind", ["RATE_LIMITED", "RATE_LIMIT"])
def test_the_primary_limit_answers_200(api: ApiServer, kind: str) -> None:
    """A success that holds nothing but this error is a rate limit, until the reset in its headers."""
    clock = api.clock()
    serve(api, repositories(25))
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(clock.now().timestamp()) + 1234)}
    api.fail(2, status=200, body=f'{{"errors": [{{"type": "{kind}", "message": "API rate limit"}}]}}', headers=headers)
    with reading(provider(api, clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        (limited,) = reader.failures()
        assert (limited.due_at, limited.attempts) == (limited.at + timedelta(seconds=1234), 0)
        assert reader.app.catalog.count() == 25


@pytest.mark.parametrize("status", [200, 403, 429])
@pytest.mark.parametrize(("headers", "wait"), [({"Retry-After": "77"}, 77), ({}, 60)])
def test_secondary_limits_are_waited_for(api: ApiServer, status: int, headers: dict[str, str], wait: int) -> None:
    """For as long as `Retry-After` says, else a minute, though the primary limit's reset is much later."""
    clock = api.clock()
    serve(api, repositories(25))
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    body = f'{{"message": "{message}"}}' if status > 200 else f'{{"errors": [{{"message": "{message}"}}]}}'
    more = {"X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": str(int(clock.now().timestamp()) + 3000)}
    api.fail(2, status=status, body=body, headers=headers | more)
    with reading(provider(api, clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        (limited,) = reader.failures()
        assert (limited.due_at, limited.attempts) == (limited.at + timedelta(seconds=wait), 0)


def test_a_repository_that_may_not_be_seen_refuses_the_sweep(api: ApiServer) -> None:
    """Nobody knows which one it is: a problem without a ref, and nothing is removed; the others come in."""
    clock = api.clock()
    serve(api, repositories(15))
    with reading(provider(api, clock), clock) as reader:
        reader.cycle()
        serve(api, [*repositories(12), repository(12, fails="node"), repository(99)])
        assert reader.cycle().verdict == "refused"
        assert reader.app.catalog.count() == 16
        (problem,) = reader.app.store.problems(reader.name)
        assert problem.ref is None
        assert problem.message.startswith("FORBIDDEN: Resource protected by organization SAML enforcement")


def test_a_field_that_fails_is_a_problem_of_its_repository(api: ApiServer) -> None:
    """The repository comes in without it, and the sweep goes on."""
    clock = api.clock()
    serve(api, [*repositories(3), repository(3, fails="licenseInfo")])
    with reading(provider(api, clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        (problem,) = reader.app.store.problems(reader.name)
        assert (problem.ref, problem.field) == ("component:default/repo-003", "licenseInfo")


def test_a_cursor_that_github_does_not_know_starts_over_at_once(api: ApiServer) -> None:
    """It is the cursor that is wrong, and waiting would not help."""
    clock = api.clock()
    serve(api, repositories(25))
    message = '"type": "INVALID_CURSOR_ARGUMENTS", "message": "`x` does not appear to be a valid cursor."'
    api.fail(2, status=200, body=f'{{"data": {{"organization": null}}, "errors": [{{{message}}}]}}')
    with reading(provider(api, clock), clock) as reader:
        assert reader.load().verdict == "swept"
        (ended,) = reader.of(events.IngestionEnded)
        assert ended.due_at == ended.at
        assert reader.app.catalog.count() == 25


def test_removals_while_it_is_read_move_nothing(api: ApiServer) -> None:
    """The order of creation is a key: whatever is deleted meanwhile, no other repository is missed."""
    clock = api.clock()
    serve(api, repositories(30))
    with reading(provider(api, clock), clock) as reader:
        reader.cycle()

        def shrink(event: events.Event) -> None:
            if isinstance(event, events.PageCommitted) and event.page == 1:
                serve(api, [*repositories(30)[8:], repository(99)])

        reader.app.events.subscribe(shrink)
        reader.cycle()
        assert {f"repo-{number:03}" for number in (*range(8, 30), 99)} <= reader.names()


def test_another_organisation_is_an_error(api: ApiServer) -> None:
    """A login that is not there is no empty organisation."""
    clock = api.clock()
    with reading(GitHubRepositories("nobody", url=f"{api.url}/graphql", token=SECRET, clock=clock), clock) as reader:
        assert reader.cycle().verdict == "canceled"
        assert "Could not resolve to an Organization" in reader.failures()[0].failure.message


def test_the_query_asks_for_what_the_schema_has() -> None:
    """Every field of the query is known, and the server would notice one that is not."""
    assert list(github.undefined(github.parse(QUERY), "Query", [])) == []
    wrong = github.parse(QUERY.replace("isFork", "fork"))
    assert [each["message"] for each in github.undefined(wrong, "Query", [])] == [
        "Field 'fork' doesn't exist on type 'Repository'"
    ]
    assert "pushedAt" not in FIELDS


@pytest.mark.parametrize("arguments", [{"organization": ""}, {"organization": "a", "page_size": 101}])
def test_wrong_arguments_say_what_to_write(arguments: dict[str, Any]) -> None:
    """A login and a page size that GitHub takes."""
    with pytest.raises(ValueError, match="write a login, and 1 to 100"):
        GitHubRepositories(**arguments)


# --- webhooks ---------------------------------------------------------------------------------------------------------


ORGANIZATION = {"login": "Acme", "id": 2, "node_id": "O_2", "url": "https://api.github.com/orgs/Acme"}
MEMBER = {"login": "me", "id": 3, "node_id": "U_3", "type": "User", "site_admin": False}
LINKS = ("forks", "hooks", "events", "languages", "contributors", "merges", "deployments", "downloads", "subscribers")
COUNTS = ("size", "stargazers_count", "watchers_count", "forks_count", "open_issues_count", "forks", "watchers")


def webhook(node: Mapping[str, Any]) -> dict[str, Any]:
    """A repository as webhooks have it, with keys of every kind that GitHub sends; most are nothing to us."""
    slug = node["nameWithOwner"]
    return {
        "id": node["databaseId"],
        "node_id": f"R_{node['databaseId']}",
        "name": node["name"],
        "full_name": slug,
        "owner": {**ORGANIZATION, "type": "Organization", "site_admin": False},
        "private": node["visibility"] != "PUBLIC",
        "html_url": node["url"],
        "description": node["description"],
        "fork": node["isFork"],
        "url": f"https://api.github.com/repos/{slug}",
        **{f"{name}_url": f"https://api.github.com/repos/{slug}/{name}" for name in LINKS},
        "created_at": node["createdAt"],
        "updated_at": "2026-11-20T12:00:00Z",
        "pushed_at": "2026-11-20T12:00:00Z",
        "clone_url": f"{node['url']}.git",
        "homepage": node["homepageUrl"] or None,
        **dict.fromkeys(COUNTS, 1),
        "language": (node["primaryLanguage"] or {}).get("name"),
        **dict.fromkeys(("has_issues", "has_projects", "has_downloads", "has_wiki"), True),
        "mirror_url": None,
        "archived": node["isArchived"],
        "disabled": node["isDisabled"],
        "license": node["licenseInfo"] and {"key": "mit", "spdx_id": node["licenseInfo"]["spdxId"], "node_id": "L_1"},
        "allow_forking": True,
        "is_template": node["isTemplate"],
        "topics": [each["topic"]["name"] for each in node["repositoryTopics"]["nodes"]],
        "visibility": node["visibility"].lower(),
        "default_branch": "main",
        "custom_properties": {},
    }


def delivery(action: str, node: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The body of a delivery about a repository."""
    return {
        "action": action,
        "repository": webhook(node),
        "organization": ORGANIZATION,
        "sender": MEMBER,
        "installation": {"id": 1, "node_id": "I_1"},
        **more,
    }


def delta(payload: Any, event_type: str = "repository") -> incrsim.Delta | None:
    """What a delivery changes."""
    return GitHubRepositories("acme").on_event(incrsim.SourceEvent("github", payload, {"X-GitHub-Event": event_type}))


def added(found: incrsim.Delta) -> list[str | None]:
    """The refs of what a delta adds."""
    return [as_entity(each).ref for each in found.added]


@pytest.mark.parametrize("action", ["created", "edited", "archived", "unarchived", "publicized", "privatized"])
def test_a_webhook_brings_the_same_entity_as_a_page(api: ApiServer, action: str) -> None:
    """Else each event would be undone, and done again, by the next ingestion."""
    node = repository(
        7, isArchived=action == "archived", licenseInfo={"spdxId": "MIT"}, homepageUrl="https://x.example"
    )
    serve(api, [node])
    asked = provider(api)
    with asked.around() as session:
        (paged,) = asked.next(session).entities
    assert delta(delivery(action, node)) == incrsim.Delta([paged], [])


@pytest.mark.parametrize(
    ("before", "after", "removed"),
    [("old", "new", ["component:default/old"]), ("Name", "name", []), (".github", "github", None)],
)
def test_a_renamed_repository_leaves_its_old_name(before: str, after: str, removed: list[str] | None) -> None:
    """The old ref goes, unless names differ in case alone and it is the same."""
    changes = {"repository": {"name": {"from": before}}}
    found = delta(delivery("renamed", repository(1, name=after), changes=changes))
    assert found is not None
    assert added(found) == [f"component:default/{after}"]
    gone = list(found.removed)
    assert gone == removed if removed is not None else gone[0].startswith("component:default/github-")


def test_a_deleted_repository_goes() -> None:
    """Its ref is removed."""
    assert delta(delivery("deleted", repository(1))) == incrsim.Delta(removed=["component:default/repo-001"])


def test_a_transfer_is_seen_from_both_sides() -> None:
    """A repository that comes is added; one that leaves for another owner is removed; others are not ours."""
    came = delivery("transferred", repository(1), changes={"owner": {"from": {"user": MEMBER}}})
    here = delta(came)
    assert here is not None
    assert added(here) == ["component:default/repo-001"]
    elsewhere = came | {"repository": webhook(repository(1)) | {"owner": {"login": "others"}}}
    left = elsewhere | {"changes": {"owner": {"from": {"organization": ORGANIZATION | {"login": "ACME"}}}}}
    assert delta(left) == incrsim.Delta(removed=["component:default/repo-001"])
    assert delta(elsewhere) is None
    assert delta(left | {"action": "created"}) is None


@pytest.mark.parametrize(
    ("event_type", "payload"), [("push", {"ref": "main"}), ("ping", {}), ("repository", {"action": "new one"})]
)
def test_other_deliveries_are_ignored(event_type: str, payload: dict[str, Any]) -> None:
    """What is not about the existence or the properties of a repository changes nothing."""
    assert delta(payload, event_type) is None


@pytest.mark.parametrize(
    "change",
    [
        {"repository": None},
        {"repository": {}},
        {"repository": {"name": "x", "owner": None}},
        {"repository": {"name": "x", "owner": {"login": 7}}},
        {"repository": {"name": 7, "owner": {"login": "acme"}}},
        {"action": "renamed", "changes": "x"},
        {"action": "renamed", "changes": {"repository": {"name": {"from": None}}}},
        {"action": "created", "repository": {**webhook(repository(1)), "topics": 7}},
    ],
)
def test_a_payload_that_github_never_sends_is_an_error(change: dict[str, Any]) -> None:
    """One kind of error, whatever is wrong."""
    with pytest.raises(ValueError, match="no `repository` event of GitHub's"):
        delta(delivery("deleted", repository(1)) | change)


@pytest.mark.parametrize("payload", [None, [], "x", 7])
def test_a_payload_that_is_no_mapping_is_an_error(payload: object) -> None:
    """Whatever JSON it is."""
    with pytest.raises(ValueError, match="no `repository` event of GitHub's"):
        delta(payload)


def test_a_delivery_without_its_headers_is_an_error() -> None:
    """Only a header says what it is about; nothing is guessed from the payload."""
    event = incrsim.SourceEvent("github", delivery("deleted", repository(1)))
    with pytest.raises(ValueError, match="X-GitHub-Event is missing"):
        GitHubRepositories("acme").on_event(event)


def test_a_delivery_changes_the_catalog_at_once(api: ApiServer) -> None:
    """A rename and a removal arrive between two ingestions, and the next one has nothing left to do."""
    clock = api.clock()
    serve(api, repositories(3))
    with reading(provider(api, clock), clock) as reader:
        reader.cycle()
        renamed = repository(0, name="new-name")
        changes = {"repository": {"name": {"from": "repo-000"}}}
        for payload in (delivery("renamed", renamed, changes=changes), delivery("deleted", repository(1))):
            reader.app.emit("github", payload, {"x-github-event": "repository"})
        assert reader.names() == {"new-name", "repo-002"}
        serve(api, [renamed, repository(2)])
        counts = reader.cycle().ingestion.counts
        assert (counts.added, counts.updated, counts.unchanged, counts.removed) == (0, 0, 2, 0)


def test_a_delivery_is_let_in_by_its_signature(api: ApiServer) -> None:
    """Over HTTP, as GitHub sends it: signed with the webhook's secret, without a token."""
    clock = api.clock()
    body = json.dumps(delivery("created", repository(7))).encode()
    signature = f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}"
    headers = {"Content-Type": "application/json", "X-GitHub-Event": "repository", "X-Hub-Signature-256": signature}
    settings = ApiSettings(port=0, event_secrets={"github": SECRET})
    with reading(provider(api, clock), clock) as reader, run_api(reader.app, settings) as server:
        route = f"{server.url}/api/catalog/incremental/events/github"
        assert httpx.post(route, content=body, headers=headers, trust_env=False).status_code == 200
        assert httpx.post(route, content=body + b" ", headers=headers, trust_env=False).status_code == 401
        assert reader.names() == {"repo-007"}


def test_only_our_signature_is_genuine() -> None:
    """The header must be the SHA-256 HMAC of exactly this body with exactly this secret (GitHub's own example)."""
    # docs.github.com, "Validating webhook deliveries", "Testing the webhook payload validation".
    secret, body = "It's a Secret to Everybody", b"Hello, World!"
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert verify_signature(secret, body, header)
    sha1 = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    for wrong in (None, "", "sha256=", header[:-1], header.upper(), header[7:], f"sha1={sha1}", "sha256=é", "\ud800"):
        assert not verify_signature(secret, body, wrong)
    assert not verify_signature("another", body, header)
    assert not verify_signature(secret, body + b" ", header)
    empty = f"sha256={hmac.new(b'', body, hashlib.sha256).hexdigest()}"
    assert not verify_signature("", body, empty)
