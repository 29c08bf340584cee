"""A JSON API that gives its items page by page: one entity for each.

Run it with `incrsim run providers.http_pages:HttpPages --set url=https://api.example.com/services --once`, and a token
with `--set token_env=SERVICES_TOKEN`.

Options to add it with, and why:

- `reject_empty_source_collections=True` and `reject_removals_above_percentage=5`: on a bad day an API answers with
  success and fewer items; this keeps the entities until somebody has looked.
- `removal_grace_cycles=1` with page numbers or offsets: when the source shrinks while it is read, what follows moves
  up, and what falls between two pages is missed (C-25). Tokens and links are usually free of that.
- `burst_length="3s"` and `burst_interval="3s"`: the API has room for others between bursts, and tokens that expire in
  minutes still last.
- `page_timeout` well above `timeout`, as it is by default: else a slow answer leaves a thread behind (C-16).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import incrsim
from incrsim.clock import Clock
from providers.http_answer import Answer, Expired, gone
from providers.http_paging import STRATEGIES, Pagination
from providers.http_secret import Secret
from providers.http_session import Session
from providers.http_source import HttpSource

Made = incrsim.Entity | Mapping[str, Any] | None
MakeEntity = Callable[[Any, incrsim.IncrementalEntityProvider], Made]


class HttpPages(HttpSource):
    """One entity for each item of a paginated JSON API.

    Args:
        url: of the first page, with whatever query it needs.
        pagination: `page-number`, `offset`, `token`, `link-header`, `link-field`, or a strategy with names of its own.
        items: where the items are, as a dotted path; empty when the body is the list.
        entity: makes an entity of an item; `None` for one to be left out.
        page_size: how many items to ask for; by default the server decides.
        token: the secret itself; `token_env` is better, since arguments end up in histories and process lists.
        token_env: the environment variable that holds it.
        auth: the header that carries it, as in `"X-Api-Key: {token}"`.
        expired: what says that a cursor has expired: 410 by default; see `expired_code`.
        timeout: seconds for an answer.
        name: the provider's name.
        clock: for the instants of rate limits.
    """

    def __init__(  # noqa: PLR0913  # each has a default that fits most APIs
        self,
        url: str,
        pagination: str | Pagination = "page-number",
        *,
        items: str = "items",
        entity: MakeEntity | None = None,
        page_size: int | None = None,
        token: str | None = None,
        token_env: str | None = None,
        auth: str = "Authorization: Bearer {token}",
        expired: Expired = gone,
        timeout: float = 10.0,
        name: str = "http-pages",
        clock: Clock | None = None,
    ) -> None:
        super().__init__(name, url, Secret(token, env=token_env), auth=auth, timeout=timeout, clock=clock)
        if isinstance(pagination, str) and pagination not in STRATEGIES:
            raise ValueError(f"pagination={pagination!r} is not known; write one of {', '.join(STRATEGIES)}")
        self._pagination = STRATEGIES[pagination] if isinstance(pagination, str) else pagination
        self._items = items
        self._make = entity or component_of
        self._page_size = page_size
        self._expired = expired

    def next(self, context: Session, cursor: Any = None) -> incrsim.Page:
        """Ask for one page."""
        target, params = self._pagination.request(cursor, self._page_size)
        answer = context.ask(target, params, expired=None if cursor is None else self._expired)
        items = answer.found(self._items, list)
        following = self._pagination.following(cursor, answer, items, context)
        problems: list[str] = []
        return incrsim.Page(list(self._entities(items, answer, problems)), following, following is None, problems)

    def _entities(
        self, items: list[Any], answer: Answer, problems: list[str]
    ) -> Iterator[incrsim.Entity | Mapping[str, Any]]:
        for position, item in enumerate(items):
            try:
                made = self._make(item, self)
            except Exception as error:  # noqa: BLE001  # one bad item must not cost its page, whatever it does to `entity`
                problems.append(
                    f"{answer}, item {position}, and no entity could be made: {type(error).__name__}: {error}"
                )
            else:
                if made is not None:
                    yield made


def component_of(item: Any, provider: incrsim.IncrementalEntityProvider) -> incrsim.Entity:
    """A `Component` of an item's `name`, and of its `title`, `description`, `owner`, `type`, `tags` where it has them.

    A name that Backstage does not allow is left as it is, for the engine to report (C-7).
    """
    if not isinstance(item, Mapping):
        raise TypeError(f"an item is {type(item).__name__}; pass entity=… to make entities of such items")
    known = {key: item[key] for key in ("title", "description", "owner", "type", "tags") if item.get(key) is not None}
    return incrsim.component(item["name"], provider=provider, **known)


def expired_code(status: int, path: str, code: str) -> Expired:
    """For `expired`: a status, and what stands in the body at a dotted path.

    Args:
        status: for example 400.
        path: for example `error.code`.
        code: for example `page_token_expired`.
    """

    def judge(answered: int, data: Any) -> bool:
        here = data
        for name in path.split("."):
            here = here.get(name) if isinstance(here, dict) else None
        return answered == status and here == code

    return judge
