import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from incrsim.durations import MAX_DURATION, format_duration, parse_duration
from incrsim.errors import InvalidOptions

HOUR = timedelta(hours=1)


@pytest.mark.rule("C-39")
@pytest.mark.parametrize(
    ("spelling", "meant"),
    [
        ("3s", timedelta(seconds=3)),
        ("1h30m", HOUR * 1.5),
        ("1h 30m", HOUR * 1.5),
        ("1 hour, 30 minutes", HOUR * 1.5),
        ("1.5h", HOUR * 1.5),
        ("250ms", timedelta(milliseconds=250)),
        ("7us", timedelta(microseconds=7)),
        ("7µs", timedelta(microseconds=7)),
        ("1d", timedelta(seconds=86_400)),
        ("2w", timedelta(days=14)),
        (" 10 MIN ", timedelta(minutes=10)),
        ("30m1h", HOUR * 1.5),
        ("0s", timedelta()),
        ("0.1s", timedelta(milliseconds=100)),
        ("PT3S", timedelta(seconds=3)),
        ("pt1h30m", HOUR * 1.5),
        ("P1DT0.5S", timedelta(days=1, milliseconds=500)),
        ("P2W", timedelta(days=14)),
        (timedelta(seconds=3), timedelta(seconds=3)),
        ({"seconds": 3}, timedelta(seconds=3)),
        ({"day": 1}, timedelta(days=1)),
        ({"hours": 1}, HOUR),
        ({"hours": 1, "minutes": 30}, HOUR * 1.5),
        ({"seconds": 0.1}, timedelta(milliseconds=100)),
        ({"milliseconds": 250}, timedelta(milliseconds=250)),
        (MAX_DURATION, MAX_DURATION),
    ],
)
def test_every_spelling_of_a_duration_is_read(spelling: Any, meant: timedelta) -> None:
    """Text, ISO 8601, mappings and timedelta mean the same."""
    assert parse_duration(spelling) == meant


@pytest.mark.rule("C-39")
@pytest.mark.parametrize(
    ("wrong", "parts"),
    [
        (3, ["rest=3 has no unit", 'write "3s"']),
        (2.5, ['write "2.5s"']),
        (Decimal(3), ["no unit"]),
        ("3", ["rest='3' has no unit", 'write "3s"']),
        ("", ["is not a duration", '"1h30m"']),
        ("   ", ["is not a duration"]),
        ("soon", ["rest='soon' is not a duration", "units: us, ms, s, m, h, d, w"]),
        ("3 parsecs", ["is not a duration"]),
        ("3s4", ["is not a duration"]),
        ("1h2h", ["the unit 'h' twice"]),
        ("1m 2min", ["twice"]),
        ("-3s", ["is negative", "zero or longer"]),
        ("1e3s", ["is not a duration"]),
        ("infs", ["is not a duration"]),
        ("٣s", ["is not a duration"]),
        ("P", ["is not a duration"]),
        ("PT", ["is not a duration"]),
        ("P1D" + "T", ["is not a duration"]),
        ("P1M", ["is not a duration"]),
        ("9" * 5000 + "s", ["is not a duration"]),
        (timedelta(seconds=-1), ["is negative"]),
        ({"seconds": -1}, ["is negative"]),
        ({"seconds": math.nan}, ["is not finite"]),
        ({"seconds": math.inf}, ["is not finite"]),
        ({"seconds": "3"}, ["'3' is not a number"]),
        ({"seconds": True}, ["True is not a number"]),
        ({"fortnights": 1}, ["unknown unit 'fortnights'"]),
        ({3: 1}, ["unknown unit 3"]),
        ({"second": 1, "seconds": 1}, ["twice"]),
        ({}, ["is empty"]),
        (True, ["type bool, not a duration"]),
        (None, ["type NoneType, not a duration"]),
        ([3], ["type list, not a duration"]),
        ("0.5us", ["finer than a microsecond"]),
        ({"seconds": 1e-7}, ["finer than a microsecond"]),
        ("3651d", ["longer than ten years", "3650d or less"]),
        ({"days": 1e300}, ["longer than ten years"]),
        (timedelta.max, ["longer than ten years"]),
    ],
)
def test_what_is_no_duration_is_refused(wrong: Any, parts: list[str]) -> None:
    """The error names the option, what was passed and what to write instead."""
    with pytest.raises(InvalidOptions) as caught:
        parse_duration(wrong, "rest")
    assert str(caught.value).startswith("rest=")
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.rule("C-39")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=3), "3s"),
        (HOUR * 1.5, "1h 30m"),
        (timedelta(days=1), "1d"),
        (timedelta(milliseconds=2250), "2s 250ms"),
        (timedelta(microseconds=1), "1us"),
        (timedelta(hours=25), "1d 1h"),
    ],
)
def test_durations_are_written_for_people(value: timedelta, text: str) -> None:
    """The largest units come first, and none that is zero."""
    assert format_duration(value) == text


@pytest.mark.rule("C-39")
@given(st.timedeltas(timedelta(), MAX_DURATION))
def test_what_is_written_can_be_read(value: timedelta) -> None:
    """Written for people and read again, a duration is the same to the microsecond."""
    assert parse_duration(format_duration(value)) == value
    assert parse_duration(format_duration(value).replace(" ", "")) == value


@given(st.text(max_size=12) | st.from_regex(r"\A[0-9PTHMSDW.smhd -]{1,12}\Z"))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes anything but a duration or a named error."""
    try:
        value = parse_duration(text)
    except InvalidOptions:
        return
    assert timedelta() <= value <= MAX_DURATION
