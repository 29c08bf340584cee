"""Canonical cursors: the one text form in which a page's cursor is stored, compared and given back (C-4)."""

from __future__ import annotations

import json
from typing import TypeAlias

from incrsim.errors import InvalidCursor
from incrsim.exact_json import Dialect, defects

JSONValue: TypeAlias = bool | int | float | str | list["JSONValue"] | dict[str, "JSONValue"] | None

MAX_CURSOR_BYTES = 64 * 1024
MAX_CURSOR_DEPTH = 100
_ENCODER = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)
# Python refuses to write or read integers of more than 4300 digits; 2048 bits are 617.
_DIALECT = Dialect(integers=range(-(2**2048), 2**2048), depth=MAX_CURSOR_DEPTH)


def canonical_cursor(value: object) -> str:
    """Write a cursor as the canonical JSON text that is stored: sorted keys, ASCII only, no spaces.

    Args:
        value: what a page returned as its cursor: dict, list, str, int, float or bool, nested at most 100 levels.
            `None` is not a cursor, since `next(context, None)` means the first page (C-2).

    Raises:
        InvalidCursor: the value would not come back from JSON exactly as it was, or its text is over 64 kB (C-4).
    """
    if value is None:
        raise InvalidCursor(
            "the page's cursor is None, which means the first page; return what identifies the next page, "
            "or done=True when there is none"
        )
    defect = next(defects(value, "cursor", _DIALECT), None)
    if defect is not None:
        raise InvalidCursor(f"{defect.path} {defect.reason}; a cursor must come back from JSON exactly as it was (C-4)")
    text = _ENCODER.encode(value)
    if len(text) > MAX_CURSOR_BYTES:
        raise InvalidCursor(
            f"the cursor is {len(text)} bytes of JSON and at most {MAX_CURSOR_BYTES} are kept (C-4); "
            "keep the state in the source, and put only what identifies the next page into the cursor"
        )
    return text


def read_cursor(text: str) -> JSONValue:
    """Give back the JSON value that `canonical_cursor` wrote.

    Args:
        text: what `canonical_cursor` returned.
    """
    value: JSONValue = json.loads(text)
    return value
