"""What happened in a simulation, as canonical JSON lines with a running digest: the same on every store and in every
process (C-41).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from hashlib import blake2b
from typing import Any

import orjson

LEFT_OUT = frozenset({"seconds", "message"})
"""Fields that two runs may differ in: measured times, and texts that a library or a database may have written."""


class Trace:
    """Takes down every step of a simulation.

    Args:
        sink: gets each line, without a line break; lines are not kept otherwise.
    """

    def __init__(self, sink: Callable[[bytes], None] | None = None) -> None:
        self._sink = sink
        self._hash = blake2b(digest_size=16)
        self.length = 0

    @property
    def digest(self) -> str:
        """Of all lines so far."""
        return self._hash.hexdigest()

    def add(self, replica: int, happening: Any) -> None:
        """One more line.

        Args:
            replica: where it happened.
            happening: a dataclass that says what.
        """
        values = {"event": type(happening).__name__, "replica": replica, **plain(happening)}
        line = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
        self._hash.update(line + b"\n")
        self.length += 1
        if self._sink is not None:
            self._sink(line)


def plain(value: Any) -> Any:
    """A value as JSON has it, without what two runs may differ in.

    Raises:
        TypeError: when a value has no canonical form.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value) if each.name not in LEFT_OUT}
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    raise TypeError(f"a trace cannot hold {value!r}: {type(value).__name__} has no canonical form in it")
