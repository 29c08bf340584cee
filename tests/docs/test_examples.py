"""Every example in README.md and docs/ does what it says there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.blocks import blocks_of, commands_of
from tests.docs.running import CONSOLE, ROOT, Session

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def _cases() -> list[object]:
    return [
        pytest.param(
            path,
            id=path.name,
            marks=[pytest.mark.postgres, pytest.mark.slow] if "{database}" in path.read_text("utf-8") else [],
        )
        for path in DOCUMENTS
    ]


@pytest.mark.parametrize("document", _cases())
def test_examples_do_what_the_document_says(document: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Read from top to bottom, each block runs, and prints what is shown below it."""
    (tmp_path / "providers").symlink_to(ROOT / "providers")
    needs_database = "{database}" in document.read_text("utf-8")
    session = Session(tmp_path, request.getfixturevalue("database_url") if needs_database else "")
    for block in blocks_of(document, document.relative_to(ROOT)):
        session.run(block)


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
