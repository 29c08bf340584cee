import dataclasses
import math
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from incrsim.errors import InvalidOptions
from incrsim.options import ProviderOptions

of = ProviderOptions.of


@pytest.mark.rule("C-39", "C-17", "C-7", "C-37", "C-16")
def test_defaults_are_the_contracts() -> None:
    """Nothing said means what the contract says."""
    assert ProviderOptions().describe() == {
        "burst_length": "3s",
        "burst_interval": "3s",
        "rest_length": "1d",
        "backoff": ["1m", "5m", "30m", "3h"],
        "page_timeout": "1m 3s",
        "lease_length": "1m 33s",
        "max_pages": None,
        "reject_empty_source_collections": False,
        "reject_removals_above_percentage": None,
        "reject_removals_above_count": None,
        "removal_grace_cycles": 0,
        "on_invalid_entity": "quarantine",
        "max_invalid_percentage": 1,
    }


def test_every_duration_takes_every_spelling() -> None:
    """Text, mapping and timedelta are the same option."""
    assert of(burst_length="90s", rest_length={"day": 2}, backoff=["5s", {"minutes": 1}, timedelta(hours=1)]) == of(
        burst_length=timedelta(seconds=90),
        rest_length="2d",
        backoff=(timedelta(seconds=5), timedelta(minutes=1), timedelta(hours=1)),
    )


@pytest.mark.rule("C-39")
def test_pauses_may_be_zero() -> None:
    """`burst_interval` and `rest_length` may be 0."""
    options = of(burst_interval="0s", rest_length=timedelta())
    assert options.burst_interval == options.rest_length == timedelta()


@pytest.mark.rule("C-16", "C-37")
def test_timeout_and_lease_follow_the_burst() -> None:
    """Unless told otherwise a page has 60 s more than the burst, and the lease 30 s more than that."""
    assert of(burst_length="5m").page_timeout == timedelta(minutes=6)
    assert of(burst_length="5m").lease_length == timedelta(minutes=6, seconds=30)
    assert of(page_timeout="10s").lease_length == timedelta(seconds=40)
    assert of(page_timeout=None, lease_length=None) == ProviderOptions()


@pytest.mark.rule("C-37")
def test_a_lease_shorter_than_a_page_may_take_is_refused() -> None:
    """The least lease is `page_timeout` + 30 s, exactly."""
    assert of(page_timeout="1m", lease_length="90s").lease_length == timedelta(seconds=90)
    with pytest.raises(InvalidOptions, match=r'lease_length=1m 29s .* 1m 30s: another replica .*="1m 30s" or more'):
        of(page_timeout="1m", lease_length="89s")


@pytest.mark.rule("C-23", "C-7")
@pytest.mark.parametrize(
    ("given", "exact"),
    [
        (5, Fraction(5)),
        (0, Fraction(0)),
        (100, Fraction(100)),
        (0.1, Fraction(1, 10)),
        (33.3, Fraction(333, 10)),
        (Decimal("0.1"), Fraction(1, 10)),
        (Fraction(1, 3), Fraction(1, 3)),
        ("12.5", Fraction(25, 2)),
        ("1/3", Fraction(1, 3)),
        (1e-7, Fraction(1, 10_000_000)),
    ],
)
def test_percentages_are_taken_by_their_decimal_writing(given: Any, exact: Fraction) -> None:
    """A limit of 0.1 is one tenth, not the binary fraction nearest to it; 0 is a limit and not "off"."""
    options = of(reject_removals_above_percentage=given, max_invalid_percentage=given)
    assert options.reject_removals_above_percentage == exact
    assert options.max_invalid_percentage == exact


def test_what_is_described_can_be_read_again() -> None:
    """`describe` holds plain values from which the same options come."""
    options = of(
        burst_length="1h30m",
        reject_removals_above_percentage=Fraction(1, 3),
        max_invalid_percentage=0.1,
        reject_removals_above_count=0,
        on_invalid_entity="fail",
        reject_empty_source_collections=True,
    )
    assert of(**options.describe()) == options


def test_a_hook_is_kept_apart() -> None:
    """The redacting hook is neither compared nor shown nor described."""
    with_hook = of(redact=str.upper)
    assert with_hook.redact is str.upper
    assert with_hook == ProviderOptions()
    assert "redact" not in repr(with_hook)
    assert "redact" not in with_hook.describe()


