"""Values of database columns as JSON: exactly and back for keys, readably for everything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID

from providers.naming import storable

_EXACT: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    bool: (bool, bool),
    int: (int, int),
    str: (str, str),
    bytes: (bytes.hex, bytes.fromhex),
    Decimal: (str, Decimal),
    UUID: (str, UUID),
    datetime: (datetime.isoformat, datetime.fromisoformat),
    date: (date.isoformat, date.fromisoformat),
    time: (time.isoformat, time.fromisoformat),
}
"""How a value of each type goes to JSON, and comes back."""
_READERS = {kind.__name__: read for kind, (_, read) in _EXACT.items()}

ExactKey = list[Any]
"""A key as JSON: a list of type and value for each column."""


def write_key(values: Sequence[Any]) -> ExactKey:
    """A key as a value for JSON, from which `read_key` makes the very same.

    Raises:
        TypeError: a value is of a type that has no exact text, such as a floating-point number.
    """
    for value in values:
        if type(value) not in _EXACT:
            raise TypeError(
                f"the key holds {value!r}, and a {type(value).__name__} has no exact place in an order; "
                f"write a key of columns that hold one of {', '.join(_READERS)}"
            )
    return [[type(value).__name__, _EXACT[type(value)][0](value)] for value in values]


def read_key(key: ExactKey) -> list[Any]:
    """The values that `write_key` wrote."""
    return [_READERS[kind](value) for kind, value in key]


def name_part(value: Any, *, of_text_column: bool) -> str:
    """A key's value as part of a name; SQLite may hold both 1 and '1' in one column, and they are not the same."""
    odd = isinstance(value, bytes) or isinstance(value, str) is not of_text_column
    return f"{type(value).__name__}:{plain(value)}" if odd else str(plain(value))


def plain(value: Any) -> Any:
    """A value as JSON that a person can read."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return storable(value)
        case float():
            return value if isfinite(value) else str(value)
        case datetime():
            # In one zone, whatever the session's is: else all rows change when that does.
            return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
        case date() | time():
            return value.isoformat()
        case bytes() | memoryview():
            return value.hex()
        case list():
            return [plain(each) for each in value]
        case dict():
            return {storable(str(name)): plain(each) for name, each in value.items()}
    return storable(str(value))
