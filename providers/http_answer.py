"""One answer of an HTTP source, and how to find things in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import incrsim

NOT_JSON = object()

_PARAMETER = r"""\s*;\s*([^\s=;,]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?"""
_LINK = re.compile(rf"[\s,]*<([^>]*)>((?:{_PARAMETER})*)[\s;]*(?:,|$)")

Expired = Callable[[int, Any], bool]
"""Whether an answer, by its status and its JSON, says that the cursor is no longer accepted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read to its end.

    Attributes:
        url: what was asked, with its query.
        place: the same without it, for messages.
        status: for example 200.
        headers: by names in any case.
        data: its JSON, or `NOT_JSON`.
        text: its beginning, without the token, for messages.
    """

    url: str
    place: str
    status: int
    headers: Mapping[str, str]
    data: Any
    text: str

    def __str__(self) -> str:
        return f"{self.place} answered {self.status}"

    def usable(self) -> Answer:
        """This answer, if it is a success with JSON.

        Raises:
            ProviderError: it is anything else.
        """
        if 300 <= self.status < 400:  # noqa: PLR2004 -- HTTP's own numbers
            raise incrsim.ProviderError(f"{self}, a redirect, and the token must not follow: give its target as url")
        if not 200 <= self.status < 300:  # noqa: PLR2004 -- HTTP's own numbers
            raise incrsim.ProviderError(f"{self}: {self.text}")
        if self.data is NOT_JSON:
            raise incrsim.ProviderError(f"{self} with what is not JSON: {self.text}")
        return self

    def found(self, path: str, kind: type | tuple[type, ...] = object) -> Any:
        """What stands in the JSON at a dotted path; the whole of it for an empty path.

        Args:
            path: for example `data.items`.
            kind: what it must be.

        Raises:
            ProviderError: it is not there, or something else: a source that fails must not look like an empty one.
        """
        here = self.data
        for name in path.split(".") if path else ():
            if not isinstance(here, dict) or name not in here:
                raise incrsim.ProviderError(f"{self} without {path!r}, which is not the same as empty: {self.text}")
            here = here[name]
        if not isinstance(here, kind):
            where = repr(path) if path else "its JSON"
            raise incrsim.ProviderError(
                f"{self}, where {where} is {type(here).__name__}, which is not usable: {self.text}"
            )
        return here

    def link(self, relation: str) -> str | None:
        """The target of a relation in the header `Link` (RFC 8288); `None` when the header does not name it.

        Raises:
            ProviderError: the header cannot be read: the last page must not be taken for one that has no next.
        """
        text, position = self.headers.get("link", ""), 0
        while text[position:].strip(" \t,"):
            if (link := _LINK.match(text, position)) is None:
                raise incrsim.ProviderError(
                    f"{self} with a Link header that cannot be read at {text[position:][:80]!r}"
                )
            for name, quoted, plain in re.findall(_PARAMETER, link[2]):
                if name.lower() == "rel" and relation in (quoted or plain).lower().split():
                    return link[1]
            position = link.end()
        return None


def read_json(content: bytes) -> Any:
    """The JSON of a body, or `NOT_JSON`."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return NOT_JSON


def gone(status: int, data: Any) -> bool:  # noqa: ARG001  # others say it in the body
    """Whether an answer is 410 Gone, by which most servers say that a cursor has expired."""
    return status == 410  # noqa: PLR2004 -- HTTP's own numbers
