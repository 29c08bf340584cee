"""One server for all tests of HTTP providers, new for each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.server.control import ApiServer, running


@pytest.fixture(scope="session")
def api_process() -> Iterator[ApiServer]:
    """The server's process."""
    with running() as server:
        yield server


@pytest.fixture
def api(api_process: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    """A server that knows nothing yet, and that no proxy stands before."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    api_process.reset()
    return api_process
