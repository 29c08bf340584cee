"""The command line as a user meets it: in this process where that is the same, as a process of its own where not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from incrsim.cli import app
from tests.cli.program import PROVIDERS, Done

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current directory, with the providers above in `mine.py`."""
    (tmp_path / "mine.py").write_text(PROVIDERS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delenv("INCRSIM_DATABASE", raising=False)
    yield tmp_path
    for name in [each for each in sys.modules if each.partition(".")[0] in ("mine", "broken", "needy")]:
        del sys.modules[name]


@pytest.fixture
def incrsim(here: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs `incrsim …` in this process."""

    def run(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            app(list(arguments))
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def start(here: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `incrsim …` as a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", "from incrsim.cli import main; main()", *arguments],
            cwd=here,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()
