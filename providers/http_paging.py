"""How JSON APIs number their pages: what to ask for, and what comes next.

| strategy | a page is asked for by | stable while the source changes? |
|---|---|---|
| `PageNumber` | `?page=3` | no: a removal moves what follows, and one entity falls between two pages |
| `Offset` | `?offset=200&limit=100` | no, likewise |
| `Token` | `?pageToken=…`, a word of the server's | usually |
| `LinkHeader` | `Link: <…>; rel="next"` (RFC 8288), as GitHub and GitLab have it | usually |
| `LinkField` | a link in the body, as Django, OData and JSON:API have it | usually |

Where pages shift, set `removal_grace_cycles=1`: what fell between two pages is removed only if that happens twice in a
row (C-25). A strategy is made of names of parameters and dotted paths: `Offset(limit="count", total="meta.all")`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import incrsim
from incrsim.cursor import JSONValue
from providers.http_answer import Answer
from providers.http_session import Session

Params = dict[str, Any]


class Pagination(Protocol):
    """One way to go through pages. Cursors are JSON, and hold nothing but what identifies the next page."""

    def request(self, cursor: Any, size: int | None) -> tuple[str | None, Params]:
        """What to ask for: path and query, if other than those of the provider's URL, and parameters.

        Args:
            cursor: `None` for the first page.
            size: how many items are wanted; `None` leaves it to the server.
        """

    def following(self, cursor: Any, answer: Answer, items: list[Any], session: Session) -> JSONValue:
        """The cursor of the next page; `None` after the last one."""


@dataclass(frozen=True, slots=True)
class PageNumber:
    """Pages have numbers. Without a number of pages in the answer (`total=""`), an empty page is the end."""

    page: str = "page"
    size: str = "pageSize"
    total: str = "totalPages"
    first: int = 1

    def request(self, cursor: Any, size: int | None) -> tuple[str | None, Params]:  # noqa: D102 -- see `Pagination`
        return None, {self.page: (cursor or {"page": self.first})["page"]} | _sized(self.size, size)

    def following(self, cursor: Any, answer: Answer, items: list[Any], session: Session) -> JSONValue:  # noqa: D102 -- see `Pagination`
        page = (cursor or {"page": self.first})["page"]
        last = self.first + answer.found(self.total, int) - 1 if self.total else None
        more = page < last if last is not None else bool(items)
        return {"page": page + 1} if more else None


@dataclass(frozen=True, slots=True)
class Offset:
    """Pages begin at the n-th item. The next one begins behind what came, since servers cut large limits to their own;
    without a number of items in the answer (`total=""`), an empty page is the end.
    """

    offset: str = "offset"
    limit: str = "limit"
    total: str = "total"

    def request(self, cursor: Any, size: int | None) -> tuple[str | None, Params]:  # noqa: D102 -- see `Pagination`
        return None, {self.offset: (cursor or {"offset": 0})["offset"]} | _sized(self.limit, size)

    def following(self, cursor: Any, answer: Answer, items: list[Any], session: Session) -> JSONValue:  # noqa: D102 -- see `Pagination`
        reached = (cursor or {"offset": 0})["offset"] + len(items)
        total = answer.found(self.total, int) if self.total else None
        if total is not None and not items and reached < total:
            raise incrsim.ProviderError(f"{answer} with no items at {reached}, and says that there are {total}")
        more = reached < total if total is not None else bool(items)
        return {"offset": reached} if more else None


@dataclass(frozen=True, slots=True)
class Token:
    """The server gives a word for the next page; none, or an empty one, after the last."""

    param: str = "pageToken"
    size: str = "pageSize"
    token: str = "nextPageToken"  # noqa: S105  # where it stands

    def request(self, cursor: Any, size: int | None) -> tuple[str | None, Params]:  # noqa: D102 -- see `Pagination`
        return None, ({self.param: cursor["token"]} if cursor else {}) | _sized(self.size, size)

    def following(self, cursor: Any, answer: Answer, items: list[Any], session: Session) -> JSONValue:  # noqa: D102 -- see `Pagination`
        token = _optional(answer, self.token)
        return {"token": token} if token else None


@dataclass(frozen=True, slots=True)
class LinkField:
    """The body holds the next page's address."""

    field: str = "next"
    size: str = "per_page"

    def request(self, cursor: Any, size: int | None) -> tuple[str | None, Params]:  # noqa: D102 -- see `Pagination`
        return (cursor["next"], {}) if cursor else (None, _sized(self.size, size))

    def following(self, cursor: Any, answer: Answer, items: list[Any], session: Session) -> JSONValue:  # noqa: D102 -- see `Pagination`
        link = self.link(answer)
        return {"next": session.local(link, answer)} if link else None

    def link(self, answer: Answer) -> str | None:
        """The address, if there is one."""
        return _optional(answer, self.field)


class LinkHeader(LinkField):
    """The header `Link` holds the next page's address."""

    def link(self, answer: Answer) -> str | None:  # noqa: D102 -- see `LinkField`
        return answer.link("next")


STRATEGIES: dict[str, Pagination] = {
    "page-number": PageNumber(),
    "offset": Offset(),
    "token": Token(),
    "link-header": LinkHeader(),
    "link-field": LinkField(),
}
"""Each with the names that are most common, to be chosen on a command line."""


def _sized(parameter: str, size: int | None) -> Params:
    return {} if size is None else {parameter: size}


def _optional(answer: Answer, path: str) -> str | None:
    """Text that may be missing, or null, on the last page."""
    above, _, name = path.rpartition(".")
    found = answer.found(above, dict).get(name)
    if found is not None and not isinstance(found, str):
        raise incrsim.ProviderError(f"{answer}, where {path!r} is {type(found).__name__}, and should be text")
    return found
