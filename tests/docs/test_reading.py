"""What runs the examples notices one that is wrong, and says where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.blocks import BadDirective, blocks_of, commands_of, matches
from tests.docs.running import Session, Wrong

if TYPE_CHECKING:
    from pathlib import Path


def run(tmp_path: Path, text: str) -> None:
    """Read a page as the tests do."""
    page = tmp_path / "page.md"
    page.write_text(text)
    session = Session(tmp_path)
    for block in blocks_of(page):
        session.run(block)


def test_blocks_share_names_and_files(tmp_path: Path) -> None:
    """A later block uses what an earlier one made; one that is written to a file can be imported."""
    run(
        tmp_path,
        "```python\nx = 1\n```\n\n<!-- test: file made.py -->\n```python\ny = x + 1\nprint(y)\n```\n```text\n2\n```\n",
    )
    assert (tmp_path / "made.py").read_text() == "y = x + 1\nprint(y)\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("\n```python\nx = 1\nboom()\n```\n", 4, id="raises"),
        pytest.param("```python\nx = (\n```\n", 2, id="no Python"),
        pytest.param("```python\nprint(1)\n```\n\n```text\n2\n```\n", 2, id="prints something else"),
        pytest.param("```console\n$ incrsim --version\nincrsim 0.0.9\n```\n", 2, id="command prints something else"),
        pytest.param("```console\n\n$ incrsim nonsense\n```\n", 3, id="command fails"),
        pytest.param("<!-- test: exit 1 -->\n```console\n$ incrsim nonsense\n```\n", 3, id="another exit code"),
        pytest.param("```console\n$ make nonsense\n```\n", 2, id="no such target"),
        pytest.param("```console\n$ pip install -e '.[nonsense]'\n```\n", 2, id="no such extra"),
        pytest.param("```console\n$ uv run --extra nonsense incrsim demo\n```\n", 2, id="no such extra for uv"),
        pytest.param("```console\n$ psql\n```\n", 2, id="a program that is not run"),
        pytest.param("<!-- test: replace a with b -->\n```python\n1\n```\n", 3, id="nothing to replace"),
    ],
)
def test_a_wrong_example_is_named_with_file_and_line(tmp_path: Path, text: str, line: int) -> None:
    """The message begins with the place."""
    with pytest.raises(Wrong) as caught:
        run(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'page.md'}:{line}: ")


@pytest.mark.parametrize(
    "text",
    [
        "<!-- test: nonsense -->\n```python\n1\n```\n",
        "<!-- test: exit 2 -->\n\nwords between\n",
        "<!-- test: not run: -->\n```python\n1\n```\n",
    ],
)
def test_a_comment_that_means_nothing_is_an_error(tmp_path: Path, text: str) -> None:
    """No slip of the pen keeps an example from being run."""
    with pytest.raises(BadDirective, match=r"page\.md:"):
        run(tmp_path, text)


def test_commands_keep_their_lines_together(tmp_path: Path) -> None:
    """A command may go on behind a backslash, and what it prints ends at the next one."""
    page = tmp_path / "page.md"
    page.write_text("```console\n$ incrsim demo \\\n    --json\n{\n}\n$ incrsim --version\n```\n")
    first, second = commands_of(blocks_of(page)[0])
    assert (first.text, first.prints) == ("incrsim demo --json", "{\n}")
    assert (second.text, second.prints, second.place) == ("incrsim --version", "", f"{page}:6")


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("in … s", "in 0.2 s \n", True),
        ("in … s", "in 0.2 h\n", False),
        ("a\n…\nb", "a\nb\n", True),
        ("a\n…\nb", "a\n1\n2\nb\n", True),
        ("a\n…", "a\nb\n", True),
        ("a", "a\nb\n", False),
        ("1.5", "1x5\n", False),
        ("added  1,200", "added   1,200\n", True),
        ("added  1,200", "added1,200\n", False),
        ("", "\n", True),
    ],
)
def test_an_ellipsis_stands_for_any_text(expected: str, printed: str, *, same: bool) -> None:
    """Within a line for any part of it, alone on a line for any lines."""
    assert matches(expected, printed) is same
