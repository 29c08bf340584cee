"""Durations as people write them: `"3s"`, `"1h30m"`, `{"hours": 1}`, `PT3S`, `timedelta`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from numbers import Number
from typing import TypeAlias

from incrsim.errors import InvalidOptions

Duration: TypeAlias = str | timedelta | Mapping[str, float]

MAX_DURATION = timedelta(days=3650)

_MICROSECONDS = {
    "microsecond": 1,
    "millisecond": 1_000,
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
    "week": 7 * 86_400_000_000,
}
_SYMBOLS = {
    "us": "microsecond",
    "µs": "microsecond",
    "ms": "millisecond",
    "s": "second",
    "sec": "second",
    "m": "minute",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
}
_UNITS = {
    **{symbol: _MICROSECONDS[name] for symbol, name in _SYMBOLS.items()},
    **_MICROSECONDS,
    **{f"{name}s": size for name, size in _MICROSECONDS.items()},
}
_EXAMPLES = 'write for example "3s", "1h30m", "250ms", "1d", {"hours": 1} or timedelta(seconds=3)'
# Digits are bounded so that hostile text cannot make an integer that takes long to convert.
_NUMBER = r"\d{1,18}(?:\.\d{1,18})?"
_PART = re.compile(rf"\s*({_NUMBER})\s*([a-zµ]+)\s*,?", re.ASCII | re.IGNORECASE)
_ISO = re.compile(
    rf"P(?=\d|T\d)(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?=\d)(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?",
    re.ASCII,
)
_ISO_UNITS = ("week", "day", "hour", "minute", "second")


def parse_duration(value: object, what: str = "a duration") -> timedelta:
    """Read a duration in any accepted spelling, exact to the microsecond.

    Args:
        value: `timedelta`; text of numbers with units (`"3s"`, `"1h30m"`, `"2 hours"`, ISO 8601 `"PT3S"`); or a mapping
            of unit to number (`{"hours": 1}`, `{"day": 1}`). Units: us, ms, s, m, h, d, w, or their names; `1d` is
            86 400 s (C-39).
        what: the name that errors call it by.

    Raises:
        InvalidOptions: no unit, unknown unit, negative, not finite, finer than a microsecond, or over ten years.
    """
    if isinstance(value, timedelta):
        return _bounded(Fraction(value // timedelta(microseconds=1)), value, what)
    if isinstance(value, str):
        return _bounded(_from_text(value, what), value, what)
    if isinstance(value, Mapping):
        return _bounded(_from_mapping(value, what), value, what)
    if isinstance(value, Number) and not isinstance(value, bool):
        raise InvalidOptions(f'{what}={value!r} has no unit; write "{value}s" if seconds are meant')
    raise InvalidOptions(f"{what}={value!r} is of type {type(value).__name__}, not a duration; {_EXAMPLES}")


def format_duration(value: timedelta) -> str:
    """Write a duration for people, in a form that `parse_duration` reads back exactly: `1h 30m`, `250ms`, `0s`.

    Args:
        value: the duration, not negative.
    """
    left = value // timedelta(microseconds=1)
    parts = []
    for symbol in ("d", "h", "m", "s", "ms", "us"):
        count, left = divmod(left, _UNITS[symbol])
        if count:
            parts.append(f"{count}{symbol}")
    return " ".join(parts) or "0s"


def _from_text(text: str, what: str) -> Fraction:
    stripped = text.strip()
    iso = _ISO.fullmatch(stripped.upper())
    if iso:
        given = zip(iso.groups(), _ISO_UNITS, strict=True)
        return sum((Fraction(number) * _UNITS[unit] for number, unit in given if number), Fraction())
    seen: set[int] = set()
    total, position = Fraction(), 0
    while position < len(stripped) or not seen:
        part = _PART.match(stripped, position)
        size = _UNITS.get(part[2].lower()) if part else None
        if part is None or size is None:
            raise InvalidOptions(_unreadable(text, stripped, what))
        if size in seen:
            raise InvalidOptions(f"{what}={text!r} gives the unit {part[2]!r} twice; {_EXAMPLES}")
        seen.add(size)
        total += Fraction(part[1]) * size
        position = part.end()
    return total


def _unreadable(text: str, stripped: str, what: str) -> str:
    if re.fullmatch(_NUMBER, stripped):
        return f'{what}={text!r} has no unit; write "{stripped}s" if seconds are meant'
    if stripped.startswith("-"):
        return f"{what}={text!r} is negative; a duration is zero or longer; {_EXAMPLES}"
    return f"{what}={text[:60]!r} is not a duration; {_EXAMPLES} (units: us, ms, s, m, h, d, w)"


def _from_mapping(given: Mapping[object, object], what: str) -> Fraction:
    if not given:
        raise InvalidOptions(f"{what}={{}} is empty; {_EXAMPLES}")
    seen: set[int] = set()
    total = Fraction()
    for unit, number in given.items():
        size = _UNITS.get(unit) if isinstance(unit, str) else None
        if size is None:
            raise InvalidOptions(f"{what}={dict(given)!r} has the unknown unit {unit!r}; {_EXAMPLES}")
        if size in seen:
            raise InvalidOptions(f"{what}={dict(given)!r} gives the unit {unit!r} twice; {_EXAMPLES}")
        seen.add(size)
        total += _finite(number, given, what) * size
    return total


def _finite(number: object, given: object, what: str) -> Fraction:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise InvalidOptions(f'{what}={given!r}: {number!r} is not a number; write for example {{"hours": 1}}')
    try:
        # The decimal writing counts: 0.1 s is 100 ms, not the binary fraction nearest to it.
        return Fraction(str(number))
    except ValueError:
        raise InvalidOptions(f"{what}={given!r}: {number!r} is not finite; {_EXAMPLES}") from None


def _bounded(microseconds: Fraction, value: object, what: str) -> timedelta:
    if microseconds < 0:
        raise InvalidOptions(f"{what}={value!r} is negative; a duration is zero or longer; {_EXAMPLES}")
    if microseconds > MAX_DURATION // timedelta(microseconds=1):
        raise InvalidOptions(f"{what}={value!r} is longer than ten years; write {MAX_DURATION.days}d or less")
    if microseconds.denominator != 1:
        raise InvalidOptions(f"{what}={value!r} is finer than a microsecond; write a whole number of microseconds")
    return timedelta(microseconds=int(microseconds))
