"""The pictures of docs/pressure.md show the numbers that stand beside them; both are of one run of the same program."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from docs import draw_pressure

AGAIN = "measure and draw again: python docs/draw_pressure.py"
PAGE = Path(draw_pressure.__file__).with_name("pressure.md")


@pytest.mark.parametrize("name", ["pressure-queue", "pressure-small-provider"])
def test_a_picture_tells_the_numbers_of_the_page(name: str) -> None:
    """What its legend says stands in the table of the same run."""
    texts = ["".join(each.itertext()).strip() for each in ET.parse(draw_pressure.IMAGES / f"{name}.svg").iter()]
    full, bursts = (
        next(found[1] for text in texts if (found := re.fullmatch(f"{way}: at most (.+)", text)))
        for way in ("full mutation", "bursts")
    )
    assert f"| {full} | {bursts} |\n" in PAGE.read_text(encoding="utf-8"), AGAIN


def test_the_page_tells_of_every_size_that_is_measured() -> None:
    """The table of memory has a row for each."""
    rows = re.findall(r"^\| ([\d,]+) \| \d+ MB \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [f"{size:,}" for size in draw_pressure.SIZES], AGAIN
