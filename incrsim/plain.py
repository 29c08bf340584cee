"""Values as JSON: what `to_dict()` of the library's values gives (SDK, CLI and REST write the same)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import Any


def plain(value: object) -> Any:
    """A value as what `json.dumps` takes: a dataclass becomes an object of its fields.

    An instant is ISO 8601 in UTC with microseconds; a field that holds a duration is called `…_seconds`; bytes are
    text, a fraction is its decimal or `numerator/denominator` writing.

    Raises:
        TypeError: when a value has no JSON form.
    """
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return value.value
        case str():
            return value
        case datetime():
            return instant(value)
        case bytes():
            return value.decode()
        case Fraction():
            return value.numerator if value.denominator == 1 else str(value)
        case Mapping():
            return dict(_entry(str(name), each) for name, each in value.items())
        case Sequence():
            return [plain(each) for each in value]
    if is_dataclass(value):
        return dict(_entry(field.name, getattr(value, field.name)) for field in fields(value))
    raise TypeError(f"{value!r} has no JSON form")


def instant(value: datetime) -> str:
    """An instant in UTC with microseconds: `2026-11-05T12:00:00.000000Z`."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _entry(name: str, value: object) -> tuple[str, Any]:
    return (f"{name}_seconds", value.total_seconds()) if isinstance(value, timedelta) else (name, plain(value))
