"""What README.md and docs/ point at is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import incrsim
from tests.docs.running import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_NAME = re.compile(r"\bincrsim(?!\.toml\b)(?:\.[A-Za-z_]\w*)+")
_PATH = re.compile(r"`((?:incrsim|tests|docs|providers|benchmarks)/[\w./*-]+)`")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors_of(text: str) -> set[str]:
    """The fragments by which headings of a Markdown text are linked, as GitHub makes them."""
    plain = (re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading).lower() for heading in _HEADING.findall(_FENCED.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", each).replace(" ", "-") for each in plain}


def broken_links(path: Path) -> Iterator[str]:
    """Links to files or headings that are not there, with file and line."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        for target in _LINK.findall(line):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, fragment = target.partition("#")
            found = path.parent / file if file else path
            if not found.exists():
                yield f"{path}:{number}: {target} is not there"
            elif fragment and fragment not in anchors_of(found.read_text("utf-8")):
                yield f"{path}:{number}: {target} has no heading of that name"


def missing_paths(path: Path) -> Iterator[str]:
    """Files of the project that are named in `code` and are not there, with file and line."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        for named in _PATH.findall(line):
            if not any(_root_of(named).glob(named.rstrip("/"))):
                yield f"{path}:{number}: there is no {named}"


def _root_of(named: str) -> Path:
    """The package may be installed elsewhere: its tests run on a wheel, too."""
    return Path(incrsim.__file__).parents[1] if named.startswith("incrsim/") else ROOT


def unknown_names(path: Path) -> Iterator[str]:
    """Names like `incrsim.x.y` that Python does not know, with file and line."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        for name in _NAME.findall(line):
            if not _is_known(name):
                yield f"{path}:{number}: {name} is not there"


def _is_known(name: str) -> bool:
    found: object = importlib.import_module("incrsim")
    known = "incrsim"
    for part in name.split(".")[1:]:
        known = f"{known}.{part}"
        if not hasattr(found, part):
            try:
                importlib.import_module(known)
            except ImportError:
                return False
        found = getattr(found, part)
    return True


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_points_at_what_is_there(document: Path) -> None:
    """Links, names of the package and paths of the project all lead somewhere."""
    assert [*broken_links(document), *missing_paths(document), *unknown_names(document)] == []


def test_what_is_not_there_is_named_with_file_and_line(tmp_path: Path) -> None:
    """A broken link, path or name is found, and a good one is not."""
    page = tmp_path / "page.md"
    page.write_text(
        "# Some `code`, and words\n[good](#some-code-and-words) [web](https://example.org/x)\n"
        "[bad](#nothing) [gone](gone.md)\n`tests/README.md` `tests/nothing.py`\nincrsim.open incrsim.shut\n"
    )
    assert [*broken_links(page)] == [
        f"{page}:3: #nothing has no heading of that name",
        f"{page}:3: gone.md is not there",
    ]
    assert [*missing_paths(page)] == [f"{page}:4: there is no tests/nothing.py"]
    assert [*unknown_names(page)] == [f"{page}:5: incrsim.shut is not there"]
