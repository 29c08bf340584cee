"""In which line of a TOML document a key is: what `tomllib` knows and does not tell."""

from __future__ import annotations

import re
import tomllib

_QUOTED = r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
_LONG = r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\''

_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_HEADER = re.compile(rf"\[\[?((?:{_QUOTED}|[^\"'\]\n])+)\]\]?")
_KEY = re.compile(rf"((?:{_QUOTED}|[^\"'=\n])+)=")
_VALUE_TOKEN = re.compile(rf"{_LONG}|{_QUOTED}|#[^\n]*|[\[\]{{}}\n]|[^\"'#\[\]{{}}\n]+", re.DOTALL)


class Lines:
    """The lines of all keys of a document.

    Args:
        text: of a document that `tomllib` could read.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._of: dict[tuple[str, ...], int] = {}
        self._read()

    def of(self, path: tuple[str, ...]) -> int:
        """The line, from 1, where a key is set or a table begins; what is inside of a value is where that begins."""
        while path and path not in self._of:
            path = path[:-1]
        return self._of.get(path, 1)

    def _read(self) -> None:
        table: tuple[str, ...] = ()
        at = self._skip_space(0)
        while at < len(self._text):
            if header := _HEADER.match(self._text, at):
                table = _path(header[1])
                self._note(table, at)
                at = header.end()
            else:
                key = _KEY.match(self._text, at)
                if key is None:
                    return  # no TOML: whoever reads it says so
                self._note((*table, *_path(key[1])), at)
                at = self._skip_value(key.end())
            at = self._skip_space(at)

    def _note(self, path: tuple[str, ...], at: int) -> None:
        line = self._text.count("\n", 0, at) + 1
        for length in range(1, len(path) + 1):
            self._of.setdefault(path[:length], line)

    def _skip_space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return at if found is None else found.end()

    def _skip_value(self, at: int) -> int:
        """Where the line ends in which a value ends."""
        depth = 0
        for token in _VALUE_TOKEN.finditer(self._text, at):
            if token[0] == "\n" and depth == 0:
                return token.end()
            depth += (token[0] in "[{") - (token[0] in "]}")
        return len(self._text)


def _path(key: str) -> tuple[str, ...]:
    """The parts of a key as it is written, dotted and quoted."""
    found: list[str] = []
    inner: object = tomllib.loads(f"{key.strip()} = 0")
    while isinstance(inner, dict):
        [(name, inner)] = inner.items()
        found.append(name)
    return tuple(found)
