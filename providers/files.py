"""The regular files below a directory: one `Resource` each, read in the order of their paths.

The walk goes depth first, each directory in the byte order of its names. A cursor is the path visited last: the next
burst walks straight down to that place, and meets each file that stays exactly once, whatever comes and goes beside it.

Run it with `incrsim run providers.files:Files --set root=DIR --once`.
"""
# Paths are bytes here, since a name need not be text in any encoding, and pathlib knows text only.
# ruff: noqa: PTH100, PTH116, PTH118, PTH208

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from urllib.parse import quote_from_bytes, unquote_to_bytes

import incrsim

Names = tuple[bytes, ...]
Visit = tuple[Names, os.stat_result | OSError]


@dataclass(slots=True)
class Place:
    """How far a burst has come; only `at` outlives it, as the cursor."""

    identity: tuple[int, int]
    at: Names = ()
    walk: Iterator[Visit] | None = None


class Files(incrsim.IncrementalEntityProvider):
    """One `Resource` per regular file below `root`; symbolic links, devices, sockets and pipes are left out.

    An entity changes with size, modification time and mode of its file, not when that is read or linked to. Memory
    holds a page, and the names in one directory of each level. A directory that cannot be read is a problem on its
    page, and then nothing is removed (C-7).

    Options to add it with: `reject_empty_source_collections=True` and `reject_removals_above_percentage=20`, since a
    file system that is not mounted looks like one whose files are gone; `burst_length="30s"` for directories of
    100 000 names and more, since each burst lists the directories on its way anew.

    Args:
        root: the directory.
        page_size: how many files and directories are visited for a page.
        name: the provider's name; two trees in one catalog need two.
    """

    def __init__(self, root: str | os.PathLike[str], page_size: int = 1000, name: str = "files") -> None:
        if not os.fspath(root) or int(page_size) < 1:
            given = f"Files(root={root!r}, page_size={page_size!r})"
            raise ValueError(f'{given}: write a directory and 1 or more, as in Files(root="/srv/data", page_size=1000)')
        self.name = name
        self.root = os.fsencode(os.path.abspath(root))
        self.page_size = int(page_size)

    @contextmanager
    def around(self) -> Iterator[Place]:
        """Make sure that there is a directory to read: a missing one must not look like an empty one."""
        yield Place(self._identity())

    def next(self, context: Place, cursor: str | None = None) -> incrsim.Page:
        """Visit the next `page_size` paths after `cursor`."""
        at: Names = tuple(unquote_to_bytes(cursor).split(b"/")) if cursor else ()
        # Taken out of the context meanwhile: a walk that failed half way must not be taken for one that is over.
        going, context.walk = context.walk, None
        going = going if going and context.at == at else walk(self.root, at)
        entities, problems, visited = [], [], 0
        while visited < self.page_size and (visit := next(going, None)):
            names, found = visit
            if isinstance(found, OSError):
                problems.append(f"{_text(names)} cannot be read: {found.strerror}")
            elif stat.S_ISREG(found.st_mode):
                entities.append(self._entity(names, found))
            if names > at:  # a directory that was visited, and cannot be read now, does not move the cursor back
                at = names
                visited += 1
        if self._identity() != context.identity:
            raise OSError(f"{os.fsdecode(self.root)!r} became another directory while it was read; it is read again")
        context.at, context.walk = at, going
        return incrsim.Page(entities, cursor=_text(at), done=visited < self.page_size, problems=problems)

    def _identity(self) -> tuple[int, int]:
        try:
            status = os.stat(os.path.join(self.root, b"."))  # fails when it is a file
        except OSError as error:
            reason = f"Files(root={os.fsdecode(self.root)!r}): {error.strerror}, which is not the same as empty"
            raise type(error)(f"{reason}; nothing is removed: mount it, or pass another directory") from error
        return status.st_dev, status.st_ino

    def _entity(self, names: Names, status: os.stat_result) -> incrsim.Entity:
        # The slug is for people; the digest tells apart every path, and the trees of two providers.
        digest = blake2b(self.name.encode() + b"\0" + b"/".join(names), digest_size=16).hexdigest()
        slug = re.sub(rb"[^a-z0-9]+", b"-", names[-1].lower()).decode()[:30].strip("-")
        spec = {
            "path": _text(names),
            "directory": _text(names[:-1]),
            "size": status.st_size,
            "modified": _instant(status.st_mtime_ns),
            "mode": stat.filemode(status.st_mode),
        }
        title = names[-1].decode(errors="backslashreplace")
        return incrsim.resource(f"{slug}-{digest}".lstrip("-"), provider=self, type="file", title=title, spec=spec)


def walk(root: bytes, after: Names) -> Iterator[Visit]:
    """Visit, in order, what comes after a path below a directory; what cannot be read comes as its error."""
    levels: list[tuple[Names, list[bytes], Names]] = [((), _listing(root, after), after)]
    while levels:
        directory, listing, rest = levels[-1]
        if not listing:
            levels.pop()
            continue
        name = listing.pop()
        names, on_the_way = (*directory, name), rest[:1] == (name,)
        path = os.path.join(root, *names)
        try:
            status = os.lstat(path)
            if not on_the_way:
                yield names, status
            if stat.S_ISDIR(status.st_mode):
                below = rest[1:] if on_the_way else ()
                levels.append((names, _listing(path, below), below))
        except (FileNotFoundError, NotADirectoryError):
            continue  # it vanished since its directory was listed
        except OSError as error:
            yield names, error


def _listing(path: bytes, after: Names) -> list[bytes]:
    """The names in a directory, without those before the place to go on; the first one last, to be popped."""
    names = os.listdir(path)
    return sorted((name for name in names if name >= after[0]) if after else names, reverse=True)


def _text(names: Names) -> str:
    return quote_from_bytes(b"/".join(names))


def _instant(nanoseconds: int) -> str:
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)).isoformat()
    except OverflowError:  # file systems know years that calendars do not
        return f"{nanoseconds} ns"
