"""Entities as values: read once, written once, compared by digest (C-6, C-11).

An `Entity` takes a mapping as a source gave it and never complains about its content: what is wrong with it is told
by `violations`, so that one bad record does not cost its page (C-7). Building one costs one serialisation; after that
it is immutable, and the mapping it came from may be changed freely.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import Any, NoReturn
from uuid import UUID

import orjson

from incrsim.entity_annotation import unannotated
from incrsim.entity_glance import plainly_valid
from incrsim.entity_rules import PROVIDER_ANNOTATION, RULES_VERSION, Violation, entity_violations, nul_violations
from incrsim.exact_json import Defect, Dialect, defects, text_defects

__all__ = ["DEFAULT_NAMESPACE", "PROVIDER_ANNOTATION", "Entity", "EntityRef", "Violation"]

DEFAULT_NAMESPACE = "default"

_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)
_DIALECT = Dialect(integers=range(-(2**63), 2**64), depth=200, converted=(tuple, Enum, UUID))
_NO_DIGEST = blake2b(digest_size=16, person=f"incrsim-{RULES_VERSION}".encode())
# How JSON writes NUL; a backslash before a "u0000" of the source's own looks the same, which the walk tells apart.
_NUL = rb"\u0000"
_BACKSLASH = ord("\\")  # a number is found several times faster than bytes
_FIELDS = ("ref", "location_key", "_text", "_defects", "_digest")


class Entity:
    """One entity as a provider returned it: immutable, equal to every other of the same content and `location_key`.

    Attributes:
        ref: `kind:namespace/name`, lower-cased; `None` when it cannot be read: `kind` or `metadata.name` is no text or
            empty, `metadata.namespace` is neither, or one of them holds NUL or a lone surrogate.
        location_key: who may take over this ref (C-9).
    """

    __slots__ = _FIELDS

    ref: str | None
    location_key: str | None
    _text: bytes
    _defects: tuple[Defect, ...]
    _digest: bytes | None

    def __init__(self, body: Mapping[str, object], *, location_key: str | None = None) -> None:
        """Take an entity's body as it is; nothing of it is kept but its JSON.

        Args:
            body: `apiVersion`, `kind`, `metadata`, `spec`, as JSON values. Tuples are taken as arrays, UUIDs and
                members of an `Enum` as their value.
            location_key: two providers that give the same one may take each other's entity over (C-9).

        Raises:
            TypeError: `body` is not a mapping, or `location_key` neither text nor `None`.
        """
        if type(body) is not dict:
            body = _as_dict(body)
        if location_key is not None and type(location_key) is not str:
            raise TypeError(f"Entity(location_key={location_key!r}): a location key is text or None; write str(…)")
        body = unannotated(body)
        found: tuple[Defect, ...] = ()
        text = b""
        try:
            text = orjson.dumps(body, option=_OPTIONS)
            # orjson writes NaN and infinity as null. Searched from behind: CPython does that three times as fast.
            if text.rfind(b"null") >= 0 and orjson.loads(text) != body:
                found = tuple(defects(body, "", _DIALECT))
        except (TypeError, RecursionError) as error:
            found = tuple(defects(body, "", _DIALECT)) or (Defect("", f"cannot be written as JSON: {error}"),)
        if found:
            text = orjson.dumps(_salvaged(body, 0), option=_OPTIONS)
        _set_ref(self, _ref(body) or _ref_of_odd_types(body))
        _set_location_key(self, location_key)
        # A copy, for orjson's own bytes lie in the buffer that it wrote them into: 4 kB for 600 bytes.
        _set_text(self, b"".join((text, b"")))
        _set_defects(self, found)
        _set_digest(self, None)

    @property
    def digest(self) -> bytes:
        """16 bytes over `canonical`, `location_key` and the version of the rules (C-11).

        For a body that JSON cannot hold it covers what can be held and the type of what cannot: the same in every
        process.
        """
        # Made when it is asked for: for new entities that is while the database stores the batch before.
        digest = self._digest
        if digest is None:
            digest = _digest_of(self._text, self.location_key, self._defects)
            _set_digest(self, digest)
        return digest

    @property
    def canonical(self) -> bytes | None:
        """The body as JSON with sorted keys, without the engine's own annotation; `None` when JSON cannot hold it
        exactly.
        """
        return None if self._defects else self._text

    @property
    def body(self) -> dict[str, Any]:
        """A fresh copy of the body; what JSON cannot hold is replaced by a text that says so."""
        body: dict[str, Any] = orjson.loads(self._text)
        return body

    @property
    def violations(self) -> tuple[Violation, ...]:
        """All rules that this entity breaks, found anew at each call; empty for a valid one (C-6)."""
        # The usual case at once: without a backslash there is no NUL either.
        text = self._text
        if not self._defects and self.location_key is None and _BACKSLASH not in text and plainly_valid(text):
            return ()
        if self._defects:
            return tuple(_json_violations(self._defects))
        body = self.body
        found = entity_violations(body, self.ref)
        if _NUL in text:
            found += nul_violations(body)
        if self.location_key is not None:
            found += nul_violations(self.location_key, "location_key")
            found += _json_violations(text_defects(self.location_key, "location_key"))
        return tuple(found)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entity):
            return NotImplemented
        return self.digest == other.digest and self._text == other._text and self.location_key == other.location_key

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        key = "" if self.location_key is None else f", location_key={self.location_key!r}"
        return f"<Entity {self.ref or 'without a readable ref'}{key}>"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"an Entity is immutable: build a new one instead of setting {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"an Entity is immutable: {name!r} cannot be deleted")

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, tuple(getattr(self, name) for name in _FIELDS)


# The only way past `__setattr__`, and the fastest one.
_SETTERS = tuple(vars(Entity)[name].__set__ for name in _FIELDS)
_set_ref, _set_location_key, _set_text, _set_defects, _set_digest = _SETTERS


@dataclass(frozen=True, slots=True, order=True)
class EntityRef:
    """An entity's reference in parts; `str()` gives the `kind:namespace/name` that everything else uses.

    Attributes:
        kind: lower-cased, for example `component`.
        namespace: lower-cased, for example `default`.
        name: lower-cased.
    """

    kind: str
    namespace: str
    name: str

    def __post_init__(self) -> None:
        for field in ("kind", "namespace", "name"):
            value = getattr(self, field)
            if not isinstance(value, str) or not value:
                raise ValueError(f"EntityRef({field}={value!r}): it must be text that is not empty")
            object.__setattr__(self, field, value.lower())

    @classmethod
    def parse(cls, text: str) -> EntityRef:
        """Read `kind:namespace/name` or `kind:name`, in any case.

        Args:
            text: the ref.

        Raises:
            ValueError: it has no kind or no name.
        """
        kind, colon, rest = text.partition(":") if isinstance(text, str) else ("", "", "")
        namespace, slash, name = rest.partition("/")
        if not slash:
            namespace, name = DEFAULT_NAMESPACE, rest
        if not (colon and kind and namespace and name) or "/" in kind or "/" in name or ":" in rest:
            raise ValueError(
                f"{text!r} is not an entity ref; write kind:namespace/name, for example component:default/website"
            )
        return cls(kind, namespace, name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.namespace}/{self.name}"


def _json_violations(found: Iterable[Defect]) -> Iterator[Violation]:
    return (Violation(each.path or "entity", "json", each.reason) for each in found)


def _restored(*values: object) -> Entity:
    entity = Entity.__new__(Entity)
    for setter, value in zip(_SETTERS, values, strict=True):
        setter(entity, value)
    return entity


def _as_dict(body: object) -> dict[str, object]:
    if isinstance(body, Mapping):
        return dict(body)
    raise TypeError(
        f"Entity({body!r:.80}) is of type {type(body).__name__}, and an entity is a mapping; "
        'write Entity({"apiVersion": …, "kind": …, "metadata": {"name": …}}), or use incrsim.component(…) and its like'
    )


def _ref(body: Mapping[str, object]) -> str | None:
    metadata = body.get("metadata")
    kind = body.get("kind")
    if type(metadata) is not dict or type(kind) is not str:
        return None
    name = metadata.get("name")
    namespace = metadata.get("namespace")
    if namespace is None:
        namespace = DEFAULT_NAMESPACE
    if type(name) is not str or type(namespace) is not str or not (kind and namespace and name):
        return None
    ref = f"{kind}:{namespace}/{name}".lower()
    # What is printable is neither NUL nor a lone surrogate; of what is not, most are fine too.
    if ref.isprintable() or ("\0" not in ref and next(text_defects(ref, "ref"), None) is None):
        return ref
    return None


def _ref_of_odd_types(body: Mapping[str, object]) -> str | None:
    """Where kind or name are text by another type (an `Enum`, a subclass of `str`), the ref can still be read."""
    metadata = body.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    named = {key: _as_text(metadata.get(key)) for key in ("namespace", "name")}
    return _ref({"kind": _as_text(body.get("kind")), "metadata": named})


def _as_text(value: object) -> object:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, UUID):
        return str(value)
    return str.__str__(value) if isinstance(value, str) else value


def _digest_of(text: bytes, location_key: str | None, found: tuple[Defect, ...]) -> bytes:
    # JSON holds no raw control character, so that neither mark can be mistaken for a part of the body.
    digest = _NO_DIGEST.copy()
    digest.update(b"\1" + text if found else text)
    if location_key is not None:
        digest.update(b"\0" + location_key.encode("utf-8", "surrogatepass"))
    return digest.digest()


def _salvaged(value: object, level: int) -> object:
    """What can be kept of a value that JSON cannot hold; the same in every process: no addresses, no order of sets."""
    if level > _DIALECT.depth:
        return "(not JSON: nested too deeply)"
    if isinstance(value, dict) and type(value) is dict:
        return {_salvaged_text(key): _salvaged(item, level + 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return [_salvaged(item, level + 1) for item in value]
    if next(defects(value, "", _DIALECT), None) is None:
        return value
    return _salvaged_text(value)


def _salvaged_text(value: object) -> str:
    if isinstance(value, str) and type(value) is str:
        return value.encode("utf-8", "backslashreplace").decode()
    return f"(not JSON: {type(value).__name__})"
