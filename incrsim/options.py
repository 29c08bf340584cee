"""What may be set for a provider, checked once and frozen (C-7, C-16, C-17, C-22 to C-25, C-37, C-39)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Literal, get_args

from incrsim.durations import format_duration, parse_duration
from incrsim.errors import InvalidOptions

OnInvalidEntity = Literal["quarantine", "fail"]

PAGE_TIMEOUT_BEYOND_BURST = timedelta(seconds=60)
LEASE_BEYOND_PAGE_TIMEOUT = timedelta(seconds=30)
# Two defaults follow from other options; no duration is negative, so that nobody can mean this one.
_DERIVED = timedelta(-1)
_MAX_DECIMALS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOptions:
    """How one provider is run; build it with `ProviderOptions.of`, which takes every spelling of a duration.

    Attributes:
        burst_length: after this long a burst stops at the next page boundary (C-16).
        burst_interval: pause between two bursts; may be 0.
        rest_length: pause between two ingestions; may be 0.
        backoff: the n-th failure in a row waits the n-th of these (C-17).
        page_timeout: how long fetching a page may take; default `burst_length` + 60 s (C-16).
        lease_length: how long a replica may be silent before another goes on; default and least is
            `page_timeout` + 30 s (C-37).
        max_pages: an ingestion of more pages is fatal; `None` for no limit (C-5).
        reject_empty_source_collections: an ingestion without a valid entity removes nothing (C-22).
        reject_removals_above_percentage: a sweep that would remove more of its base than this is refused, exactly;
            0 refuses every removal, `None` none (C-23).
        reject_removals_above_count: the same as a number of entities (C-24).
        removal_grace_cycles: an entity goes when it was stale in this many sweeps and one more (C-25).
        on_invalid_entity: `"quarantine"` stores the rest of the page, `"fail"` fails the page (C-7).
        max_invalid_percentage: an ingestion with more invalid entities sweeps nothing; exact (C-7).
        redact: takes secrets out of error texts before they are kept (C-18); no part of equality nor of `describe`.
    """

    burst_length: timedelta = timedelta(seconds=3)
    burst_interval: timedelta = timedelta(seconds=3)
    rest_length: timedelta = timedelta(days=1)
    backoff: tuple[timedelta, ...] = (
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=3),
    )
    page_timeout: timedelta = _DERIVED
    lease_length: timedelta = _DERIVED
    max_pages: int | None = None
    reject_empty_source_collections: bool = False
    reject_removals_above_percentage: Fraction | None = None
    reject_removals_above_count: int | None = None
    removal_grace_cycles: int = 0
    on_invalid_entity: OnInvalidEntity = "quarantine"
    max_invalid_percentage: Fraction = Fraction(1)
    redact: Callable[[str], str] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name, read in _READERS.items():
            object.__setattr__(self, name, read(name, getattr(self, name)))
        self._derive("page_timeout", self.burst_length + PAGE_TIMEOUT_BEYOND_BURST)
        least = self.page_timeout + LEASE_BEYOND_PAGE_TIMEOUT
        self._derive("lease_length", least)
        if self.lease_length < least:
            raise InvalidOptions(
                f"lease_length={format_duration(self.lease_length)} is shorter than page_timeout + 30s = "
                f"{format_duration(least)}: another replica would take over while a page is being fetched (C-37); "
                f'write lease_length="{format_duration(least)}" or more, or leave it out'
            )

    def _derive(self, name: str, default: timedelta) -> None:
        if getattr(self, name) == _DERIVED:
            object.__setattr__(self, name, default)

    @classmethod
    def of(cls, **given: object) -> ProviderOptions:
        """Build options from what people write: durations in any spelling, percentages as any kind of number.

        Args:
            given: option names and values.

        Raises:
            InvalidOptions: an unknown name, or a value that cannot work.
        """
        for name in given:
            if name not in _READERS:
                raise InvalidOptions(_unknown(name))
        return cls(**given)  # type: ignore[arg-type]  # each value was read by its field's reader

    @classmethod
    def parse_settings(cls, settings: Mapping[str, str]) -> ProviderOptions:
        """Build options from text, as a command line gives it (`--set name=value`).

        Args:
            settings: for example `{"burst_length": "10s", "backoff": "1m, 5m", "max_pages": "none",
                "reject_empty_source_collections": "true"}`.

        Raises:
            InvalidOptions: an unknown name, or a value that cannot work.
        """
        return cls.of(**{name: _from_text(name, text) for name, text in settings.items()})

    @classmethod
    def names(cls) -> frozenset[str]:
        """The names of all options."""
        return frozenset(_READERS)

    def describe(self) -> dict[str, Any]:
        """All options but `redact` as JSON values that `ProviderOptions.of(**…)` reads back."""
        return {name: _plain(getattr(self, name)) for name in _READERS if name != "redact"}


def _duration(name: str, value: object) -> timedelta:
    return parse_duration(value, name)


def _positive_duration(name: str, value: object) -> timedelta:
    duration = parse_duration(value, name)
    if not duration:
        raise InvalidOptions(f'{name}={value!r}: it must be longer than zero; write for example {name}="3s"')
    return duration


def _optional_duration(name: str, value: object) -> timedelta:
    if value is None or value == _DERIVED:
        return _DERIVED
    return _positive_duration(name, value)


def _backoff(name: str, value: object) -> tuple[timedelta, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidOptions(
            f'{name}={value!r} is not a list of durations; write for example {name}=["1m", "5m", "3h"]'
        )
    if not value:
        raise InvalidOptions(f'{name}={value!r} is empty, and a failure needs a wait; write for example {name}=["1m"]')
    return tuple(_positive_duration(f"{name}[{index}]", each) for index, each in enumerate(value))


def _whole(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidOptions(f"{name}={value!r} is not a whole number; write for example {name}={max(least, 10)}")
    if value < least:
        raise InvalidOptions(f"{name}={value} is too small: it must be {least} or more")
    return value


def _max_pages(name: str, value: object) -> int | None:
    return None if value is None else _whole(name, value, 1)


def _removal_count(name: str, value: object) -> int | None:
    return None if value is None else _whole(name, value, 0)


def _grace(name: str, value: object) -> int:
    return _whole(name, value, 0)


def _switch(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidOptions(f"{name}={value!r} is neither True nor False; write {name}=True or {name}=False")
    return value


def _optional_percentage(name: str, value: object) -> Fraction | None:
    return None if value is None else _percentage(name, value)


def _percentage(name: str, value: object) -> Fraction:
    """The decimal writing counts: 0.1 is one tenth, not the binary fraction nearest to it (C-23 is exact)."""
    example = f"write a number from 0 to 100, for example {name}=5"
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | Fraction | str):
        raise InvalidOptions(f"{name}={value!r} is not a percentage; {example}")
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,40}/[0-9]{0,39}[1-9][0-9]{0,39}", value):
        value = Fraction(value)
    exact = value if isinstance(value, Fraction) else _decimal(name, value, example)
    if not 0 <= exact <= 100:  # noqa: PLR2004 -- a percentage
        raise InvalidOptions(f"{name}={value!r} is outside 0 to 100; {example}")
    return Fraction(exact)


def _decimal(name: str, value: float | Decimal | str, example: str) -> Decimal:
    try:
        decimal = Decimal(str(value).strip())
    except InvalidOperation:
        raise InvalidOptions(f"{name}={value!r} is not a percentage; {example}") from None
    if not decimal.is_finite():
        raise InvalidOptions(f"{name}={value!r} is not finite; {example}")
    # Without a bound, "1e-999999999" would become a fraction of a billion digits.
    if -int(decimal.as_tuple().exponent) > _MAX_DECIMALS:
        raise InvalidOptions(f"{name}={value!r} has more than {_MAX_DECIMALS} decimals; {example}")
    return decimal


def _on_invalid(name: str, value: object) -> str:
    known = get_args(OnInvalidEntity)
    if value not in known:
        raise InvalidOptions(f"{name}={value!r} is unknown; write {name}={known[0]!r} or {name}={known[1]!r}")
    return str(value)


def _hook(name: str, value: object) -> object:
    if value is not None and not callable(value):
        raise InvalidOptions(
            f"{name}={value!r} cannot be called; write a function that takes a text and returns it without secrets"
        )
    return value


_READERS: dict[str, Callable[[str, object], object]] = {
    "burst_length": _positive_duration,
    "burst_interval": _duration,
    "rest_length": _duration,
    "backoff": _backoff,
    "page_timeout": _optional_duration,
    "lease_length": _optional_duration,
    "max_pages": _max_pages,
    "reject_empty_source_collections": _switch,
    "reject_removals_above_percentage": _optional_percentage,
    "reject_removals_above_count": _removal_count,
    "removal_grace_cycles": _grace,
    "on_invalid_entity": _on_invalid,
    "max_invalid_percentage": _percentage,
    "redact": _hook,
}
assert tuple(_READERS) == tuple(each.name for each in fields(ProviderOptions))  # noqa: S101 -- when the module is loaded: a mistake of ours, never of a user


def _unknown(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", str(name)).lower().replace("-", "_")
    begun = [each for each in _READERS if each.startswith(snake)]
    close = [snake] if snake in _READERS else begun or difflib.get_close_matches(snake, _READERS, n=1)
    hint = f"write {close[0]}" if close else "the options are " + ", ".join(_READERS)
    return f"unknown option {name!r}; {hint}"


_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _from_text(name: str, text: str) -> object:
    word = text.strip()
    reader = _READERS.get(name)
    if reader is _hook:
        raise InvalidOptions(
            f"{name} is a function and cannot be set as text; pass it in Python: add(provider, {name}=…)"
        )
    if word.lower() == "none":
        return None
    if reader is _backoff:
        return [each.strip() for each in word.split(",") if each.strip()]
    if reader is _switch:
        return _WORDS.get(word.lower(), text)
    if reader in (_max_pages, _removal_count, _grace):
        return int(word) if re.fullmatch(r"-?[0-9]{1,15}", word) else text
    return word


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else str(value)
    return value
