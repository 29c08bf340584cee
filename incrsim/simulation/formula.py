"""What a generated entity says: computed from its index, its state and a seed."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from incrsim.entity import Entity, EntityRef
from incrsim.simulation.states import State

SITE = "url:https://source.example/services/"

_TYPES = ("service", "website", "library", "data-pipeline")
_TEAMS = tuple(f"team-{number:03d}" for number in range(997))
_SYSTEMS = tuple(f"system-{number:02d}" for number in range(89))
_LIFECYCLES = ("production", "experimental", "deprecated")


@dataclass(frozen=True, slots=True)
class Formula:
    """What a generated entity says, from its index and version alone.

    Args:
        seed: other seeds, other texts.
        namespace: of all its entities.
        location_key: of all its entities, for sources that may take each other's over (C-9).
    """

    seed: int
    namespace: str
    location_key: str | None = None

    def ref(self, index: int, renamed: int = 0) -> str:
        """The ref of an entity; refs sort like indexes."""
        suffix = _suffix(renamed) if renamed else ""
        return f"component:{self.namespace}/service-{index:09d}{suffix}"

    def index(self, ref: str) -> int:
        """The index of the entity that has this ref, or had it before it was renamed or after."""
        return int(ref.partition("/service-")[2][:9])

    def entity(self, index: int, version: int) -> Entity:
        """An entity."""
        return Entity(self.body(index, version), location_key=self.location_key)

    def body(self, index: int, version: int) -> dict[str, Any]:
        """What it says, as the mapping that a provider would read from an API."""
        # Ready-made parts and few conversions: a source that is slower than the store would be measured in its place.
        number = f"{index:09d}"
        mixed = (index * 2_654_435_761 + self.seed * 40_503) & 0xFFFFFFFF
        team = _TEAMS[mixed % 997]
        location = SITE + number
        return {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": {
                "name": f"service-{number}",
                "namespace": self.namespace,
                "description": f"Service {number} of {team}, which the source describes in revision {version}",
                "annotations": {
                    "backstage.io/managed-by-location": location,
                    "backstage.io/managed-by-origin-location": location,
                    "source.example/id": str(mixed),
                    "source.example/revision": str(version),
                    "source.example/runbook": "https://runbooks.example/" + team,
                },
            },
            "spec": {
                "type": _TYPES[mixed % 4],
                "lifecycle": _LIFECYCLES[mixed % 3],
                "owner": team,
                "system": _SYSTEMS[mixed % 89],
            },
        }


def in_state(item: Entity | Mapping[str, Any], state: State) -> Entity | Mapping[str, Any]:
    """An item as it is after it was renamed and spoiled.

    Args:
        item: as it was at first.
        state: what has happened to it.
    """
    body = item.body if isinstance(item, Entity) else dict(item)
    metadata = copy(body["metadata"])
    if state.renamed:
        metadata["name"] += _suffix(state.renamed)
    if state.spoiled == "label":
        metadata["labels"] = {"tier": "no value of a label!"}
    if state.spoiled == "name":
        metadata["name"] = None
    body["metadata"] = metadata
    return Entity(body, location_key=item.location_key) if isinstance(item, Entity) else body


def claimed_entity(ref: str, location_key: str | None, source: str) -> Entity:
    """An entity that belongs to another provider, as it is returned by a source that has one of the same ref.

    Args:
        ref: whose.
        location_key: as it is returned (C-9).
        source: who says so.
    """
    parsed = EntityRef.parse(ref)
    location = f"{SITE}claims/{parsed.name}"
    metadata = {
        "name": parsed.name,
        "namespace": parsed.namespace,
        "description": f"as {source} has it",
        "annotations": {f"backstage.io/managed-by-{kind}location": location for kind in ("", "origin-")},
    }
    spec = {"type": "service", "lifecycle": "production", "owner": source}
    body = {"apiVersion": "backstage.io/v1alpha1", "kind": parsed.kind.title(), "metadata": metadata, "spec": spec}
    return Entity(body, location_key=location_key)


def _suffix(renamed: int) -> str:
    return f"-r{renamed}"
