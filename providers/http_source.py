"""A provider that reads from one origin over HTTP: its address, its token, and a session for each burst.

What becomes of answers is told in `providers/http_session.py`.
"""

from __future__ import annotations

import ssl
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

import incrsim
from incrsim.clock import Clock
from providers.http_secret import Secret
from providers.http_session import Session, opened


class HttpSource(incrsim.IncrementalEntityProvider):
    """What providers over HTTP inherit; they write `next(session, cursor)`.

    Args:
        name: the provider's name.
        url: where requests go.
        secret: the token.
        auth: the header that carries it.
        timeout: seconds for an answer; keep it well below `page_timeout`.
        trust: whom to trust, if not the usual certificates.
        clock: for the instants of rate limits.
    """

    def __init__(
        self,
        name: str,
        url: str,
        secret: Secret,
        *,
        auth: str = "Authorization: Bearer {token}",
        timeout: float = 10.0,
        trust: ssl.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            # Not shown, since it may hold a password.
            raise ValueError(
                "url must be like https://api.example.com/services, with no user or password in it; pass a token"
            )
        if ":" not in auth or "{token}" not in auth:
            raise ValueError(f'auth={auth!r} is no header for a token; write for example auth="X-Api-Key: {{token}}"')
        self.name = name
        self.url = url
        self._secret = secret
        self._auth = auth
        self._timeout = float(timeout)
        self._trust = trust
        self._clock = clock or incrsim.SystemClock()

    def around(self) -> AbstractContextManager[Session]:
        """Open the connections of one burst, with the token of this moment."""
        token = self._secret.read()
        header, _, value = self._auth.partition(":")
        headers = {} if token is None else {header.strip(): value.strip().format(token=token)}
        return opened(self.url, headers, self._secret, self._timeout, self._trust, self._clock)
