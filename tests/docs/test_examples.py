"""Every example in README.md and docs/ does what it says there."""

from __future__ import annotations

import re
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import incrsim
from incrsim.errors import MissingExtra
from incrsim.store.embedded import find_binaries
from tests.docs.blocks import blocks_of, commands_of
from tests.docs.running import CONSOLE, ROOT, Session
from tests.providers.server.control import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_CHECKOUT = {"metadata": {"name": "checkout", "namespace": "shop"}}
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "services": [{"name": f"service-{number:03}"} for number in range(250)],
    "repositories": [
        {
            "databaseId": 1,
            "createdAt": "2020-01-01T00:00:00Z",
            "name": "website",
            "nameWithOwner": "acme/website",
            "url": "https://github.com/acme/website",
            "visibility": "PUBLIC",
            "isArchived": True,
            **dict.fromkeys(("isDisabled", "isFork", "isTemplate"), False),
        }
    ],
    "apps/v1/deployments": [_CHECKOUT],
    "v1/services": [_CHECKOUT],
}
NEEDS_POSTGRES = re.compile(r"\{database\}|--database embedded|open\(.embedded.\)")


def _cases() -> list[object]:
    slow = [pytest.mark.postgres, pytest.mark.slow]
    return [
        pytest.param(path, id=path.name, marks=slow if NEEDS_POSTGRES.search(path.read_text("utf-8")) else [])
        for path in DOCUMENTS
    ]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A reader's empty home; not pytest's directory, which is closed to the user that root's Postgres runs as."""
    directory = Path(tempfile.mkdtemp(prefix="incrsim-reader-"))
    directory.chmod(0o711)
    monkeypatch.setenv("HOME", str(directory))
    monkeypatch.setenv("XDG_DATA_HOME", str(directory / "share"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def desk(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the reader works; what is written there can be imported."""
    directory = home / "desk"
    directory.mkdir()
    (directory / "providers").symlink_to(ROOT / "providers")
    monkeypatch.syspath_prepend(directory)
    yield directory
    for name in [each for each, module in sys.modules.items() if _is_in(directory, module)]:
        del sys.modules[name]


def _is_in(directory: Path, module: ModuleType) -> bool:
    return (getattr(module, "__file__", None) or "").startswith(f"{directory}/")


@pytest.fixture
def example_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with something to read in all of its dialects, and the tokens that a reader would have."""
    for name in ("SERVICES_TOKEN", "GITHUB_TOKEN", "GITHUB_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "a-token")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.syspath_prepend(ROOT)  # `providers`, as for the commands
    with running() as server:
        server.set(collections=EXAMPLES)
        yield server.url


@pytest.fixture
def example_rest(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Our own API, before a provider that rests after its first cycle; a token for it, and a secret to sign with."""
    from incrsim.api import ApiSettings, serve
    from tests.api.world import MANAGE, SECRET, Listening

    for name, value in {"TOKEN": MANAGE, "HOOK_SECRET": SECRET, "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    settings = ApiSettings(port=0, manage_tokens=(MANAGE,), event_secrets={"services": SECRET})
    with incrsim.open() as app, serve(app, settings) as server:
        app.add(Listening(["billing", "checkout"], ["search"], name="services"))
        app.run_cycle("services")
        yield server.url


@pytest.fixture
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Where the document's own API can listen; the token that it asks for."""
    monkeypatch.setenv("TOKEN", "a-token-for-managing")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.timeout(300)  # a page with a dozen commands starts a dozen processes, and a Postgres
@pytest.mark.parametrize("document", _cases())
def test_examples_do_what_the_document_says(document: Path, desk: Path, request: pytest.FixtureRequest) -> None:
    """Read from top to bottom, each block runs, and prints what is shown below it."""
    text = document.read_text("utf-8")
    database = ""
    if NEEDS_POSTGRES.search(text):
        find_binaries_or_skip()
    if "{database}" in text:
        database = request.getfixturevalue("bare_database_url")
    api = request.getfixturevalue("example_api") if "{api}" in text else ""
    rest = request.getfixturevalue("example_rest") if "{rest}" in text else ""
    port = request.getfixturevalue("free_port") if "{port}" in text else 0
    session = Session(desk, database, api, rest, port)
    for block in blocks_of(document, document.relative_to(ROOT)):
        session.run(block)


def find_binaries_or_skip() -> None:
    """Skip where nothing can be run as an embedded Postgres."""
    try:
        find_binaries()
    except MissingExtra as error:
        pytest.skip(f"no embedded Postgres: {error}")


def test_the_first_screen_shows_the_two_commands_and_an_example_that_runs() -> None:
    """README.md begins with what a newcomer can do."""
    blocks = blocks_of(ROOT / "README.md")
    commands = [
        command.text.split("#")[0].strip()
        for block in blocks
        if block.language in CONSOLE
        for command in commands_of(block)
    ]
    first = next(block for block in blocks if block.language == "python")
    assert commands[:2] == ["make demo", "make test"]
    assert first.runs
    assert first.prints is not None
    assert first.text.count("\n") < 25
