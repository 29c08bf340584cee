"""The repositories of a GitHub organisation: one `Component` for each, by GraphQL, and by webhooks in between.

Run it with a token in `GITHUB_TOKEN` that may see the organisation's repositories (fine-grained: Metadata, read):
`incrsim run providers.github_repositories:GitHubRepositories --set organization=my-org --once`. Webhooks of the
organisation reach it as events of the topic `github`; docs/events.md says how to hook them up.

Options to add it with, and why:

- `rest_length="1h"` without webhooks, `"1d"` with them: a page of 100 costs 1 of 5,000 points an hour.
- `reject_removals_above_percentage=10` and `reject_empty_source_collections=True`: for a token that lost the right to
  see private repositories they are gone, without any error.
- the default `backoff`: 502 and 504 mean that a query took over 10 s, and cost points too. A page is asked for again
  with half its size first; the waits are for when that does not help.

Pages are in the order of creation, so that a new repository comes last and none is missed. What GitHub does is told in
"Rate limits and query limits for the GraphQL API" and "Using pagination in the GraphQL API" at docs.github.com.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import incrsim
from incrsim.clock import Clock
from providers.github_entities import FIELDS, component_of, ref_of
from providers.github_webhooks import delta_of, event_type_of
from providers.http_answer import Answer
from providers.http_secret import Secret
from providers.http_session import Session
from providers.http_source import HttpSource

SMALLEST_PAGE = 10

CONNECTION = "data.organization.repositories"

QUERY = f"""
query($organization: String!, $first: Int!, $after: String) {{
  organization(login: $organization) {{
    repositories(first: $first, after: $after, orderBy: {{field: CREATED_AT, direction: ASC}}) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ {FIELDS} }}
    }}
  }}
  rateLimit {{ cost remaining resetAt }}
}}
"""


class GitHubRepositories(HttpSource):
    """One `Component` for each repository that the token can see.

    Archived ones have the lifecycle `deprecated`; what a repository is stands in the labels `github.com/archived`,
    `…/disabled`, `…/fork`, `…/template`, `…/visibility`, its topics are tags.

    Args:
        organization: its login.
        url: for GitHub Enterprise Server `https://HOST/api/graphql`.
        token: the secret itself; `token_env` is better.
        token_env: the environment variable that holds it.
        page_size: 1 to 100.
        timeout: seconds for an answer; GitHub gives up after 10.
        name: the provider's name.
        clock: for the instants of rate limits.
    """

    topics = ("github",)

    def __init__(
        self,
        organization: str,
        *,
        url: str = "https://api.github.com/graphql",
        token: str | None = None,
        token_env: str = "GITHUB_TOKEN",  # noqa: S107  # where it is, not what
        page_size: int = 100,
        timeout: float = 15.0,
        name: str = "github-repositories",
        clock: Clock | None = None,
    ) -> None:
        if not organization or not 1 <= page_size <= 100:  # noqa: PLR2004 -- what GitHub allows
            raise ValueError(f"organization={organization!r}, page_size={page_size}: write a login, and 1 to 100")
        super().__init__(name, url, Secret(token, env=token_env), timeout=timeout, clock=clock)
        self.organization = organization
        self._page_size = page_size

    def next(self, context: Session, cursor: Any = None) -> incrsim.Page:
        """Ask for one page of the connection."""
        after = cursor["after"] if cursor else None
        answer = self._ask(context, after)
        errors: list[dict[str, Any]] = answer.found("", dict).get("errors") or []
        self._raise_for(errors, answer, context, after)
        nodes = answer.found(f"{CONNECTION}.nodes", list)
        info = answer.found(f"{CONNECTION}.pageInfo", dict)
        problems = [_problem(each, nodes) for each in errors]
        if None in nodes and not errors:
            problems.append(incrsim.Problem("GitHub left out a repository, and did not say why"))
        limit = answer.found("data", dict).get("rateLimit")  # none on servers without limits
        if limit and limit["remaining"] < limit["cost"]:
            context.rest(answer)
        entities = [component_of(each, self) for each in nodes if each is not None]
        return incrsim.Page(entities, {"after": info["endCursor"]}, not info["hasNextPage"], problems)

    def on_event(self, event: incrsim.SourceEvent) -> incrsim.Delta | None:
        """What a webhook's delivery changes; its signature was verified by whoever let it in."""
        return delta_of(event_type_of(event.headers), event.payload, self.organization, self)

    def _ask(self, session: Session, after: str | None) -> Answer:
        size = self._page_size
        while True:
            wanted = {"organization": self.organization, "first": size, "after": after}
            answer = session.send(body={"query": QUERY, "variables": wanted})
            if answer.status not in (502, 504) or size <= SMALLEST_PAGE:
                break
            size = max(size // 2, SMALLEST_PAGE)
        if answer.status >= 400 and "secondary rate limit" in answer.text.lower():  # noqa: PLR2004 -- HTTP's errors begin there
            raise session.limited(answer)  # also without Retry-After: then a minute
        return session.judged(answer)

    def _raise_for(self, errors: list[dict[str, Any]], answer: Answer, session: Session, after: str | None) -> None:
        """Raise what no part of a page is left of; GitHub answers 200 to these as well."""
        said = "; ".join(str(each.get("message")) for each in errors)[:300]
        types = {each.get("type") for each in errors}
        if types & {"RATE_LIMITED", "RATE_LIMIT"} or "secondary rate limit" in said.lower():
            raise session.limited(answer)
        if "INVALID_CURSOR_ARGUMENTS" in types and after is not None:
            raise incrsim.CursorExpired(f"{answer}: {said}")
        data = answer.found("", dict).get("data") or {}
        if errors and not (data.get("organization") or {}).get("repositories"):
            raise incrsim.ProviderError(f"{answer} about {self.organization!r}: {said}")


def _problem(error: Mapping[str, Any], nodes: list[Any]) -> incrsim.Problem:
    """A partial error: with the repository's ref when that came nevertheless, else nobody knows what is missing."""
    message, path = f"{error.get('type') or 'error'}: {error.get('message')}", error.get("path") or []
    at = path[3] if path[:3] == ["organization", "repositories", "nodes"] and len(path) > 3 else None  # noqa: PLR2004 -- the place behind the three names
    node = nodes[at] if isinstance(at, int) and at < len(nodes) else None
    field = ".".join(map(str, path[4:])) or None
    return incrsim.Problem(message, ref=ref_of(node["name"]) if node else None, field=field)
