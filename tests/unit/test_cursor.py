import json
import math
import subprocess
import sys
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given, strategies as st

from incrsim.cursor import MAX_CURSOR_BYTES, MAX_CURSOR_DEPTH, canonical_cursor, read_cursor
from incrsim.errors import InvalidCursor

pytestmark = pytest.mark.rule("C-4")

texts = st.text(st.characters(exclude_categories=["Cs"]))
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)
cursors = values.filter(lambda value: value is not None)


def typed(value: Any) -> Any:
    """A form in which 1, 1.0 and True differ, and 0.0 and -0.0."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value), repr(value)


@pytest.mark.slow
@given(cursors)
def test_every_json_value_comes_back_with_its_types(cursor: Any) -> None:
    """What went in comes out, `true` is not `1` and `1.0` is not `1`."""
    assert typed(read_cursor(canonical_cursor(cursor))) == typed(cursor)


@pytest.mark.slow
@given(cursors)
def test_the_text_is_canonical_ascii(cursor: Any) -> None:
    """Writing what was read gives the same text, which is ASCII and holds no raw control character."""
    text = canonical_cursor(cursor)
    assert canonical_cursor(read_cursor(text)) == text
    assert text.isascii()
    assert text.isprintable()


@pytest.mark.slow
@given(st.dictionaries(texts, leaves), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(cursor: dict[str, Any], random: Any) -> None:
    """Two cursors that differ only in the order of keys are the same text, so that a repeat is recognised (C-5)."""
    items = list(cursor.items())
    random.shuffle(items)
    assert canonical_cursor(dict(items)) == canonical_cursor(cursor)


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (False, 0), (1, 1.0), ("1", 1), ({}, []), (0.0, -0.0), (["a"], "a")]
)
def test_values_that_python_takes_for_equal_stay_apart(one: Any, other: Any) -> None:
    """Values of different types have different texts."""
    assert canonical_cursor(one) != canonical_cursor(other)


def test_nul_is_kept_as_an_escape() -> None:
    """NUL is fine in a cursor, since the stored text holds only its escape."""
    assert canonical_cursor({"after": "a\0b"}) == r'{"after":"a\u0000b"}'


class Small(IntEnum):
    ONE = 1


class Text(str):
    __slots__ = ()


holds_itself: list[Any] = []
holds_itself.append({"again": holds_itself})


@pytest.mark.parametrize(
    ("cursor", "parts"),
    [
        (None, ["None, which means the first page", "done=True"]),
        (math.nan, ["cursor is nan", "which JSON does not have", "C-4"]),
        ({"at": [math.inf]}, ["cursor.at[0] is inf"]),
        ({"at": -math.inf}, ["cursor.at is -inf"]),
        ((1, 2), ["cursor is of type tuple", "write a list"]),
        ({"a": {1, 2}}, ["cursor.a is of type set", "write a sorted list"]),
        ({1: 2}, ["cursor has a key of type int", "write str(key)"]),
        ({None: 2}, ["key of type NoneType"]),
        ({"since": datetime(2026, 1, 1, tzinfo=UTC)}, ["cursor.since is of type datetime", "isoformat()"]),
        (Decimal(1), ["type Decimal", "str(value)"]),
        (b"x", ["type bytes", "value.hex()"]),
        ("\ud800", ["lone surrogate", r"'\ud800'", "UTF-8"]),
        ({"\udfff": 1}, ["a key of cursor holds a lone surrogate"]),
        (Small.ONE, ["type Small", "int(value)"]),
        (Text("x"), ["type Text", "str(value)"]),
        (OrderedDict(a=1), ["type OrderedDict", "dict(value)"]),
        ({"a b": [{"c": object()}]}, ['cursor["a b"][0].c is of type object', "write text, numbers, lists and dicts"]),
        (2**2048, ["2049 bits", "write it as text"]),
        (holds_itself, ["nested deeper than 100 levels", "holds itself", "write it flat"]),
    ],
)
def test_what_json_does_not_give_back_is_refused(cursor: object, parts: list[str]) -> None:
    """The error says where, what and what to write instead."""
    with pytest.raises(InvalidCursor) as caught:
        canonical_cursor(cursor)
    for part in parts:
        assert part in str(caught.value)


def test_64_kilobytes_are_the_limit() -> None:
    """A text of exactly 64 kB is kept, one byte more is not; letters outside ASCII count as they are stored."""
    assert len(canonical_cursor("x" * (MAX_CURSOR_BYTES - 2))) == MAX_CURSOR_BYTES
    with pytest.raises(InvalidCursor, match=r"65537 bytes of JSON and at most 65536 are kept.*only what identifies"):
        canonical_cursor("x" * (MAX_CURSOR_BYTES - 1))
    with pytest.raises(InvalidCursor, match="65540 bytes"):
        canonical_cursor("é" * 10_923)


def test_the_deepest_cursor_can_be_read_again() -> None:
    """At the limit of depth a cursor still makes the round trip."""
    cursor: Any = 1
    for _ in range(MAX_CURSOR_DEPTH):
        cursor = [cursor]
    assert read_cursor(canonical_cursor(cursor)) == cursor
    with pytest.raises(InvalidCursor, match="nested"):
        canonical_cursor([cursor])


@pytest.mark.slow
def test_the_text_is_the_same_in_every_process() -> None:
    """A fresh interpreter with another hash seed writes the same text."""
    cursor = {"b": [1, 2.5], "a": {"é": None, "d": True}}
    program = f"from incrsim.cursor import canonical_cursor as c; print(c({cursor!r}))"
    run = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {program}"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert run.stdout.strip() == canonical_cursor(cursor)
    assert json.loads(run.stdout) == cursor
