"""The notebooks that are kept, and how they are run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

PATIENCE = 100
"""Seconds that a cell may take on a busy machine."""


def read(notebook: Path) -> Any:
    """A notebook as it is kept."""
    return nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types here


def resized(notebook: Any, **sizes: object) -> Any:
    """The same notebook with other sizes in its cell that is tagged `parameters`.

    Args:
        notebook: as `read` returns it; changed in place.
        sizes: by the names to which that cell assigns them.
    """
    (cell,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    for name, size in sizes.items():
        cell.source, found = re.subn(rf"^{name} = .*$", f"{name} = {size!r}", cell.source, flags=re.MULTILINE)
        assert found == 1, f"{name} is not set in:\n{cell.source}"
    return notebook


def execute(notebook: Any) -> Any:
    """Run a notebook from top to bottom in a kernel of its own, which is gone afterwards.

    Raises:
        CellExecutionError: a cell failed; the message holds the cell and its traceback.
    """
    client = NotebookClient(
        notebook, timeout=PATIENCE, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    return client.execute()
