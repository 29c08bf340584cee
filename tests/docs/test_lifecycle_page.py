"""The diagrams in the docs are drawn from the tables that the engine uses (C-14)."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from docs import draw_states

AGAIN = "draw them again: make docs-diagrams"


def test_the_page_is_up_to_date() -> None:
    """`docs/lifecycle.md` says what the tables say."""
    assert draw_states.MARKDOWN.read_text(encoding="utf-8") == draw_states.markdown(), AGAIN


def test_the_picture_is_up_to_date() -> None:
    """`docs/images/lifecycle.svg` shows every status and every cause, and no others."""
    texts = [
        "".join(text.itertext()).strip()
        for text in ET.parse(draw_states.PICTURE).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert set(texts) == draw_states.labels(), AGAIN
    drawn = sum(len(causes) for causes in draw_states.arrows().values())
    assert len(texts) == drawn + len(draw_states.PLACES) + draw_states.operator_note().count("\n") + 1, AGAIN
