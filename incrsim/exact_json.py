"""What JSON gives back exactly as it was, and what not: one walk for cursors (C-4) and entities (C-6)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator

_INSTEAD = {
    "tuple": "write a list",
    "set": "write a sorted list",
    "frozenset": "write a sorted list",
    "bytes": "write text, for example value.hex()",
    "datetime": "write text, for example value.isoformat()",
    "date": "write text, for example value.isoformat()",
    "time": "write text, for example value.isoformat()",
    "Decimal": "write text, for example str(value)",
    "UUID": "write text, for example str(value)",
    "complex": "write a list of two numbers",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How much of Python one use of JSON takes.

    Attributes:
        integers: the integers that are taken.
        depth: how many levels of lists and dicts.
        converted: types that have one obvious JSON form and are taken in that form: `tuple`, `Enum`, `UUID`.
    """

    integers: range
    depth: int
    converted: tuple[type, ...] = ()


@dataclass(frozen=True, slots=True)
class Defect:
    """One place that JSON would not give back: where, and why with what to write instead."""

    path: str
    reason: str


def defects(value: object, path: str, dialect: Dialect, level: int = 0) -> Iterator[Defect]:
    """Find what in a value JSON cannot hold exactly, in the order of the value.

    Args:
        value: anything.
        path: how errors call the value itself.
        dialect: the limits, and what is converted.
        level: how deep `value` lies.
    """
    kind = type(value)
    if isinstance(value, str) and kind is str:
        yield from text_defects(value, path)
    elif kind is bool or value is None:
        return
    elif isinstance(value, int) and kind is int:
        if value not in dialect.integers:
            yield Defect(path, f"is an integer of {value.bit_length()} bits, which is too wide; write it as text")
    elif isinstance(value, float) and kind is float:
        if not isfinite(value):
            yield Defect(path, f"is {value!r}, which JSON does not have; write None or text")
    elif kind in (dict, list) or (kind is tuple and tuple in dialect.converted):
        yield from _container_defects(value, path, dialect, level)
    elif isinstance(value, Enum) and Enum in dialect.converted:
        yield from defects(value.value, path, dialect, level + 1)
    elif not (kind is UUID and UUID in dialect.converted):
        yield Defect(path, f"is of type {kind.__name__}, which JSON does not give back; {_instead(kind)}")


def _container_defects(value: object, path: str, dialect: Dialect, level: int) -> Iterator[Defect]:
    if level >= dialect.depth:
        yield Defect(f"{path[:60]}…", f"is nested deeper than {dialect.depth} levels (or holds itself); write it flat")
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, str) and type(key) is str:
                yield from text_defects(key, f"a key of {path}")
                yield from defects(item, child(path, key), dialect, level + 1)
            else:
                yield Defect(path, f"has a key of type {type(key).__name__}; JSON keys are plain text: write str(key)")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from defects(item, f"{path}[{index}]", dialect, level + 1)


def text_defects(text: str, path: str) -> Iterator[Defect]:
    """Find a lone surrogate, which UTF-8 and every database refuse.

    Args:
        text: any text.
        path: how errors call it.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        reason = f"holds a lone surrogate ({text!a:.60}), which is no character; decode the source's bytes as UTF-8"
        yield Defect(path, reason)


def child(path: str, key: str) -> str:
    """How errors call the value under a key: `metadata.labels["a b"]`.

    Args:
        path: how they call the mapping; empty for the outermost.
        key: the key, shown in ASCII and cut when long.
    """
    if not key.isidentifier() or not key.isascii():
        quoted = ascii(key[:80])[1:-1].replace('"', '\\"')
        return f'{path}["{quoted}"]'
    return f"{path}.{key[:80]}" if path else key[:80]


def _instead(kind: type) -> str:
    for base in (str, int, float, list, dict):
        if issubclass(kind, base):
            return f"write a plain {base.__name__}: {base.__name__}(value)"
    return _INSTEAD.get(kind.__name__, "write text, numbers, lists and dicts")
