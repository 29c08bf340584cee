"""Panels without a browser: what is in a widget can be read, and its buttons pressed, where no page shows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import ipywidgets
import pytest

from incrsim.notebook import panel_cells


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """Whatever a test opens, it closes: no panel, no widget and no thread of ours is left."""
    widgets = set(ipywidgets.widgets.widget._instances)
    yield
    for _, panel, _ in list(panel_cells._panels):
        panel.supersede()
    panel_cells._panels.clear()
    left = {key: type(made).__name__ for key, made in ipywidgets.widgets.widget._instances.items()}
    assert not [name for key, name in left.items() if key not in widgets]
    for each in threading.enumerate():
        if each.name.startswith("incrsim"):
            each.join(30)
            assert not each.is_alive(), each.name
