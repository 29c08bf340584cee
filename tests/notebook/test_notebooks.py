"""Every notebook runs from top to bottom in a real kernel, shows what it says, and leaves nothing behind."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.notebook.kept import FOLDER, NOTEBOOKS, execute, read, resized

PAGES = FOLDER.parent / "docs" / "notebooks"

SIZES: dict[str, dict[str, int]] = {
    "01_first_provider": {"ENTITIES": 200},
    "02_break_it": {"ENTITIES": 1_000, "DAYS": 10},
    "03_prove_sweep_safety": {"ENTITIES": 20, "EXAMPLES": 4},
    "04_large_sources": {"ENTITIES": 4_000},
    "05_live_on_postgres": {"PAGES": 60},
    "06_real_sources": {"ROWS": 800},
}
"""Smaller than what is kept."""

PANEL = "application/vnd.jupyter.widget-view+json"

SHOWN = {
    "01_first_provider": ["Preview of services", "refused to remove 80 of 200 (40.00 %)", PANEL, "Run of fake"],
    "02_break_it": ["Run of fake", "image/png", "C-16 does not hold for fake", "Scenario.from_toml", PANEL],
    "03_prove_sweep_safety": [
        "nothing was lost",
        "C-20 does not hold for 'skipping'",
        "scenario=scenario",
        "state.teardown()",
    ],
    "04_large_sources": ["removed 40 of 4,000", "image/png", "longest queue"],
    "05_live_on_postgres": [PANEL, "shelves", "6000"],
    "06_real_sources": ["files", "python-packages/incrsim", "hosts", "removed 20 of 800"],
}
"""Some of what is to be read in its outputs."""

MARK = "INCRSIM_TEST_NOTEBOOK"
"""In the environment of a kernel, and of all that it starts."""


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kernels know nothing of who runs them, and whatever they started is gone when the test ends."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv(MARK, str(tmp_path))
    yield
    assert [each.info["cmdline"] for each in _started(str(tmp_path))] == []


def _started(mark: str) -> list[psutil.Process]:
    return [
        each
        for each in psutil.process_iter(["cmdline", "environ"])
        if each.pid != os.getpid() and (each.info["environ"] or {}).get(MARK) == mark
    ]


def outputs(notebook: Any) -> list[Any]:
    """All outputs of all cells."""
    return [each for cell in notebook.cells for each in cell.get("outputs", ())]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_kept_notebook_has_no_outputs(path: Path) -> None:
    """What is kept is text, names its kernel, and opens with what one will have at its end."""
    notebook = read(path)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.cells[0].source.startswith("# ")
    assert "At the end of this page" in notebook.cells[0].source
    assert 8 <= len(notebook.cells) <= 15
    assert not outputs(notebook), "clear the outputs before you commit: make format"
    assert not [cell for cell in notebook.cells if cell.get("execution_count")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_links_lead_somewhere(path: Path) -> None:
    """Links to other notebooks and to documents are to files that are there."""
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", prose)
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_page_is_of_what_is_kept(path: Path) -> None:
    """What the documentation shows of a notebook was made from it as it is now."""
    page = (PAGES / f"{path.stem}.html").read_text("utf-8")
    text = unescape(re.sub(r"<[^>]+>", "", page))
    cells = [cell.source.rstrip() for cell in read(path).cells if cell.cell_type == "code"]
    assert [source for source in cells if source not in text] == [], "make docs runs it anew"


def test_there_are_six() -> None:
    """Each has its sizes, and what is to be seen in it."""
    assert [path.stem for path in NOTEBOOKS] == list(SIZES) == list(SHOWN)


@pytest.mark.slow
@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path) -> None:
    """No cell fails, nothing is written to stderr, and its tables, pictures and panels are there."""
    done = execute(resized(read(path), **SIZES[path.stem]))
    shown = outputs(done)
    assert [each.text for each in shown if each.get("name") == "stderr"] == []
    told = "\n".join(str(each) for each in shown)
    assert [words for words in SHOWN[path.stem] if words not in told] == []
