"""Takes a picture of each notebook in a real JupyterLab, for docs/notebooks.md.

`make docs` runs it where there is a Chromium; a panel's picture also stands for it in docs/notebooks/.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.lab import Notebook, chromium, server

DOCS = Path(__file__).parent
COLOURS = 128
"""Enough for tables and plots, and a third of the bytes."""


@dataclass(frozen=True)
class Picture:
    """What to take a picture of.

    Args:
        notebook: its name.
        of: is in the cell whose output is taken.
        after: is in the cell that is run last; the one that is taken, unless given.
    """

    notebook: str
    of: str
    after: str = ""


PICTURES = (
    Picture("01_first_provider", "app.panel()"),
    Picture("02_break_it", "violation.panel()"),
    Picture("03_prove_sweep_safety", "class Skipping("),
    Picture("04_large_sources", "plots.queue("),
    Picture("05_live_on_postgres", "app.panel()", after="victim.kill()"),
    Picture("06_real_sources", "groupby"),
)


def main(names: list[str]) -> None:
    """Take the pictures of the notebooks whose names begin so; of all unless any are given."""
    program = chromium()
    if program is None:
        print("no Chromium on the PATH: the pictures of notebooks stay as they are")
        return
    wanted = [each for each in PICTURES if not names or each.notebook.startswith(tuple(names))]
    with tempfile.TemporaryDirectory() as root, server(Path(root)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for each in wanted:
            file = DOCS / "images" / f"notebook-{each.notebook[:2]}.png"
            taken = Image.open(BytesIO(_taken(each, browser, url, Path(root))))
            taken.convert("RGB").quantize(COLOURS).save(file, optimize=True)
            print(f"drawn: images/{file.name}, {file.stat().st_size // 1024} kB")


def _taken(picture: Picture, browser: Browser, url: str, root: Path) -> bytes:
    kept: Any = nbformat.read(DOCS.parent / "notebooks" / f"{picture.notebook}.ipynb", as_version=4)
    cells = [cell.source for cell in kept.cells if cell.cell_type == "code"]
    shown, last = _index(cells, picture.of), _index(cells, picture.after or picture.of)
    page = browser.new_page(viewport={"width": 1100, "height": 1600})
    page.set_default_timeout(120_000)
    opened = Notebook(page, url, root, picture.notebook, cells)
    for number in range(last + 1):
        opened.run(number)
    output = opened.output(shown).locator(".jp-OutputArea-output").last
    output.scroll_into_view_if_needed()
    page.wait_for_timeout(1500)  # a panel looks once a second when nothing goes on
    taken = output.screenshot()
    page.close()
    return taken


def _index(cells: list[str], text: str) -> int:
    return next(number for number, source in enumerate(cells) if text in source)


if __name__ == "__main__":
    main(sys.argv[1:])
