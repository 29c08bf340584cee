"""Previews: what a provider's first pages hold, and what is wrong with them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import incrsim
from incrsim.errors import CallerError, InvalidProvider, MissingExtra
from tests.unit.fakes import SHAPES, Source, entity

if TYPE_CHECKING:
    from collections.abc import Iterator


def rules(preview: incrsim.Preview) -> list[tuple[int, str, str | None]]:
    """Page, rule and ref of what was found."""
    return [(each.page, each.rule, each.ref) for each in preview.findings]


@pytest.mark.parametrize("shape", SHAPES)
def test_first_pages_of_a_good_provider(shape: type[Source]) -> None:
    """It asks for so many pages, each at the cursor of the one before, in one burst, and finds nothing wrong."""
    source = shape(["a", "b"], ["c"], ["d"], ["e"])
    preview = incrsim.preview(source, pages=3)
    assert source.asked == [None, 1, 2]
    assert source.log == ["entered", "page", "page", "page", "left"]
    assert [(page.number, len(page.entities), page.cursor, page.done) for page in preview.pages] == [
        (1, 2, "1", False),
        (2, 1, "2", False),
        (3, 1, "3", False),
    ]
    assert (preview.ok, preview.entities, preview.findings) == (True, 4, ())
    assert preview.seconds == sum(page.seconds for page in preview.pages) > 0
    assert preview.entities_per_second > 0


def test_the_last_page_ends_it() -> None:
    """After a done page no other is asked for."""
    source = Source(["a"], ["b"])
    assert [page.done for page in incrsim.preview(source, pages=10).pages] == [False, True]


def test_what_is_wrong_with_entities() -> None:
    """Invalid and unreadable entities, repetitions and reported problems are found, each with its rule and place."""
    wrong = incrsim.component("no spaces allowed", provider="source")
    page = incrsim.Page(
        [wrong, {"kind": "Component"}, entity("x"), entity("x")], cursor=1, problems=["/teams: 403", "and more"]
    )
    preview = incrsim.preview(Source(page, ["x"]))
    assert rules(preview) == [
        (1, "C-6", "component:default/no spaces allowed"),
        (1, "C-7", None),
        (1, "C-7", None),
        (1, "C-8", "component:default/x"),
        (1, "C-7", None),
        (1, "C-7", None),
        (2, "C-8", "component:default/x"),
    ]
    assert not preview.ok
    assert [each.harmless for each in preview.findings].count(True) == 2
    assert "/teams: 403" in str(preview)


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([{"entities": [], "cursor": {1, 2}}], (1, "C-4")),
        ([incrsim.Page([], cursor=5)] * 6, (2, "C-5")),
        ([incrsim.Page([])], (1, "C-3")),
        ([{"items": []}], (1, "C-3")),
        ([["a"], ValueError("no such table")], (2, "C-17")),
        ([incrsim.Page([], done=True)], (1, "C-22")),
    ],
    ids=["unkeepable cursor", "repeated cursor", "no cursor", "no page", "error", "empty"],
)
def test_what_is_wrong_with_pages(pages: list[Any], expected: tuple[int, str]) -> None:
    """A cursor that cannot be kept or came before, a page that is none, an error, an empty source: each is a finding,
    and the pages before it are there.
    """
    source = Source(*pages)
    source.next = lambda context, cursor=None: Source.next(source, context, len(source.asked))  # type: ignore[method-assign]  # in its place for this test
    preview = incrsim.preview(source, pages=5)
    assert [(each.page, each.rule) for each in preview.findings] == [expected]
    assert preview.ok == (expected[1] == "C-22")
    assert source.log[-1].startswith("left")


def test_a_context_that_fails() -> None:
    """A context that cannot be entered or left is a finding, too."""

    class Failing(Source):
        @contextmanager
        def around(self) -> Iterator[Source]:
            yield self
            raise OSError("the connection was lost")

    assert rules(incrsim.preview(Failing(["a"]))) == [(1, "C-2", None)]

    class Locked(Source):
        def around(self) -> Any:
            raise PermissionError("no token")

    preview = incrsim.preview(Locked(["a"]))
    assert (preview.pages, rules(preview)) == ((), [(1, "C-2", None)])
    assert "PermissionError: no token" in str(preview)


def test_text() -> None:
    """Its text has a line per page and the findings, what is broken first, and not all when there are many."""
    many = [incrsim.component(f"{number} x", provider="source") for number in range(30)]
    text = str(incrsim.preview(Source([entity("a"), entity("a")], many)))
    lines = text.splitlines()
    assert lines[0].startswith("source: 2 pages, 32 entities in ")
    assert lines[0].endswith("30 problems; nothing was written")
    assert lines[1].startswith("  page 1: 2 entities in ")
    assert lines[2].endswith(", the last page")
    assert lines[3].startswith("  ✗ page 2 component:default/0 x: metadata.name: '0 x' is not valid")
    assert lines[-1] == "  … and 11 more: see `findings`"
    assert "no rule broken" in str(incrsim.preview(Source(["a"])))


def test_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its DataFrame has a row per entity, valid or not, readable or not."""
    preview = incrsim.preview(Source(["a"], incrsim.Page([{"metadata": 5}], done=True)))
    frame = preview.to_frame()
    assert list(frame["page"]) == [1, 2]
    assert list(frame["valid"]) == [True, False]
    assert frame["ref"][0] == "component:default/a"
    assert "metadata: 5 is not valid" in frame["violations"][1]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"pip install 'incrsim\[notebook\]'"):
        preview.to_frame()


@pytest.mark.parametrize("pages", [0, -1, True, 1.5, "3"])
def test_pages_that_make_no_sense(pages: Any) -> None:
    """How many pages is a whole number from 1; what is no provider is refused at once."""
    with pytest.raises(CallerError, match="1 or more"):
        incrsim.preview(Source(["a"]), pages=pages)
    with pytest.raises(InvalidProvider):
        incrsim.preview(Source)
