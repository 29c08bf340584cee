"""One JupyterLab and one browser for all tests of a run; each test has a notebook, and so a kernel, of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.lab import Notebook, chromium, server

if TYPE_CHECKING:
    from pathlib import Path

Open = Callable[..., Notebook]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, Any]]:
    """The address of a JupyterLab, its folder, and a browser."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on the PATH (Debian, Ubuntu: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    root = tmp_path_factory.mktemp("lab")
    with server(root) as url, sync_playwright() as playwright:
        # Without a sandbox, since whoever runs the tests may be root; it looks at our own pages only.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield url, root, browser
        finally:
            browser.close()


@pytest.fixture
def open_notebook(lab: tuple[str, Path, Any], request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens a notebook with some cells in a window of its own."""
    url, root, browser = lab
    context = browser.new_context(viewport={"width": 1200, "height": 1300})
    page = context.new_page()
    page.set_default_timeout(30_000)
    try:
        yield lambda *cells: Notebook(page, url, root, request.node.name, cells)
    finally:
        context.close()
