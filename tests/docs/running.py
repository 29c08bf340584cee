"""Runs the examples of a document in their order, in one directory and one namespace."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.docs.blocks import Block, Command, commands_of, matches
from tests.docs.curl import directory_of_curl

ROOT = Path(__file__).parents[2]
CONSOLE = ("console", "bash", "sh", "shell")
RUN = ("incrsim", "curl")
"""Programs that are run."""
OUTSIDE = ("make", "pip", "python", "uv")
"""Programs of a reader's machine: what they are asked for is looked up, and they are not run."""
SECONDS = 100

_EXTRAS = re.compile(r"\.\[([\w,-]+)\]|--extra[ =]([\w-]+)")


class Wrong(AssertionError):  # noqa: N818  # what a test reports
    """An example does not do what the document says; the message begins with file and line."""


@dataclass(slots=True)
class Session:
    """One reader, who tries everything in a document from top to bottom.

    Args:
        directory: where commands run and files are written.
        database: the URL that `{database}` stands for.
        api: the origin that `{api}` stands for.
        rest: the origin of our own API, that `{rest}` stands for.
        port: one that is free, that `{port}` stands for.
    """

    directory: Path
    database: str = ""
    api: str = ""
    rest: str = ""
    port: int = 0
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "example"})

    def run(self, block: Block) -> bool:
        """Run a block, if it is one of those that can be run; says whether it was.

        Raises:
            Wrong: it fails, or prints something else.
        """
        if not block.runs:
            return False
        if block.language == "python":
            self._python(block)
        elif block.language in CONSOLE:
            for command in commands_of(block):
                self._command(command, block)
        elif block.file is not None:
            (self.directory / block.file).write_text(self._replaced(block.text, block, self.database), "utf-8")
        else:
            return False
        return True

    def _python(self, block: Block) -> None:
        source = self._replaced(block.text, block, self.database)
        if block.file is not None:
            (self.directory / block.file).write_text(source, "utf-8")
        printed = io.StringIO()
        try:
            # Line breaks before it, so that tracebacks name the line of the document.
            code = compile("\n" * (block.line - 1) + source, str(block.path), "exec")
            with contextlib.redirect_stdout(printed), contextlib.chdir(self.directory):
                exec(code, self.names)  # that is what examples are for
        except Exception as error:
            raise Wrong(f"{_where(error, block)}: {type(error).__name__}: {error}") from error
        if block.prints is not None and not matches(block.prints, printed.getvalue()):
            raise Wrong(f"{block.place}: it should print\n{block.prints}\nand prints\n{printed.getvalue()}")

    def _command(self, command: Command, block: Block) -> None:
        program = command.text.split()[0]
        if program in OUTSIDE:
            _look_up(command)
            return
        if program not in RUN:
            raise Wrong(f"{command.place}: `{program}` is not run by the tests; write `<!-- test: not run: why -->`")
        text = self._replaced(command.text, block, shlex.quote(self.database))
        done = self._shell(text)
        told = f"{command.place}: `{command.text}` (run as `{text}`)"
        if done.returncode != command.exit_code:
            raise Wrong(f"{told} ended with {done.returncode}, not {command.exit_code}:\n{done.stdout}{done.stderr}")
        if command.prints and not matches(command.prints, done.stdout + done.stderr):
            raise Wrong(f"{told} should print\n{command.prints}\nand prints\n{done.stdout}{done.stderr}")

    def _shell(self, text: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "TERM": "dumb",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), self._path()]),
        }
        environment.pop("INCRSIM_DATABASE", None)
        return subprocess.run(
            ["/bin/sh", "-c", text],
            cwd=self.directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def _path(self) -> str:
        """Where commands are looked for; a `curl` is among them on any machine."""
        return os.pathsep.join([os.environ.get("PATH", os.defpath), directory_of_curl(self.directory / ".commands")])

    def _replaced(self, text: str, block: Block, database: str) -> str:
        for old, new in block.replacements:
            if old not in block.text:
                raise Wrong(f"{block.place}: there is no {old!r} to replace")
            text = text.replace(old, new.format(database=database, api=self.api, rest=self.rest, port=self.port))
        return text


def _where(error: Exception, block: Block) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(block.path):
        return f"{block.path}:{error.lineno}"
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename == str(block.path)]
    return f"{block.path}:{frames[-1].lineno}" if frames else block.place


def _look_up(command: Command) -> None:
    """Whether the project has what a reader is told to ask other programs for."""
    words = command.text.partition(" #")[0].split()
    if words[0] == "make":
        targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
        for word in words[1:]:
            if "=" not in word and word not in targets:
                raise Wrong(f"{command.place}: the Makefile has no target {word!r}")
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for several, one in _EXTRAS.findall(command.text):
        for extra in (several or one).split(","):
            if extra not in known:
                raise Wrong(f"{command.place}: pyproject.toml has no extra {extra!r}")
