"""A glance at an entity's JSON: most entities are plainly valid, and need no walk over every rule (C-6).

One pass in C reads the few fields that rules are about, checks their types and skips the rest, where the walk in
`entity_rules` has all of the JSON read into dicts first. A glance only ever says *certainly valid*: the walk judges
whatever it does not know.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from incrsim.entity_rules import (
    LOCATION_ANNOTATIONS,
    is_api_version,
    is_key,
    is_kind,
    is_name,
    is_namespace,
    is_tag,
)

_Filled = Annotated[str, msgspec.Meta(min_length=1)]


class _Metadata(msgspec.Struct, gc=False):
    """Fields beside these are allowed, and no rule is about them."""

    name: str
    annotations: dict[str, str]
    namespace: str = "default"
    title: _Filled = "-"
    description: str = ""
    uid: _Filled = "-"
    etag: _Filled = "-"
    labels: dict[str, str] = {}
    tags: list[str] = []
    links: msgspec.UnsetType = msgspec.UNSET  # rules of their own: seen at a glance are only entities without any


class _Mapping(msgspec.Struct, frozen=True, gc=False):
    """A mapping, whatever it holds."""


class _Entity(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The fields that an entity may have."""

    apiVersion: str  # noqa: N815  # as JSON has it
    kind: str
    metadata: _Metadata
    spec: _Mapping = _Mapping()


MOST_KEYS = 4096
"""How many keys are remembered, give or take those of one entity: memory does not grow with the catalog (C-13)."""

_seen_keys: set[str] = set()

_read = msgspec.json.Decoder(_Entity).decode
_location, _origin = LOCATION_ANNOTATIONS


def plainly_valid(canonical: bytes) -> bool:
    """Whether an entity certainly breaks no rule of `entity_rules`; `False` says nothing.

    Args:
        canonical: its JSON. A ref of it is short enough to be stored, since its parts are.
    """
    try:
        entity = _read(canonical)
    except msgspec.DecodeError:
        return False
    metadata = entity.metadata
    annotations, labels = metadata.annotations, metadata.labels
    return bool(
        is_api_version(entity.apiVersion)
        and is_kind(entity.kind)
        and is_name(metadata.name)
        and is_namespace(metadata.namespace)
        and _are_keys(annotations)
        and annotations.get(_location, "").strip()
        and annotations.get(_origin, "").strip()
        and (not labels or (_are_keys(labels) and all(not each or is_name(each) for each in labels.values())))
        and (not metadata.tags or all(map(is_tag, metadata.tags)))
    )


def _are_keys(mapping: dict[str, str]) -> bool:
    """Entities of a source have the same few keys: one call in C tells that all of them were seen before."""
    if _seen_keys.issuperset(mapping):
        return True
    if not all(map(is_key, mapping)):
        return False
    if len(_seen_keys) < MOST_KEYS:
        _seen_keys.update(mapping)
    return True
