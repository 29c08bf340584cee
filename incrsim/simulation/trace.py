"""What happened in a simulation, as canonical JSON lines with a running digest: the same on every store and in every
process (C-41).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import timedelta
from hashlib import blake2b
from itertools import repeat
from typing import Any

import orjson

from incrsim.glance import brief
from incrsim.html import card, facts

LEFT_OUT = frozenset({"seconds", "message"})
"""Fields that two runs may differ in: measured times, and texts that a library or a database may have written."""

DIGEST = "blake2b-128"
"""The algorithm of a trace's digest."""


class Trace:
    """Takes down every step of a simulation.

    Args:
        sink: gets each line, without a line break; lines are not kept otherwise.
    """

    def __init__(self, sink: Callable[[bytes], object] | None = None) -> None:
        self._sink = sink
        self._hash = blake2b(digest_size=16)
        self.length = 0

    @property
    def digest(self) -> str:
        """Of all lines so far."""
        return self._hash.hexdigest()

    def __repr__(self) -> str:
        return brief(self, f"of {self.length:,} lines, {DIGEST} {self.digest}")

    def _repr_html_(self) -> str:
        """For notebooks."""
        return card("Trace", facts({"lines": f"{self.length:,}", DIGEST: self.digest}))

    def add(self, replica: int, happening: Any) -> None:
        """One more line.

        Args:
            replica: where it happened.
            happening: a dataclass that says what.
        """
        kind = type(happening)
        values = _values(happening)
        values["event"], values["replica"] = kind.__name__, replica
        line = canonical(values)
        self._hash.update(line + b"\n")
        self.length += 1
        if self._sink is not None:
            self._sink(line)


def canonical(value: Any) -> bytes:
    """A value as JSON, without what two runs may differ in.

    Raises:
        TypeError: when something in it has no canonical form.
    """
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_dataclass(value) and not isinstance(value, type):
        return _values(value)
    raise TypeError(f"a trace cannot hold {value!r}: {type(value).__name__} has no canonical form in it")


def _values(value: Any) -> dict[str, Any]:
    names = _names(type(value))
    return dict(zip(names, map(getattr, repeat(value), names), strict=True))


def _names(kind: type) -> tuple[str, ...]:
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = tuple(each.name for each in fields(kind) if each.name not in LEFT_OUT)
    return names


_NAMES: dict[type, tuple[str, ...]] = {}
