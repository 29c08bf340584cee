"""Lines of keys, in every way in which TOML lets one write them."""

from __future__ import annotations

import tomllib

import pytest

from incrsim.config_lines import Lines

DOCUMENT = '''\
# [not.a.table]
top = "x = 1 # no comment"   # a = comment
"quoted key" = 1
'literal = key'=2
dotted.inner . "deep est" = 3
text = """
[looks.like] = "a table"
key = 1
"""
raw = \'\'\'
also = "none"\'\'\'
list = [
  "]", # ]
  { a = 1 }, [
  2 ],
]
inline = { b = "}", c = { d = 1 } }

[ table ]
key=1
  [table."a.b".'c]']
  key = 2
[[many]]
first = 1
[[many]]
second = 2
[last]
'''

EXPECTED = {
    ("top",): 2,
    ("quoted key",): 3,
    ("literal = key",): 4,
    ("dotted",): 5,
    ("dotted", "inner", "deep est"): 5,
    ("text",): 6,
    ("raw",): 10,
    ("list",): 12,
    ("list", "0"): 12,
    ("inline",): 17,
    ("inline", "c", "d"): 17,
    ("table",): 19,
    ("table", "key"): 20,
    ("table", "a.b", "c]"): 21,
    ("table", "a.b", "c]", "key"): 22,
    ("table", "a.b"): 21,
    ("many", "first"): 24,
    ("many", "second"): 26,
    ("last",): 27,
    ("unknown",): 1,
    (): 1,
}


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["unix", "windows"])
def test_every_key_is_found(ends: str) -> None:
    """The line of a key is where it is written, whatever strings, comments, lists and tables stand before it."""
    text = DOCUMENT.replace("\n", ends)
    tomllib.loads(text)
    lines = Lines(text)
    assert {path: lines.of(path) for path in EXPECTED} == EXPECTED


def test_nothing_that_only_looks_like_a_key_is_found() -> None:
    """What stands in comments and in strings of several lines is no key."""
    lines = Lines(DOCUMENT)
    assert [lines.of(path) for path in (("not",), ("looks",), ("key",), ("also",))] == [1, 1, 1, 1]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing", "no toml at all", "key", "[half", "a = 'half"])
def test_any_text_has_lines(text: str) -> None:
    """A text that is no TOML does no harm: whoever reads it says what is wrong."""
    assert Lines(text).of(("a",)) == 1
