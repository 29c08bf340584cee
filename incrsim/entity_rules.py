"""Backstage's rules for entities, as `docs/entity-rules.md` lists them (C-6).

Source: `packages/catalog-model` of backstage/backstage, that is the entity policies that every Backstage catalog runs
(`SchemaValid`, `NoForeignRootFields`, `FieldFormat`) and the validator functions behind them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from incrsim.exact_json import child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROVIDER_ANNOTATION = "@backstage/incremental-entity-provider"
LOCATION_ANNOTATIONS = ("backstage.io/managed-by-location", "backstage.io/managed-by-origin-location")

RULES_VERSION = "1"
"""Part of every digest: raise it with every change of a rule, and what is stored gets validated again."""

MAX_REF_LENGTH = 255

_ROOT_FIELDS = frozenset({"apiVersion", "kind", "metadata", "spec"})

_TEXT = frozenset({str})

_DNS_LABEL = r"[a-z0-9]+(?:-+[a-z0-9]+)*"
_OBJECT_NAME = r"(?=.{1,63}\Z)(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_DNS_SUBDOMAIN = rf"(?=[^/]{{1,253}}/)(?=[^./]{{1,63}}(?:\.[^./]{{1,63}})*/){_DNS_LABEL}(?:\.{_DNS_LABEL})*"

is_name = re.compile(_OBJECT_NAME).fullmatch
is_tag = re.compile(r"(?=.{1,63}\Z)[a-z0-9:+#]+(?:-[a-z0-9:+#]+)*").fullmatch
_matches_namespace = re.compile(rf"(?=.{{1,63}}\Z){_DNS_LABEL}").fullmatch
_matches_kind = re.compile(r"[a-zA-Z][a-z0-9A-Z]{0,62}").fullmatch
_matches_api_version = re.compile(rf"(?:{_DNS_SUBDOMAIN}/)?[a-z0-9A-Z]{{1,63}}").fullmatch
_matches_key = re.compile(rf"(?:{_DNS_SUBDOMAIN}/)?{_OBJECT_NAME}").fullmatch
# What the URL parser of browsers and Node takes: any scheme, and a host where the scheme has hosts.
_matches_url = re.compile(
    r"(?:(?i:https?|wss?|ftp):[/\\]*(?:[^/\\?#]*@)?(?:[^\s/\\?#@:<>^|\[\]]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?(?:[/\\?#].*)?"
    r"|(?!(?i:https?|wss?|ftp):)[A-Za-z][-A-Za-z0-9+.]*:.*)",
    re.DOTALL,
).fullmatch

# A catalog has few different ones and meets each very often.
is_kind = lru_cache(256)(lambda text: _matches_kind(text) is not None)
is_api_version = lru_cache(256)(lambda text: _matches_api_version(text) is not None)
is_namespace = lru_cache(256)(lambda text: _matches_namespace(text) is not None)
is_key = lru_cache(4096)(lambda text: _matches_key(text) is not None)

_NAME_FORM = "1 to 63 of A-Z a-z 0-9, with single or several - _ . only inside"
_KEY_FORM = f"a name ({_NAME_FORM}), if need be behind a lower-case domain and one slash, as in example.com/team"


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which an entity breaks a rule (C-7).

    Attributes:
        field: where in the entity, for example `metadata.labels["a b"]`.
        rule: short, stable name of the rule, as in `docs/entity-rules.md`.
        message: what was found, and what to write instead.
    """

    field: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def entity_violations(body: dict[str, Any], ref: str | None) -> list[Violation]:
    """Tell everything about an entity that breaks a rule; empty for a valid one.

    Args:
        body: the entity as JSON gives it back, without the engine's own annotation.
        ref: its ref, or `None` when it has none that can be read.
    """
    found: list[Violation] = []
    if not body.keys() <= _ROOT_FIELDS:
        found += _foreign_fields(body)
    if not (isinstance(version := body.get("apiVersion"), str) and is_api_version(version)):
        found.append(_wrong("apiVersion", "api-version", version, "write for example backstage.io/v1alpha1"))
    if not (isinstance(kind := body.get("kind"), str) and is_kind(kind)):
        found.append(_wrong("kind", "kind", kind, "write a letter and up to 62 letters or digits, as in Component"))
    if "spec" in body and not isinstance(body["spec"], dict):
        found.append(_wrong("spec", "spec", body["spec"], "write a mapping, or leave it out"))
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        _check_metadata(metadata, found)
    else:
        found.append(_wrong("metadata", "metadata", metadata, "write a mapping with a name"))
    if ref is not None and len(ref) > MAX_REF_LENGTH:
        shown = f"the ref {_shown(ref[:60])}… has {len(ref)} characters; at most {MAX_REF_LENGTH} can be stored"
        found.append(Violation("metadata.name", "ref", f"{shown}: shorten kind, namespace or name"))
    return found


