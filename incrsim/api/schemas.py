"""JSON schemas of what `plain` makes of the library's values, for OpenAPI: read off the same dataclasses."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import Any

Schema = dict[str, Any]

_PLAIN: dict[Any, Schema] = {
    Any: {},
    type(None): {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bytes: {"type": "string"},
    datetime: {"type": "string", "format": "date-time"},
    timedelta: {"type": "number"},
    Fraction: {"type": ["integer", "string"]},
}
_ARGUMENT = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


class Schemas:
    """Collects the components of a document while schemas refer to them.

    Attributes:
        components: name → schema.
    """

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """The schema of a type's values; a dataclass becomes a component.

        Raises:
            TypeError: when the type has no JSON form.
        """
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Union, types.UnionType):
            return {"anyOf": [self.of(each) for each in arguments]}
        if origin is not None and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if origin is not None and issubclass(origin, Sequence):
            return {"type": "array", "items": self.of(arguments[0])}
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"type": "string", "enum": [each.value for each in kind]}
        if is_dataclass(kind):
            return self._component(kind)
        raise TypeError(f"{kind!r} has no JSON form")

    def listing(self, item: Any) -> Schema:
        """A page of a list (`operators.Listing`)."""
        return object_of(items={"type": "array", "items": self.of(item)}, next=NEXT)

    def _component(self, kind: Any) -> Schema:
        name = kind.__name__
        if name not in self.components:
            self.components[name] = {}  # a value may hold its own kind
            told, _, _ = (kind.__doc__ or "").partition("\n\n")
            self.components[name] = {"description": _line(told), **object_of(**self._properties(kind))}
        return {"$ref": f"#/components/schemas/{name}"}

    def _properties(self, kind: Any) -> dict[str, Schema]:
        hints, told = typing.get_type_hints(kind), dict(_ARGUMENT.findall(kind.__doc__ or ""))
        properties: dict[str, Schema] = {}
        for field in fields(kind):
            name = f"{field.name}_seconds" if hints[field.name] is timedelta else field.name
            description = {"description": _line(told[field.name])} if field.name in told else {}
            properties[name] = self.of(hints[field.name]) | description
        return properties


NEXT: Schema = {
    "type": ["string", "integer", "null"],
    "description": "What `after` must be for the next page; null on the last one.",
}


def object_of(**properties: Schema) -> Schema:
    """An object that has all of these."""
    return {"type": "object", "required": list(properties), "properties": properties}


def _line(text: str) -> str:
    return " ".join(text.split())
