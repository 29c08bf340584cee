"""docs/automatic-mutation.md explains changes of what there is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.automatic.__main__ import PACKAGE, SURVIVORS, SWEEP

if TYPE_CHECKING:
    from pathlib import Path

SURVIVOR = re.compile(r"^(\w+): (.*?) → ", re.MULTILINE)
MODULES = {name: PACKAGE / f"{name}.py" for name in ("guards", "lifecycle")}


@pytest.mark.parametrize("file", [*MODULES.values(), SWEEP], ids=lambda file: file.name)
def test_survivors_are_changes_of_lines(file: Path) -> None:
    """Each survivor on the page is a change of a line that still stands in its file."""
    lines = {line.strip() for line in file.read_text(encoding="utf-8").splitlines()}
    told = {
        before for where, before in SURVIVOR.findall(SURVIVORS.read_text("utf-8")) if MODULES.get(where, SWEEP) == file
    }
    assert told
    assert not told - lines
