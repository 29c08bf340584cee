"""Reads the examples out of a Markdown file: fenced blocks, what they print, and what the tests must know of them.

A comment right before a block says how it is run; readers do not see it:

    <!-- test: replace 100000 with 2000 -->   run with other text; `{database}` is the URL of a database for this test,
                                              `{api}` the origin of `tests/providers/server`, `{rest}` of our own API,
                                              `{port}` a port to listen on
    <!-- test: file hosts.py -->              the block is also written to that file
    <!-- test: exit 2 -->                     its last command ends with this code
    <!-- test: not run: why -->               only looked at
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w+-]*)\s*$")
_DIRECTIVE = re.compile(r"^\s*<!-- test: (?P<text>.*?) -->\s*$")
_REPLACE = re.compile(r"replace (?P<old>\S+) with (?P<new>\S+)")
_FILE = re.compile(r"file (?P<name>\S+)")
_EXIT = re.compile(r"exit (?P<code>\d+)")
_NOT_RUN = re.compile(r"not run: \S.*")


class BadDirective(Exception):  # noqa: N818  # names what is wrong, in a test's report
    """A `<!-- test: … -->` comment that means nothing."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block.

    Args:
        path: the file.
        line: of its first line of content, from 1.
        language: as it is written behind the fence.
        text: its content, ending in a line break.
        directives: of the comments right before it.
        prints: the block of language `text` right behind it, if there is one.
    """

    path: Path
    line: int
    language: str
    text: str
    directives: tuple[str, ...] = ()
    prints: str | None = None

    @property
    def place(self) -> str:
        """For people and editors."""
        return f"{self.path}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that it is written to as well."""
        return self._one(_FILE, "name")

    @property
    def exit_code(self) -> int:
        """What its last command ends with."""
        return int(self._one(_EXIT, "code") or 0)

    @property
    def runs(self) -> bool:
        """Whether it is run at all."""
        return not any(_NOT_RUN.fullmatch(each) for each in self.directives)

    @property
    def replacements(self) -> tuple[tuple[str, str], ...]:
        """Text to exchange before it is run."""
        found = (_REPLACE.fullmatch(each) for each in self.directives)
        return tuple((each["old"], each["new"]) for each in found if each)

    def _one(self, pattern: re.Pattern[str], group: str) -> str | None:
        return next((found[group] for each in self.directives if (found := pattern.fullmatch(each))), None)


@dataclass(frozen=True, slots=True)
class Command:
    """One `$ …` of a console block.

    Args:
        place: where it stands.
        text: the command, continuation lines joined.
        prints: the lines below it; empty when the document shows none.
        exit_code: what it ends with.
    """

    place: str
    text: str
    prints: str
    exit_code: int = 0


def blocks_of(path: Path, shown: Path | None = None) -> list[Block]:
    """All fenced blocks of a Markdown file, in order.

    Args:
        path: the file.
        shown: what errors call it.

    Raises:
        BadDirective: a comment for the tests that they do not understand.
    """
    found: list[Block] = []
    gap_since: Block | None = None
    for block in _fenced(path.read_text("utf-8").splitlines(), shown or path):
        _check(block)
        if block.language == "text" and gap_since is not None and _adjacent(gap_since, block):
            found[-1] = _with_output(gap_since, block.text)
        else:
            found.append(block)
        gap_since = block
    return found


def commands_of(block: Block) -> Iterator[Command]:
    """The commands of a console block, each with what it prints."""
    commands: list[tuple[int, str, list[str]]] = []
    for offset, line in enumerate(block.text.splitlines()):
        if commands and commands[-1][1].endswith("\\"):
            number, text, output = commands[-1]
            commands[-1] = (number, f"{text[:-1].rstrip()} {line.removeprefix('>').strip()}", output)
        elif line.startswith("$ "):
            commands.append((block.line + offset, line[2:], []))
        elif commands:
            commands[-1][2].append(line)
    last = len(commands) - 1
    for index, (number, text, output) in enumerate(commands):
        code = block.exit_code if index == last else 0
        yield Command(f"{block.path}:{number}", text, "\n".join(output), code)


def matches(expected: str, printed: str) -> bool:
    """Whether an output is the one shown, where `…` stands for any text, and alone on a line for any lines.

    How many spaces stand between two words does not matter: a table is as wide as its largest number.
    """
    return re.fullmatch(_pattern(expected), _tidy(printed)) is not None


def _fenced(lines: list[str], path: Path) -> Iterator[Block]:
    directives: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        if fence := _FENCE.match(line):
            first = position
            while position < len(lines) and lines[position].strip() != "```":
                position += 1
            indent = len(fence["indent"])
            text = "".join(f"{each[indent:] if each[:indent].isspace() else each}\n" for each in lines[first:position])
            position += 1
            yield Block(path, first + 1, fence["language"], text, tuple(directives))
            directives = []
        elif directive := _DIRECTIVE.match(line):
            directives.append(directive["text"])
        elif line.strip() and directives:
            raise BadDirective(f"{path}:{position}: the comment for the tests above belongs right before a block")


def _check(block: Block) -> None:
    for each in block.directives:
        if not any(pattern.fullmatch(each) for pattern in (_REPLACE, _FILE, _EXIT, _NOT_RUN)):
            raise BadDirective(f"{block.place}: <!-- test: {each} --> means nothing; see tests/docs/blocks.py")


def _adjacent(before: Block, block: Block) -> bool:
    """Only the two fences stand between a block and what it prints, or a blank line more."""
    between = block.line - (before.line + before.text.count("\n"))
    return before.language == "python" and between <= 3


def _with_output(block: Block, prints: str) -> Block:
    return Block(block.path, block.line, block.language, block.text, block.directives, prints)


def _pattern(expected: str) -> str:
    lines = []
    for line in _tidy(expected).splitlines():
        if line.strip() == "…":
            lines.append(r"(?:.*\n)*?")
        else:
            lines.append(".*?".join(re.escape(each) for each in line.split("…")) + r"\n")
    return "".join(lines)


def _tidy(text: str) -> str:
    stripped = "\n".join(re.sub(" +", " ", line).rstrip() for line in text.strip("\n").splitlines())
    return f"{stripped}\n" if stripped else ""
