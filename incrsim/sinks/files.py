"""A sink that writes JSON lines: a journal of the catalog, to be followed or loaded by other programs."""

from __future__ import annotations

import os
from pathlib import Path

from incrsim.sinks.mutation import Mutation


class JsonLinesSink:
    """Appends each mutation to a file, as one line, and waits until it is on the disk.

    Lines may come again after a crash, and one that a crash has torn is no JSON: both are recognised by `sequence`.

    Args:
        path: the file; made when the first mutation comes.
        name: the sink's name; the file's unless given.
    """

    def __init__(self, path: str | os.PathLike[str], *, name: str | None = None) -> None:
        self._path = Path(path)
        self.name = self._path.name if name is None else name

    def __repr__(self) -> str:
        return f"JsonLinesSink({str(self._path)!r}, name={self.name!r})"

    def apply_mutation(self, mutation: Mutation) -> None:
        """Append one line.

        Raises:
            OSError: when the file cannot be written.
        """
        with self._path.open("ab+") as file:
            # A line that a crash has torn ends here, so that it spoils no other one.
            torn = file.seek(0, os.SEEK_END) > 0 and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
            file.write((b"\n" if torn else b"") + mutation.to_json() + b"\n")
            file.flush()
            os.fsync(file.fileno())
