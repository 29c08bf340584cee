"""Entities to test with: good ones, and the two kinds of bad ones (C-7)."""

from __future__ import annotations

from typing import Any

from incrsim.entity import Entity

LOCATIONS = {
    "backstage.io/managed-by-location": "url:https://example.com",
    "backstage.io/managed-by-origin-location": "url:https://example.com",
}


def good(name: str, note: str = "", *, key: str | None = None, namespace: str = "default") -> Entity:
    """A valid entity; another `note` is another body.

    Args:
        name: its name.
        note: goes into its description.
        key: its location key.
        namespace: its namespace.
    """
    return Entity(_body(name, note, namespace), location_key=key)


def broken(name: str, note: str = "") -> Entity:
    """An invalid entity whose ref can be read."""
    body = _body(name, note, "default")
    body["metadata"]["labels"] = {"no spaces allowed": "x"}
    return Entity(body)


def unreadable(note: str = "") -> Entity:
    """An invalid entity without a readable ref."""
    body = _body("", note, "default")
    del body["metadata"]["name"]
    return Entity(body)


def ref(name: str, namespace: str = "default") -> str:
    """The ref of `good(name)`."""
    return f"component:{namespace}/{name}".lower()


def _body(name: str, note: str, namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": name, "namespace": namespace, "annotations": dict(LOCATIONS), "description": note},
        "spec": {"type": "service", "lifecycle": "production", "owner": "team"},
    }
