"""GitHub's GraphQL endpoint, as far as an organisation's repositories go.

Copied from docs.github.com, "Rate limits and query limits for the GraphQL API" (cost, limits, 200 and 403, 502),
"Using pagination in the GraphQL API" (`first` of 1 to 100, `endCursor`), and from the error objects in reports:
github/docs#22607 (`RATE_LIMITED`), octokit/graphql.js (`INVALID_CURSOR_ARGUMENTS`), jasperapp/jasper#187 (`FORBIDDEN`).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from typing import Any

from tests.providers.server.world import Reply, Request, World

ORGANIZATION = "acme"

Selection = dict[str, "Selection"]

SCHEMA: dict[str, dict[str, str]] = {
    "Query": {"organization": "Organization", "rateLimit": "RateLimit"},
    "Organization": {"repositories": "RepositoryConnection", "login": ""},
    "RepositoryConnection": {"nodes": "Repository", "pageInfo": "PageInfo", "totalCount": ""},
    "PageInfo": dict.fromkeys(("hasNextPage", "endCursor", "hasPreviousPage", "startCursor"), ""),
    "RateLimit": dict.fromkeys(("cost", "limit", "nodeCount", "remaining", "resetAt", "used"), ""),
    "Repository": dict.fromkeys(
        (
            *("databaseId", "name", "nameWithOwner", "description", "url", "homepageUrl", "visibility", "createdAt"),
            *("isArchived", "isDisabled", "isFork", "isPrivate", "isTemplate", "pushedAt"),
        ),
        "",
    )
    | {"primaryLanguage": "Language", "licenseInfo": "License", "repositoryTopics": "RepositoryTopicConnection"},
    "Language": {"name": "", "color": ""},
    "License": {"spdxId": "", "name": "", "key": ""},
    "RepositoryTopicConnection": {"nodes": "RepositoryTopic", "totalCount": ""},
    "RepositoryTopic": {"topic": "Topic", "url": ""},
    "Topic": {"name": ""},
}


def graphql(world: World, request: Request) -> Reply:
    """`POST /graphql` with `query` and `variables`."""
    body = json.loads(request.body)
    selection, variables = parse(body["query"]), body.get("variables") or {}
    if wrong := list(undefined(selection, "Query", ["query"])):
        return Reply(200, {"errors": wrong})
    first, after = variables.get("first"), variables.get("after")
    if not isinstance(first, int) or not 1 <= first <= 100:
        message = (
            f"Requesting {first} records on the `repositories` connection exceeds the `first` limit of 100 records."
        )
        return _failed("EXCESSIVE_PAGINATION", message, ["organization", "repositories"])
    cost = max(world.points, round((1 + first) / 100))
    if not world.spend(cost):
        return Reply(200, {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}]})
    if first > world.heavy_above:
        return Reply(502, {"data": None, "errors": [{"message": TIMED_OUT}]})
    if variables.get("organization") != ORGANIZATION:
        message = f"Could not resolve to an Organization with the login of '{variables.get('organization')}'."
        return _failed("NOT_FOUND", message, ["organization"])
    try:
        key = decode(after) if after else ("", 0)
    except ValueError:
        message = f"`{after}` does not appear to be a valid cursor."
        return _failed("INVALID_CURSOR_ARGUMENTS", message, ["organization", "repositories"])
    data, errors = _connection(world, first, key)
    data["rateLimit"] = _rate_limit(world, cost)
    answer = {"data": project(selection, data)}
    return Reply(200, answer | ({"errors": errors} if errors else {}))


TIMED_OUT = (
    "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug."
    " Please include `74EA:12EF:1E4F625:1F7700D:681DC07F` when reporting this issue."
)


def _connection(world: World, first: int, after: tuple[str, int]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A page of the connection in the order of creation; cursors are keys, so that removals move nothing."""
    ordered = sorted(world.collections.get("repositories", []), key=_key)
    rest = [each for each in ordered if _key(each) > after]
    nodes: list[dict[str, Any] | None] = []
    errors = []
    for index, each in enumerate(rest[:first]):
        path: list[Any] = ["organization", "repositories", "nodes", index]
        match each.get("fails"):
            case None:
                nodes.append(each)
            case "node":
                nodes.append(None)
                errors.append(
                    {"type": "FORBIDDEN", "path": path, "extensions": {"saml_failure": True}, "message": SAML}
                )
            case field:
                nodes.append(each | {field: None})
                errors.append({"type": "SERVICE_UNAVAILABLE", "path": [*path, field], "message": "try again later"})
    info = {"hasNextPage": len(rest) > first, "endCursor": encode(_key(rest[:first][-1])) if rest else None}
    return {"organization": {"repositories": {"nodes": nodes, "pageInfo": info}}}, errors


SAML = (
    "Resource protected by organization SAML enforcement. "
    "You must grant your Personal Access token access to this organization."
)


def _key(repository: dict[str, Any]) -> tuple[str, int]:
    return repository["createdAt"], repository["databaseId"]


def encode(key: tuple[str, int]) -> str:
    """A cursor: opaque to clients, a key to us."""
    return base64.b64encode(b"cursor:v2:" + json.dumps(key).encode()).decode()


def decode(cursor: str) -> tuple[str, int]:
    """The key in a cursor; `ValueError` when it is none of ours."""
    try:
        text = base64.b64decode(cursor, validate=True).removeprefix(b"cursor:v2:")
        created, number = json.loads(text)
    except (binascii.Error, TypeError) as error:
        raise ValueError(cursor) from error
    return created, number


def _rate_limit(world: World, cost: int) -> dict[str, Any] | None:
    if world.budget is None:
        return None  # as on an Enterprise Server without limits
    resets_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(world.resets_at))
    return {"cost": cost, "limit": world.budget, "remaining": world.budget - world.used, "resetAt": resets_at}


def _failed(kind: str, message: str, path: list[str]) -> Reply:
    """What cannot be answered at all: 200, and null from `organization` on."""
    return Reply(200, {"data": {"organization": None}, "errors": [{"type": kind, "path": path, "message": message}]})


# --- just enough of the language --------------------------------------------------------------------------------------


def parse(query: str) -> Selection:
    """The fields that a query selects, without their arguments."""
    text = query
    while (without := re.sub(r"\([^()]*\)", "", text)) != text:
        text = without
    tokens = re.findall(r"[{}]|\w+", text[text.index("{") :])
    selection, _ = _selection(tokens, 1)
    return selection


def _selection(tokens: list[str], at: int) -> tuple[Selection, int]:
    found: Selection = {}
    while tokens[at] != "}":
        name, at = tokens[at], at + 1
        found[name], at = _selection(tokens, at + 1) if tokens[at] == "{" else ({}, at)
    return found, at + 1


def undefined(selection: Selection, kind: str, path: list[str]) -> list[dict[str, Any]]:
    """Fields that the schema does not have."""
    found: list[dict[str, Any]] = []
    for name, inner in selection.items():
        if name in SCHEMA[kind]:
            found += undefined(inner, SCHEMA[kind][name], [*path, name]) if inner else []
        else:
            extensions = {"code": "undefinedField", "typeName": kind, "fieldName": name}
            message = f"Field '{name}' doesn't exist on type '{kind}'"
            found.append({"path": [*path, name], "extensions": extensions, "message": message})
    return found


def project(selection: Selection, value: Any) -> Any:
    """Of a value what was asked for."""
    if isinstance(value, list):
        return [project(selection, each) for each in value]
    if isinstance(value, dict) and selection:
        return {name: project(inner, value.get(name)) for name, inner in selection.items()}
    return value