def nul_violations(value: object, path: str = "") -> Iterator[Violation]:
    """Find NUL in a JSON value, in texts and keys: no text column of Postgres can hold it.

    Args:
        value: as JSON gives it back.
        path: how violations call the value itself.
    """
    if isinstance(value, str):
        if "\0" in value:
            yield Violation(path, "nul", f"{_shown(value)} holds NUL, which cannot be stored; remove it")
    elif isinstance(value, dict):
        for key, item in value.items():
            if "\0" in key:
                message = f"the key {_shown(key)} holds NUL, which cannot be stored; remove it"
                yield Violation(path or "entity", "nul", message)
            yield from nul_violations(item, child(path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from nul_violations(item, f"{path}[{index}]")


def _foreign_fields(body: dict[str, Any]) -> Iterator[Violation]:
    for name in sorted(body.keys() - _ROOT_FIELDS):
        hint = "an entity has only apiVersion, kind, metadata and spec; move it into spec, or leave it out"
        yield Violation(child("", name), "foreign-field", f"unknown field; {hint}")


def _check_metadata(metadata: dict[str, Any], found: list[Violation]) -> None:
    if not (isinstance(name := metadata.get("name"), str) and is_name(name)):
        found.append(_wrong("metadata.name", "name", name, f"write {_NAME_FORM}"))
    for field, value in metadata.items():
        if check := _METADATA_CHECKS.get(field):
            check(value, found)
    if "annotations" not in metadata:
        _check_annotations({}, found)


def _check_namespace(value: object, found: list[Violation]) -> None:
    if not (isinstance(value, str) and is_namespace(value)):
        found.append(_wrong("metadata.namespace", "namespace", value, "write 1 to 63 of a-z 0-9, with - only inside"))


def _check_labels(labels: object, found: list[Violation]) -> None:
    if not isinstance(labels, dict):
        found.append(_wrong("metadata.labels", "labels", labels, "write a mapping, or leave it out"))
        return
    for key, value in labels.items():
        if not is_key(key):
            found.append(_wrong(child("metadata.labels", key), "label-key", key, f"write {_KEY_FORM}"))
        if not (isinstance(value, str) and (not value or is_name(value))):
            hint = f"write text: nothing, or {_NAME_FORM}; free text belongs into an annotation"
            found.append(_wrong(child("metadata.labels", key), "label-value", value, hint))


def _check_annotations(annotations: object, found: list[Violation]) -> None:
    if not isinstance(annotations, dict):
        found.append(_wrong("metadata.annotations", "annotations", annotations, "write a mapping"))
        return
    # Two loops in C where nothing is wrong, and only then the one that can say what is.
    if not (all(map(is_key, annotations)) and _TEXT.issuperset(map(type, annotations.values()))):
        found += _wrong_annotations(annotations)
    for key in LOCATION_ANNOTATIONS:
        location = annotations.get(key)
        # Only that it says something: the seed's own example writes the provider's bare name, not `type:target`.
        if not (isinstance(location, str) and location.strip()):
            hint = 'write for example "url:https://example.com/x"; incrsim.component(…) and its like fill it in'
            found.append(_wrong(child("metadata.annotations", key), "location", location, hint))


def _wrong_annotations(annotations: dict[str, Any]) -> Iterator[Violation]:
    for key, value in annotations.items():
        if not is_key(key):
            yield _wrong(child("metadata.annotations", key), "annotation-key", key, f"write {_KEY_FORM}")
        if not isinstance(value, str):
            yield _wrong(child("metadata.annotations", key), "annotation-value", value, "write text")


def _check_tags(tags: object, found: list[Violation]) -> None:
    if not isinstance(tags, list):
        found.append(_wrong("metadata.tags", "tags", tags, "write a list of texts, or leave it out"))
        return
    for index, tag in enumerate(tags):
        if not (isinstance(tag, str) and is_tag(tag)):
            hint = "write 1 to 63 of a-z 0-9 : + #, with single - only inside"
            found.append(_wrong(f"metadata.tags[{index}]", "tag", tag, hint))


def _check_links(links: object, found: list[Violation]) -> None:
    if not isinstance(links, list):
        hint = 'write a list like [{"url": "https://…"}], or leave it out'
        found.append(_wrong("metadata.links", "links", links, hint))
        return
    for index, link in enumerate(links):
        path = f"metadata.links[{index}]"
        if not isinstance(link, dict):
            found.append(_wrong(path, "links", link, 'write a mapping like {"url": "https://…"}'))
            continue
        url = link.get("url")
        if not (isinstance(url, str) and _matches_url(url.strip())):
            found.append(_wrong(f"{path}.url", "link-url", url, "write a whole URL, for example https://example.com/"))
        for field, fits, hint in _LINK_TEXTS:
            if field in link and not (isinstance(link[field], str) and fits(link[field])):
                found.append(_wrong(f"{path}.{field}", f"link-{field}", link[field], f"write {hint}, or leave it out"))


_LINK_TEXTS: tuple[tuple[str, Callable[[str], object], str], ...] = (
    ("title", str.strip, "text that is not empty"),
    ("icon", is_name, _NAME_FORM),
    ("type", len, "text that is not empty"),
)


def _text_check(field: str, least: int, hint: str) -> Callable[[object, list[Violation]], None]:
    def check(value: object, found: list[Violation]) -> None:
        if not (isinstance(value, str) and len(value) >= least):
            found.append(_wrong(f"metadata.{field}", field, value, f"write {hint}, or leave it out"))

    return check


_METADATA_CHECKS: dict[str, Callable[[object, list[Violation]], None]] = {
    "namespace": _check_namespace,
    "title": _text_check("title", 1, "text that is not empty"),
    "description": _text_check("description", 0, "text"),
    "labels": _check_labels,
    "annotations": _check_annotations,
    "tags": _check_tags,
    "links": _check_links,
    "uid": _text_check("uid", 1, "text that is not empty"),
    "etag": _text_check("etag", 1, "text that is not empty"),
}


def _wrong(field: str, rule: str, value: object, instead: str) -> Violation:
    problem = "is missing" if value is None else f"{_shown(value)} is not valid"
    return Violation(field, rule, f"{problem}; {instead}")


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:77]}…"  # noqa: PLR2004 -- what fits into a message
