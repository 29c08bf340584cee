"""The table in docs/rest.md is the application's own."""

from __future__ import annotations

import re

import incrsim
from incrsim.api import ApiSettings, create_api
from incrsim.api.routes import PREFIX
from tests.docs.running import ROOT

_ROW = re.compile(r"^\| `([A-Z]+) (\S+)` \| `(\w+)` \| (.+) \| (.+) \|$", re.MULTILINE)


def test_the_table_has_every_route_with_its_permission() -> None:
    """Each route of the application has a row with its permission, what it changes and how it differs, in order."""
    with incrsim.open() as app:
        paths = create_api(app, ApiSettings()).openapi()["paths"]
    routes = {
        (method.upper(), path.removeprefix(PREFIX), operation["x-permission"])
        for path, methods in paths.items()
        for method, operation in methods.items()
    }
    rows = [
        (method, path, permission) for method, path, permission, *_ in _ROW.findall((ROOT / "docs/rest.md").read_text())
    ]
    assert len(rows) == len(set(rows))
    assert set(rows) == routes


def test_only_what_reads_needs_read() -> None:
    """What a read token opens changes nothing, by the table too."""
    text = (ROOT / "docs/rest.md").read_text()
    for method, path, permission, changes, _ in _ROW.findall(text):
        assert (permission == "read") == (method == "GET") == (changes == "nothing"), path
