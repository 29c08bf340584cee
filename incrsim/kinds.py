"""Backstage's kinds in one call each: everything that an entity must have is filled in (C-6).

A helper never complains about what the *source* said: a bad record becomes an `Entity` with violations, which the
engine puts into quarantine, so that it does not cost its page (C-7). A wrong *call* is a `TypeError` at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypedDict, Unpack

from incrsim.entity import Entity
from incrsim.entity_rules import LOCATION_ANNOTATIONS

API_VERSION = "backstage.io/v1alpha1"


class Named(Protocol):
    """A provider, as far as its entities are concerned."""

    @property
    def name(self) -> str:
        """Its stable, unique name (C-1)."""


class Common(TypedDict, total=False):
    """What every kind takes beside its own fields; what is left out, or `None`, is not written.

    Attributes:
        namespace: Backstage takes `default` for an entity without one.
        title: name for people.
        description: one line or several.
        labels: short values to select by.
        annotations: any text, under keys like `example.com/id`; they win over the two locations that are filled in.
        tags: lower-case words.
        links: mappings with `url`, and if need be `title`, `icon`, `type`.
        spec: further fields, which win over those that the helper writes.
        api_version: other than `backstage.io/v1alpha1`.
        location_key: two providers that give the same one may take each other's entity over (C-9).
    """

    namespace: str | None
    title: str | None
    description: str | None
    labels: Mapping[str, str] | None
    annotations: Mapping[str, str] | None
    tags: Iterable[str] | None
    links: Iterable[Mapping[str, str]] | None
    spec: Mapping[str, Any] | None
    api_version: str | None
    location_key: str | None


_METADATA = frozenset({"namespace", "title", "description", "labels", "tags", "links"})
_COMMON = frozenset(Common.__annotations__)
_JSON_TYPES = frozenset({str, dict, list, int, float, bool})
_MANAGED_BY, _MANAGED_BY_ORIGIN = LOCATION_ANNOTATIONS


def entity(kind: str, name: str, *, provider: Named | str, **common: Unpack[Common]) -> Entity:
    """Build an entity of any kind.

    Args:
        kind: for example `Component`.
        name: unique for its kind and namespace.
        provider: the provider (usually `self`), or its name.
        common: see `Common`.

    Raises:
        TypeError: `provider` has no name, or an argument is unknown.
    """
    return _build(kind, name, provider, {}, common)


def component(  # noqa: PLR0913 -- Backstage's fields, all of them named
    name: str,
    *,
    provider: Named | str,
    type: str = "service",  # noqa: A002 -- Backstage's own word
    lifecycle: str = "production",
    owner: str = "unknown",
    system: str | None = None,
    subcomponent_of: str | None = None,
    provides_apis: Iterable[str] | None = None,
    consumes_apis: Iterable[str] | None = None,
    depends_on: Iterable[str] | None = None,
    **common: Unpack[Common],
) -> Entity:
    """Build a `Component`: a piece of software.

    Args:
        name: unique among components of its namespace.
        provider: the provider (usually `self`), or its name.
        type: for example `service`, `website`, `library`.
        lifecycle: for example `experimental`, `production`, `deprecated`.
        owner: ref of a group or user.
        system: ref of the system it belongs to.
        subcomponent_of: ref of the component it is a part of.
        provides_apis: refs of APIs.
        consumes_apis: refs of APIs.
        depends_on: refs of components and resources.
        common: see `Common`.
    """
    spec = {
        "type": type,
        "lifecycle": lifecycle,
        "owner": owner,
        "system": system,
        "subcomponentOf": subcomponent_of,
        "providesApis": provides_apis,
        "consumesApis": consumes_apis,
        "dependsOn": depends_on,
    }
    return _build("Component", name, provider, spec, common)


def resource(
    name: str,
    *,
    provider: Named | str,
    type: str = "resource",  # noqa: A002 -- Backstage's own word
    owner: str = "unknown",
    system: str | None = None,
    depends_on: Iterable[str] | None = None,
    **common: Unpack[Common],
) -> Entity:
    """Build a `Resource`: what a component needs to run, such as a database or a bucket.

    Args:
        name: unique among resources of its namespace.
        provider: the provider (usually `self`), or its name.
        type: for example `database`, `s3-bucket`, `cluster`.
        owner: ref of a group or user.
        system: ref of the system it belongs to.
        depends_on: refs of components and resources.
        common: see `Common`.
    """
    spec = {"type": type, "owner": owner, "system": system, "dependsOn": depends_on}
    return _build("Resource", name, provider, spec, common)


def api(
    name: str,
    *,
    provider: Named | str,
    definition: str,
    type: str = "openapi",  # noqa: A002 -- Backstage's own word
    lifecycle: str = "production",
    owner: str = "unknown",
    system: str | None = None,
    **common: Unpack[Common],
) -> Entity:
    """Build an `API`: an interface between components.

    Args:
        name: unique among APIs of its namespace.
        provider: the provider (usually `self`), or its name.
        definition: the interface's text, in the format that `type` names.
        type: for example `openapi`, `asyncapi`, `graphql`, `grpc`.
        lifecycle: for example `experimental`, `production`, `deprecated`.
        owner: ref of a group or user.
        system: ref of the system it belongs to.
        common: see `Common`.
    """
    spec = {"type": type, "lifecycle": lifecycle, "owner": owner, "definition": definition, "system": system}
    return _build("API", name, provider, spec, common)


def system(
    name: str, *, provider: Named | str, owner: str = "unknown", domain: str | None = None, **common: Unpack[Common]
) -> Entity:
    """Build a `System`: components and resources that belong together.

    Args:
        name: unique among systems of its namespace.
        provider: the provider (usually `self`), or its name.
        owner: ref of a group or user.
        domain: ref of the domain it belongs to.
        common: see `Common`.
    """
    return _build("System", name, provider, {"owner": owner, "domain": domain}, common)


def domain(name: str, *, provider: Named | str, owner: str = "unknown", **common: Unpack[Common]) -> Entity:
    """Build a `Domain`: systems of one field of business.

    Args:
        name: unique among domains of its namespace.
        provider: the provider (usually `self`), or its name.
        owner: ref of a group or user.
        common: see `Common`.
    """
    return _build("Domain", name, provider, {"owner": owner}, common)


def group(
    name: str,
    *,
    provider: Named | str,
    type: str = "team",  # noqa: A002 -- Backstage's own word
    children: Iterable[str] = (),
    parent: str | None = None,
    members: Iterable[str] | None = None,
    profile: Mapping[str, str] | None = None,
    **common: Unpack[Common],
) -> Entity:
    """Build a `Group`: a team or a larger unit.

    Args:
        name: unique among groups of its namespace.
        provider: the provider (usually `self`), or its name.
        type: for example `team`, `business-unit`, `root`.
        children: refs of the groups below it.
        parent: ref of the group above it.
        members: refs of users.
        profile: `displayName`, `email`, `picture`.
        common: see `Common`.
    """
    spec = {"type": type, "children": children, "parent": parent, "members": members, "profile": profile}
    return _build("Group", name, provider, spec, common)


def user(
    name: str,
    *,
    provider: Named | str,
    member_of: Iterable[str] = (),
    profile: Mapping[str, str] | None = None,
    **common: Unpack[Common],
) -> Entity:
    """Build a `User`: a person.

    Args:
        name: unique among users of its namespace.
        provider: the provider (usually `self`), or its name.
        member_of: refs of groups.
        profile: `displayName`, `email`, `picture`.
        common: see `Common`.
    """
    return _build("User", name, provider, {"memberOf": member_of, "profile": profile}, common)


def location(
    name: str,
    *,
    provider: Named | str,
    type: str = "url",  # noqa: A002 -- Backstage's own word
    target: str | None = None,
    targets: Iterable[str] | None = None,
    **common: Unpack[Common],
) -> Entity:
    """Build a `Location`: a marker of where more catalog data is to be read.

    Args:
        name: unique among locations of its namespace.
        provider: the provider (usually `self`), or its name.
        type: of all its targets, for example `url`.
        target: one place.
        targets: several places.
        common: see `Common`.
    """
    return _build("Location", name, provider, {"type": type, "target": target, "targets": targets}, common)


def _build(kind: str, name: str, provider: Named | str, own: dict[str, Any], common: Common) -> Entity:
    if not common.keys() <= _COMMON:
        unknown = ", ".join(sorted(common.keys() - _COMMON))
        raise TypeError(f"{kind} {name!r} takes no {unknown}; fields of its own go into spec={{…}}")
    metadata: dict[str, Any] = {"name": name, "annotations": _annotations(provider, common.get("annotations"))}
    for field, value in common.items():
        if value is not None and field in _METADATA:
            metadata[field] = _plain(value)
    version = common.get("api_version") or API_VERSION
    body: dict[str, object] = {"apiVersion": version, "kind": kind, "metadata": metadata}
    spec = {field: _plain(value) for field, value in own.items() if value is not None}
    further = common.get("spec", {})
    if spec or further:
        body["spec"] = {**spec, **(further or {})} if isinstance(further, Mapping | None) else further
    return Entity(body, location_key=common.get("location_key"))


def _annotations(provider: Named | str, given: object) -> object:
    name = provider if isinstance(provider, str) else getattr(provider, "name", None)
    if not isinstance(name, str):
        raise TypeError(f"provider={provider!r} has no name; pass the provider itself (provider=self) or its name")
    location = f"incremental:{name}"
    if given is None or isinstance(given, Mapping):
        return {_MANAGED_BY: location, _MANAGED_BY_ORIGIN: location, **(given or {})}
    return given


def _plain(value: object) -> object:
    """The list or dict that JSON has for it; anything else stays, for the rules to judge."""
    if type(value) in _JSON_TYPES or isinstance(value, str | bytes):
        return value
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Iterable) else value