def test_options_are_frozen() -> None:
    """Options do not change once they are checked."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        ProviderOptions().max_pages = 3  # type: ignore[misc]  # wrong on purpose: it is frozen


def test_the_constructor_checks_too() -> None:
    """There is no way around the checks."""
    with pytest.raises(InvalidOptions, match="max_pages"):
        ProviderOptions(max_pages=0)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("burstLength", "write burst_length"),
        ("burstInterval", "write burst_interval"),
        ("restLength", "write rest_length"),
        ("rejectRemovalsAbovePercentage", "write reject_removals_above_percentage"),
        ("rejectEmptySourceCollections", "write reject_empty_source_collections"),
        ("burst-length", "write burst_length"),
        ("rest", "write rest_length"),
        ("burst_lenght", "write burst_length"),
        ("backof", "write backoff"),
        ("colour", "the options are burst_length, burst_interval"),
    ],
)
def test_an_unknown_option_names_the_nearest(name: str, hint: str) -> None:
    """A misspelt option, or upstream's spelling, is told what to write."""
    with pytest.raises(InvalidOptions) as caught:
        of(**{name: "3s"})
    assert f"unknown option {name!r}; {hint}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("burst_length", 3, 'burst_length=3 has no unit; write "3s"'),
        ("burst_length", "0s", "must be longer than zero"),
        ("burst_interval", "-1s", "burst_interval='-1s' is negative"),
        ("rest_length", None, "rest_length=None is of type NoneType"),
        ("page_timeout", "0s", "page_timeout='0s': it must be longer than zero"),
        ("backoff", [], "backoff=[] is empty, and a failure needs a wait"),
        ("backoff", "1m", "backoff='1m' is not a list of durations"),
        ("backoff", 60, "is not a list of durations"),
        ("backoff", ["1m", "0s"], "backoff[1]='0s': it must be longer than zero"),
        ("backoff", ["1m", 5], "backoff[1]=5 has no unit"),
        ("max_pages", 0, "max_pages=0 is too small: it must be 1 or more"),
        ("max_pages", True, "max_pages=True is not a whole number"),
        ("max_pages", 1.0, "max_pages=1.0 is not a whole number"),
        ("reject_empty_source_collections", 1, "is neither True nor False; write reject_empty_source_collections=True"),
        ("reject_removals_above_percentage", True, "=True is not a percentage"),
        ("reject_removals_above_percentage", -1, "=-1 is outside 0 to 100"),
        ("reject_removals_above_percentage", 100.1, "=100.1 is outside 0 to 100"),
        ("reject_removals_above_percentage", math.nan, "=nan is not finite"),
        ("reject_removals_above_percentage", math.inf, "=inf is not finite"),
        ("reject_removals_above_percentage", "5%", "='5%' is not a percentage; write a number from 0 to 100"),
        ("reject_removals_above_percentage", "1/0", "is not a percentage"),
        ("reject_removals_above_percentage", "1e-999999999", "more than 30 decimals"),
        ("reject_removals_above_percentage", "1e999999999", "outside 0 to 100"),
        ("reject_removals_above_percentage", [5], "is not a percentage"),
        ("max_invalid_percentage", None, "max_invalid_percentage=None is not a percentage"),
        ("reject_removals_above_count", -1, "must be 0 or more"),
        ("reject_removals_above_count", False, "is not a whole number"),
        ("removal_grace_cycles", -1, "must be 0 or more"),
        ("removal_grace_cycles", None, "is not a whole number"),
        ("on_invalid_entity", "ignore", "write on_invalid_entity='quarantine' or on_invalid_entity='fail'"),
        ("on_invalid_entity", ["fail"], "is unknown"),
        ("redact", "x", "cannot be called; write a function"),
    ],
)
def test_values_that_cannot_work_are_refused(name: str, value: Any, part: str) -> None:
    """The error names the option, what was passed and what to write instead."""
    with pytest.raises(InvalidOptions) as caught:
        of(**{name: value})
    assert str(caught.value).startswith(name)
    assert part in str(caught.value)


def test_settings_are_read_from_text() -> None:
    """A command line's `name=value` gives the same options as Python values."""
    assert ProviderOptions.parse_settings(
        {
            "burst_length": "10s",
            "backoff": "1m, 5m",
            "max_pages": "none",
            "reject_removals_above_percentage": "5",
            "reject_removals_above_count": " 7 ",
            "reject_empty_source_collections": "True",
            "removal_grace_cycles": "2",
            "on_invalid_entity": "fail",
        }
    ) == of(
        burst_length="10s",
        backoff=["1m", "5m"],
        reject_removals_above_percentage=5,
        reject_removals_above_count=7,
        reject_empty_source_collections=True,
        removal_grace_cycles=2,
        on_invalid_entity="fail",
    )


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("burst_length", "10", "burst_length='10' has no unit; write \"10s\""),
        ("backoff", " , ", "is empty"),
        ("max_pages", "many", "max_pages='many' is not a whole number"),
        ("max_pages", "9" * 5000, "is not a whole number"),
        ("reject_empty_source_collections", "maybe", "'maybe' is neither True nor False"),
        ("reject_removals_above_percentage", "few", "'few' is not a percentage"),
        ("burstLength", "10s", "unknown option 'burstLength'; write burst_length"),
        ("redact", "str", "is a function and cannot be set as text"),
    ],
)
def test_settings_that_cannot_work_are_refused(name: str, text: str, part: str) -> None:
    """Text from a command line gets the same clear errors."""
    with pytest.raises(InvalidOptions) as caught:
        ProviderOptions.parse_settings({name: text})
    assert part in str(caught.value)
