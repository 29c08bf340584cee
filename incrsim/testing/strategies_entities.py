"""Strategies for entities, valid and invalid, and their refs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hypothesis import strategies as st

from incrsim.entity import Entity, EntityRef
from incrsim.errors import CallerError, shortened
from incrsim.testing.strategies_values import json_values, texts

KINDS = ("Component", "API", "Domain", "Group", "Location", "Resource", "System", "Template", "User")

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_LOCATIONS = ("backstage.io/managed-by-location", "backstage.io/managed-by-origin-location")

_lower = st.text(_LOWER + _DIGITS, min_size=1, max_size=6)
_mixed = st.text(_LOWER + _LOWER.upper() + _DIGITS, min_size=1, max_size=6)
_names = st.builds(str.join, st.sampled_from("-_."), st.lists(_mixed, min_size=1, max_size=3))
_labels = st.builds("-".join, st.lists(_lower, min_size=1, max_size=3))
_keys = st.builds("{}{}".format, st.just("") | st.builds("{}.{}/".format, _labels, _labels), _names)
_tags = st.builds("-".join, st.lists(st.text(_LOWER + _DIGITS + ":+#", min_size=1, max_size=6), min_size=1, max_size=2))
_links = st.fixed_dictionaries(
    {"url": st.builds("https://{}.example/{}".format, _labels, _names)}, optional={"title": _names, "icon": _names}
)
_more_metadata: Mapping[str, st.SearchStrategy[Any]] = {
    "title": texts(min_size=1),
    "description": texts(),
    "labels": st.dictionaries(_keys, st.just("") | _names, max_size=3),
    "tags": st.lists(_tags, max_size=3),
    "links": st.lists(_links, max_size=2),
}
_specs = st.dictionaries(_names, json_values(max_leaves=4), max_size=3)
_kinds = st.sampled_from(KINDS) | st.builds("{}{}".format, st.sampled_from(_LOWER), _mixed)
_namespaces = st.just("default") | _labels


def refs() -> st.SearchStrategy[str]:
    """Refs in their canonical form, `kind:namespace/name` in lower case."""
    return st.builds(EntityRef, _kinds, _namespaces, _names).map(str)


def entities(
    *, refs: st.SearchStrategy[str] | None = None, location_keys: st.SearchStrategy[str | None] | None = None
) -> st.SearchStrategy[Entity]:
    """Valid entities (C-6); shrink to a component that says nothing.

    Args:
        refs: which refs they have; few different ones meet again and again.
        location_keys: what stands beside them (C-9); nothing unless given.

    Raises:
        CallerError: when one of these is no strategy.

    Example:
        entities(refs=st.sampled_from(["component:default/a", "component:default/b"]))
    """
    keys = _strategy("location_keys", location_keys, st.none())
    return st.builds(lambda body, key: Entity(body, location_key=key), _bodies(refs), keys)


class Invalid(NamedTuple):
    """An entity that breaks a rule.

    Args:
        entity: the entity; its `ref` is `None` where it cannot be read.
        field: what is wrong, as a path: `metadata.tags[0]`.
        rule: which rule it breaks first, by its name in `docs/entity-rules.md`.
    """

    entity: Entity
    field: str
    rule: str


def invalid_entities(*, refs: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Invalid]:
    """Entities that break one rule (C-6, C-7), each with the reason.

    Args:
        refs: which refs they have, where they can be read.

    Raises:
        CallerError: when that is no strategy.
    """
    return st.builds(_spoiled, _bodies(refs), st.sampled_from(_SPOILS))


def _strategy(name: str, given: Any, usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    if given is None:
        return usual
    if not isinstance(given, st.SearchStrategy):
        raise CallerError(f"{name}={shortened(given)} is no strategy; write for example {name}=st.just({given!r:.40})")
    return given


def _bodies(given: st.SearchStrategy[str] | None) -> st.SearchStrategy[dict[str, Any]]:
    names = st.tuples(_kinds, _namespaces, _names) if given is None else _strategy("refs", given, refs()).map(_parts)
    more = st.fixed_dictionaries({}, optional=dict(_more_metadata))
    annotations = st.dictionaries(_keys, texts(), max_size=2)
    return st.builds(_body, names, more, annotations, _specs)


def _parts(ref: str) -> tuple[str, str, str]:
    parsed = EntityRef.parse(ref)
    return parsed.kind.capitalize(), parsed.namespace, parsed.name


def _body(
    names: tuple[str, str, str], more: dict[str, Any], annotations: dict[str, str], spec: dict[str, Any]
) -> dict[str, Any]:
    kind, namespace, name = names
    located = annotations | dict.fromkeys(_LOCATIONS, f"url:https://source.example/{name}")
    metadata = {"name": name, "namespace": namespace, "annotations": located, **more}
    return {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


# --- what may be wrong ------------------------------------------------------------------------------------------------

_Spoil = Callable[[dict[str, Any]], object]


def _root(field: str, value: object) -> _Spoil:
    return lambda body: body.update({field: value})


def _metadata(field: str, value: object) -> _Spoil:
    return lambda body: body["metadata"].update({field: value})


def _annotation(key: str, value: object) -> _Spoil:
    return lambda body: body["metadata"]["annotations"].update({key: value})


_SPOILS: tuple[tuple[str, str, _Spoil], ...] = (
    ("metadata.tags[0]", "tag", _metadata("tags", ["No Tag"])),
    ("metadata.tags", "tags", _metadata("tags", "java")),
    ("metadata.labels.tier", "label-value", _metadata("labels", {"tier": "no value!"})),
    ('metadata.labels["a b"]', "label-key", _metadata("labels", {"a b": ""})),
    ("metadata.labels", "labels", _metadata("labels", ["tier"])),
    ("metadata.links[0].url", "link-url", _metadata("links", [{"url": "no URL"}])),
    ("metadata.links", "links", _metadata("links", {})),
    ("metadata.title", "title", _metadata("title", "")),
    ("metadata.description", "description", _metadata("description", 7)),
    ("metadata.namespace", "namespace", _metadata("namespace", "No_Namespace")),
    ("metadata.name", "name", _metadata("name", "no name!")),
    ("metadata.name", "name", _metadata("name", None)),
    ("metadata.annotations.count", "annotation-value", _annotation("count", 7)),
    ('metadata.annotations["a b"]', "annotation-key", _annotation("a b", "")),
    (f'metadata.annotations["{_LOCATIONS[0]}"]', "location", _annotation(_LOCATIONS[0], "")),
    ("metadata.annotations", "annotations", _metadata("annotations", [])),
    ("metadata", "metadata", _root("metadata", [])),
    ("apiVersion", "api-version", _root("apiVersion", "v-1")),
    ("kind", "kind", _root("kind", "no kind!")),
    ("kind", "kind", _root("kind", 7)),
    ("spec", "spec", _root("spec", "no mapping")),
    ("color", "foreign-field", _root("color", "red")),
    ("spec.text", "nul", _root("spec", {"text": "NUL: \0"})),
    ("spec.number", "json", _root("spec", {"number": float("nan")})),
)


def _spoiled(body: dict[str, Any], spoil: tuple[str, str, _Spoil]) -> Invalid:
    field, rule, spoils = spoil
    spoils(body)
    return Invalid(Entity(body), field, rule)
