"""dpkg's database as a file: stanzas of fields, one for each package, in no order that can be relied on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from providers.naming import storable

Key = tuple[str, str]
"""Name and architecture of a package."""
Stanza = dict[str, str]
"""Fields by their names in lower case."""

GONE = ("not-installed", "config-files")
"""States of packages of which at most the configuration is left."""

_relation = re.compile(r"\s*([^\s:(\[<]+)(?::([^\s(\[<]+))?").match


@dataclass(slots=True)
class Database:
    """One state of the file: an index of what is installed, and what cannot be read.

    It holds the name, place and provided names of each package, which is as little as a file without order allows.
    """

    file: BinaryIO
    places: dict[Key, tuple[int, int]] = field(default_factory=dict)
    named: dict[str, list[Key]] = field(default_factory=dict)
    provided: dict[str, list[Key]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    keys: list[Key] = field(init=False)

    def __post_init__(self) -> None:
        for line, offset, text in stanzas(self.file):
            try:
                self._index(parsed(text), offset, len(text))
            except ValueError as error:
                self.problems.append(f"the stanza at line {line} cannot be read: {error}")
        self.keys = sorted(self.places)

    def _index(self, stanza: Stanza, offset: int, length: int) -> None:
        if stanza["status"].endswith(GONE):
            return
        key = stanza["package"], stanza["architecture"]
        if key in self.places:
            raise ValueError(f"{':'.join(key)} stands there twice")
        self.places[key] = offset, length
        self.named.setdefault(key[0], []).append(key)
        for name in provides(stanza):
            self.provided.setdefault(name, []).append(key)

    def read(self, key: Key) -> Stanza:
        """One package's stanza."""
        offset, length = self.places[key]
        self.file.seek(offset)
        return parsed(self.file.read(length))

    def dependencies(self, stanza: Stanza) -> list[Key]:
        """The installed packages that satisfy what a package depends on: of alternatives, the first that is there."""
        found: set[Key] = set()
        for wanted in ("pre-depends", "depends"):
            for alternatives in relations(stanza.get(wanted, "")):
                there = (self._installed(name, where or stanza["architecture"]) for name, where in alternatives)
                found.update(next(filter(None, there), []))
        return sorted(found)

    def _installed(self, name: str, architecture: str) -> list[Key]:
        real = self.named.get(name, [])
        return [key for key in real if key[1] in (architecture, "all")] or real or self.provided.get(name, [])


def stanzas(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """The stanzas of a file: number of the first line, offset, text."""
    begin, offset, text = 1, 0, bytearray()
    for number, line in enumerate(file, 1):
        if line.strip(b"\r\n"):
            text += line
            continue
        if text:
            yield begin, offset, bytes(text)
        begin, offset, text = number + 1, offset + len(text) + len(line), bytearray()
    if text:
        yield begin, offset, bytes(text)


def parsed(text: bytes) -> Stanza:
    """The fields of a stanza; bytes that are no UTF-8, and NUL, are escaped.

    Raises:
        ValueError: it is no stanza of a package, or may be two that ran into each other.
    """
    if not text.endswith(b"\n"):
        raise ValueError("the file ends in the middle of it")
    lines: dict[str, list[str]] = {}
    name = ""
    for line in storable(text.decode(errors="backslashreplace")).rstrip("\r\n").split("\n"):
        if line[0] in " \t" and name:
            lines[name].append(line.strip())
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not name or not colon or name in lines:
            raise ValueError(f"{line[:60]!r} is " + ("there twice" if name in lines else "no field"))
        lines[name] = [value.strip()]
    found = {name: "\n".join(value) for name, value in lines.items()}
    needed = ["package", "status"] + ["version", "architecture"] * (not found.get("status", "").endswith(GONE))
    if missing := [each for each in needed if not found.get(each)]:
        raise ValueError(f"it has no {' and no '.join(missing)}")
    return found


def relations(value: str) -> Iterator[list[tuple[str, str | None]]]:
    """What a field like Depends asks for: of each of its parts the alternatives, as name and architecture if given."""
    for part in value.split(","):
        found = [(each[1], each[2]) for each in map(_relation, part.split("|")) if each]
        yield [(name, None if where in ("any", "native") else where) for name, where in found]


def provides(stanza: Stanza) -> list[str]:
    """The names that a package goes by beside its own."""
    return sorted({name for alternatives in relations(stanza.get("provides", "")) for name, _ in alternatives})
