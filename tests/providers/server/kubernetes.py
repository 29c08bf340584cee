"""The list calls of a Kubernetes API server.

Copied from kubernetes.io, "Kubernetes API Concepts", "Retrieving large results sets in chunks", and from the comments
of `ListMeta` and `ListOptions` in apimachinery: all chunks are of one snapshot; a token expires when that is compacted
away (five minutes by default), and is answered with 410, reason `Expired`, and a token to go on without consistency;
`remainingItemCount` is set on chunks that are not the last, and never with a selector; items do not repeat their kind.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from tests.providers.server.world import Reply, Request, World

PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+/[^/]+))(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[^/]+)"
)

KINDS = {"deployments": "Deployment", "services": "Service", "nodes": "Node", "clusterroles": "ClusterRole"}

EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


def status(code: int, reason: str, message: str, **metadata: str) -> Reply:
    """A failure, as the API server writes it."""
    body = {"kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure", "message": message}
    return Reply(code, body | {"reason": reason, "code": code})


def listing(world: World, request: Request) -> Reply:
    """One chunk of a list."""
    found = PATH.fullmatch(request.path)
    resource = found and f"{found['core'] or found['group']}/{found['plural']}"
    if not found or resource not in world.collections:
        return status(404, "NotFound", "the server could not find the requested resource")
    try:
        revision, start = _opened(request.query.get("continue", ""))
    except ValueError:
        return status(400, "BadRequest", "continue key is not valid: " + request.query["continue"])
    _compact(world)
    if revision > 0 and revision not in world.snapshots:
        return status(410, "Expired", EXPIRED, **{"continue": _sealed(-1, start)})
    revision = revision if revision > 0 else _snapshot(world)
    selector = request.query.get("labelSelector", "")
    objects = [
        each
        for each in sorted(world.snapshots[revision][1][resource or ""], key=_key)
        if _key(each) >= start and _selected(each, selector) and _within(each, found["namespace"])
    ]
    limit = int(request.query.get("limit", "0")) or len(objects)
    chunk, rest = objects[:limit], objects[limit:]
    metadata: dict[str, Any] = {"resourceVersion": str(revision)}
    if rest:
        metadata |= {"continue": _sealed(revision, _key(chunk[-1]) + "\0")}
        metadata |= {} if selector else {"remainingItemCount": len(rest)}
    kind, version = f"{KINDS[found['plural']]}List", found["core"] or found["group"]
    return Reply(200, {"kind": kind, "apiVersion": version, "metadata": metadata, "items": chunk or None})


def _snapshot(world: World) -> int:
    world.snapshots.setdefault(
        world.revision, (world.now, {name: list(all_) for name, all_ in world.collections.items()})
    )
    return world.revision


def _compact(world: World) -> None:
    """Forget what is older than the lifetime, save what is still current."""
    old = [each for each, (taken, _) in world.snapshots.items() if world.now - taken > world.lifetime]
    for revision in old:
        del world.snapshots[revision]


def _key(item: dict[str, Any]) -> str:
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"


def _within(item: dict[str, Any], namespace: str | None) -> bool:
    return namespace is None or item["metadata"].get("namespace") == namespace


def _selected(item: dict[str, Any], selector: str) -> bool:
    labels = item["metadata"].get("labels") or {}
    wanted = (each.partition("=") for each in selector.split(",") if each)
    return all(labels.get(key) == value for key, _, value in wanted)


def _sealed(revision: int, start: str) -> str:
    token = {"v": "meta.k8s.io/v1", "rv": revision, "start": start}
    return base64.urlsafe_b64encode(json.dumps(token).encode()).decode()


def _opened(text: str) -> tuple[int, str]:
    if not text:
        return 0, ""
    try:
        token = json.loads(base64.urlsafe_b64decode(text))
    except binascii.Error as error:
        raise ValueError(text) from error
    return token["rv"], token["start"]
