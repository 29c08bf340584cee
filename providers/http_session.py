"""The requests of one burst, and what their answers mean for an ingestion (C-17).

| what comes back | becomes |
|---|---|
| 429; 403 or 503 with `Retry-After`; 403 with no requests left | `RateLimited(until)`: no attempt is counted |
| success, and no requests left | the page counts; `RateLimited(until)` before the next request of the burst |
| what `expired` says of a cursor | `CursorExpired`: the ingestion starts over at once |
| any other status, a cut or late answer, no JSON, a redirect | `ProviderError`: the same page again, after a wait |
| a next link to another origin, or one that holds the token | `FatalError`: the token goes nowhere else |
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import incrsim
from incrsim.clock import Clock
from incrsim.errors import MissingExtra
from providers.http_answer import Answer, Expired, read_json
from providers.http_limits import is_limited, is_used_up, pause, until_reset
from providers.http_secret import Secret

try:
    import httpx
except ImportError as error:
    raise MissingExtra("the HTTP providers need httpx: pip install 'incrsim[http]'") from error

MAX_BYTES = 64 * 1024 * 1024
"""A page is held in memory, so that a longer answer is an error."""


@dataclass(slots=True)
class Session:
    """The requests of one burst, to one origin; `timeout` is for a whole answer, in seconds."""

    client: httpx.Client
    url: httpx.URL
    secret: Secret
    timeout: float
    clock: Clock
    resumes_at: datetime | None = None

    def ask(
        self, target: str | None = None, params: Mapping[str, Any] | None = None, expired: Expired | None = None
    ) -> Answer:
        """Send a GET, and judge its answer.

        Args:
            target: path and query on this origin; nothing for the provider's URL itself.
            params: of the query, beside those that the URL has.
            expired: what says that the cursor in this request has expired; nothing when there is none.

        Raises:
            RateLimited: the source asks to wait.
            CursorExpired: the cursor is no longer accepted.
            ProviderError: there is no usable answer.
        """
        answer = self.send(target, params)
        if expired is not None and expired(answer.status, answer.data):
            raise incrsim.CursorExpired(f"{answer}: the cursor has expired")
        return self.judged(answer)

    def judged(self, answer: Answer) -> Answer:
        """An answer that can be used; raises as `ask` does for any other."""
        if is_limited(answer.status, answer.headers):
            raise self.limited(answer)
        answer.usable()
        if is_used_up(answer.headers):
            self.rest(answer)
        return answer

    def rest(self, answer: Answer) -> None:
        """Ask for nothing more before the limit that an answer tells of is reset."""
        now = self.clock.now()
        self.resumes_at = now + until_reset(answer.headers, now)

    def limited(self, answer: Answer) -> incrsim.RateLimited:
        """The error for an answer that asks to wait."""
        now = self.clock.now()
        return incrsim.RateLimited(now + pause(answer.headers, now), f"{answer} and asks to wait")

    def local(self, link: str, answer: Answer) -> str:
        """The path and query of a link in an answer: a cursor that can only lead to the same origin.

        Raises:
            FatalError: the link leads elsewhere, or would put the token into a cursor.
        """
        url = httpx.URL(answer.url).join(link)
        if (url.scheme, url.host, url.port) != (self.url.scheme, self.url.host, self.url.port):
            raise incrsim.FatalError(
                f"{answer} and names {_shown(url)} as its next page: another origin, where the token must not go; "
                "if that is the same server, give its address as url"
            )
        target = url.raw_path.decode("ascii")
        if self.secret.is_in(target):
            raise incrsim.FatalError(f"{answer} with a next link that holds the token, which must not become a cursor")
        return target

    def send(self, target: str | None = None, params: Mapping[str, Any] | None = None, body: Any = None) -> Answer:
        """Send a GET, or a POST when there is a body, and read what comes; raises when nothing whole does."""
        if self.resumes_at is not None and self.resumes_at > self.clock.now():
            raise incrsim.RateLimited(self.resumes_at, "the source has no requests left")
        # Not joined: `//elsewhere/path` as a target would be another host.
        url = self.url if target is None else self.url.copy_with(raw_path=target.encode("ascii"))
        url = url.copy_merge_params(params or {})
        # A network's delays are real, also when waits are virtual.
        watch, content = incrsim.SystemClock(), bytearray()
        ends_at = watch.monotonic() + self.timeout
        try:
            with self.client.stream("GET" if body is None else "POST", url, json=body) as response:
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > MAX_BYTES or watch.monotonic() > ends_at:
                        limits = f"{self.timeout:g} s or {MAX_BYTES // 1024**2} MiB"
                        raise incrsim.ProviderError(f"{_shown(url)} took more than {limits}: ask for smaller pages")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = self.secret.hidden_in(str(error))
            raise incrsim.ProviderError(f"{_shown(url)}: {type(error).__name__}: {said}") from error
        # Much more than is shown, so that no half of a token stands where the text is cut.
        text = self.secret.hidden_in(content[:100_000].decode(errors="backslashreplace"))[:300]
        data = read_json(bytes(content))
        return Answer(str(response.url), _shown(url), response.status_code, response.headers, data, text)


@contextmanager
def opened(
    url: str, headers: dict[str, str], secret: Secret, timeout: float, trust: ssl.SSLContext | None, clock: Clock
) -> Iterator[Session]:
    """Open the connections of one burst."""
    with httpx.Client(headers=headers, timeout=timeout, verify=trust or _usual_trust()) as client:
        yield Session(client, httpx.URL(url), secret, timeout, clock)


@cache
def _usual_trust() -> ssl.SSLContext:
    """Reading all certificates takes longer than a page does; once is enough."""
    return httpx.create_ssl_context()


def _shown(url: httpx.URL) -> str:
    """Without query, fragment and user, where secrets may stand."""
    return str(url.copy_with(query=None, fragment=None, userinfo=b""))
