"""A sink that posts to a web service."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from incrsim.errors import InvalidSink, SinkRefused

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

    from incrsim.sinks.mutation import Mutation

SIGNATURE = "X-Incrsim-Signature-256"
"""The header with `sha256=` and the hexadecimal HMAC of the body, as GitHub signs its webhooks."""

SHOWN_ANSWER = 200
"""How many characters of an answer that refuses a mutation are kept."""


class HttpSink:
    """Posts each mutation as JSON; an answer of 200 to 299 means that it was taken in.

    Any other answer, redirects included, and none at all within `timeout`, means that it was not: it is posted again.

    Args:
        url: `http://…` or `https://…`.
        name: the sink's name; host and path of the URL unless given.
        secret: signs the body (see `SIGNATURE`).
        headers: to be sent along, say `{"Authorization": "Bearer …"}`; they are never logged.
        timeout: seconds to wait for the service, at each step.

    Raises:
        InvalidSink: when the URL is none of these, or it or a header cannot be sent.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str | None = None,
        secret: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
    ) -> None:
        parts = urlsplit(url)
        is_http = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
        # An HTTP library would say all of an address that it cannot send, a token in its query too.
        is_sendable = url.isascii() and url.isprintable() and " " not in url
        if not (is_http and is_sendable):
            # What is wrong with it is not shown: it may hold a password.
            raise InvalidSink(
                "HttpSink(url=…) needs a URL such as https://example.org/hook, without spaces and "
                "with %-escapes for what is not ASCII; a user and password go into headers, as an Authorization"
            )
        for header, value in (headers or {}).items():
            # For the same reason: a token that was read from a file often ends with a line break.
            if not (value.isascii() and value.isprintable()):
                raise InvalidSink(f"HttpSink(headers=…): {header} holds a line break, or what no header can; strip it")
        self._url = url
        self._place = f"{parts.hostname}{parts.path.rstrip('/')}"  # a query may hold a token
        self.name = self._place if name is None else name
        self._secret = secret.encode() if isinstance(secret, str) else secret
        self._headers = {"Content-Type": "application/json", "User-Agent": "incrsim", **(headers or {})}
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"<HttpSink {self.name} at {self._place}>"

    def apply_mutation(self, mutation: Mutation) -> None:
        """Post one mutation.

        Raises:
            SinkRefused: when the service did not take it in.
        """
        from urllib.error import HTTPError
        from urllib.request import Request

        body = mutation.to_json()
        request = Request(self._url, body, self._headers | self._signature(body), method="POST")  # noqa: S310  # checked above
        try:
            with _opener().open(request, timeout=self._timeout) as answer:
                answer.read()
        except HTTPError as error:
            with error:
                said = error.read(4 * SHOWN_ANSWER).decode(errors="replace")[:SHOWN_ANSWER]
            raise SinkRefused(f"{self._place} answered {error.code} {error.reason}: {said}".rstrip(": ")) from error
        except (OSError, HTTPException) as error:
            raise SinkRefused(f"{self._place} cannot be reached ({getattr(error, 'reason', error)})") from error

    def _signature(self, body: bytes) -> dict[str, str]:
        if self._secret is None:
            return {}
        return {SIGNATURE: f"sha256={hmac.new(self._secret, body, sha256).hexdigest()}"}


def _opener() -> OpenerDirector:
    """Opens what it is asked to open: a redirect would turn a POST into a GET, whose answer says nothing."""
    from urllib.request import HTTPRedirectHandler, build_opener

    class NoRedirects(HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    return build_opener(NoRedirects)
