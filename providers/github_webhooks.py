"""GitHub's webhooks: is a delivery genuine, what is it about, and what does it say of repositories?

Documented at docs.github.com: "Validating webhook deliveries", "Webhook events and payloads", `repository`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import incrsim
from providers.github_entities import component_of, node_of, ref_of

KEPT = ("created", "edited", "archived", "unarchived", "publicized", "privatized", "renamed", "transferred")


def verify_signature(secret: str, body: bytes, header: str | None) -> bool:
    """Whether a delivery was signed with our secret.

    Args:
        secret: the webhook's secret; an empty one verifies nothing.
        body: exactly as it was received.
        header: `X-Hub-Signature-256`; the older SHA-1 header does not count.
    """
    expected = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    given = (header or "").encode("utf-8", "backslashreplace")
    return bool(secret) and hmac.compare_digest(expected.encode(), given)


def event_type_of(headers: Mapping[str, str]) -> str:
    """What a delivery is about.

    Args:
        headers: of the request, in any case.

    Raises:
        ValueError: none of them says so.
    """
    for name, value in headers.items():
        if name.lower() == "x-github-event":
            return value
    raise ValueError(
        "the header X-GitHub-Event is missing: pass on the headers of GitHub's request, emit(…, headers=…)"
    )


def delta_of(
    event_type: str, payload: Mapping[str, Any], organization: str, provider: incrsim.IncrementalEntityProvider
) -> incrsim.Delta | None:
    """What a delivery changes; `None` when it is about something else.

    Args:
        event_type: the header `X-GitHub-Event`.
        payload: the body as JSON gives it back.
        organization: whose repositories count, in any case.
        provider: whose entities they are.

    Raises:
        ValueError: the payload is none of GitHub's.
    """
    if event_type != "repository":
        return None
    try:
        return _repository_delta(payload, organization.lower(), provider)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no `repository` event of GitHub's: {type(error).__name__}: {error}") from error


def _repository_delta(
    payload: Mapping[str, Any], organization: str, provider: incrsim.IncrementalEntityProvider
) -> incrsim.Delta | None:
    action, changes = payload["action"], payload.get("changes") or {}
    if action not in (*KEPT, "deleted"):
        return None
    repository = payload["repository"]
    if repository["owner"]["login"].lower() != organization:
        before = (changes.get("owner") or {}).get("from") or {}
        left = (before.get("organization") or {}).get("login", "").lower() == organization
        return _removed(repository) if action == "transferred" and left else None
    if action == "deleted":
        return _removed(repository)
    entity = component_of(node_of(repository), provider)
    gone = [ref_of(changes["repository"]["name"]["from"])] if action == "renamed" else []
    # Names that differ in case alone have the same ref.
    return incrsim.Delta([entity], [ref for ref in gone if ref != entity.ref])


def _removed(repository: Mapping[str, Any]) -> incrsim.Delta:
    return incrsim.Delta(removed=[ref_of(repository["name"])])
