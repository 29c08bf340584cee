"""Who may do what: tokens for reading and managing, and signatures for events (C-36)."""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum
from typing import Annotated

from fastapi import Path, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from incrsim.api.problem import Problem
from incrsim.api.settings import ApiSettings

SIGNATURE_HEADER = "X-Hub-Signature-256"
"""As GitHub and many others send it: `sha256=` and the HMAC of the body in hex."""

_BEARER = HTTPBearer(
    scheme_name="token",
    description="`Authorization: Bearer …` with a token for `read` or `manage`; one for `manage` may read too.",
    auto_error=False,
)
_SIGNATURE = APIKeyHeader(
    name=SIGNATURE_HEADER,
    scheme_name="signature",
    description="`sha256=` and the HMAC-SHA-256 of the body in hex, with the secret of the topic.",
    auto_error=False,
)

Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
Signature = Annotated[str | None, Security(_SIGNATURE)]
Topic = Annotated[str, Path(description="What the event is about; a provider names it among its `topics`.")]


class Permission(StrEnum):
    """What a token allows; managing includes reading."""

    READ = "read"
    MANAGE = "manage"


class Access:
    """Decides who may do what.

    Args:
        settings: have the tokens and secrets.
    """

    def __init__(self, settings: ApiSettings) -> None:
        allowed = ((Permission.READ, settings.read_tokens), (Permission.MANAGE, settings.manage_tokens))
        # Digests have one length, and nothing that is kept here opens anything.
        self._digests = [(_digest(token), permission) for permission, tokens in allowed for token in tokens]
        self._secrets = {topic: secret.encode() for topic, secret in settings.event_secrets.items()}

    def reading(self, credentials: Credentials) -> None:
        """Let through who may read."""
        self._require(Permission.READ, credentials)

    def managing(self, credentials: Credentials) -> None:
        """Let through who may manage."""
        self._require(Permission.MANAGE, credentials)

    async def sending(self, topic: Topic, request: Request, credentials: Credentials, signature: Signature) -> None:
        """Let an event through that is signed with its topic's secret; without secret or signature, who may manage."""
        secret = self._secrets.get(topic)
        if secret is None or signature is None:
            self._require(Permission.MANAGE, credentials)
            return
        expected = f"sha256={hmac.new(secret, await request.body(), hashlib.sha256).hexdigest()}"
        if not hmac.compare_digest(expected.encode(), signature.encode("latin-1", "replace")):
            raise Problem(401, f"the signature in {SIGNATURE_HEADER} is not that of this body and this topic's secret")

    def _require(self, needed: Permission, credentials: HTTPAuthorizationCredentials | None) -> None:
        given = None if credentials is None else self._permission(credentials.credentials)
        if given is None:
            challenge = 'Bearer realm="incrsim"' + ("" if credentials is None else ', error="invalid_token"')
            told = "give a token" if credentials is None else "this token is not one of those that are let in; give one"
            raise Problem(401, f"{told} in the header `Authorization: Bearer …`", {"WWW-Authenticate": challenge})
        if needed is Permission.MANAGE and given is not Permission.MANAGE:
            challenge = 'Bearer realm="incrsim", error="insufficient_scope", scope="manage"'
            raise Problem(403, "this token may only read; give one that may manage", {"WWW-Authenticate": challenge})

    def _permission(self, token: str) -> Permission | None:
        """What a token allows. All are compared to the end, so that the time tells nothing."""
        given, found = _digest(token), None
        for digest, permission in self._digests:
            if hmac.compare_digest(digest, given):
                found = permission
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
