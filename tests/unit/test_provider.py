"""What a provider and its pages may look like, and what is said of those that may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import incrsim
from incrsim.errors import InvalidPage, InvalidProvider
from incrsim.provider import as_page, check_provider, takes_callback
from tests.unit.fakes import SHAPES, Source


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_shape_is_a_provider(shape: type[Source]) -> None:
    """Anything with a name, an `around` and a `next` will do, whatever it is derived from."""
    assert check_provider(shape()) == "source"
    assert takes_callback(shape()) == ("Callback" in shape.__name__)


@pytest.mark.parametrize("name", ["a", "x" * 255, "with spaces and / and é", "名前"])
@pytest.mark.rule("C-1")
def test_good_names(name: str) -> None:
    """A name is 1 to 255 printable characters."""
    assert check_provider(Source(name=name)) == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "has 0 characters; it must be 1 to 255 printable characters"),
        ("x" * 256, "has 256 characters"),
        ("a\nb", r"'a\nb' has 3 characters; it must be 1 to 255 printable"),
        ("\x00", "printable"),
        ("\ud800", "printable"),
        (None, "name=None; a provider needs a stable, unique name, write for example"),
        (5, "name=5; a provider needs"),
    ],
    ids=ascii,
)
@pytest.mark.rule("C-1")
def test_bad_names_say_what_to_write(name: Any, said: str) -> None:
    """Any other name is refused before anything runs."""
    with pytest.raises(InvalidProvider, match=re.escape(said)):
        check_provider(Source(name=name))


class NoNext:
    name = "n"

    def around(self) -> None: ...


class NextTooShort(NoNext):
    def next(self) -> None: ...


class NextTooLong(NoNext):
    def next(self, context: Any, cursor: Any, more: Any) -> None: ...


class AroundTooLong(Source):
    def around(self, burst: Any, more: Any) -> None: ...  # type: ignore[override]  # another of the shapes that a provider may have


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (Source, "Source is a class, not a provider; pass an instance, write Source(…)"),
        (object(), "has name=None"),
        (NoNext(), "the provider 'n' has no method `next`; write\ndef next(self, context, cursor=None):"),
        (NextTooShort(), "has next() -> 'None', which cannot be called by the engine; write\ndef next(self, context"),
        (NextTooLong(), "which cannot be called by the engine"),
        (AroundTooLong(), "has around(burst: 'Any', more: 'Any')"),
    ],
    ids=["class", "object", "no next", "next()", "next(3)", "around(2)"],
)
def test_what_is_no_provider_says_what_to_write(provider: Any, said: str) -> None:
    """An object that cannot be called by the engine is refused with the code to write."""
    with pytest.raises(InvalidProvider, match=re.escape(said)):
        check_provider(provider)


def test_loose_signatures_are_fine() -> None:
    """`*args`, keyword-only options and defaults do not get in the way."""

    class Loose:
        name = "loose"

        @contextmanager
        def around(self, *, verbose: bool = False) -> Iterator[None]:
            yield

        def next(self, *arguments: Any, **more: Any) -> incrsim.Page:
            return incrsim.Page(done=True)

    assert check_provider(Loose()) == "loose"


def test_base_class_has_no_context_and_asks_for_next() -> None:
    """The base class gives no context, and one without `next` is told to write it."""

    class Bare(incrsim.IncrementalEntityProvider):
        name = "bare"

    with Bare().around() as context:
        assert context is None
    with pytest.raises(NotImplementedError, match=r"Bare needs a `next\(context, cursor\)`"):
        Bare().next(None)


@pytest.mark.parametrize(
    "returned",
    [
        incrsim.Page(done=True),
        incrsim.Page(cursor=0),
        incrsim.Page(cursor="", entities=iter(())),
        {"done": True},
        {"entities": None, "done": True},
        {"entities": [], "cursor": {"page": 2}, "done": False, "problems": None},
    ],
)
@pytest.mark.rule("C-3")
def test_good_pages(returned: Any) -> None:
    """A `Page` or upstream's mapping: empty ones, falsy cursors and a done page without a cursor are all fine."""
    page = as_page(returned)
    assert page.done or page.cursor is not None


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "next() returned None, which is not a page; return incrsim.Page(entities=[…], cursor=…, done=…)"),
        ([], "next() returned [], which is not a page"),
        (([], 1, False), "which is not a page"),
        (
            incrsim.Page(),
            "without a cursor that is not done, so there is no way to ask for the next one; give it a cursor",
        ),
        ({}, "or done=True if it was the last page"),
        ({"entities": []}, "without a cursor"),
        (incrsim.Page(done=1), "done=1; `done` is True or False, write for example done=not rows"),  # type: ignore[arg-type]  # wrong on purpose
        ({"done": None}, "done=None; `done` is True or False"),
        ({"done": "false"}, "done='false'; `done` is True or False"),
        (incrsim.Page(None, done=True), "entities=None; write a list of entities, even for one"),  # type: ignore[arg-type]  # wrong on purpose
        (incrsim.Page("abc", done=True), "entities='abc'; write a list"),  # type: ignore[arg-type]  # wrong on purpose
        ({"entities": {"kind": "x"}, "done": True}, "entities={'kind': 'x'}; write a list"),
        (
            incrsim.Page(done=True, problems="one"),
            "problems='one'; write a list of sentences or incrsim.Problem values",
        ),
        (
            {"next_cursor": 1, "Done": True},
            "unknown keys Done, next_cursor; a page has entities, cursor, done and problems",
        ),
        ({"entities": "x" * 999, "done": True}, "x" * 199 + "…;"),
    ],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.rule("C-3")
def test_wrong_pages_say_what_to_write(returned: Any, said: str) -> None:
    """What is no page is refused with what was returned and what to return instead."""
    with pytest.raises(InvalidPage, match=re.escape(said)):
        as_page(returned)
