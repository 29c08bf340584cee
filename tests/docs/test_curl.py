"""The examples' own curl, for machines without one, does what curl does."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.api.world import MANAGE, NAME, World, world
from tests.docs.curl import directory_of_curl, make_curl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def here() -> Iterator[World]:
    """A server to ask."""
    with world() as made:
        yield made


def asked(command: str, *arguments: str) -> str:
    """What a command prints; it must end well."""
    environment = os.environ | {"NO_PROXY": "127.0.0.1"}
    return subprocess.run([command, *arguments], check=True, capture_output=True, text=True, env=environment).stdout


@pytest.mark.slow
def test_our_curl_prints_what_curl_prints(here: World, tmp_path: Path) -> None:
    """Requests with and without a token, a method and a body print the answer's body, also of an error."""
    ours, usual = str(make_curl(tmp_path / "bin")), f"{directory_of_curl(tmp_path / 'bin')}/curl"
    base, token = f"{here.server.url}/api/catalog/incremental", f"Authorization: Bearer {MANAGE}"
    listed = asked(ours, "-s", "-H", token, f"{base}/providers")
    asked(ours, "-s", "-H", token, "-X", "POST", f"{base}/providers/teams%2Fa%20b/pause")
    heard = asked(ours, "-s", "-H", token, "-H", "Content-Type: application/json", "-d", "{}", f"{base}/events/open")
    refused = asked(ours, "-s", f"{base}/providers")
    assert json.loads(listed)["providers"] == [NAME]
    assert here.app.operators.status(NAME).paused
    assert json.loads(heard)["topic"] == "open"
    assert json.loads(refused)["status"] == 401
    assert asked(usual, "-s", "-H", token, f"{base}/providers") == listed
    assert asked(usual, "-s", f"{base}/providers") == refused
